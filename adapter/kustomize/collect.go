package kustomize

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// authored is one object as it was written, and what it went through.
type authored struct {
	// orig is its identity as written, cur as it is rendered, as far as name
	// and namespace transformers decide it.
	orig, cur ident
	source    source
	// via leads from the root to the kustomization that lists the object.
	via []*node
	// stages are the kustomizations that transform it, in order.
	stages []stage
	// chart means that namespace transformers leave it alone.
	chart bool
}

// stage is one kustomization's transformations of an object.
type stage struct {
	n   *node
	via []*node
	// before are the identities that the object had until then.
	before []ident
}

// source is what an object was made from.
type source interface {
	// locate finds where the source has the value at path.
	locate(tr *trail, path tree.Path, v tree.Node) (mark, bool)
}

// document is an object written as a manifest.
type document struct{ located }

func (d document) locate(tr *trail, path tree.Path, v tree.Node) (mark, bool) {
	k, n, ok := descend(d.doc, tr.doc, path)
	if !ok {
		return mark{}, false
	}
	return mark{Position: d.at(keyOr(k, n), n), kind: kindBase, exact: agrees(n, v)}, true
}

func keyOr(k, n *yaml.Node) *yaml.Node {
	if k != nil {
		return k
	}
	return n
}

// collect lists the objects of n as they leave it, in build order.
func (t *tracer) collect(n *node, above []*node) []*authored {
	if n == nil || n.k == nil {
		return nil
	}
	return t.accumulate(n, append(slices.Clip(above), n), nil)
}

// accumulate adds n's objects to list and transforms the whole list: for a
// component that includes what its user gathered before.
func (t *tracer) accumulate(n *node, via []*node, list []*authored) []*authored {
	for _, ref := range n.k.Resources {
		if p, ok := t.g.local(n, ref); ok {
			for _, d := range t.g.fileDocs(p) {
				list = t.add(list, &authored{source: document{d}, orig: identify(d.doc), via: via})
			}
			continue
		}
		if kid := t.g.kid(n, ref, false); kid != nil {
			list = append(list, t.collect(kid, via)...)
		}
	}
	list = t.generated(n, via, list)
	for _, ref := range n.k.Components {
		if kid := t.g.kid(n, ref, true); kid != nil && kid.k != nil {
			list = t.accumulate(kid, append(slices.Clip(via), kid), list)
		}
	}
	for _, a := range list {
		a.pass(n, via)
	}
	return list
}

func (t *tracer) add(list []*authored, a *authored) []*authored {
	if t.count++; t.count > maxObjects || a.orig.kind == "" {
		return list
	}
	a.cur = a.orig
	return append(list, a)
}

// kid finds the kustomization that n includes as ref.
func (g *graph) kid(n *node, ref string, component bool) *node {
	p, ok := join(n.dir, ref)
	if !ok {
		return nil
	}
	real, err := resolve(g.files, p)
	if err != nil {
		return nil
	}
	for _, e := range n.kids {
		if e.to.dir == real && e.component == component && !e.plugin {
			return e.to
		}
	}
	return nil
}

// fixedName reports whether prefixes and suffixes leave the names of a kind
// alone.
func fixedName(kind string) bool {
	return kind == "CustomResourceDefinition" || kind == "APIService" || kind == "Namespace"
}

// pass takes a through n's transformers of name and namespace.
func (a *authored) pass(n *node, via []*node) {
	known := []ident{a.orig}
	if len(a.stages) > 0 {
		known = a.stages[len(a.stages)-1].before
		if known[len(known)-1] != a.cur {
			known = append(slices.Clip(known), a.cur)
		}
	}
	a.stages = append(a.stages, stage{n: n, via: via, before: known})
	if n.k.Namespace != "" && !a.chart {
		if a.cur.kind == "Namespace" {
			a.cur.name = n.k.Namespace
		} else {
			a.cur.namespace = n.k.Namespace
		}
	}
	if !fixedName(a.cur.kind) {
		a.cur.name = n.k.NamePrefix + a.cur.name + n.k.NameSuffix
	}
}

// names reports whether one of the identities that the object had before s
// has that name, and that namespace if one is given.
func (s stage) names(name, namespace string) bool {
	return slices.ContainsFunc(s.before, func(id ident) bool {
		return id.name == name && (namespace == "" || id.namespace == namespace || namespace == "default" && id.namespace == "")
	})
}

// descend follows a path of the rendered object doc down a written value. It
// returns the key and value reached; ok is false if it does not go all the way.
func descend(n *yaml.Node, doc tree.Node, path tree.Path) (key, value *yaml.Node, ok bool) {
	value = follow(n)
	for _, step := range path {
		if value == nil {
			return nil, nil, false
		}
		before := doc
		if next, taken := doc.Follow(tree.Path{step}); taken == 1 {
			doc = next
		} else {
			doc = tree.Node{}
		}
		if step.Index < 0 {
			key, value = field(value, step.Key)
			continue
		}
		key, value = nil, entry(items(value), before, doc, step)
	}
	return key, value, value != nil
}

// mergeKeys tell list entries apart, in the order in which they are tried.
var mergeKeys = [...]string{"name", "containerPort", "mountPath", "devicePath", "port", "key", "topologyKey", "ip", "host", "type", "uid"}

// entry finds the entry of a written list that became the rendered one: by
// its merge key, by its value, else by its number.
func entry(list []*yaml.Node, rendered, item tree.Node, step tree.Step) *yaml.Node {
	for _, e := range list {
		if e = follow(e); e != nil && sameEntry(e, item, step) {
			return e
		}
	}
	if step.Index < len(list) && len(list) == rendered.Len() {
		// Its name may have been changed by a prefix; a list that was merged
		// would have another length.
		return follow(list[step.Index])
	}
	return nil
}

func sameEntry(e *yaml.Node, item tree.Node, step tree.Step) bool {
	if e.Kind == yaml.ScalarNode {
		return item.Exists() && e.Value == item.Text()
	}
	if !item.Exists() {
		key, want, ok := strings.Cut(step.Key, "=")
		return ok && text(e, key) == want
	}
	for _, k := range mergeKeys {
		if have := text(e, k); have != "" {
			return have == item.Get(k).Text()
		}
	}
	return false
}
