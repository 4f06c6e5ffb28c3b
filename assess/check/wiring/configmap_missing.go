package wiring

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var configmapMissing = &check.Check{
	ID: "k8s-configmap-missing", Name: "configmap-missing", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K44"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 26, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		absent(p, pod.Object, "ConfigMap", wire.MakeConfigMaps)
	},
}

// inPod tells uses by the pods themselves from uses as a pull credential.
func inPod(r *graph.Reference) bool {
	return r.Role == "env" || r.Role == "envFrom" || r.Role == "volume"
}

// absent reports the ConfigMaps or Secrets that a workload reads and nothing
// produces.
func absent(p *check.Pass, o *graph.Object, kind string, power wire.Power) {
	if !uses(p, o) {
		p.Skip()
		return
	}
	for r := range p.Graph.MissingFrom(o, graph.Uses) {
		if r.TargetKind != kind || r.Holder != nil || r.Optional || !inPod(r) || repeated(p, r, inPod) {
			continue
		}
		if graph.Placeholder(r.Name) {
			p.Unknown(r.At, "", "%s%s %q, whose name is filled in elsewhere", located(r.At), kind, r.Name)
			continue
		}
		if kind == "Secret" && accountToken(r.Name) {
			p.Unknown(r.At, "", "%sSecret %q, which by its name was made by the control plane for a ServiceAccount, as before Kubernetes 1.24: only the cluster knows whether it is there", located(r.At), r.Name)
			continue
		}
		if exists(p, kind, r.Namespace, r.Name) || runtimeMade(p, r, power) {
			continue
		}
		p.Fail(r.At, "", "%s%s %q, which nothing in this repository produces: the pod cannot start until somebody makes it by hand", located(r.At), kind, r.Name)
	}
}

// accountToken reports whether a Secret is named as the control plane named
// those with the token of a ServiceAccount, such as default-token-f9jvj.
// Manifests that were exported from a cluster mount them.
func accountToken(name string) bool {
	i := strings.LastIndex(name, "-token-")
	if i <= 0 || len(name)-i != len("-token-")+5 {
		return false
	}
	for _, b := range []byte(name[len(name)-5:]) {
		// Generated names leave out vowels and what looks like them.
		if strings.IndexByte("bcdfghjklmnpqrstvwxz2456789", b) < 0 {
			return false
		}
	}
	return true
}
