package api

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// served names one version of one kind.
type served struct{ apiVersion, kind string }

// lifecycle says since which minor version of Kubernetes 1 a version of a kind
// is deprecated and no longer served, 0 for never, and what to use instead.
type lifecycle struct {
	deprecated, removed int
	instead             string
}

// lifecycleOf looks an object's version up; ok is false if nothing is known
// against it.
func lifecycleOf(o *graph.Object) (l lifecycle, ok bool) {
	l, ok = lifecycles[served{o.APIVersion, o.Kind}]
	return l, ok
}

// move writes what to use instead as the end of a sentence.
func (l lifecycle) move() string {
	if l.instead == "" {
		return ""
	}
	return "; use " + l.instead
}

// version returns the entry of a CustomResourceDefinition for one version.
func version(crd *graph.Object, name string) tree.Node {
	versions := crd.Spec().Get("versions")
	for _, v := range versions.Items() {
		if v.Get("name").Text() == name {
			return v
		}
	}
	if !versions.IsList() && crd.Spec().Get("version").Text() == name {
		return crd.Spec() // v1beta1 had one version in the spec itself
	}
	return tree.Node{}
}

// definition finds the CustomResourceDefinition of a custom resource in the
// unit, or in another one.
func definition(p *check.Pass, o *graph.Object) *graph.Object {
	for e := range o.In(graph.Defines) {
		return e.From
	}
	group := o.Group()
	for _, g := range p.Others {
		for _, crd := range g.Kind("CustomResourceDefinition") {
			if crd.Spec().Get("group").Text() == group && crd.Spec().At("names", "kind").Text() == o.Kind {
				return crd
			}
		}
	}
	return nil
}

// builtIn reports whether an API group is part of Kubernetes.
func builtIn(group string) bool {
	switch group {
	case "", "apps", "autoscaling", "batch", "extensions", "policy":
		return true
	}
	name, ok := strings.CutSuffix(group, ".k8s.io")
	if !ok {
		return false
	}
	switch name {
	case "admissionregistration", "apidiscovery", "apiextensions", "apiregistration", "auditregistration", "authentication", "authorization", "certificates", "coordination",
		"discovery", "events", "flowcontrol.apiserver", "internal.apiserver", "lifecycle", "networking", "node", "rbac.authorization", "resource", "scheduling", "settings",
		"storage", "storagemigration":
		return true
	}
	return false
}

// local reports whether an API group is that of files for programs, which
// never reach an API server.
func local(group string) bool {
	if !strings.Contains(group, ".") {
		return true // groups of custom resources are domain names
	}
	switch group {
	case "kubeadm.k8s.io", "audit.k8s.io", "client.authentication.k8s.io", "pod-security.admission.config.k8s.io", "eventratelimit.admission.k8s.io", "resourcequota.admission.k8s.io",
		"kind.x-k8s.io", "meta.helm.sh", "ctlptl.dev", "tilt.dev", "k3d.io", "eksctl.io", "kops.k8s.io", "k0s.k0sproject.io", "autoecoops.io", "kustomize.toolkit.local", "krew.googlecontainertools.github.com",
		"cli.config.kubesphere.io", "operator-sdk.io", "config.kubernetes.io", "vendir.k14s.io", "kbld.k14s.io", "imgpkg.carvel.dev", "kapp.k14s.io", "ytt.carvel.dev":
		return true
	}
	return strings.HasSuffix(group, ".config.k8s.io")
}
