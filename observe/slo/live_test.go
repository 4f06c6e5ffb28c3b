package slo

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// exporter serves two counters that grow with the clock, so that a late scrape
// loses nothing.
type exporter struct {
	mu         sync.Mutex
	last       time.Time
	total, bad float64
	failing    bool
}

func (e *exporter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.grow()
	fmt.Fprintf(w, "requests_total %f\nerrors_total %f\n", e.total, e.bad)
}

func (e *exporter) grow() {
	now := time.Now()
	n := 200 * now.Sub(e.last).Seconds()
	e.total += n
	if e.failing {
		e.bad += n
	}
	e.last = now
}

func (e *exporter) fail(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.grow()
	e.failing = on
}

// quick is an objective whose tiers act within seconds.
func quick() Objective {
	o := forPrometheus(ofErrors())
	o.Target, o.Period.Rolling = 0.95, time.Hour
	o.Alerting.Tiers = []Tier{
		{Name: "fast", Severity: Page, Long: 20 * time.Second, Short: 5 * time.Second, Factor: 8},
		{Name: "slow", Severity: Ticket, Long: 40 * time.Second, Short: 10 * time.Second, Factor: 2, For: 2 * time.Second},
	}
	return o
}

// TestAlertTimesEqualALivePrometheus runs a real Prometheus with the generated
// rules on a service that fails and recovers. Afterwards the Monitor gets the
// very samples that Prometheus stored, and is asked at the very moments at which
// the rules were evaluated: how busy this machine is does not matter.
func TestAlertTimesEqualALivePrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	p := prometheustest.Need(t)
	e := &exporter{last: time.Now()}
	target := httptest.NewServer(e)
	defer target.Close()
	dir := t.TempDir()
	o := quick()
	groups, notes, err := Rules(o, RuleOptions{Interval: time.Second})
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	var rules bytes.Buffer
	if err := WriteRules(&rules, groups); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), rules.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	server, err := prometheustest.Start(t.Context(), p, dir, fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs: [{job_name: shop, static_configs: [{targets: [%q]}]}]
`, strings.TrimPrefix(target.URL, "http://")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	await(ctx, t, server, `slo:total:increase20s > 3000`) // the windows of the fast tier are full
	e.fail(true)
	await(ctx, t, server, `count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"}) == 2`)
	e.fail(false)
	await(ctx, t, server, `absent(ALERTS{alertname="ErrorBudgetBurn"})`)
	compareWith(ctx, t, server, o)
}

// await waits until a query has an answer.
func await(ctx context.Context, t *testing.T, server *prometheustest.Server, expr string) {
	t.Helper()
	for {
		if found, err := server.Query(ctx, expr); err == nil && len(found) > 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", expr, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// compareWith replays what Prometheus stored.
func compareWith(ctx context.Context, t *testing.T, server *prometheustest.Server, o Objective) {
	t.Helper()
	get := func(expr string) []prometheustest.Series {
		found, err := server.Query(ctx, expr)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	batches := map[int64][]Sample{}
	for role, name := range map[Role]string{Total: "requests_total", Bad: "errors_total"} {
		for _, s := range get(name + "[10m]") {
			for i, at := range s.Times {
				batches[at] = append(batches[at], Sample{Series: name, Role: role, At: at, Value: s.Values[i]})
			}
		}
	}
	var scrapes []int64
	for at, b := range batches {
		slices.SortFunc(b, func(x, y Sample) int { return strings.Compare(x.Series, y.Series) })
		scrapes = append(scrapes, at)
	}
	slices.Sort(scrapes)
	evaluations := get("slo:total:increase5s[10m]")
	if len(scrapes) < 20 || len(evaluations) != 1 || len(evaluations[0].Times) < 20 {
		t.Fatalf("%d scrapes, %v", len(scrapes), evaluations)
	}
	theirs := map[string][]int64{}
	for _, s := range get(`ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"}[10m]`) {
		theirs[s.Labels["tier"]] = s.Times
	}
	m, err := New(o, Options{Interval: 2 * time.Second, Start: time.UnixMilli(scrapes[0] - 1000)})
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string][]int64{}
	next := 0
	for _, now := range evaluations[0].Times {
		for ; next < len(scrapes) && scrapes[next] <= now; next++ {
			m.Observe(Batch{At: time.UnixMilli(scrapes[next]), Samples: batches[scrapes[next]]})
		}
		for _, x := range m.Evaluate(time.UnixMilli(now)).Tiers {
			if x.Phase == Firing {
				ours[x.Name] = append(ours[x.Name], now)
			}
		}
	}
	index := func(at int64) int { i, _ := slices.BinarySearch(evaluations[0].Times, at); return i }
	for _, tier := range o.Alerting.Tiers {
		a, b := ours[tier.Name], theirs[tier.Name]
		if len(a) == 0 || len(b) == 0 {
			t.Errorf("%s: we fired %d times, Prometheus %d times", tier.Name, len(a), len(b))
			continue
		}
		first, last := index(a[0])-index(b[0]), index(a[len(a)-1])-index(b[len(b)-1])
		t.Logf("%s: fired %+d, resolved %+d evaluations after Prometheus", tier.Name, first, last)
		if max(first, -first, last, -last) > 1 {
			t.Errorf("%s: fired %d and resolved %d evaluations after Prometheus", tier.Name, first, last)
		}
	}
}
