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
	var all []Summary
	w.newestFirst(&q, func(s Summary) bool {
		all = append(all, s)
		return len(all) < q.Limit
	})
	slices.SortFunc(all, func(a, b Summary) int { return cmp.Or(b.Start.Compare(a.Start), slices.Compare(a.ID[:], b.ID[:])) })
	return all
}

// atOnce is how many traces are looked at while nobody can add spans: who asks must not
// keep those out who tell.
const atOnce = 256

// newestFirst calls f for the traces that a query asks for, by their beginning, until f
// says that it is enough.
func (w *Window) newestFirst(q *Query, f func(Summary) bool) {
	since, until := q.stretch()
	type place struct {
		start int64
		id    ID
	}
	w.mu.Lock()
	places := make([]place, 0, len(w.traces))
	for id, e := range w.traces {
		if e.start <= until && e.end >= since {
			places = append(places, place{e.start, id})
		}
	}
	w.mu.Unlock()
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(b.start, a.start), slices.Compare(a.id[:], b.id[:])) })
	found := make([]Summary, 0, atOnce)
	for part := range slices.Chunk(places, atOnce) {
		found = found[:0]
		w.mu.Lock()
		for _, p := range part {
			if e := w.traces[p.id]; e != nil { // else it went meanwhile
				if s, ok := q.matches(e.id, e.spans, e.start, e.end); ok {
					found = append(found, s)
				}
			}
		}
		w.mu.Unlock()
		for _, s := range found {
			if !f(s) {
				return
			}
		}
	}
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
