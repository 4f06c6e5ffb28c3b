package assess

import (
	"slices"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Deviation is one answer of a check in one unit, before the answers about the
// same authoring line are merged into a finding. Those who mend need them: an
// edit holds only if none of a finding's deviations is left and none is new.
type Deviation struct {
	Check    ops.CheckID
	Status   ops.Status
	Severity ops.Severity
	// Unit names what was judged together: the rendered root or its variant.
	Unit   string
	Object ops.Ref
	// Path is the field in the form that survives reordering.
	Path string
	// Finding is the fingerprint of the finding that it is part of.
	Finding string
	// Changes would remove it; empty if none are known.
	Changes []Change
}

// Change is one change that removes a deviation, and the place in the files
// where it would be made.
type Change struct {
	// Position is where the value at Path was written: the deepest value on
	// the way to the field that exists. File is "" if the place is not known.
	ops.Position
	// Origin is the kind of place, as in Origin.Kind.
	Origin string
	// Path leads from the deployed document's root to that value, and Rest
	// from there to the field: it is empty if the field exists.
	Path, Rest tree.Path
	// Value is the deployed value at Path; absent if the template leaves it
	// out although the values file names it.
	Value tree.Node
	// Set is what is to be done to the field.
	Set check.Set
}

// deviate notes the deviation behind the finding numbered i.
func (r *run) deviate(res *located, i int) {
	r.deviations = append(r.deviations, r.deviation(res))
	r.deviationOf = append(r.deviationOf, i)
}

// nameDeviations gives the deviations the fingerprints of their findings,
// which were put into order: the finding at place i had number order[i].
func (r *run) nameDeviations(fs []ops.Finding, order []int) {
	if len(r.deviations) == 0 {
		return
	}
	names := make([]string, len(order))
	for to, from := range order {
		names[from] = fs[to].Fingerprint
	}
	for i, from := range r.deviationOf {
		r.deviations[i].Finding = names[from]
	}
}

// deviation makes the deviation of a result, without its finding.
func (r *run) deviation(res *located) Deviation {
	d := Deviation{
		Check: res.Check.ID, Status: res.Status, Severity: res.Severity,
		Unit: res.unit.name + "\x00" + res.unit.via, Object: res.Object.Ref, Path: res.Path().Stable(),
	}
	if res.Status != ops.Fail {
		return d
	}
	for _, s := range res.Sets {
		d.Changes = append(d.Changes, r.change(res, s))
	}
	return d
}

func (r *run) change(res *located, s check.Set) Change {
	p := res.Path()
	switch {
	case s.At.Exists():
		p = s.At.PathFrom(res.Object.Body).Join(s.Path)
	case s.Path != "":
		p = res.At.PathFrom(res.Object.Body).Join(s.Path)
	}
	from, _ := res.Object.Origin.(origin)
	root := from.doc
	if from.tracer == nil {
		root = top(res.Object.Body)
	}
	full := append(res.Object.Body.PathFrom(root), p...)
	value, k := root.Descend(full)
	c := Change{Path: full[:k:k], Rest: slices.Clone(full[k:]), Value: value, Set: s}
	if from.tracer == nil {
		line, col := value.Position()
		c.Position, c.Origin = ops.Position{File: from.file, Line: line, Column: col, EndLine: line}, "manifest"
		return c
	}
	at, ok := from.tracer.Trace(root, c.Path)
	if !ok {
		return c
	}
	c.Position, c.Origin = at.Position, at.Kind
	if k == len(full) {
		return c
	}
	// A chart's values may name a field that the template leaves out.
	if absent, ok := from.tracer.Trace(root, full); ok && absent.Kind == "values" && absent.Position != at.Position {
		c.Position, c.Origin = absent.Position, absent.Kind
		c.Path, c.Rest, c.Value = full[:k+1:k+1], slices.Clone(full[k+1:]), tree.Node{}
	}
	return c
}

// top returns the root of n's document.
func top(n tree.Node) tree.Node {
	for p := n.Parent(); p.Exists(); p = n.Parent() {
		n = p
	}
	return n
}
