package cause

import (
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func TestSeriesOf(t *testing.T) {
	survey := observe.NewSurvey(observe.Options{Step: every, From: zero})
	w := watch.Watch{Name: "otel-http/duration", Golden: watch.Duration, What: "mean duration of requests", Unit: "s", Direction: anomaly.Above, MinEffect: 0.005}
	labels := map[string]string{"namespace": "shop", "deployment": "orders", "deployment_environment": "production"}
	for i := range 400 {
		v := 0.02 + 0.001*float64(i%7)
		if i >= 380 {
			v += 0.5
		}
		if err := survey.Feed(w, labels, []int64{at(i).UnixMilli()}, []float64{v}); err != nil {
			t.Fatal(err)
		}
	}
	report := survey.Report(at(400))
	s := SeriesOf(report.Signals[0])
	want := Component{Kind: trace.Service, Key: identity.Key{Environment: "production", Namespace: "shop", Service: "orders"}}
	if s.Of != want || s.Floor != 0.005 || s.Golden != watch.Duration || len(s.At) != 400 || s.Values[399] < 0.5 || s.ID != report.Signals[0].Signal.ID() {
		t.Errorf("got %v, floor %v, %d points", s.Of, s.Floor, len(s.At))
	}
	if since := s.Since; since != report.Signals[0].Anomalies[0].Since.UnixMilli() || since == 0 {
		t.Errorf("it is abnormal since %d, not %v", since, report.Signals[0].Anomalies[0].Since)
	}
	over := report.Signals[0]
	over.Anomalies = []observe.Anomaly{over.Anomalies[0]}
	over.Anomalies[0].Until = at(395)
	if s := SeriesOf(over); s.Since != 0 {
		t.Errorf("what is over dates it: %d", s.Since)
	}
	if s.Usual {
		t.Error("an abnormal series is called usual")
	}
	s.Values[0] = 7
	if report.Signals[0].Points[0].Value == 7 {
		t.Error("the points of the survey were changed")
	}
	r := Rank(Case{At: at(400), Series: []Series{s}})
	if len(r.Causes) != 1 || r.Causes[0].Component != want || !r.Causes[0].Since.Equal(at(380)) {
		t.Errorf("got %s", outline(r))
	}
	if got := ComponentOf(observe.Signal{Watch: w}); got.Kind != trace.Unknown {
		t.Errorf("a signal of nobody is of %v", got)
	}
}

func TestDependenciesOf(t *testing.T) {
	a, b := svc("a"), svc("b")
	got := DependenciesOf([]trace.Edge{
		{Caller: a, Callee: b, Operation: "x"}, {Caller: a, Callee: b, Operation: "y"}, {Caller: b, Callee: a, Operation: "z", Async: true},
	})
	if len(got) != 1 || got[0] != (Dependency{a, b, Calls}) {
		t.Errorf("got %v", got)
	}
}

// TestNames joins what different sources know of one component, and keeps apart
// what may be two.
func TestNames(t *testing.T) {
	name := func(env, ns, service string) Component {
		return Component{Kind: trace.Service, Key: identity.Key{Environment: env, Namespace: ns, Service: service}}
	}
	c := Case{Dependencies: []Dependency{
		{Who: name("", "shop", "orders"), On: name("production", "shop", "orders")},
		{Who: name("", "", "orders"), On: name("production", "shop", "web")},
		{Who: name("staging", "shop", "web"), On: name("", "shop", "web")},
		{Who: Component{Kind: trace.Database, Key: identity.Key{Service: "orders"}}, On: Component{Kind: trace.Unknown}},
	}}
	n := namesOf(&c)
	whole := n.of(name("production", "shop", "orders"))
	if n.of(name("", "shop", "orders")) != whole || n.of(name("", "", "orders")) != whole {
		t.Errorf("three names of one component are %v", n.all)
	}
	if web := n.of(name("", "shop", "web")); web == n.of(name("production", "shop", "web")) || web == n.of(name("staging", "shop", "web")) {
		t.Error("a name that may be two was made one of them")
	}
	if len(n.all) != 5 || n.of(Component{Kind: trace.Unknown}) != -1 {
		t.Errorf("components are %v", n.all)
	}
}

// TestNamesOfHosts joins what callers know as a host with the service that it is.
func TestNamesOfHosts(t *testing.T) {
	name := func(kind trace.NodeKind, env, ns, service string) Component {
		return Component{Kind: kind, Key: identity.Key{Environment: env, Namespace: ns, Service: service}}
	}
	c := Case{
		Series: []Series{{Of: name(trace.Service, "", "shop", "database")}, {Of: name(trace.Service, "", "shop", "cache")}, {Of: name(trace.Service, "a", "shop", "web")}, {Of: name(trace.Service, "b", "shop", "web")}},
		Dependencies: []Dependency{
			{Who: name(trace.Service, "production", "shop", "orders"), On: name(trace.External, "production", "shop", "database")},
			{Who: name(trace.Service, "", "shop", "orders"), On: name(trace.Database, "", "shop", "redis/cache")},
			{Who: name(trace.Service, "", "shop", "orders"), On: name(trace.External, "", "bank", "database")},
			{Who: name(trace.Service, "", "shop", "orders"), On: name(trace.External, "", "", "cache")},
			{Who: name(trace.Service, "", "bank", "orders"), On: name(trace.External, "", "", "cache")},
			{Who: name(trace.Service, "", "shop", "orders"), On: name(trace.External, "", "shop", "web")},
			{Who: name(trace.Service, "", "shop", "orders"), On: name(trace.External, "", "", "database")},
		},
	}
	n := namesOf(&c)
	if a, b := n.of(c.Dependencies[0].On), n.of(c.Series[0].Of); a != b || n.all[a] != c.Series[0].Of {
		t.Errorf("the host is not its service: %v", n.all)
	}
	if a, b := n.of(c.Dependencies[1].On), n.of(c.Series[1].Of); a != b {
		t.Errorf("the database's host is not its service: %v", n.all)
	}
	if a, b := n.of(c.Dependencies[6].On), n.of(c.Series[0].Of); a != b {
		t.Errorf("what only those of its namespace call is not its service: %v", n.all)
	}
	for i, d := range c.Dependencies[2:6] {
		if at := n.of(d.On); n.all[at] != d.On {
			t.Errorf("%d: %v was taken for %v", i, d.On, n.all[at])
		}
	}
}

func TestSentence(t *testing.T) {
	when := time.Date(2026, 3, 2, 12, 1, 10, 0, time.UTC)
	r := Ranked{Component: svc("orders"), Evidence: []Evidence{{Kind: Changed, Weight: 0.4, Text: "release orders@1 at 12:01:10", At: when}}}
	if got := r.Sentence(); got != "release orders@1 at 12:01:10" {
		t.Errorf("a change alone: %q", got)
	}
	r.Evidence = []Evidence{{Kind: Victim, Weight: -1, Text: "db was in trouble no later"}}
	if got := r.Sentence(); got != "shop/orders: nothing speaks for it but what speaks against others less" {
		t.Errorf("nothing: %q", got)
	}
	for d, want := range map[time.Duration]string{20 * time.Second: "20 s", 3*time.Minute + 40*time.Second: "4 min"} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := cutText("aéb", 2); got != "a…" {
		t.Errorf("cut %q", got)
	}
}
