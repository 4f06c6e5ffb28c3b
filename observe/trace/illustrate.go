package trace

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Found is a trace with how it was found.
type Found struct {
	Summary
	How How
	// Why says it in a sentence.
	Why string
}

// Telling returns the n exemplars that tell most of what is wrong: those that name a
// trace before those that name none, each trace once; of them the largest, where large
// is bad, else the newest.
func Telling(all []Exemplar, large bool, n int) []Exemplar {
	seen := map[ID]bool{}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b Exemplar) int {
		if a.Trace.IsZero() != b.Trace.IsZero() {
			if a.Trace.IsZero() {
				return 1
			}
			return -1
		}
		worse := 0
		if large {
			worse = cmp.Compare(known(b.Value), known(a.Value))
		}
		return cmp.Or(worse, b.At.Compare(a.At))
	})
	out = slices.DeleteFunc(out, func(e Exemplar) bool {
		if e.Trace.IsZero() {
			return false
		}
		before := seen[e.Trace]
		seen[e.Trace] = true
		return before
	})
	return out[:min(n, len(out))]
}

// known is a value that can be ordered: what is no number is less than any.
func known(v float64) float64 {
	if math.IsNaN(v) {
		return math.Inf(-1)
	}
	return v
}

// Illustrate finds traces for a measurement, at most as many as the query wants: first
// those that its exemplars name, then those of who was at work around them, each as
// Join does, and where these are not enough what the query asks for. It says of each how
// it was found. The error may be of kind Partial: then there may be more.
func Illustrate(ctx context.Context, source Source, exemplars []Exemplar, q Query, around time.Duration) ([]Found, error) {
	if q.Limit <= 0 {
		q.Limit = 20
	}
	own := slices.Clone(exemplars)
	for i := range own {
		if !own[i].Of.Known() { // its series may not say whose it is; the query does
			own[i].Of.Key = q.From.Key
		}
	}
	joins, err := Join(ctx, source, own, around)
	if err != nil {
		return nil, err
	}
	found := joins.traces()
	if len(found) < q.Limit {
		more, err := source.Search(ctx, q)
		if err != nil && (fault.KindOf(err) != fault.Partial || len(more)+len(found) == 0) {
			return nil, err
		}
		for _, s := range more {
			found = append(found, Found{s, howBy(s.By), "it has spans of the same " + s.By.String() + " in that time"})
		}
		return unique(found, q.Limit), err
	}
	return unique(found, q.Limit), nil
}

// traces are those of joins, the surest first, and of them those whose beginning is known.
func (j Joins) traces() (out []Found) {
	for _, how := range [...]How{ByTraceID, ByPod, ByKey, ByService} {
		for _, partial := range []bool{false, true} {
			for i := range j.Joined {
				x := &j.Joined[i]
				for _, s := range x.Traces {
					if x.How == how && s.Partial == partial {
						out = append(out, Found{s, x.How, x.Why})
					}
				}
			}
		}
	}
	return out
}

// unique returns the first n traces, each once.
func unique(all []Found, n int) []Found {
	seen := map[ID]bool{}
	all = slices.DeleteFunc(all, func(f Found) bool {
		before := seen[f.ID]
		seen[f.ID] = true
		return before
	})
	return all[:min(n, len(all))]
}

// howBy is the way of joining two that are the same by a strength.
func howBy(s identity.Strength) How {
	switch s {
	case identity.ByPod:
		return ByPod
	case identity.ByKey:
		return ByKey
	}
	return ByService
}
