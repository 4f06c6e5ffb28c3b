package metrics_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// TestFollow lets the orders fail for a while: the anomaly is told once, is a metric
// while it goes on, is known after a restart, and is told when it ends.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	k, _ := open(t, metrics.Settings{Store: tsdb.Options{Dir: dir}})
	const step = 30 * time.Second
	random := rand.New(rand.NewPCG(1, 2))
	at := time.Now().Truncate(step).Add(-6 * time.Hour)
	sums := map[string]*[2]float64{"orders": {}, "web": {}}
	feed := func(until time.Time, failing bool) {
		for ; !at.After(until); at = at.Add(step) {
			a := k.Store.Appendable("write", false).Appender(context.Background())
			for _, name := range []string{"orders", "web"} {
				n, share := math.Round(300+30*random.NormFloat64()), 0.0
				if failing && name == "orders" {
					share = 0.2
				}
				s := sums[name]
				s[0] += n - math.Round(n*share)
				s[1] += math.Round(n * share)
				for i, code := range []string{"200", "503"} {
					l := labels.FromStrings("__name__", "http_requests_total", "namespace", "shop", "workload", name, "job", "shop/"+name, "code", code)
					if _, err := a.Append(0, l, at.UnixMilli(), s[i]); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := a.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var opened, closed []observe.Anomaly
	var seen observe.Report
	now := at
	o := metrics.FollowOptions{Interval: step, Habits: metrics.Habits{History: 4 * time.Hour}, Now: func() time.Time { return now }, Hooks: metrics.Hooks{
		Opened: func(a observe.Anomaly) { opened = append(opened, a) }, Closed: func(a observe.Anomaly) { closed = append(closed, a) }, Looked: func(r observe.Report) { seen = r },
	}}
	f := metrics.NewFollower(promql.NewAsker(k.Store, promql.Options{}), o)
	follow := func(d time.Duration, failing bool) {
		t.Helper()
		now = now.Add(d)
		feed(now, failing)
		if err := f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	follow(3*time.Hour, false)
	if len(f.Open()) != 0 || len(opened) != 0 || len(seen.Signals) == 0 || !seen.At.Equal(now.Truncate(step).Add(-step)) {
		t.Fatalf("abnormal from the start: %v, of %d signals at %s", f.Open(), len(seen.Signals), seen.At)
	}
	for range 20 {
		follow(step, true)
	}
	if len(opened) != 1 || opened[0].Signal.Workload() != "orders" || opened[0].Signal.Watch.Golden.String() != "errors" || len(closed) != 0 {
		t.Fatalf("opened %v, closed %v", opened, closed)
	}
	if err := testutil.CollectAndCompare(f, strings.NewReader(`# HELP aeo_observe_anomalies Anomalies that go on, by whose they are and what is abnormal.
# TYPE aeo_observe_anomalies gauge
aeo_observe_anomalies{namespace="shop",quantity="errors",workload="orders"} 1
# HELP aeo_observe_signals_failed Expressions that could not be evaluated last time.
# TYPE aeo_observe_signals_failed gauge
aeo_observe_signals_failed 0
`), "aeo_observe_anomalies", "aeo_observe_signals_failed"); err != nil {
		t.Error(err)
	}
	// Another one, as after a restart, knows it from the samples and does not tell it anew.
	again := metrics.NewFollower(promql.NewAsker(k.Store, promql.Options{}), o)
	if err := again.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.Open(); len(got) != 1 || !got[0].Since.Equal(opened[0].Since) || len(opened) != 1 {
		t.Errorf("after a restart: %v, and %d told", got, len(opened))
	}
	for range 200 {
		follow(step, false)
		if len(closed) > 0 {
			break
		}
	}
	if len(closed) != 1 || len(f.Open()) != 0 {
		t.Errorf("closed %v, open %v", closed, f.Open())
	}
	// What was stopped in the midst is learned anew.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	now = now.Add(time.Hour)
	if err := f.Step(ctx); err == nil {
		t.Error("it went on after the end")
	}
	if err := f.Step(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFollowMonitors follows expressions of somebody's own: one that is added later
// learns what was, one that is wrong is told once, as is one with too many series, and
// what is gone is followed no more.
func TestFollowMonitors(t *testing.T) {
	k, _ := open(t, metrics.Settings{})
	const step = 30 * time.Second
	random := rand.New(rand.NewPCG(3, 4))
	start := time.Now().Truncate(step).Add(-5 * time.Hour)
	at := start
	feed := func(until time.Time, length float64) {
		for ; !at.After(until); at = at.Add(step) {
			a := k.Store.Appendable("write", false).Appender(context.Background())
			if _, err := a.Append(0, labels.FromStrings("__name__", "queue_length", "namespace", "elsewhere"), at.UnixMilli(), length+random.NormFloat64()); err != nil {
				t.Fatal(err)
			}
			for i := range 120 {
				if _, err := a.Append(0, labels.FromStrings("__name__", "many", "i", fmt.Sprint(i)), at.UnixMilli(), 1); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := start.Add(4 * time.Hour)
	feed(now, 50)
	var monitors []watch.Watch
	var opened []observe.Anomaly
	var troubled []string
	f := metrics.NewFollower(promql.NewAsker(k.Store, promql.Options{}), metrics.FollowOptions{
		Interval: step, Habits: metrics.Habits{History: 3 * time.Hour}, Now: func() time.Time { return now },
		Monitors: func() []watch.Watch { return monitors },
		Troubled: func(w watch.Watch, err error) { troubled = append(troubled, fmt.Sprint(w.What, ": ", err != nil)) },
		Hooks:    metrics.Hooks{Opened: func(a observe.Anomaly) { opened = append(opened, a) }},
	})
	advance := func(steps int, length float64) {
		t.Helper()
		for range steps {
			now = now.Add(step)
			feed(now, length)
			if err := f.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	of := func(name, expr string) watch.Watch {
		app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Monitors: []v1alpha1.Monitor{{Name: name, Expr: expr}}}}
		app.Namespace, app.Name = "shop", "orders"
		all, err := watch.MonitorsOf(app)
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	advance(3, 50)
	monitors = []watch.Watch{of("queue", `sum by (namespace) (queue_length)`), of("wrong", `sum(`), of("many", `many`)}
	advance(3, 50)
	if !slices.Equal(troubled, []string{"wrong: true", "many: true"}) {
		t.Errorf("told %v", troubled)
	}
	advance(20, 500)
	if len(opened) != 1 || opened[0].Signal.Of() != "shop/orders" || opened[0].Signal.Watch.What != "queue" {
		t.Fatalf("%v", opened)
	}
	if err := testutil.CollectAndCompare(f, strings.NewReader(`# HELP aeo_observe_signals_failed Expressions that could not be evaluated last time.
# TYPE aeo_observe_signals_failed gauge
aeo_observe_signals_failed 2
`), "aeo_observe_signals_failed"); err != nil {
		t.Error(err)
	}
	monitors = []watch.Watch{monitors[0], of("wrong", `sum(queue_length)`), of("many", `sum(many)`)}
	advance(1, 500)
	if !slices.Equal(troubled[2:], []string{"wrong: false", "many: false"}) {
		t.Errorf("told %v", troubled)
	}
	monitors = monitors[2:]
	advance(1, 500)
	if n := testutil.CollectAndCount(f, "aeo_observe_anomalies"); len(f.Open()) != 0 || n != 0 {
		t.Errorf("%d anomalies of what is followed no more", n)
	}
}

// TestSlowMonitors has one rest that takes too long: it is told once, and the others go on.
func TestSlowMonitors(t *testing.T) {
	k, _ := open(t, metrics.Settings{})
	now := time.Now().Truncate(time.Minute)
	var told []string
	f := metrics.NewFollower(promql.NewAsker(k.Store, promql.Options{}), metrics.FollowOptions{
		Interval: 30 * time.Second, Habits: metrics.Habits{History: time.Hour}, Now: func() time.Time { return now }, MonitorTime: time.Nanosecond,
		Monitors: func() []watch.Watch { return []watch.Watch{watch.MonitorOf("slow", "vector(1)")} },
		Troubled: func(w watch.Watch, err error) { told = append(told, fmt.Sprint(err)) },
	})
	for range 30 { // it is asked for again meanwhile
		if err := f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(30 * time.Second)
	}
	if len(told) != 1 || !strings.Contains(told[0], "takes longer than 1ns") {
		t.Errorf("%q", told)
	}
}
