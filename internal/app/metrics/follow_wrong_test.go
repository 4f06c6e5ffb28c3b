package metrics_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
)

// TestFollowWhatCannotBeRight has a share of more than all be counted as unknown: no anomaly
// of it is told, and nobody is told to be silent.
func TestFollowWhatCannotBeRight(t *testing.T) {
	k, _ := open(t, metrics.Settings{})
	const step = 30 * time.Second
	random := rand.New(rand.NewPCG(5, 6))
	start := time.Now().Truncate(step).Add(-4 * time.Hour)
	at := start
	feed := func(until time.Time, files float64) {
		for ; !at.After(until); at = at.Add(step) {
			a := k.Store.Appendable("write", false).Appender(context.Background())
			for name, v := range map[string]float64{"process_open_fds": files + 10*random.Float64(), "process_max_fds": 1000} {
				if _, err := a.Append(0, labels.FromStrings("__name__", name, "namespace", "shop", "workload", "orders"), at.UnixMilli(), v); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := start.Add(3 * time.Hour)
	feed(now, 100)
	told := 0
	f := metrics.NewFollower(promql.NewAsker(k.Store, promql.Options{}), metrics.FollowOptions{
		Interval: step, Habits: metrics.Habits{History: 2 * time.Hour}, Now: func() time.Time { return now },
		Hooks: metrics.Hooks{Opened: func(observe.Anomaly) { told++ }, Silent: func(metrics.Quiet) { told++ }},
	})
	for i := range 30 {
		if now = now.Add(step); i < 5 {
			feed(now, 100)
		} else {
			feed(now, 2500)
		}
		if err := f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := testutil.CollectAndCompare(f, strings.NewReader(`# HELP aeo_observe_signals Signals that are followed, by their state.
# TYPE aeo_observe_signals gauge
aeo_observe_signals{state="abnormal"} 0
aeo_observe_signals{state="learning"} 0
aeo_observe_signals{state="normal"} 0
aeo_observe_signals{state="silent"} 0
aeo_observe_signals{state="unknown"} 1
`), "aeo_observe_signals"); err != nil || told != 0 || len(f.Open()) != 0 {
		t.Errorf("%d told, %v open: %v", told, f.Open(), err)
	}
}
