// Package podsecurity decides what the Pod Security Standards say of a pod:
// the levels baseline and restricted, in each of their versions from v1.0 to
// v1.37, at the very fields that break them.
//
// It looks at the tree as written, needs no Kubernetes types and allocates
// nothing for a pod that is in order. Its tests hold it to the official
// evaluator, k8s.io/pod-security-admission: the same verdict and the same
// checks for all of that module's fixtures and for tens of thousands of
// generated pods.
//
// One thing is judged as the cluster would and not as the bare evaluator: a
// volume without a source is an emptyDir, because the API server makes it one
// before the standard is asked.
package podsecurity
