package trace

import (
	"testing"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestSettle makes one of a host and the service that it is, and leaves what is not known
// to be one.
func TestSettle(t *testing.T) {
	of := func(kind NodeKind, environment, namespace, service string) Party {
		return Party{kind, identity.Key{Environment: environment, Namespace: namespace, Service: service}}
	}
	web, cart := of(Service, "live", "shop", "web"), of(Service, "live", "shop", "cart")
	total := func(callee Party, operation string, calls uint64) Total {
		return Total{Edge{Caller: web, Callee: callee, Operation: operation}, Cost{Calls: calls}}
	}
	before := []Total{total(of(External, "live", "shop", "cart"), "GET", 2)}
	after := []Total{
		total(cart, "GET", 5), total(of(External, "live", "shop", "cart"), "GET", 3), // the same edge then
		total(of(External, "", "shop", "stock"), "GET", 1), // told by another environment only
		total(of(External, "", "", "api.example.com"), "GET", 1), total(of(Database, "live", "shop", "postgresql/cart"), "SELECT", 1),
		{Edge{Caller: of(Service, "live", "shop", "stock"), Callee: web}, Cost{Calls: 1}},
		total(of(External, "", "shop", "two"), "GET", 1), {Edge{Caller: of(Service, "live", "shop", "two"), Callee: of(Service, "test", "shop", "two")}, Cost{Calls: 1}},
	}
	got := Settle(before, after)
	if len(got) != 2 || len(got[0]) != 1 || got[0][0].Edge.Callee != cart {
		t.Fatalf("%+v", got)
	}
	want := []Total{
		total(cart, "GET", 8), total(of(Service, "live", "shop", "stock"), "GET", 1), after[3], after[4], after[5], after[6], after[7],
	}
	if len(got[1]) != len(want) {
		t.Fatalf("%d edges, not %d", len(got[1]), len(want))
	}
	for i, w := range want {
		if got[1][i].Edge != w.Edge || got[1][i].Cost.Calls != w.Cost.Calls {
			t.Errorf("%d: %+v, not %+v", i, got[1][i].Edge, w.Edge)
		}
	}
	if before[0].Edge.Callee == cart {
		t.Error("what was given is changed")
	}
}
