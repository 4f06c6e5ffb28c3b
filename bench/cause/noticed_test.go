package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/bench/cause/recorded"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestNoticing has the errors of one of two services jump: it is judged from when that
// begins. A fault of which nothing is seen is not counted, and what another recording
// taught is forgotten.
func TestNoticing(t *testing.T) {
	const step = 5 * time.Second
	began := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	part := func(name string) cause.Component {
		return cause.Component{Kind: trace.Service, Key: identity.Key{Namespace: "shop", Service: name}}
	}
	// fault is what is seen from a sample on, where the orders jump or do not.
	fault := func(from, injected int, jumps bool) recorded.Fault {
		at := func(i int) time.Time { return began.Add(time.Duration(i) * step) }
		until := func(n int) cause.Case {
			c := cause.Case{At: at(n)}
			for k, name := range []string{"orders", "web"} {
				r := rand.New(rand.NewPCG(uint64(k), uint64(from)))
				s := cause.Series{Of: part(name), ID: name, Golden: watch.Errors, Direction: anomaly.Above, Floor: 0.001}
				for i := from; i <= n; i++ {
					v := 0.02 + 0.001*r.NormFloat64()
					if jumps && name == "orders" && i >= injected {
						v += 0.5
					}
					s.At, s.Values = append(s.At, at(i).UnixMilli()), append(s.Values, v)
				}
				c.Series = append(c.Series, s)
			}
			return c
		}
		l := recorded.Label{Truth: part("orders"), Injected: at(injected), Abnormal: 1}
		return recorded.Fault{Label: l, Soon: until(injected + 12), Late: until(injected + 24)}
	}
	x := fault(625, 800, true)
	var n noticing
	for i, c := range []struct {
		fault recorded.Fault
		seen  int
	}{{fault(0, 600, false), 0}, {x, 1}, {fault(2000, 2030, true), 1}} {
		if err := n.add(c.fault, 0); err != nil {
			t.Fatal(err)
		}
		if n.onset.all != c.seen || n.fixed.all != c.seen || n.called.all != i+1 {
			t.Errorf("after %d faults: %+v", i+1, n)
		}
	}
	if n.onset.first != 1 {
		t.Errorf("the culprit is not first: %+v", n.onset)
	}
	var a attention
	a.begin(x.Label)
	since, err := a.onset(x.Soon, x.Label.Injected)
	if late := since.Sub(x.Label.Injected); err != nil || late < 0 || late > 3*step {
		t.Errorf("it began %s after the injection, error %v", late, err)
	}
}
