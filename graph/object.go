package graph

import (
	"iter"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Object is one Kubernetes object, rendered or as written.
type Object struct {
	ops.Ref
	// Body is the whole object; its positions are those of the text it was
	// parsed from, which for a rendered object is not the authoring text.
	Body tree.Node
	// Source is the file the object was read from, or the root (a chart's or
	// kustomization's folder) that it was rendered from.
	Source string
	// Seq numbers the objects of a graph in input order.
	Seq int
	// Pod is the object's pod template, nil if it has none.
	Pod *Pod
	// Duplicates are keys that stand twice in the object's document; the last
	// one counts.
	Duplicates []tree.Duplicate
	// Origin is for the engine's own use: how to lead back to the files.
	Origin any

	out, in []*Edge
}

// Out iterates over the edges of kind k that leave o; "" means every kind.
func (o *Object) Out(k EdgeKind) iter.Seq[*Edge] { return ofKind(o.out, k) }

// In iterates over the edges of kind k that arrive at o; "" means every kind.
func (o *Object) In(k EdgeKind) iter.Seq[*Edge] { return ofKind(o.in, k) }

func ofKind(edges []*Edge, k EdgeKind) iter.Seq[*Edge] {
	return func(yield func(*Edge) bool) {
		for _, e := range edges {
			if (k == "" || e.Kind == k) && !yield(e) {
				return
			}
		}
	}
}

// Spec returns the object's spec.
func (o *Object) Spec() tree.Node { return o.Body.Get("spec") }

// Annotation returns an annotation's value, "" if it is not set.
func (o *Object) Annotation(name string) string {
	return o.Body.At("metadata", "annotations", name).Text()
}

// Labels returns the object's own labels.
func (o *Object) Labels() Labels { return Labels{o.Body.At("metadata", "labels")} }

// Labels is a set of labels as written. It has the methods that
// apimachinery's selectors ask for.
type Labels struct{ Node tree.Node }

// Has reports whether the label is set.
func (l Labels) Has(label string) bool { return l.Node.Get(label).Exists() }

// Get returns the label's value, "" if it is not set.
func (l Labels) Get(label string) string { return l.Node.Get(label).Text() }

// Lookup returns the label's value and whether it is set.
func (l Labels) Lookup(label string) (value string, exists bool) {
	n := l.Node.Get(label)
	return n.Text(), n.Exists()
}
