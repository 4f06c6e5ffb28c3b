package trace_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func TestFind(t *testing.T) {
	w := window(t, trace.Options{})
	w.Add(after(0), shop())
	w.Add(after(0), []trace.Span{at("web", 1, 0, trace.Server, 5000, 5001, in(2), failed), at("mail", 2, 0, trace.Server, 5000, 5400, in(2))})
	w.Add(after(0), []trace.Span{at("web", 1, 0, trace.Server, 9000, 9900, in(3))})
	for name, c := range map[string]struct {
		q    trace.Query
		want string
	}{
		"all, failed first":    {trace.Query{}, "231"},
		"of one":               {trace.Query{From: *who("mail")}, "2"},
		"of nobody known":      {trace.Query{From: *who("other")}, ""},
		"failed":               {trace.Query{Failed: true}, "2"},
		"long":                 {trace.Query{MinDuration: 500 * time.Millisecond}, "3"},
		"early":                {trace.Query{Until: after(time.Second)}, "1"},
		"late":                 {trace.Query{Since: after(6 * time.Second)}, "3"},
		"one":                  {trace.Query{Limit: 1}, "2"},
		"of web, while mail":   {trace.Query{From: *who("web"), Since: after(5100 * time.Millisecond), Until: after(5300 * time.Millisecond)}, ""},
		"by the service alone": {trace.Query{From: identity.FromMap(map[string]string{"service": "cart"})}, "1"},
	} {
		got := ""
		for _, s := range w.Find(c.q) {
			got += string(rune('0' + s.ID[0]))
		}
		if got != c.want {
			t.Errorf("%s: traces %s, want %s", name, got, c.want)
		}
	}
	if s := w.Find(trace.Query{From: *who("cart")})[0]; s.Root != "b" || s.Service.Service != "web" || s.Spans != 8 || s.By != identity.ByPod || s.Duration != 100*time.Millisecond || !s.Start.Equal(epoch) {
		t.Errorf("%+v", s)
	}
}

func TestManyAreFound(t *testing.T) {
	w := window(t, trace.Options{})
	for i := range 5000 {
		w.Add(after(0), []trace.Span{at("a", 1, 0, trace.Server, 0, int64(i), func(s *trace.Span) { s.Trace = id(i) })})
	}
	if got := w.Find(trace.Query{Limit: 2}); len(got) != 2 || got[0].ID != id(4999) || got[1].ID != id(4998) {
		t.Errorf("%+v", got)
	}
}

func TestJoin(t *testing.T) {
	w := window(t, trace.Options{})
	w.Add(after(0), shop())
	of := func(labels ...string) identity.Identity {
		m := map[string]string{}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i]] = labels[i+1]
		}
		return identity.FromMap(m)
	}
	for name, c := range map[string]struct {
		e    trace.Exemplar
		how  trace.How
		why  string
		many int
	}{
		"its id":            {trace.Exemplar{Trace: trace.ID{1}}, trace.ByTraceID, "names this trace", 1},
		"gone, by pod":      {trace.Exemplar{Trace: trace.ID{9}, At: after(0), Of: of("pod", "cart-1", "namespace", "shop")}, trace.ByPod, "is not kept; these traces have spans of the same pod", 1},
		"none, by key":      {trace.Exemplar{At: after(0), Of: of("job", "shop/cart", "environment", "production")}, trace.ByKey, "names no trace; these traces have spans of the same key", 1},
		"none, by service":  {trace.Exemplar{At: after(0), Of: of("service", "cart")}, trace.ByService, "of the same service", 1},
		"too far away":      {trace.Exemplar{At: after(time.Hour), Of: of("service", "cart")}, trace.Unjoined, "no trace of cart is kept within 30s", 0},
		"of nobody":         {trace.Exemplar{At: after(0)}, trace.Unjoined, "name no service and no pod", 0},
		"of another":        {trace.Exemplar{At: after(0), Of: of("service", "other")}, trace.Unjoined, "no trace of other", 0},
		"another namespace": {trace.Exemplar{At: after(0), Of: of("job", "other/cart")}, trace.Unjoined, "no trace", 0},
	} {
		got, err := trace.Join(t.Context(), w, []trace.Exemplar{c.e}, 30*time.Second)
		if err != nil || len(got.Joined) != 1 {
			t.Fatalf("%s: %+v %v", name, got, err)
		}
		if j := got.Joined[0]; j.How != c.how || !strings.Contains(j.Why, c.why) || len(j.Traces) != c.many {
			t.Errorf("%s: %s, %s, %d traces", name, j.How, j.Why, len(j.Traces))
		}
	}
}

// blind is a source that cannot answer.
type blind struct{}

func (blind) Lookup(context.Context, trace.ID) (trace.Summary, bool, error) {
	return trace.Summary{}, false, errors.New("away")
}
func (blind) Search(context.Context, trace.Query) ([]trace.Summary, error) {
	return nil, errors.New("away")
}

