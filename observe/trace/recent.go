package trace

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Window gives whole traces.
var _ Store = (*Window)(nil)

// Services returns who has spans in the window, in the order of their names.
func (w *Window) Services() []identity.Key {
	w.mu.Lock()
	all := slices.Collect(maps.Keys(w.services))
	w.mu.Unlock()
	all = slices.DeleteFunc(all, func(k identity.Key) bool { return !k.Known() })
	slices.SortFunc(all, func(a, b identity.Key) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Environment, b.Environment))
	})
	return all
}

// Spans returns the spans of a trace as they came. The error is of kind NotFound if
// the window does not hold it.
func (w *Window) Spans(id ID) ([]Span, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.traces[id]
	if e == nil {
		return nil, fault.New(fault.NotFound, "look up trace", id.String(), "the window does not hold it", "a longer or larger window keeps more")
	}
	return slices.Clone(e.spans), nil
}

// Recent returns the traces that a query asks for, the newest first: unlike Find it
// does not prefer the failed and the slow.
func (w *Window) Recent(q Query) []Summary {
	if q.Limit <= 0 {
		q.Limit = 20
	}
	newest := func(all []Summary) []Summary {
		slices.SortFunc(all, func(a, b Summary) int { return cmp.Or(b.Start.Compare(a.Start), slices.Compare(a.ID[:], b.ID[:])) })
		return all[:min(q.Limit, len(all))]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Summary
	for _, e := range w.traces {
		if s, ok := q.matches(e.id, e.spans, e.start, e.end); ok {
			if all = append(all, s); len(all) >= 4*q.Limit+1024 { // what is kept meanwhile is bounded too
				all = newest(all)
			}
		}
	}
	return newest(all)
}

// Sample implements Store.
func (w *Window) Sample(_ context.Context, from, to time.Time, n int) (all [][]Span, err error) {
	for _, s := range w.Recent(Query{Since: from, Until: to.Add(-1), Limit: n}) {
		if spans, err := w.Spans(s.ID); err == nil { // else it went meanwhile
			all = append(all, spans)
		}
	}
	return all, nil
}
