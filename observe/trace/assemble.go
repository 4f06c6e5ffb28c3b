package trace

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// Flaws is what was wrong with the spans of a trace, and how much of it.
type Flaws struct {
	// Duplicates were sent twice, or under an id that another span has.
	Duplicates int `json:"duplicates,omitempty"`
	// Orphans name a parent that is not there: the trace is not whole.
	Orphans int `json:"orphans,omitempty"`
	// Cycles are parents that led back to themselves, and were cut.
	Cycles int `json:"cycles,omitempty"`
	// Skewed spans began before who called them: their clock differs. They
	// were moved, the furthest by Skew.
	Skewed int           `json:"skewed,omitempty"`
	Skew   time.Duration `json:"skew,omitempty"`
	// Odd spans had no id or ended before they began.
	Odd int `json:"odd,omitempty"`
}

// Node is a span in its place in a trace.
type Node struct {
	Span
	// Parent is the place of the parent in Trace.Spans, -1 for none.
	Parent int
	// Orphan means that a parent is named and missing.
	Orphan bool
	// Shift was added to the sender's times, for its clock's sake.
	Shift time.Duration
	// Self is the time in which no child was at work that the span waits for.
	Self time.Duration
	// Entry is the place of the span by which the trace came to this service.
	Entry int
	// Blamed means that the span failed, and that none that it waited for did.
	Blamed bool

	first, children int
}

// Trace is a trace put together. Parents stand before their children, and the
// children of one span side by side.
type Trace struct {
	ID    ID
	Spans []Node
	Flaws Flaws
	// Start and End are those of the first and last span, corrected.
	Start, End int64
	// Failed means that a span failed to which nothing reacted: a root.
	Failed bool
}

// Duration is how long the trace took.
func (t *Trace) Duration() time.Duration { return max(0, between(t.Start, t.End)) }

// Whole reports whether no span is known to be missing.
func (t *Trace) Whole() bool { return t.Flaws.Orphans == 0 && t.Flaws.Cycles == 0 }

// Children returns the places of a span's children.
func (t *Trace) Children(i int) []Node {
	n := &t.Spans[i]
	return t.Spans[n.first : n.first+n.children]
}

// Assemble puts the spans of one trace together. It has an answer for any
// spans, the same for every order of them. It takes time in proportion to n log n.
func Assemble(spans []Span) *Trace {
	t := &Trace{}
	nodes := t.unique(spans)
	if len(nodes) == 0 {
		return t
	}
	t.ID = nodes[0].Trace
	parents := t.findParents(nodes)
	t.cut(parents)
	t.place(nodes, parents)
	t.align()
	t.enter()
	t.measure()
	t.blame()
	t.Start, t.End = t.Spans[0].Start, t.Spans[0].End
	for i := range t.Spans {
		n := &t.Spans[i]
		t.Start, t.End = min(t.Start, n.Start), max(t.End, n.End)
		t.Failed = t.Failed || n.Failed && n.Parent < 0
	}
	return t
}

// unique returns the spans in order of their start, each once. A client and a
// server may share an id, as Zipkin has it: they stay two.
func (t *Trace) unique(spans []Span) []Span {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.End, b.End), bytes.Compare(a.Parent[:], b.Parent[:]), cmp.Compare(a.Name, b.Name))
	})
	type side struct {
		id     SpanID
		callee bool
	}
	seen := make(map[side]bool, len(sorted))
	kept := sorted[:0]
	for _, s := range sorted {
		switch k := (side{s.ID, callee(s.Kind)}); {
		case s.ID.IsZero():
			t.Flaws.Odd++
		case seen[k]:
			t.Flaws.Duplicates++
		case seen[side{s.ID, !k.callee}] && s.Kind != Server && s.Kind != Client && s.Kind != Producer && s.Kind != Consumer:
			t.Flaws.Duplicates++
		default:
			if s.End < s.Start {
				s.End = s.Start
				t.Flaws.Odd++
			}
			seen[k] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// callee reports whether a span is on the side that is called.
func callee(k Kind) bool { return k == Server || k == Consumer }

// findParents returns the place of each span's parent, -1 for none and -2 where
// one is named that is not there. Where two share an id, children are of the
// one that is called.
func (t *Trace) findParents(nodes []Span) []int {
	index := make(map[SpanID]int, len(nodes))
	callers := map[SpanID]int{}
	for i := range nodes {
		id := nodes[i].ID
		j, two := index[id]
		switch {
		case !two:
			index[id] = i
		case callee(nodes[i].Kind):
			callers[id], index[id] = j, i
		default:
			callers[id] = i
		}
	}
	parents := make([]int, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		if c, shared := callers[n.ID]; shared && c != i {
			parents[i] = c
			continue
		}
		p, found := index[n.Parent]
		switch {
		case n.Parent.IsZero():
			parents[i] = -1
		case !found:
			parents[i] = -2
			t.Flaws.Orphans++
		default:
			parents[i] = p
		}
	}
	return parents
}

// cut breaks cycles at their earliest span.
func (t *Trace) cut(parents []int) {
	const (
		fresh = iota
		walking
		done
	)
	state := make([]uint8, len(parents))
	var path []int
	for i := range parents {
		path = path[:0]
		at := i
		for at >= 0 && state[at] == fresh {
			state[at] = walking
			path = append(path, at)
			at = parents[at]
		}
		if at >= 0 && state[at] == walking {
			t.Flaws.Cycles++
			parents[slices.Min(path[slices.Index(path, at):])] = -1
		}
		for _, p := range path {
			state[p] = done
		}
	}
}

// place puts the spans in their order.
func (t *Trace) place(nodes []Span, parents []int) {
	counts := make([]int, len(nodes)+1)
	for _, p := range parents {
		if p >= 0 {
			counts[p+1]++
		}
	}
	for i := range nodes {
		counts[i+1] += counts[i]
	}
	// below[counts[p]:counts[p+1]] are the children of p, by start.
	below := make([]int, counts[len(nodes)])
	next := slices.Clone(counts)
	order, places := make([]int, 0, len(nodes)), make([]int, len(nodes))
	for i, p := range parents {
		if p >= 0 {
			below[next[p]] = i
			next[p]++
			continue
		}
		order = append(order, i)
	}
	t.Spans = make([]Node, 0, len(nodes))
	for at := 0; at < len(order); at++ {
		i := order[at]
		places[i] = at
		n := Node{Span: nodes[i], Parent: -1, Orphan: parents[i] == -2, first: len(order), children: counts[i+1] - counts[i]}
		if p := parents[i]; p >= 0 {
			n.Parent = places[p]
		}
		order = append(order, below[counts[i]:counts[i+1]]...)
		t.Spans = append(t.Spans, n)
	}
}
