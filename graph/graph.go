// Package graph is the one typed graph that every plane reads: Kubernetes
// objects with typed edges between them, and the indexes that make questions
// about them cheap.
//
// It is pure: values in, answers out, the standard library only. Which fields
// make edges is the knowledge of those who build a graph (see assess/wire).
package graph

import (
	"slices"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Graph holds the objects of one deployable unit and their relations. Add all
// objects first, then Link them, then ask; asking is safe concurrently.
type Graph struct {
	Objects []*Object
	// Missing are the references whose targets were not found.
	Missing []*Reference

	byKey  map[key]*Object
	byKind map[string][]*Object
	byName map[nameKey][]*Object
	pods   map[string]*namespacePods

	subjects map[nameKey][]*Reference
	derived  derived
}

type key struct{ group, kind, namespace, name string }

type nameKey struct{ kind, name string }

// New returns an empty graph.
func New() *Graph {
	return &Graph{byKey: map[key]*Object{}, byKind: map[string][]*Object{}, byName: map[nameKey][]*Object{}, pods: map[string]*namespacePods{}}
}

// NewObject reads an object's identity from its body. ok is false if the body
// has no kind or apiVersion.
func NewObject(body tree.Node, source string) (o *Object, ok bool) {
	meta := body.Get("metadata")
	o = &Object{Body: body, Source: source, Ref: ops.Ref{
		APIVersion: body.Get("apiVersion").Text(), Kind: body.Get("kind").Text(),
		Namespace: meta.Get("namespace").Text(), Name: meta.Get("name").Text(),
	}}
	if o.Name == "" {
		o.Name = meta.Get("generateName").Text()
	}
	if o.APIVersion == "" || o.Kind == "" {
		return nil, false
	}
	o.Pod = newPod(o)
	return o, true
}

// Add puts o into the graph and returns the object of the same kind,
// namespace and name that was there before, if any.
func (g *Graph) Add(o *Object) (duplicate *Object) {
	o.Seq = len(g.Objects)
	g.Objects = append(g.Objects, o)
	k := key{o.Group(), o.Kind, o.Namespace, o.Name}
	duplicate = g.byKey[k]
	if duplicate == nil {
		g.byKey[k] = o
	}
	g.byKind[o.Kind] = append(g.byKind[o.Kind], o)
	g.byName[nameKey{o.Kind, o.Name}] = append(g.byName[nameKey{o.Kind, o.Name}], o)
	if o.Pod != nil {
		g.indexPod(o.Pod)
	}
	return duplicate
}

// Link adds an edge.
func (g *Graph) Link(e *Edge) {
	e.From.out = append(e.From.out, e)
	e.To.in = append(e.To.in, e)
}

// Kind returns the objects of a kind, whatever their group, in input order.
func (g *Graph) Kind(kind string) []*Object { return g.byKind[kind] }

// Kinds returns the kinds that occur, sorted.
func (g *Graph) Kinds() []string {
	kinds := make([]string, 0, len(g.byKind))
	for k := range g.byKind {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}

// Find returns the object of a kind (any group) that a reference from
// namespace to name means. An object whose namespace is not written down
// stands for one in any namespace, because it goes where it is applied; the
// same holds for a reference from such an object.
func (g *Graph) Find(kind, namespace, name string) *Object {
	var loose *Object
	for _, o := range g.byName[nameKey{kind, name}] {
		if o.Namespace == namespace {
			return o
		}
		if loose == nil && (o.Namespace == "" || namespace == "") {
			loose = o
		}
	}
	return loose
}

// FindGroup is Find for kinds whose name several groups share.
func (g *Graph) FindGroup(group, kind, namespace, name string) *Object {
	var loose *Object
	for _, o := range g.byName[nameKey{kind, name}] {
		if o.Group() != group {
			continue
		}
		if o.Namespace == namespace {
			return o
		}
		if loose == nil && (o.Namespace == "" || namespace == "") {
			loose = o
		}
	}
	return loose
}

// Named returns every object of a kind with this name, in any namespace.
func (g *Graph) Named(kind, name string) []*Object { return g.byName[nameKey{kind, name}] }

// Namespaces returns the namespaces that objects are in or that are declared,
// sorted; "" stands for objects whose namespace is not written down.
func (g *Graph) Namespaces() []string {
	seen := map[string]bool{}
	for _, o := range g.Objects {
		switch {
		case o.Kind == "Namespace":
			seen[o.Name] = true
		case o.Namespace != "" || o.Pod != nil:
			seen[o.Namespace] = true
		}
	}
	all := make([]string, 0, len(seen))
	for ns := range seen {
		all = append(all, ns)
	}
	slices.Sort(all)
	return all
}
