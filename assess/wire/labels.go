package wire

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// SystemNamespace reports whether a namespace belongs to the cluster itself or
// its provider, so that what runs there is seldom in a repository.
func SystemNamespace(ns string) bool {
	return strings.HasPrefix(ns, "kube-") || strings.HasPrefix(ns, "openshift-") || strings.HasPrefix(ns, "gke-")
}

// SystemPods reports whether a map of labels selects pods that every cluster
// has in kube-system and no repository: the static pods of the control plane,
// and the add-ons that come with the cluster.
func SystemPods(namespace string, labels tree.Node) bool {
	known := false
	for k, v := range labels.Fields() {
		switch k.Text() + "=" + v.Text() {
		case "component=etcd", "component=kube-apiserver", "component=kube-controller-manager", "component=kube-scheduler",
			"k8s-app=kube-dns", "k8s-app=kube-proxy":
			known = true
		case "tier=control-plane":
		default:
			return false
		}
	}
	return known && namespace == "kube-system"
}

// RunTimeLabel reports whether Kubernetes itself, or a usual controller, sets
// the label on running pods, so that no template carries it.
func RunTimeLabel(key string) bool {
	switch key {
	case "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash",
		"pod-template-hash", "pod-template-generation", "rollouts-pod-template-hash",
		"job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid",
		"batch.kubernetes.io/job-completion-index", "topology.kubernetes.io/zone", "topology.kubernetes.io/region":
		return true
	}
	return false
}
