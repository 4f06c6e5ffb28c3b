package metrics_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
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
	now := at
	o := metrics.FollowOptions{Interval: step, History: 4 * time.Hour, Now: func() time.Time { return now },
		Opened: func(a observe.Anomaly) { opened = append(opened, a) }, Closed: func(a observe.Anomaly) { closed = append(closed, a) }}
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
	if len(f.Open()) != 0 || len(opened) != 0 {
		t.Fatalf("abnormal from the start: %v", f.Open())
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
