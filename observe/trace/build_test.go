package trace_test

import (
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

const ms = int64(time.Millisecond)

// epoch is when the traces of the tests begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func who(service string) *identity.Identity {
	return &identity.Identity{Key: identity.Key{Environment: "production", Namespace: "shop", Service: service}, Instance: service + "-1", KubeNamespace: "shop", Pod: service + "-1"}
}

// at is a span of a service: its id and parent are single bytes, its times
// milliseconds after the epoch.
func at(service string, id, parent byte, kind trace.Kind, start, end int64, change ...func(*trace.Span)) trace.Span {
	s := trace.Span{Trace: trace.ID{1}, Kind: kind, Name: string(rune('a' + id)), From: who(service), Start: epoch.UnixNano() + start*ms, End: epoch.UnixNano() + end*ms}
	s.ID[7], s.Parent[7] = id, parent
	for _, f := range change {
		f(&s)
	}
	return s
}

func failed(s *trace.Span) { s.Failed = true }

func named(n string) func(*trace.Span) { return func(s *trace.Span) { s.Name = n } }

func peer(kind trace.NodeKind, name string) func(*trace.Span) {
	return func(s *trace.Span) { s.Remote = trace.Remote{Kind: kind, Name: name} }
}

func in(n byte) func(*trace.Span) { return func(s *trace.Span) { s.Trace = trace.ID{n} } }

// shop is a purchase: web asks cart, which asks its database and then two
// others side by side.
func shop() []trace.Span {
	return []trace.Span{
		at("web", 1, 0, trace.Server, 0, 100),
		at("web", 2, 1, trace.Client, 10, 90),
		at("cart", 3, 2, trace.Server, 12, 88),
		at("cart", 4, 3, trace.Client, 15, 25, peer(trace.Database, "postgresql/carts")),
		at("cart", 5, 3, trace.Client, 30, 60),
		at("cart", 6, 3, trace.Client, 40, 80),
		at("price", 7, 5, trace.Server, 32, 58),
		at("stock", 8, 6, trace.Server, 42, 78),
	}
}

// node returns the span with an id.
func node(t *testing.T, tr *trace.Trace, id byte) *trace.Node {
	t.Helper()
	for i := range tr.Spans {
		if tr.Spans[i].ID[7] == id {
			return &tr.Spans[i]
		}
	}
	t.Fatalf("there is no span %d", id)
	return nil
}

// call returns the call of a callee.
func call(t *testing.T, tr *trace.Trace, callee string) trace.Call {
	t.Helper()
	for _, c := range tr.Calls(nil) {
		if c.Edge.Callee.Key.Service == callee {
			return c
		}
	}
	t.Fatalf("nobody calls %s", callee)
	return trace.Call{}
}
