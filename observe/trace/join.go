package trace

import (
	"context"
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// Exemplar is one measurement with the trace in which it was taken.
type Exemplar struct {
	// Trace is zero where the exemplar is gone or names none; then only the
	// fallback is left.
	Trace ID
	Span  SpanID
	Value float64
	At    time.Time
	// Of is who the measured series is of.
	Of identity.Identity
}

// How says by what an exemplar was joined to a trace.
type How string

// The ways of joining, the surest first.
const (
	ByTraceID How = "trace id"
	ByPod     How = "pod and time"
	ByKey     How = "service, environment and time"
	ByService How = "service and time"
	Unjoined  How = "not joined"
)

// Joined is what was found for an exemplar.
type Joined struct {
	Exemplar Exemplar
	How      How
	// Traces are candidates, the best first; by trace id there is just one.
	Traces []Summary
	// Why says in a sentence how it was joined, or why it was not.
	Why string
}

// Joins are those of several exemplars.
type Joins struct {
	Joined []Joined
	// Repeated exemplars name a trace that was joined already, and Dropped ones
	// were more than MaxExemplars.
	Repeated, Dropped int
}

// MaxExemplars is how many exemplars are joined at once.
const MaxExemplars = 100

// Source is where traces are looked for: a Window, or a store behind its API.
type Source interface {
	// Lookup returns a trace in short; ok is false if it is not there. The
	// error means that this could not be found out.
	Lookup(context.Context, ID) (s Summary, ok bool, err error)
	// Search returns the traces that a query asks for.
	Search(context.Context, Query) ([]Summary, error)
}

// Lookup implements Source.
func (w *Window) Lookup(_ context.Context, id ID) (Summary, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.traces[id]
	if e == nil {
		return Summary{}, false, nil
	}
	s, ok := (&Query{}).matches(e.id, e.spans, e.start, e.end)
	return s, ok, nil
}

// Search implements Source.
func (w *Window) Search(_ context.Context, q Query) ([]Summary, error) { return w.Find(q), nil }

// Join finds the traces of exemplars: by their trace id, else by who was at
// work around their time, at most around away, and says which of the two. It
// stops at the first error of the source: an answer that was not had is not
// "there is no trace".
func Join(ctx context.Context, source Source, exemplars []Exemplar, around time.Duration) (Joins, error) {
	var all Joins
	seen := map[ID]bool{}
	for _, e := range exemplars {
		switch {
		case !e.Trace.IsZero() && seen[e.Trace]:
			all.Repeated++
			continue
		case len(all.Joined) >= MaxExemplars:
			all.Dropped++
			continue
		}
		j, err := joinOne(ctx, source, e, around)
		if err != nil {
			return all, err
		}
		if !e.Trace.IsZero() {
			seen[e.Trace] = true
		}
		all.Joined = append(all.Joined, j)
	}
	return all, nil
}

func joinOne(ctx context.Context, source Source, e Exemplar, around time.Duration) (Joined, error) {
	j := Joined{Exemplar: e, How: Unjoined}
	reason := "it names no trace"
	if !e.Trace.IsZero() {
		s, ok, err := source.Lookup(ctx, e.Trace)
		if err != nil {
			return j, err
		}
		if ok {
			j.How, j.Traces, j.Why = ByTraceID, []Summary{s}, "its trace id names this trace"
			return j, nil
		}
		reason = "its trace " + e.Trace.String() + " is not kept"
	}
	if !e.Of.Known() && e.Of.Pod == "" {
		j.Why = reason + ", and its labels name no service and no pod"
		return j, nil
	}
	found, err := source.Search(ctx, Query{From: e.Of, Since: e.At.Add(-around), Until: e.At.Add(around), Limit: 5})
	if err != nil {
		return j, err
	}
	if len(found) == 0 {
		j.Why = fmt.Sprintf("%s, and no trace of %s is kept within %s of it", reason, e.Of.Key, around)
		return j, nil
	}
	by := found[0].By
	for _, s := range found {
		if s.By == by {
			j.Traces = append(j.Traces, s)
		}
	}
	j.How = howBy(by)
	j.Why = fmt.Sprintf("%s; these traces have spans of the same %s within %s of it, so that any of them may be meant", reason, by, around)
	return j, nil
}