func TestAFloodOfExemplars(t *testing.T) {
	w := window(t, trace.Options{})
	var all []trace.Exemplar
	for i := range 10_000 {
		all = append(all, trace.Exemplar{Trace: id(i), At: after(0)}, trace.Exemplar{Trace: id(0)})
	}
	got, err := trace.Join(t.Context(), w, all, time.Second)
	if err != nil || len(got.Joined) != trace.MaxExemplars || got.Repeated != 10_000 || got.Dropped != 10_000-trace.MaxExemplars {
		t.Errorf("%d joined, %d repeated, %d dropped: %v", len(got.Joined), got.Repeated, got.Dropped, err)
	}
	for _, e := range []trace.Exemplar{{Trace: trace.ID{1}}, {Of: *who("a")}} {
		if _, err := trace.Join(t.Context(), blind{}, []trace.Exemplar{e}, time.Second); err == nil {
			t.Error("a source that cannot answer is taken for one without traces")
		}
	}
}

func TestIDs(t *testing.T) {
	for text, want := range map[string]string{"1": "00000000000000000000000000000001", "ABCDEF": "00000000000000000000000000abcdef", "0102030405060708090a0b0c0d0e0f10": "0102030405060708090a0b0c0d0e0f10"} {
		if got, err := trace.ParseID(text); err != nil || got.String() != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "g", "-1", strings.Repeat("1", 33)} {
		if _, err := trace.ParseID(text); err == nil {
			t.Errorf("%q is an id", text)
		}
	}
	if got, err := trace.ParseSpanID("a1"); err != nil || got.String() != "00000000000000a1" {
		t.Error(got, err)
	}
	if _, err := trace.ParseSpanID(strings.Repeat("1", 17)); err == nil {
		t.Error("17 digits are a span id")
	}
}

// TestHosts asks by names of hosts, as one does within a cluster.
func TestHosts(t *testing.T) {
	for name, want := range map[string]identity.Key{
		"bank":                               {Environment: "production", Namespace: "shop", Service: "bank"},
		"bank:8080":                          {Environment: "production", Namespace: "shop", Service: "bank"},
		"bank.money.svc":                     {Environment: "production", Namespace: "money", Service: "bank"},
		"bank.money.svc.cluster.local":       {Environment: "production", Namespace: "money", Service: "bank"},
		"redis/bank.money.svc.cluster.local": {Environment: "production", Namespace: "money", Service: "redis/bank"},
		"redis/bank":                         {Environment: "production", Namespace: "shop", Service: "redis/bank"},
		"bank.example.com":                   {Service: "bank.example.com"},
		"bank.svcs.example.com":              {Service: "bank.svcs.example.com"},
		"10.0.0.1":                           {Service: "10.0.0.1"},
		"[2001:db8::1]":                      {Service: "[2001:db8::1]"},
		"2001:db8::1":                        {Service: "2001:db8::1"},
		"localhost":                          {Service: "localhost"},
		".svc":                               {Service: ".svc"},
	} {
		ask := func(host bool) identity.Key {
			costs := trace.CostsOf([][]trace.Span{{at("web", 1, 0, trace.Client, 0, 9, func(s *trace.Span) { s.Remote = trace.Remote{Kind: trace.External, Name: name, Host: host} })}})
			for _, total := range costs.Totals {
				if total.Edge.Caller.Kind == trace.Service {
					return total.Edge.Callee.Key
				}
			}
			t.Fatalf("%s: nobody is asked", name)
			return identity.Key{}
		}
		if got := ask(true); got != want {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
		if got := ask(false); got != (identity.Key{Service: name}) {
			t.Errorf("%s, no host, is %+v", name, got)
		}
	}
	if p, ok := (trace.Party{Kind: trace.Service, Key: identity.Key{Namespace: "shop", Service: "bank"}}).Hosted(); ok {
		t.Errorf("a service is hosted as %v", p)
	}
}

func TestRemote(t *testing.T) {
	for name, c := range map[string]struct {
		attributes map[string]string
		want       trace.Remote
	}{
		"a database and its host": {map[string]string{"db.system": "redis", "server.address": "cache", "db.name": "0"}, trace.Remote{Kind: trace.Database, Name: "redis/cache", Host: true}},
		"a database and its name": {map[string]string{"db.system.name": "postgresql", "db.namespace": "carts"}, trace.Remote{Kind: trace.Database, Name: "postgresql/carts"}},
		"a database":              {map[string]string{"db.system": "sqlite"}, trace.Remote{Kind: trace.Database, Name: "sqlite"}},
		"a queue":                 {map[string]string{"messaging.system": "kafka", "messaging.destination.name": "orders"}, trace.Remote{Kind: trace.Queue, Name: "kafka/orders"}},
		"a broker":                {map[string]string{"messaging.system": "kafka"}, trace.Remote{Kind: trace.Queue, Name: "kafka"}},
		"a peer":                  {map[string]string{"peer.service": "bank", "server.address": "10.0.0.1"}, trace.Remote{Kind: trace.External, Name: "bank"}},
		"an address":              {map[string]string{"net.peer.name": "api.example.com"}, trace.Remote{Kind: trace.External, Name: "api.example.com", Host: true}},
		"nothing":                 {nil, trace.Remote{}},
	} {
		if got := trace.RemoteOf(func(n string) string { return c.attributes[n] }); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := trace.FailureOf("", func(n string) string { return map[string]string{"error.type": "timeout"}[n] }); got != "timeout" {
		t.Error(got)
	}
	if got := trace.FailureOf(" went wrong\n", nil); got != "went wrong" {
		t.Error(got)
	}
	if n := len(trace.RemoteNames()); n < 10 {
		t.Error(n)
	}
	if trace.Producer.String() != "producer" || trace.Kind(77).String() != "unspecified" {
		t.Error("kinds have no names")
	}
}
