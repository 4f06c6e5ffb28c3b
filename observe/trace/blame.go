package trace

// blame finds the failures that are nobody else's: of spans that failed though
// nothing failed that they waited for. A failure passes through spans inside a
// service that do not say so. One that was made good, by a later sibling of the
// same name that asks the same, is not the reason why the parent failed.
func (t *Trace) blame() {
	down := make([]bool, len(t.Spans))
	for i := len(t.Spans) - 1; i >= 0; i-- {
		n := &t.Spans[i]
		below := t.failedBelow(i, down)
		n.Blamed = n.Failed && !below
		down[i] = n.Failed || below && n.Entry != i && (n.Kind == Internal || n.Kind == Unspecified)
	}
}

// failedBelow reports whether a child failed that i waited for, for good.
func (t *Trace) failedBelow(i int, down []bool) bool {
	// Calls are often named by their method alone: who is asked tells them apart.
	type call struct {
		name  string
		kind  Kind
		asked Party
	}
	n := &t.Spans[i]
	failed := false
	for j := n.first; j < n.first+n.children; j++ {
		failed = failed || down[j]
	}
	if !failed {
		return false
	}
	// The start of the last good one of each call: by whom is asked, and of all.
	good := map[call]int64{}
	note := func(k call, at int64) {
		if known, ok := good[k]; !ok || at > known {
			good[k] = at
		}
	}
	all := Party{Kind: "all"}
	for j := n.first; j < n.first+n.children; j++ {
		if c := &t.Spans[j]; !down[j] {
			note(call{c.Name, c.Kind, t.asked(j)}, c.Start)
			note(call{c.Name, c.Kind, all}, c.Start)
		}
	}
	since := func(k call, end int64) bool {
		at, ok := good[k]
		return ok && at >= end
	}
	for j := n.first; j < n.first+n.children; j++ {
		c := &t.Spans[j]
		if !down[j] || t.async(c) {
			continue
		}
		// Of whom it is not known whom it asks may have asked the same.
		asked := t.asked(j)
		helped := since(call{c.Name, c.Kind, asked}, c.End) || since(call{c.Name, c.Kind, Party{}}, c.End)
		if asked == (Party{}) {
			helped = since(call{c.Name, c.Kind, all}, c.End)
		}
		if !helped {
			return true
		}
	}
	return false
}

// asked is whom a call asks, as far as it or the answer tells; nobody for what is no
// call.
func (t *Trace) asked(i int) Party {
	n := &t.Spans[i]
	if !calls(n.Kind) {
		return Party{}
	}
	if n.Remote.Kind != "" {
		return n.Remote.party(partyOf(&n.Span))
	}
	for j := n.first; j < n.first+n.children; j++ {
		if t.Spans[j].Entry == j {
			return partyOf(&t.Spans[j].Span)
		}
	}
	return Party{}
}
