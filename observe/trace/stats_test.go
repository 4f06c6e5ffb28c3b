package trace_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func TestHistogram(t *testing.T) {
	var h, other trace.Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("nothing has a median")
	}
	for i := 1; i <= 10_000; i++ {
		h.Add(time.Duration(i) * 10 * time.Microsecond)
	}
	for _, q := range []float64{0.01, 0.1, 0.5, 0.9, 0.99, 1} {
		want := q * 0.1
		if got := h.Quantile(q).Seconds(); math.Abs(got-want)/want > 0.125 {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	other.Add(-time.Second)
	other.Add(math.MaxInt64)
	h.Merge(&other)
	if h.Count() != 10_002 || h.Quantile(math.NaN()) != time.Microsecond || h.Quantile(-1) != time.Microsecond || h.Quantile(2) < 20*time.Minute {
		t.Errorf("%d, %s, %s", h.Count(), h.Quantile(-1), h.Quantile(2))
	}
}

func edgeOf(caller, callee, operation string) trace.Edge {
	p := func(s string) trace.Party { return trace.Party{Kind: trace.Service, Key: who(s).Key} }
	return trace.Edge{Caller: p(caller), Callee: p(callee), Operation: operation}
}

func TestBuckets(t *testing.T) {
	s := trace.NewStats(time.Minute, 3, 100)
	add := func(minute int, now int) {
		s.Add(&trace.Call{Edge: edgeOf("a", "b", "x"), Start: after(time.Duration(minute) * time.Minute).UnixNano(), Self: time.Second}, trace.ID{1}, after(time.Duration(now)*time.Minute).UnixNano())
	}
	calls := func(from, to int) uint64 {
		totals, _, covered := s.Between(after(time.Duration(from)*time.Minute), after(time.Duration(to)*time.Minute))
		if !covered || len(totals) != 1 {
			return 0
		}
		return totals[0].Cost.Calls
	}
	add(0, 0)
	add(1, 1)
	add(1, 2)
	add(1000, 2) // a clock far ahead counts as now
	add(-9, 2)   // one far behind too
	for _, c := range [][3]int{{0, 1, 1}, {1, 2, 2}, {2, 3, 2}, {0, 3, 5}, {-1, 1, 0}, {0, 4, 0}, {1, 1, 0}} {
		if got := calls(c[0], c[1]); got != uint64(c[2]) {
			t.Errorf("from %d to %d there are %d calls, not %d", c[0], c[1], got, c[2])
		}
	}
	add(3, 3)
	if calls(0, 1) != 0 || calls(1, 4) != 5 {
		t.Error("the oldest bucket is not the one that went")
	}
}

// TestTooManyEdges has operations with ids in them, then parties.
func TestTooManyEdges(t *testing.T) {
	s := trace.NewStats(time.Minute, 2, 100)
	now := epoch.UnixNano()
	for i := range 1000 {
		s.Add(&trace.Call{Edge: edgeOf("a", "b", fmt.Sprint("GET /", i)), Start: now}, trace.ID{1}, now)
	}
	s.Add(&trace.Call{Edge: edgeOf("c", "d", "x"), Start: now}, trace.ID{1}, now)
	totals, loss, _ := s.Between(epoch, after(time.Minute))
	if len(totals) != trace.MaxOperations+2 || loss.Collapsed != 1000-trace.MaxOperations || loss.Unplaced != 0 || loss.Any() {
		t.Errorf("%d edges, %+v", len(totals), loss)
	}
	for i := range 1000 {
		s.Add(&trace.Call{Edge: edgeOf(fmt.Sprint(i), "b", "x"), Start: now}, trace.ID{1}, now)
	}
	totals, loss, _ = s.Between(epoch, after(time.Minute))
	var calls uint64
	for _, total := range totals {
		calls += total.Cost.Calls
	}
	if len(totals) > 100 || calls != 2001 || loss.Unplaced == 0 || !loss.Any() {
		t.Errorf("%d edges, %d calls, %+v", len(totals), calls, loss)
	}
}

func TestCompare(t *testing.T) {
	run := func(slow, broken bool) []trace.Total {
		s := trace.NewStats(time.Minute, 2, 100)
		for i := range 100 {
			spans := shop()
			if slow { // price takes 20 ms more, for which cart waits
				for j := range spans {
					if n := spans[j].ID[7]; n != 4 && n != 6 && n != 8 {
						spans[j].End += 60 * ms
					}
				}
			}
			if broken && i%2 == 0 {
				for _, n := range []int{1, 2, 3, 6, 8} {
					spans[n-1].Failed = true
				}
			}
			for _, c := range trace.Assemble(spans).Calls(nil) {
				s.Add(&c, id(i), epoch.UnixNano())
			}
		}
		totals, _, _ := s.Between(epoch, after(time.Minute))
		return totals
	}
	normal := run(false, false)
	first := trace.Compare(normal, run(true, false))[0]
	if first.Edge.Callee.Key.Service != "price" || first.Self != 60*time.Millisecond || first.Latency != 60*time.Millisecond || first.Faults != 0 {
		t.Errorf("%+v %s", first.Edge, first.Self)
	}
	if first.Doubt > 5*time.Millisecond {
		t.Errorf("calls that always take the same are in doubt by %s", first.Doubt)
	}
	changes := trace.Compare(normal, run(false, true))
	first = changes[0]
	if first.Edge.Callee.Key.Service != "stock" || first.Faults != 0.5 || first.Failed != 0.5 || first.After.LastFailed != id(98) {
		t.Errorf("%+v", first.Edge)
	}
	for _, c := range changes[1:] {
		if c.Weight != 0 || c.Faults != 0 {
			t.Errorf("%s is blamed for another's failures: %+v", c.Edge.Callee, c.Faults)
		}
	}
	for _, c := range trace.Compare(normal, nil) {
		if c.After.Calls != 0 || c.Weight != 0 {
			t.Errorf("%+v", c.Edge)
		}
	}
	if got := trace.Compare(nil, normal); len(got) != 5 || got[0].Self != 0 {
		t.Errorf("%d", len(got))
	}
}

func TestInto(t *testing.T) {
	s := trace.NewStats(time.Minute, 2, 100)
	staging := at("cart", 1, 0, trace.Client, 0, 1, peer(trace.External, "api.example.com"))
	staging.From = &identity.Identity{Key: identity.Key{Environment: "staging", Service: "cart"}}
	for _, spans := range [][]trace.Span{shop(), {staging}} {
		for _, c := range trace.Assemble(spans).Calls(nil) {
			s.Add(&c, trace.ID{1}, epoch.UnixNano())
		}
	}
	totals, _, _ := s.Between(epoch, after(time.Minute))
	g := graph.New()
	services := trace.Into(g, totals, "production")
	if len(services.Nodes) != 5 || len(services.Calls) != 4 || len(services.Unplaced) != 4 {
		t.Errorf("%d nodes, %d edges, %v", len(services.Nodes), len(services.Calls), services.Unplaced)
	}
	cart := g.Find("TracedService", "shop", "cart")
	if cart == nil {
		t.Fatal("cart is not in the graph")
	}
	var below []string
	for e := range cart.Out(graph.Calls) {
		below = append(below, e.To.String())
		if services.Calls[e][0].Cost.Calls != 1 {
			t.Errorf("%v", e.To)
		}
	}
	if len(below) != 3 {
		t.Errorf("%v", below)
	}
	if all := trace.Into(graph.New(), totals, ""); len(all.Nodes) != 7 {
		t.Errorf("%d nodes of all environments", len(all.Nodes))
	}
}

// TestDoubt compares calls that take very different times anyway.
func TestDoubt(t *testing.T) {
	of := func(n int, durations ...time.Duration) []trace.Total {
		c := trace.Cost{Calls: uint64(n)}
		for i := range n {
			d := durations[i%len(durations)]
			c.Self.Add(d)
			c.SelfSum += d
		}
		return []trace.Total{{Cost: c}}
	}
	wide := []time.Duration{time.Millisecond, 199 * time.Millisecond}
	few, many := trace.Compare(of(16, wide...), of(16, wide...))[0].Doubt, trace.Compare(of(1600, wide...), of(1600, wide...))[0].Doubt
	// The deviation is 99 ms, but for the width of a bucket: of 16 and 16 calls a third.
	if few < 30*time.Millisecond || few > 42*time.Millisecond || many < 3*time.Millisecond || many > 4*time.Millisecond {
		t.Errorf("%s for few, %s for many", few, many)
	}
	for _, none := range [][]trace.Total{of(1, time.Second), nil} {
		if d := trace.Compare(of(9, wide...), none)[0].Doubt; d != 0 {
			t.Errorf("%s", d)
		}
	}
}
