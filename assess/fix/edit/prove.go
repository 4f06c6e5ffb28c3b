package edit

import "github.com/autoecoops/autoecoops/graph/tree"

// model is a document's meaning, without its layout.
type model struct {
	kind tree.Kind
	text string
	keys map[string]*model
	list []*model
}

func modelOf(n tree.Node) *model {
	m := &model{kind: n.Kind(), text: n.Text()}
	switch m.kind {
	case tree.Null:
		m.text = ""
	case tree.Map:
		m.keys = map[string]*model{}
		for k, v := range n.Fields() {
			m.keys[k.Text()] = modelOf(v)
		}
	case tree.List:
		for _, v := range n.Items() {
			m.list = append(m.list, modelOf(v))
		}
	}
	return m
}

func (m *model) equal(o *model) bool {
	if m.kind != o.kind || m.text != o.text || len(m.keys) != len(o.keys) || len(m.list) != len(o.list) {
		return false
	}
	for k, v := range m.keys {
		if w := o.keys[k]; w == nil || !v.equal(w) {
			return false
		}
	}
	for i, v := range m.list {
		if !v.equal(o.list[i]) {
			return false
		}
	}
	return true
}

func sameValue(a, b tree.Node) bool { return modelOf(a).equal(modelOf(b)) }

// edited is what an edit was to do: below at, which exists, at the path rest.
type edited struct {
	at     tree.Node
	rest   tree.Path
	value  tree.Node
	remove bool
}

// prove compares what an edit made of a text's documents with what it was to
// make.
func prove(was, is []tree.Document, doc int, ed edited) error {
	if len(was) != len(is) {
		return refusedLayout
	}
	for i := range was {
		if i == doc {
			continue
		}
		if (was[i].Err == nil) != (is[i].Err == nil) {
			return refusedLayout
		}
		if was[i].Doc != nil && is[i].Doc != nil && !sameValue(was[i].Doc.Root(), is[i].Doc.Root()) {
			return refusedLayout
		}
	}
	if is[doc].Doc == nil || len(is[doc].Duplicates) > len(was[doc].Duplicates) {
		return refusedLayout
	}
	want := modelOf(was[doc].Doc.Root())
	shared := sharers(was[doc].Doc.Root(), ed.at)
	for _, p := range shared {
		if !want.set(p, ed) {
			return refusedLayout
		}
		// One number may serve two purposes; what is right for one of them
		// need not be for the other.
		if ed.at.Kind() < tree.List && p[len(p)-1].Key != ed.at.Key().Text() && len(shared) > 1 {
			return refusedAlias
		}
	}
	switch {
	case want.equal(modelOf(is[doc].Doc.Root())):
		return nil
	case len(shared) > 1:
		return refusedAlias
	}
	return refusedLayout
}

// sharers returns the paths of all values that are written where n is: more
// than one if n stands at an anchor.
func sharers(root, n tree.Node) (paths []tree.Path) {
	walk(root, func(o tree.Node) {
		same := o.Kind() == n.Kind() && o.Line() == n.Line() && o.Column() == n.Column() && o.Text() == n.Text()
		if same && (n.Kind() != tree.Null || o.Key().Line() == n.Key().Line()) {
			paths = append(paths, o.PathFrom(root))
		}
	})
	return paths
}

func walk(n tree.Node, f func(tree.Node)) {
	f(n)
	for _, v := range n.Fields() {
		walk(v, f)
	}
	for _, v := range n.Items() {
		walk(v, f)
	}
}

// set does to the model what the edit was to do at path p.
func (m *model) set(p tree.Path, ed edited) bool {
	full := append(p[:len(p):len(p)], ed.rest...)
	if len(full) == 0 {
		return false
	}
	for _, s := range full[:len(full)-1] {
		if m = m.step(s); m == nil {
			return false
		}
	}
	last := full[len(full)-1]
	switch {
	case last.Index >= 0:
		if last.Index >= len(m.list) {
			return false
		}
		if ed.remove {
			m.list = append(m.list[:last.Index:last.Index], m.list[last.Index+1:]...)
		} else {
			m.list[last.Index] = modelOf(ed.value)
		}
	case ed.remove:
		delete(m.keys, last.Key)
	case !m.open():
		return false
	default:
		m.keys[last.Key] = modelOf(ed.value)
	}
	return true
}

// step goes to a map's key, which it makes if need be, or a list's entry.
func (m *model) step(s tree.Step) *model {
	if s.Index >= 0 {
		if s.Index >= len(m.list) {
			return nil
		}
		return m.list[s.Index]
	}
	if !m.open() {
		return nil
	}
	if m.keys[s.Key] == nil {
		m.keys[s.Key] = &model{kind: tree.Null}
	}
	return m.keys[s.Key]
}

// open makes a map of nothing; it reports whether m is a map now.
func (m *model) open() bool {
	if m.kind <= tree.Null {
		*m = model{kind: tree.Map, keys: map[string]*model{}}
	}
	return m.kind == tree.Map
}
