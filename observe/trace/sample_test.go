package trace_test

import (
	"math"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/trace"
)

func TestCostsOfASample(t *testing.T) {
	second := shop()
	for i := range second {
		second[i].Trace = trace.ID{2}
	}
	second[6].Failed = true // price
	orphan := []trace.Span{at("web", 9, 8, trace.Server, 0, 10, in(3))}
	odd := []trace.Span{at("web", 1, 0, trace.Server, 0, 10, in(4), func(s *trace.Span) { s.Start, s.End = math.MaxInt64-1, math.MaxInt64 })}
	c := trace.CostsOf([][]trace.Span{shop(), nil, second, shop(), orphan, odd})
	if c.Traces != 4 || c.Broken != 1 || c.Loss.Any() {
		t.Errorf("%d traces, %d broken, lost %+v", c.Traces, c.Broken, c.Loss)
	}
	calls := map[string]uint64{}
	for _, total := range c.Totals {
		name := total.Edge.Caller.Key.Service + " " + total.Edge.Callee.Key.Service
		calls[name] += total.Cost.Calls
		if cost := total.Cost; name == "cart price" && (cost.Failed != 1 || cost.Faults != 1 || cost.SelfSum != 52*time.Millisecond) {
			t.Errorf("calls of price: %+v", cost)
		}
	}
	if calls["cart price"] != 2 || calls["cart stock"] != 2 || calls["web cart"] != 2 {
		t.Errorf("calls: %v", calls)
	}
	web := uint64(0)
	for _, total := range c.Totals {
		if total.Edge.Callee.Key.Service == "web" {
			web += total.Cost.Calls
		}
	}
	if web != 4 {
		t.Errorf("calls of web: %d", web)
	}
	if none := trace.CostsOf(nil); none.Traces != 0 || len(none.Totals) != 0 {
		t.Errorf("of none: %+v", none)
	}
}

// TestWithin leaves out traces of another time, and none that reaches into it.
func TestWithin(t *testing.T) {
	from := time.Unix(1_700_000_000, 0)
	to := from.Add(15 * time.Minute)
	of := func(start, end time.Duration) []trace.Span {
		return []trace.Span{{Start: from.Add(start).UnixNano(), End: from.Add(end).UnixNano()}}
	}
	const day = 24 * time.Hour
	kept, left := trace.Within([][]trace.Span{
		of(0, time.Second), of(-time.Minute, time.Second), of(14*time.Minute, time.Hour), append(of(-day, -day), of(1, 2)...),
		of(-30*day, -30*day+time.Second), of(15*time.Minute, 16*time.Minute), of(day, day), nil,
	}, from, to)
	if len(kept) != 4 || left != 3 {
		t.Errorf("%d are kept, %d are left out", len(kept), left)
	}
}
