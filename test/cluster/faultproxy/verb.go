package faultproxy

import (
	"net/http"
	"strings"
)

// Verb is what a request means to the API server: get, list, watch, create,
// update, patch, delete or deletecollection; for paths that are no resources
// the method in lower case.
func Verb(r *http.Request) string {
	name, resource := target(r.URL.Path)
	if !resource {
		return strings.ToLower(r.Method)
	}
	switch r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		if name == "" {
			return "deletecollection"
		}
		return "delete"
	case http.MethodGet, http.MethodHead:
		if streams(r) {
			return "watch"
		}
		if name == "" {
			return "list"
		}
		return "get"
	}
	return strings.ToLower(r.Method)
}

// streams reports whether a request for a resource asks for a stream.
func streams(r *http.Request) bool {
	switch strings.ToLower(r.URL.Query().Get("watch")) {
	case "", "0", "f", "false":
		return false
	}
	return true
}

// target finds the object that a path names; resource is false if the path is
// none of a resource.
func target(path string) (name string, resource bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return "", false
	}
	// Below a namespace lie its resources; the namespace itself, and its own
	// subresources, are not below it.
	if len(parts) > 2 && parts[0] == "namespaces" && parts[2] != "status" && parts[2] != "finalize" {
		parts = parts[2:]
	}
	if len(parts) > 1 {
		name = parts[1]
	}
	return name, true
}
