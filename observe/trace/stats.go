package trace

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Cost is what the calls of an edge cost in a stretch of time.
type Cost struct {
	Calls uint64
	// Failed, Faults and GaveUp are as in Call.
	Failed, Faults, GaveUp uint64
	// Latency and Self are the distributions, the sums their exact totals.
	Latency, Self       Histogram
	LatencySum, SelfSum time.Duration
	// Wire is what is known of the time on the way.
	Wire Wire
	// Slowest and LastFailed are examples, zero for none; Longest is the
	// latency of the slowest.
	Slowest, LastFailed ID
	Longest             time.Duration
}

// Wire sums up the time that calls were on the way, of as many as tell, with the sum of
// its squares in square seconds.
type Wire struct {
	Calls   uint64
	Sum     time.Duration
	Squares float64
}

func (w *Wire) add(d time.Duration) {
	if d >= 0 {
		w.merge(&Wire{1, d, d.Seconds() * d.Seconds()})
	}
}

func (w *Wire) merge(o *Wire) {
	w.Calls += o.Calls
	w.Sum = time.Duration(addTime(int64(w.Sum), o.Sum))
	w.Squares += o.Squares
}

// variance is that of a call, in square seconds.
func (w *Wire) variance() float64 {
	if w.Calls < 2 {
		return 0
	}
	n, sum := float64(w.Calls), w.Sum.Seconds()
	return max(0, w.Squares-sum*sum/n) / (n - 1)
}

func (c *Cost) add(call *Call, id ID) {
	c.Calls++
	c.Latency.Add(call.Latency)
	c.Self.Add(call.Self)
	c.LatencySum = time.Duration(addTime(int64(c.LatencySum), call.Latency))
	c.SelfSum = time.Duration(addTime(int64(c.SelfSum), call.Self))
	c.Wire.add(call.Wire)
	if call.Failed {
		c.Failed++
		c.LastFailed = id
	}
	if call.Fault {
		c.Faults++
	}
	if call.GaveUp {
		c.GaveUp++
	}
	if call.Latency > c.Longest || c.Slowest.IsZero() {
		c.Slowest, c.Longest = id, call.Latency
	}
}

// Merge adds what other calls cost.
func (c *Cost) Merge(o *Cost) {
	c.Calls += o.Calls
	c.Failed += o.Failed
	c.Faults += o.Faults
	c.GaveUp += o.GaveUp
	c.Latency.Merge(&o.Latency)
	c.Self.Merge(&o.Self)
	c.LatencySum = time.Duration(addTime(int64(c.LatencySum), o.LatencySum))
	c.SelfSum = time.Duration(addTime(int64(c.SelfSum), o.SelfSum))
	c.Wire.merge(&o.Wire)
	if !o.LastFailed.IsZero() {
		c.LastFailed = o.LastFailed
	}
	if o.Longest > c.Longest || c.Slowest.IsZero() {
		c.Slowest, c.Longest = o.Slowest, o.Longest
	}
}

// Total is an edge with its cost.
type Total struct {
	Edge Edge
	Cost Cost
}

// Other is the operation under which the calls of two parties are counted once
// they have more operations than are told apart: names with ids in them.
const Other = "(other)"

// MaxOperations is how many operations of two parties a bucket tells apart.
const MaxOperations = 64

// Stats counts the costs of calls in buckets of time, of which the oldest is
// dropped when a new one begins. Its memory is bounded by buckets times edges.
// It is not safe for concurrent use.
type Stats struct {
	width   int64
	edges   int
	buckets []bucket
	newest  int64 // number of the newest bucket
	total   Loss
}

type pair struct{ caller, callee Party }

// bucket is a stretch of time.
type bucket struct {
	number int64
	costs  map[Edge]*Cost
	pairs  map[pair]int
	loss   Loss
}

