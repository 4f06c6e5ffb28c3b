package trace

import (
	"cmp"
	"slices"
	"time"
)

// enter finds by which span the trace came to the service of each span.
func (t *Trace) enter() {
	for i := range t.Spans {
		n := &t.Spans[i]
		n.Entry = i
		if n.Parent >= 0 && !t.remote(n) {
			n.Entry = t.Spans[n.Parent].Entry
		}
	}
}

// remote reports whether a span is on the other side of a call from its parent.
func (t *Trace) remote(n *Node) bool {
	if n.Parent < 0 {
		return false
	}
	p := &t.Spans[n.Parent]
	return partyOf(&p.Span) != partyOf(&n.Span) || p.Kind == Client && n.Kind == Server || p.Kind == Producer && n.Kind == Consumer
}

// calls reports whether a span is a call to another party, seen by the caller.
func calls(k Kind) bool { return k == Client || k == Producer }

// interval is a stretch of time, in nanoseconds.
type interval struct{ start, end int64 }

// measure finds the time that each span spent itself.
func (t *Trace) measure() {
	var below []interval
	for i := range t.Spans {
		n := &t.Spans[i]
		below = below[:0]
		for j := range t.Children(i) {
			if c := &t.Spans[n.first+j]; !t.async(c) {
				below = append(below, interval{c.Start, c.End})
			}
		}
		n.Self = max(0, n.Duration()-covered(below, interval{n.Start, n.End}))
	}
}

// covered is how much of whole the intervals cover together. It sorts them.
func covered(all []interval, whole interval) time.Duration {
	slices.SortFunc(all, func(a, b interval) int { return cmp.Compare(a.start, b.start) })
	var sum int64
	at := whole.start
	for _, i := range all {
		start, end := max(i.start, at), min(i.end, whole.end)
		if end > start {
			sum += end - start
			at = end
		}
	}
	return time.Duration(sum)
}

// exclusive returns for each entry the time in which its service waited for no
// other party: not the sum of its spans' own times, which counts work done side
// by side twice.
func (t *Trace) exclusive() []time.Duration {
	waits := make([][]interval, len(t.Spans))
	for i := range t.Spans {
		n := &t.Spans[i]
		if calls(n.Kind) {
			waits[n.Entry] = append(waits[n.Entry], interval{n.Start, n.End})
		}
		if n.Entry == i && n.Parent >= 0 && !t.async(n) && !calls(t.Spans[n.Parent].Kind) {
			caller := t.Spans[n.Parent].Entry
			waits[caller] = append(waits[caller], interval{n.Start, n.End})
		}
	}
	own := make([]time.Duration, len(t.Spans))
	for i := range t.Spans {
		if n := &t.Spans[i]; n.Entry == i {
			own[i] = max(0, n.Duration()-covered(waits[i], interval{n.Start, n.End}))
		}
	}
	return own
}
