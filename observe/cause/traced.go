package cause

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/observe/trace"
)

// readEdges shares out the time and the failures that traces attribute to the
// callees themselves.
func (j *judgement) readEdges(c *Case) {
	l := newTally(len(j.signs))
	for i := range c.Edges {
		j.readTime(&c.Edges[i], l)
	}
	j.readFailures(c, l)
	var all part
	for _, p := range l.parts {
		all.time += p.time
		all.faults += p.faults
	}
	top := 0.0
	for k, p := range l.parts {
		if p.calls == 0 {
			continue
		}
		g := &j.signs[k]
		if all.time > 0 {
			// Of many calls a part that nobody would notice is none.
			g.trace = p.time / all.time * (1 - math.Exp(-p.time/p.calls/0.005))
		}
		if all.faults > 0 {
			g.trace = max(g.trace, p.faults/all.faults*(1-math.Exp(-p.faults/p.calls/0.02)))
		}
		top = max(top, g.trace)
	}
	for k := range l.parts {
		if g := &j.signs[k]; l.seen[k] && top > 0.3 {
			g.cleared = max(0, 1-3*g.trace/top) * min(1, top)
		}
	}
}

// part is what traces attribute to a component: time in seconds and faults, of calls.
type part struct{ time, faults, calls float64 }

// tally has the parts of all components, and of which traces tell anything.
type tally struct {
	parts []part
	seen  []bool
}

func newTally(n int) *tally { return &tally{make([]part, n), make([]bool, n)} }

// blamed keeps the heaviest edge that tells of a component.
func (j *judgement) blamed(k int, e *trace.Change) {
	if old := j.edges[k]; old == nil || heavier(e, old) {
		j.edges[k] = e
	}
}

// readTime shares out the time that an edge takes longer, if it surely does.
func (j *judgement) readTime(e *trace.Change, l *tally) {
	k := j.names.of(e.Edge.Callee)
	if k < 0 || e.After.Calls < leastCalls || e.Before.Calls < leastCalls {
		return
	}
	l.seen[k] = true
	calls, extra := float64(e.After.Calls), 0.0
	l.parts[k].calls += calls
	// A self time counts that is a fifth longer, and a millisecond.
	if old := e.Before.SelfSum.Seconds() / float64(e.Before.Calls); e.Self.Seconds() > max(0.2*old, 0.001) {
		extra = e.Self.Seconds() * sure(e.Self, e.Doubt)
	}
	blind := e.Edge.Callee.Kind != trace.Service // what it did is not known, only how long it took
	if e.WireDoubt > 0 && e.Wire.Seconds() > 0.002 {
		extra, blind = extra+e.Wire.Seconds()*sure(e.Wire, e.WireDoubt), true
	}
	// Who has too little to work with is slow to send, and to see an answer.
	if by := j.names.of(e.Edge.Caller); blind && by >= 0 && by != k && extra > 0 {
		own := j.signs[by].internal
		l.parts[by].time += own * extra * calls
		if own > 0.2 {
			l.parts[by].calls = max(l.parts[by].calls, calls)
			l.seen[by] = true
			j.blamed(by, e)
		}
		extra *= 1 - own
	}
	l.parts[k].time += extra * calls
	j.blamed(k, e)
}

// readFailures shares out the failures that began at callees. What is called by its
// host's name, when it sends no spans because it is down, is the same as before.
func (j *judgement) readFailures(c *Case, l *tally) {
	type calls struct{ before, badBefore, after, badAfter float64 }
	type pair struct{ by, k int }
	all := map[pair]*calls{}
	heaviest := map[pair]*trace.Change{}
	var order []pair
	for i := range c.Edges {
		e := &c.Edges[i]
		p := pair{j.names.of(e.Edge.Caller), j.names.of(e.Edge.Callee)}
		if p.k < 0 || p.by == p.k {
			continue
		}
		x := all[p]
		if x == nil {
			x = &calls{}
			all[p] = x
			order = append(order, p)
		}
		// The callee of a call that was given up may know of no fault.
		x.before += float64(e.Before.Calls)
		x.badBefore += float64(max(e.Before.Faults, e.Before.GaveUp))
		x.after += float64(e.After.Calls)
		x.badAfter += float64(max(e.After.Faults, e.After.GaveUp))
		if old := heaviest[p]; old == nil || fails(e, old) {
			heaviest[p] = e
		}
	}
	slices.SortFunc(order, func(a, b pair) int { return cmp.Or(cmp.Compare(a.by, b.by), cmp.Compare(a.k, b.k)) })
	for _, p := range order {
		x, e := all[p], heaviest[p]
		if x.after < leastCalls {
			continue
		}
		if x.before < leastCalls {
			if p.by >= 0 && x.before == 0 && j.newAndFails(e, p.k) {
				// It asks somebody whom it did not ask before: that is its doing.
				l.parts[p.by].faults += x.badAfter
				l.parts[p.by].calls += x.after
				l.seen[p.by] = true
				j.blamed(p.by, e)
			}
			continue
		}
		l.seen[p.k] = true
		l.parts[p.k].calls = max(l.parts[p.k].calls, x.after)
		was, is := x.badBefore/x.before, x.badAfter/x.after
		if rise := min(1, is-was); rise > 0.005 {
			both := (x.badBefore + x.badAfter) / (x.before + x.after)
			doubt := math.Sqrt(both * (1 - both) * (1/x.before + 1/x.after))
			l.parts[p.k].faults += rise * x.after * sureOf(rise, doubt)
			j.blamed(p.k, e)
		}
	}
}

// fails orders edges of one caller and callee by how many of their calls fail.
func fails(a, b *trace.Change) bool {
	bad := func(e *trace.Change) uint64 { return max(e.After.Faults, e.After.GaveUp) }
	return bad(a) > bad(b) || bad(a) == bad(b) && heavier(a, b)
}

// newAndFails reports whether an edge was not there before, most of its calls fail, and
// nothing else is known of whom it leads to.
func (j *judgement) newAndFails(e *trace.Change, callee int) bool {
	return e.Before.Calls == 0 && j.signs[callee].blind() && e.Edge.Callee.Kind != trace.Service && faultShare(e.After) > 0.5
}

// sure is how sure it is that calls take longer, given how much they differ anyway.
func sure(longer, doubt time.Duration) float64 { return sureOf(float64(longer), float64(doubt)) }

func sureOf(rise, doubt float64) float64 {
	if doubt <= 0 {
		return 1 // it is not known, or there is none
	}
	z := max(0, rise/doubt-1)
	return 1 - math.Exp(-z*z/4)
}

// heavier orders the edges of one callee.
func heavier(a, b *trace.Change) bool {
	return cmp.Or(
		cmp.Compare(a.Weight, b.Weight), cmp.Compare(b.Edge.Operation, a.Edge.Operation), compareComponents(b.Edge.Caller, a.Edge.Caller),
	) > 0
}

// leastCalls is how many traced calls make a comparison.
const leastCalls = 10
