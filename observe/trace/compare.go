package trace

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Change is how an edge's cost differs between two stretches of time.
type Change struct {
	Edge          Edge
	Before, After Cost
	// Self is how much longer the callee itself took for one call on average,
	// Latency how much longer the caller waited.
	Self, Latency time.Duration
	// Doubt is the standard error of Self: by how much it may differ for no reason but
	// that calls take different times. It is 0 if that is not known.
	Doubt time.Duration
	// Wire is how much longer calls were on the way on average, WireDoubt its standard
	// error.
	Wire, WireDoubt time.Duration
	// Failed and Faults are by how much the shares of failed calls and of
	// those whose failure began at the callee rose, from -1 to 1.
	Failed, Faults float64
	// Weight orders changes: the time that the callee itself takes more, of
	// all calls after, in seconds, plus that of calls for nothing.
	Weight float64
}

// Compare returns what changed, the heaviest first. Edges that have calls in one
// stretch only are among them.
func Compare(before, after []Total) []Change {
	index := map[Edge]*Change{}
	for _, t := range before {
		index[t.Edge] = &Change{Edge: t.Edge, Before: t.Cost}
	}
	for _, t := range after {
		c := index[t.Edge]
		if c == nil {
			c = &Change{Edge: t.Edge}
			index[t.Edge] = c
		}
		c.After = t.Cost
	}
	all := make([]Change, 0, len(index))
	for _, c := range index {
		b, a := &c.Before, &c.After
		if a.Calls > 0 && b.Calls > 0 {
			c.Self = mean(a.SelfSum, a.Calls) - mean(b.SelfSum, b.Calls)
			if n := min(a.Self.Count(), b.Self.Count()); n > 1 {
				c.Doubt = time.Duration(1e9 * math.Sqrt(a.Self.variance()/float64(a.Calls)+b.Self.variance()/float64(b.Calls)))
			}
			if min(a.Wire.Calls, b.Wire.Calls) > 1 {
				c.Wire = mean(a.Wire.Sum, a.Wire.Calls) - mean(b.Wire.Sum, b.Wire.Calls)
				c.WireDoubt = time.Duration(1e9 * math.Sqrt(a.Wire.variance()/float64(a.Wire.Calls)+b.Wire.variance()/float64(b.Wire.Calls)))
			}
			c.Latency = mean(a.LatencySum, a.Calls) - mean(b.LatencySum, b.Calls)
		}
		c.Failed = share(a.Failed, a.Calls) - share(b.Failed, b.Calls)
		c.Faults = share(a.Faults, a.Calls) - share(b.Faults, b.Calls)
		c.Weight = math.Abs(c.Self.Seconds())*float64(a.Calls) + math.Abs(c.Faults)*a.LatencySum.Seconds()
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), compareEdges(a.Edge, b.Edge))
	})
	return all
}

func mean(sum time.Duration, n uint64) time.Duration {
	if n == 0 {
		return 0
	}
	return sum / time.Duration(n)
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
