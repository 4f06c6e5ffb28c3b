package trace

import (
	"cmp"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Query asks for traces. What is zero asks nothing.
type Query struct {
	// From is who must have a span in the trace; ByService is enough.
	From identity.Identity
	// Since and Until are the times in which a span of From, or any if From
	// is nobody, must have been at work.
	Since, Until time.Time
	// MinDuration is of the whole trace.
	MinDuration time.Duration
	// Failed asks for traces with a failed span.
	Failed bool
	// Limit is how many are returned, 20 for 0.
	Limit int
}

// Summary is a trace in short.
type Summary struct {
	ID       ID
	Root     string // name of its earliest span
	Service  identity.Key
	Start    time.Time
	Duration time.Duration
	Spans    int // 0 where the store does not say
	Failed   bool
	// Partial tells that the span that began it has not come: Root and Duration are of the
	// part that has.
	Partial bool
	// By says how surely a span of it is of whom the query asks for.
	By identity.Strength
}

// Get returns a trace. The error is of kind NotFound if the window does not hold
// it, which does not mean that there was none: it says what may have become of it.
func (w *Window) Get(id ID) (*Trace, error) {
	w.mu.Lock()
	e := w.traces[id]
	if e == nil {
		lost, began := w.stats.total.Evicted, w.began
		w.mu.Unlock()
		why := "no span of it came"
		switch {
		case began == 0:
			why = "no span at all ever came"
		case lost > 0:
			why = "no span of it came, or it had to make room"
		}
		return nil, fault.New(fault.NotFound, "look up trace", id.String(), why, "a longer or larger window keeps more; so does Tempo or Jaeger")
	}
	spans := slices.Clone(e.spans)
	w.mu.Unlock()
	return Assemble(spans), nil
}

// Find returns the traces that a query asks for: surely joined ones first, then
// those whose beginning is known, then failed, then slow ones.
func (w *Window) Find(q Query) []Summary {
	if q.Limit <= 0 {
		q.Limit = 20
	}
	var all []Summary
	w.newestFirst(&q, func(s Summary) bool {
		if all = append(all, s); len(all) >= 4*q.Limit+1024 { // what is kept meanwhile is bounded too
			all = best(all, q.Limit)
		}
		return true
	})
	return best(all, q.Limit)
}

func best(all []Summary, n int) []Summary {
	slices.SortFunc(all, func(a, b Summary) int {
		whole, failed := 0, 0
		if a.Partial != b.Partial {
			if whole = -1; a.Partial {
				whole = 1
			}
		}
		if a.Failed != b.Failed {
			if failed = 1; a.Failed {
				failed = -1
			}
		}
		return cmp.Or(cmp.Compare(b.By, a.By), whole, failed, cmp.Compare(b.Duration, a.Duration), slices.Compare(a.ID[:], b.ID[:]))
	})
	return all[:min(n, len(all))]
}

// Matches returns a trace of a store in short, if the query asks for it.
func (q *Query) Matches(spans []Span) (Summary, bool) {
	if len(spans) == 0 {
		return Summary{}, false
	}
	start, end := spans[0].Start, spans[0].End
	for i := range spans {
		start, end = min(start, spans[i].Start), max(end, spans[i].End)
	}
	return q.matches(spans[0].Trace, spans, start, end)
}

// Best returns the n best of what was found: surely joined ones first, then
// those whose beginning is known, then failed, then slow ones. It changes the order of all.
func Best(all []Summary, n int) []Summary { return best(all, n) }

// stretch is the time that is asked for, in nanoseconds since 1970.
func (q *Query) stretch() (since, until int64) {
	since, until = -1<<63, 1<<63-1
	if !q.Since.IsZero() {
		since = q.Since.UnixNano()
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixNano()
	}
	return since, until
}

// matches reports whether the spans of a trace are asked for.
func (q *Query) matches(id ID, spans []Span, start, end int64) (Summary, bool) {
	since, until := q.stretch()
	if len(spans) == 0 || start > until || end < since || between(start, end) < q.MinDuration {
		return Summary{}, false
	}
	s := Summary{ID: id, Start: time.Unix(0, start).UTC(), Duration: between(start, end), Spans: len(spans), Partial: true}
	anybody := q.From == identity.Identity{}
	first, hit := 0, false
	// Spans of one process share what is known of it.
	var of *identity.Identity
	by := identity.None
	for i := range spans {
		p := &spans[i]
		s.Failed, s.Partial = s.Failed || p.Failed, s.Partial && !p.Parent.IsZero()
		if p.Start < spans[first].Start {
			first = i
		}
		if p.Start > until || p.End < since {
			continue
		}
		if anybody {
			hit = true
			continue
		}
		if p.From != of {
			of, by = p.From, identity.Join(p.identity(), q.From)
		}
		if by != identity.None {
			hit, s.By = true, max(s.By, by)
		}
	}
	s.Root, s.Service = spans[first].Name, spans[first].identity().Key
	return s, hit && (s.Failed || !q.Failed)
}
