package kustomize

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Kinds of origin.
const (
	kindBase        = "base"
	kindPatch       = "patch"
	kindTransformer = "transformer"
	kindGenerator   = "generator"
	kindTemplate    = "template"
	kindValues      = "values"
)

// maxObjects bounds the objects that a tracer remembers. A kustomization that
// includes another one many times over multiplies its objects.
const maxObjects = 1 << 18

// tracer leads from g's output back to its files. It costs nothing before the
// first Trace: most roots have few findings, many have none.
type tracer struct {
	g    *graph
	once sync.Once
	// mu guards what is memoised below and the graph's parsed files.
	mu      sync.Mutex
	objects map[string][]*authored
	count   int
	patched map[*node][]patch
}

func newTracer(g *graph) assess.Tracer { return &tracer{g: g, patched: map[*node][]patch{}} }

// Trace implements assess.Tracer.
func (t *tracer) Trace(doc tree.Node, path tree.Path) (origin assess.Origin, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() {
		if recover() != nil {
			origin, ok = assess.Origin{}, false
		}
	}()
	t.once.Do(t.index)
	a := t.find(doc)
	if a == nil {
		return assess.Origin{}, false
	}
	tr := &trail{tracer: t, a: a, doc: doc}
	reached, steps := doc.Follow(path)
	if steps < len(path) {
		if o, ok := tr.deleter(path); ok {
			return o, true
		}
		path = path[:steps]
	}
	for {
		if o, ok := tr.writer(path, reached); ok {
			return o, true
		}
		if len(path) == 0 {
			return assess.Origin{}, false
		}
		path = path[:len(path)-1]
		reached, _ = doc.Follow(path)
	}
}

// index collects every object that is built, as it was written.
func (t *tracer) index() {
	t.objects = map[string][]*authored{}
	for _, a := range t.collect(t.g.root, nil) {
		key := a.orig.group() + "/" + a.orig.kind
		t.objects[key] = append(t.objects[key], a)
	}
}

// hashed matches the suffix that generated names get.
var hashed = regexp.MustCompile(`-[a-z0-9]{10}$`)

// find returns the object that was rendered as doc, nil if that is not clear.
func (t *tracer) find(doc tree.Node) *authored {
	id := ident{apiVersion: doc.Get("apiVersion").Text(), kind: doc.Get("kind").Text(),
		namespace: doc.At("metadata", "namespace").Text(), name: doc.At("metadata", "name").Text()}
	all := t.objects[id.group()+"/"+id.kind]
	unhashed := hashed.ReplaceAllString(id.name, "")
	match := func(ok func(a *authored) bool) *authored {
		var found *authored
		for _, a := range all {
			if !ok(a) {
				continue
			}
			if a.cur.namespace == id.namespace {
				return a
			}
			if found == nil {
				found = a
			}
		}
		return found
	}
	if a := match(func(a *authored) bool { return a.cur.name == id.name }); a != nil {
		return a
	}
	if a := match(func(a *authored) bool { return a.cur.name == unhashed }); a != nil {
		return a
	}
	if len(all) == 1 {
		return all[0]
	}
	// A patch or replacement gave it another name: take the object whose
	// written name is most of the rendered one.
	var best *authored
	for _, a := range all {
		if a.orig.name != "" && strings.Contains(id.name, a.orig.name) && (best == nil || len(a.orig.name) > len(best.orig.name)) {
			best = a
		}
	}
	return best
}

// trail follows one rendered object back.
type trail struct {
	*tracer
	a   *authored
	doc tree.Node
}

// mark is a place where a value is written. Exact means that the value there
// is the rendered one; else something changed it on its way.
type mark struct {
	ops.Position
	kind  string
	exact bool
}

func (tr *trail) origin(m mark, via []*node) assess.Origin {
	o := assess.Origin{Position: m.Position, Kind: m.kind}
	for _, n := range via {
		o.Via = append(o.Via, n.dir)
	}
	return o
}

// writer finds who wrote the rendered value v at path. Of a scalar that is the
// last one who wrote it as it was rendered; of a map or a list the first one
// who has it, since later ones only add to it.
func (tr *trail) writer(path tree.Path, v tree.Node) (assess.Origin, bool) {
	if v.IsMap() || v.IsList() {
		return tr.founder(path, v)
	}
	var second *assess.Origin
	for _, s := range slices.Backward(tr.a.stages) {
		m, ok := tr.stage(s, path, v)
		if !ok {
			continue
		}
		o := tr.origin(m, s.via)
		if m.exact {
			return o, true
		}
		if second == nil {
			second = &o
		}
	}
	if m, ok := tr.a.source.locate(tr, path, v); ok {
		if m.exact || second == nil {
			return tr.origin(m, tr.a.via), true
		}
	}
	if second != nil {
		return *second, true
	}
	return assess.Origin{}, false
}

// founder finds the first who wrote the map or list at path.
func (tr *trail) founder(path tree.Path, v tree.Node) (assess.Origin, bool) {
	if m, ok := tr.a.source.locate(tr, path, v); ok {
		return tr.origin(m, tr.a.via), true
	}
	for _, s := range tr.a.stages {
		if m, ok := tr.stage(s, path, v); ok {
			return tr.origin(m, s.via), true
		}
	}
	return assess.Origin{}, false
}

// deleter finds the last patch that removes what would be at path.
func (tr *trail) deleter(path tree.Path) (assess.Origin, bool) {
	for _, s := range slices.Backward(tr.a.stages) {
		for _, p := range slices.Backward(tr.patchesOf(s.n)) {
			if !tr.targets(s, p) {
				continue
			}
			for _, d := range slices.Backward(p.docs) {
				if m, ok := tr.removal(s, p, d, path); ok {
					return tr.origin(m, s.via), true
				}
			}
		}
	}
	return assess.Origin{}, false
}

func (t *tracer) patchesOf(n *node) []patch {
	if p, ok := t.patched[n]; ok {
		return p
	}
	p := append(t.g.patches(n), t.g.pluginPatches(n)...)
	t.patched[n] = p
	return p
}

// agrees reports whether a written scalar is the rendered one.
func agrees(n *yaml.Node, v tree.Node) bool {
	n = follow(n)
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode {
		return v.IsMap() || v.IsList()
	}
	if n.Value == v.Text() {
		return true
	}
	if n.Tag == "!!bool" && v.Kind() == tree.Bool {
		return v.True() == strings.Contains("true yes on y", strings.ToLower(n.Value))
	}
	return n.Tag == "!!null" && v.Kind() == tree.Null
}
