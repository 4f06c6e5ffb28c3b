package ops

import "strings"

// Ref names one object of a Kubernetes API. Namespace is empty for a
// cluster-scoped object and for one whose namespace is not written down.
type Ref struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// Group returns the API group, "" for the core group.
func (r Ref) Group() string {
	if i := strings.IndexByte(r.APIVersion, '/'); i >= 0 {
		return r.APIVersion[:i]
	}
	return ""
}

// Version returns the API version without its group.
func (r Ref) Version() string {
	return r.APIVersion[strings.IndexByte(r.APIVersion, '/')+1:]
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// String returns "Kind namespace/name" or "Kind name".
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}
