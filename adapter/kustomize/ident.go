package kustomize

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// ident is an object's identity as its text says it.
type ident struct {
	apiVersion, kind, namespace, name string
}

func identify(n *yaml.Node) ident {
	return ident{
		apiVersion: text(n, "apiVersion"), kind: text(n, "kind"),
		namespace: text(n, "metadata", "namespace"), name: text(n, "metadata", "name"),
	}
}

func (i ident) group() string {
	if g, _, ok := strings.Cut(i.apiVersion, "/"); ok {
		return g
	}
	return ""
}

func (i ident) version() string { return i.apiVersion[strings.IndexByte(i.apiVersion, '/')+1:] }

// sameKind reports whether two identities name one kind of object, whatever the
// version.
func (i ident) sameKind(j ident) bool { return i.kind == j.kind && i.group() == j.group() }
