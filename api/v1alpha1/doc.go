// Package v1alpha1 holds the custom resources of autoecoops.io/v1alpha1:
// Application (what to keep equal to Git), Release (one revision's journey) and
// Objective (a service level objective).
//
// +kubebuilder:object:generate=true
// +groupName=autoecoops.io
package v1alpha1
