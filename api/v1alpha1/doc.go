// Package v1alpha1 holds the custom resources of autoecoops.io/v1alpha1:
// Application (what to keep equal to Git) and Release (one revision's journey).
//
// +kubebuilder:object:generate=true
// +groupName=autoecoops.io
package v1alpha1