// NewStats returns empty ones of n buckets, each as long as width and with at
// most edges edges.
func NewStats(width time.Duration, n, edges int) *Stats {
	return &Stats{width: max(1, int64(width)), edges: max(8, edges), buckets: make([]bucket, max(1, n)), newest: -1}
}

// at returns the bucket of a moment; nil if it is too old. A moment ahead of
// now is taken for now: clocks that run ahead must not drop the past.
func (s *Stats) at(moment, now int64) *bucket {
	last := max(s.newest, now/s.width)
	number := min(max(0, moment)/s.width, last)
	if last-number >= int64(len(s.buckets)) {
		return nil
	}
	s.newest = last
	b := &s.buckets[number%int64(len(s.buckets))]
	if b.costs == nil || b.number != number {
		*b = bucket{number: number, costs: map[Edge]*Cost{}, pairs: map[pair]int{}}
	}
	return b
}

// Add counts a call that a trace holds.
func (s *Stats) Add(c *Call, id ID, now int64) {
	b := s.at(c.Start, now)
	if b == nil {
		b = s.at(now, now)
	}
	edge := c.Edge
	cost := b.costs[edge]
	if cost == nil {
		p := pair{edge.Caller, edge.Callee}
		// A quarter is kept for calls that are told by their parties only.
		if len(b.costs) >= s.edges*3/4 || b.pairs[p] >= MaxOperations {
			s.lose(b, Loss{Collapsed: 1})
			edge.Operation = Other
			if cost = b.costs[edge]; cost == nil && len(b.costs) >= s.edges-1 {
				s.lose(b, Loss{Unplaced: 1})
				edge = Edge{Caller: Party{Kind: Unknown}, Callee: Party{Kind: Unknown}, Operation: Other}
				cost = b.costs[edge]
			}
		}
		if cost == nil {
			cost = &Cost{}
			b.costs[edge] = cost
			b.pairs[p]++
		}
	}
	cost.add(c, id)
}

// Lose counts what was lost at a moment.
func (s *Stats) Lose(l Loss, now int64) { s.lose(s.at(now, now), l) }

func (s *Stats) lose(b *bucket, l Loss) {
	b.loss.add(l)
	s.total.add(l)
}

// Between returns the costs of the buckets that begin in [from, to), the most
// time spent by the callee itself first, and what was lost meanwhile. covered is
// false where buckets of this time are dropped already or are not yet.
func (s *Stats) Between(from, to time.Time) (all []Total, loss Loss, covered bool) {
	first, end := ceil(max(0, from.UnixNano()), s.width), ceil(max(0, to.UnixNano()), s.width)
	covered = s.newest >= 0 && first > s.newest-int64(len(s.buckets)) && end <= s.newest+1 && first < end
	sums := map[Edge]*Cost{}
	for i := range s.buckets {
		b := &s.buckets[i]
		if b.costs == nil || b.number < first || b.number >= end {
			continue
		}
		loss.add(b.loss)
		for e, c := range b.costs {
			sum := sums[e]
			if sum == nil {
				sum = &Cost{}
				sums[e] = sum
			}
			sum.Merge(c)
		}
	}
	all = make([]Total, 0, len(sums))
	for e, c := range sums {
		all = append(all, Total{e, *c})
	}
	slices.SortFunc(all, func(a, b Total) int {
		return cmp.Or(cmp.Compare(b.Cost.SelfSum, a.Cost.SelfSum), compareEdges(a.Edge, b.Edge))
	})
	return all, loss, covered
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }

func compareEdges(a, b Edge) int {
	async := func(e Edge) int {
		if e.Async {
			return 1
		}
		return 0
	}
	return cmp.Or(compareParties(a.Caller, b.Caller), compareParties(a.Callee, b.Callee), strings.Compare(a.Operation, b.Operation), async(a)-async(b))
}

func compareParties(a, b Party) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Key.Environment, b.Key.Environment), strings.Compare(a.Key.Namespace, b.Key.Namespace), strings.Compare(a.Key.Service, b.Key.Service))
}
