package trace

import "time"

// Call is one use of an edge in one trace.
type Call struct {
	Edge Edge
	// Span is the place of the callee's span, or of the call itself where the
	// callee sends none.
	Span int
	// Failed means that the caller got no good answer.
	Failed bool
	// Fault means that the failure began at the callee. GaveUp means that it
	// began at the caller, while the callee knows of none: a timeout, a broken
	// connection.
	Fault, GaveUp bool
	// Latency is as the caller sees it where it tells, Self the callee's part
	// in which it waited for nobody.
	Latency, Self time.Duration
	// Wire is the part of Latency in which the caller waited and the callee was not at
	// work: on the way, and in queues. It is negative if it is not known.
	Wire time.Duration
	// Start is when it began, in nanoseconds since 1970.
	Start int64
}

// Finder looks up a span that another trace links to; nil if it is not known.
type Finder func(ID, SpanID) *Span

// Calls lists the calls of a trace, in the order of its spans. find may be nil.
func (t *Trace) Calls(find Finder) []Call {
	own := t.exclusive()
	faults, answered := make([]bool, len(t.Spans)), make([]bool, len(t.Spans))
	for i := range t.Spans {
		if n := &t.Spans[i]; n.Entry == i && n.Parent >= 0 {
			answered[n.Parent] = true
		}
	}
	for i := range t.Spans {
		if n := &t.Spans[i]; n.Blamed && (!calls(n.Kind) || !answered[i] && n.Remote.Kind == "") {
			faults[n.Entry] = true
		}
	}
	all := make([]Call, 0, len(t.Spans)/2+1)
	for i := range t.Spans {
		n := &t.Spans[i]
		c := Call{Span: i, Failed: n.Failed, Latency: n.Duration(), Self: n.Duration(), Wire: -1, Start: n.Start}
		if n.Entry == i {
			c := c
			c.Edge = Edge{Caller: t.caller(n, find), Callee: partyOf(&n.Span), Operation: n.Name, Async: t.async(n)}
			c.Self, c.Fault = own[i], faults[i]
			if n.Parent >= 0 && calls(t.Spans[n.Parent].Kind) && !c.Edge.Async {
				p := &t.Spans[n.Parent]
				c.Latency, c.Failed, c.GaveUp = p.Duration(), n.Failed || p.Failed, p.Blamed
				c.Wire = max(0, p.Duration()-n.Duration())
			}
			all = append(all, c)
		}
		if calls(n.Kind) && !answered[i] && n.Remote.Kind != "" {
			c.Edge = Edge{Caller: partyOf(&n.Span), Callee: n.Remote.party(partyOf(&n.Span)), Operation: n.Name, Async: n.Kind == Producer}
			c.Fault = n.Blamed
			all = append(all, c)
		}
	}
	return all
}

// caller is who called an entry.
func (t *Trace) caller(n *Node, find Finder) Party {
	if n.Parent >= 0 {
		return partyOf(&t.Spans[n.Parent].Span)
	}
	if find != nil {
		for _, l := range n.Links {
			if s := find(l.Trace, l.Span); s != nil {
				return partyOf(s)
			}
		}
	}
	switch {
	case n.Kind == Consumer && n.Remote.Kind != "":
		return n.Remote.party(partyOf(&n.Span))
	case n.Orphan:
		return Party{Kind: Unknown}
	}
	return Party{Kind: Outside}
}
