package deliver

import (
	"fmt"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/ops"
)

// Key identifies an object whatever version of its API it is written in.
// Namespace is empty for a cluster-scoped object.
type Key struct{ Group, Kind, Namespace, Name string }

// String returns "Kind namespace/name" with the group where there is one, as
// in "Deployment.apps shop/cart".
func (k Key) String() string {
	kind := k.Kind
	if k.Group != "" {
		kind += "." + k.Group
	}
	if k.Namespace == "" {
		return kind + " " + k.Name
	}
	return kind + " " + k.Namespace + "/" + k.Name
}

// GroupKind returns the key's kind.
func (k Key) GroupKind() GroupKind { return GroupKind{k.Group, k.Kind} }

// GroupKind is a kind without its version.
type GroupKind struct{ Group, Kind string }

// GVK is a kind in one version.
type GVK struct{ Group, Version, Kind string }

// GroupKind leaves the version out.
func (g GVK) GroupKind() GroupKind { return GroupKind{g.Group, g.Kind} }

// APIVersion returns group/version, or the version alone for the core group.
func (g GVK) APIVersion() string {
	if g.Group == "" {
		return g.Version
	}
	return g.Group + "/" + g.Version
}

// Object is one desired object.
type Object struct {
	Key
	Version string
	// Body is the object as JSON values (map[string]any, []any, string, bool,
	// int64, float64, nil). It is not changed once the object is made.
	Body map[string]any
	// Digest is that of the body.
	Digest string
}

// GVK returns the object's kind and version.
func (o *Object) GVK() GVK { return GVK{o.Group, o.Version, o.Kind} }

// Ref returns the object's reference.
func (o *Object) Ref() ops.Ref {
	return ops.Ref{APIVersion: o.GVK().APIVersion(), Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// ID is the object's id in an inventory.
func (o *Object) ID() string { return ID(o.GVK(), o.Namespace, o.Name) }

// Annotation returns an annotation, "" if it is not set.
func (o *Object) Annotation(name string) string { return metaString(o.Body, "annotations", name) }

func metaString(body map[string]any, field, name string) string {
	meta, _ := body["metadata"].(map[string]any)
	values, _ := meta[field].(map[string]any)
	s, _ := values[name].(string)
	return s
}

// ID writes group/version/kind/namespace/name.
func ID(g GVK, namespace, name string) string {
	return g.Group + "/" + g.Version + "/" + g.Kind + "/" + namespace + "/" + name
}

// ParseID reads what ID wrote.
func ParseID(id string) (GVK, Key, error) {
	p := strings.Split(id, "/")
	if len(p) != 5 || p[1] == "" || p[2] == "" || p[4] == "" {
		return GVK{}, Key{}, fmt.Errorf("inventory id %q is not group/version/kind/namespace/name", id)
	}
	return GVK{p[0], p[1], p[2]}, Key{p[0], p[2], p[3], p[4]}, nil
}

// GVKOf reads an object's kind and version; ok is false if one is missing.
func GVKOf(body map[string]any) (g GVK, ok bool) {
	apiVersion, _ := body["apiVersion"].(string)
	g.Kind, _ = body["kind"].(string)
	g.Version = apiVersion
	if group, version, found := strings.Cut(apiVersion, "/"); found {
		g.Group, g.Version = group, version
	}
	return g, g.Kind != "" && g.Version != ""
}

// KeyOf reads an object's key.
func KeyOf(body map[string]any) (Key, bool) {
	g, ok := GVKOf(body)
	meta, _ := body["metadata"].(map[string]any)
	k := Key{Group: g.Group, Kind: g.Kind}
	k.Name, _ = meta["name"].(string)
	k.Namespace, _ = meta["namespace"].(string)
	return k, ok && k.Name != ""
}

// AppKey names an Application.
type AppKey struct{ Namespace, Name string }

// String returns namespace/name.
func (k AppKey) String() string { return k.Namespace + "/" + k.Name }

// OwnerOf returns the Application that an object's labels name.
func OwnerOf(body map[string]any) AppKey {
	return AppKey{
		metaString(body, "labels", v1alpha1.LabelNamespace),
		metaString(body, "labels", v1alpha1.LabelApplication),
	}
}
