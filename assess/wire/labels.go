package wire

import "strings"

// SystemNamespace reports whether a namespace belongs to the cluster itself or
// its provider, so that what runs there is seldom in a repository.
func SystemNamespace(ns string) bool {
	return strings.HasPrefix(ns, "kube-") || strings.HasPrefix(ns, "openshift-") || strings.HasPrefix(ns, "gke-")
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
