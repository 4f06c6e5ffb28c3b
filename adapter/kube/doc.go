// Package kube is the Kubernetes API as the operator and the command line need
// it: server-side apply as an application's service account, watches that keep a
// digest instead of the object, and the custom resources of our own group.
//
// It speaks HTTP through client-go's REST client and decodes what it needs
// itself: a typed client for every kind would cost the program's start and its
// memory, and knows no custom resources.
package kube
