package trace

import (
	"context"
	"slices"
	"time"
)

// Store is a source that also gives whole traces, to see what their calls cost.
type Store interface {
	Source
	// Sample returns the spans of traces that were under way in [from, to), a
	// trace each, and neither the slow nor the failed ones by preference: at most
	// n for each service that the store tells apart. An error of kind Partial
	// comes with those that could be had.
	Sample(ctx context.Context, from, to time.Time, n int) ([][]Span, error)
}

// Within leaves out the traces of which no span was under way in [from, to), and tells how
// many: a store must not pass off what was for what is.
func Within(traces [][]Span, from, to time.Time) (kept [][]Span, left int) {
	begin, end := from.UnixNano(), to.UnixNano()
	for _, t := range traces {
		if slices.ContainsFunc(t, func(s Span) bool { return s.Start < end && s.End >= begin }) {
			kept = append(kept, t)
		} else if len(t) > 0 {
			left++
		}
	}
	return kept, left
}

// Costs are what the calls of some traces cost. They are a sample's: shares and
// times mean something, numbers of calls don't.
type Costs struct {
	// Totals are those of each edge, the most time spent by the callee first.
	Totals []Total
	// Traces is how many there were, and Broken how many of them were not whole.
	Traces, Broken int
	// Loss is what was counted without its operation or its parties.
	Loss Loss
}

// CostsOf sums up the calls of traces. What comes twice counts once.
func CostsOf(traces [][]Span) Costs {
	var out Costs
	spans := 0
	for _, t := range traces {
		spans += len(t)
	}
	type place struct {
		trace ID
		span  SpanID
	}
	known := make(map[place]*Span, spans)
	find := func(t ID, s SpanID) *Span { return known[place{t, s}] }
	seen := map[ID]bool{}
	var whole []*Trace
	for _, t := range traces {
		if len(t) == 0 || seen[t[0].Trace] {
			continue
		}
		seen[t[0].Trace] = true
		for i := range t {
			known[place{t[i].Trace, t[i].ID}] = &t[i]
		}
		whole = append(whole, Assemble(t))
	}
	const always = 1 << 62 // nanoseconds: all time is one bucket
	stats := NewStats(always, 1, Defaults().MaxEdges)
	for _, t := range whole {
		out.Traces++
		if !t.Whole() {
			out.Broken++
		}
		calls := t.Calls(find)
		for i := range calls {
			stats.Add(&calls[i], t.ID, min(calls[i].Start, always-1))
		}
	}
	out.Totals, out.Loss, _ = stats.Between(time.Unix(0, 0), time.Unix(0, 1))
	return out
}
