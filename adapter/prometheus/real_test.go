package prometheus_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/test/prometheustest"
	"github.com/autoecoops/autoecoops/test/storetest"
)

// blocks writes three hours of services, a sample of each every half a minute, to a new
// folder that a Prometheus can start in.
func blocks(t *testing.T, end time.Time, services ...string) (dir string) {
	t.Helper()
	var text strings.Builder
	for _, family := range []struct{ name, kind, series string }{{"requests", "counter", "requests_total"}, {"heat", "gauge", "heat"}} {
		fmt.Fprintf(&text, "# TYPE %s %s\n", family.name, family.kind)
		for n, service := range services {
			for i := range 361 {
				v := 7*i + n*i
				if family.kind == "gauge" {
					v = i * i % (17 + n)
				}
				fmt.Fprintf(&text, "%s{job=%q} %d %d\n", family.series, service, v, end.Add(time.Duration(i-360)*30*time.Second).Unix())
			}
		}
	}
	dir = t.TempDir()
	file := filepath.Join(dir, "history")
	if err := os.WriteFile(file, []byte(text.String()+"# EOF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), prometheustest.Need(t).Promtool, "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// answers are those to a question of each kind, series after series, in one form. No
// window begins where a sample is: a querier of today leaves that one out, and Debian's
// Prometheus does not. Nor are the last digits looked at.
func answers(t *testing.T, c *prometheus.Client, end time.Time) (map[string][]string, map[string]error) {
	t.Helper()
	out, errs := map[string][]string{}, map[string]error{}
	end = end.Add(7 * time.Second)
	series := func(name string) func(map[string]string, []prometheus.Point) error {
		return func(labels map[string]string, points []prometheus.Point) error {
			text := fmt.Sprint(labels)
			for _, p := range points {
				text += fmt.Sprintf(" %d %.12g", p.At, p.Value)
			}
			out[name] = append(out[name], text)
			return nil
		}
	}
	for _, expr := range []string{"requests_total", "sum(increase(requests_total[1h]))", `heat{job="web"}`, "scalar(sum(heat))", "nothing_at_all"} {
		name := "instant " + expr
		samples, err := c.Query(t.Context(), expr, end)
		for _, s := range samples {
			out[name] = append(out[name], fmt.Sprintf("%v %.12g", s.Labels, s.Value))
		}
		errs[name] = err
	}
	for _, expr := range []string{"heat", "sum by (job) (rate(requests_total[2m]))", "count(heat)"} {
		name := "range " + expr
		errs[name] = c.Range(t.Context(), expr, end.Add(-2*time.Hour), end, 30*time.Second, series(name))
	}
	errs["raw"] = c.Raw(t.Context(), "requests_total", time.Hour, end, series("raw"))
	out["names"], errs["names"] = c.Names(t.Context(), []string{`{job!=""}`}, end.Add(-3*time.Hour), end)
	for _, all := range out {
		slices.Sort(all)
	}
	return out, errs
}

// TestRealThanos has two replicas of a Prometheus, of which the second knows a service
// more. A Thanos answers as the second does; when that is gone, it never answers at all.
func TestRealThanos(t *testing.T) {
	storetest.ThanosProgram.Need(t)
	end := time.Now().Truncate(time.Minute)
	th := storetest.StartThanos(t, blocks(t, end, "web"), blocks(t, end, "web", "orders"))
	queriers := map[string]string{"strict": th.Query(t, true), "loose": th.Query(t, false)}
	want, errs := answers(t, client(t, th.Prometheus[1], nil), end)
	for name, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if len(want["raw"]) != 2 || len(want["names"]) != 2 || len(want["instant requests_total"]) != 2 || len(want["instant nothing_at_all"]) != 0 {
		t.Fatalf("%v", want)
	}
	for kind, url := range queriers {
		got, errs := answers(t, client(t, url, nil), end)
		for name, err := range errs {
			if err != nil || !slices.Equal(got[name], want[name]) {
				t.Errorf("%s, %s: %v\n%.300v\n%.300v", kind, name, err, got[name], want[name])
			}
		}
	}
	refused(t, queriers["strict"], end)
	merged(t, th, end)
	slow := client(t, th.Query(t, true, "--query.timeout=1ms"), nil)
	if _, err := slow.Query(t.Context(), "sum(rate(requests_total[1h]))", end); err != nil && fault.KindOf(err) != fault.TimedOut && fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a query that takes too long: %v", err)
	}

	th.Sidecars[1].Stop()
	missing(t, "at once", queriers, end)
	for _, url := range queriers {
		storetest.Dropped(t, url)
	}
	missing(t, "when it is noticed", queriers, end)
	// What misleads a client that only looks at the answer: less, and not a word of it.
	if text := plain(t, queriers["loose"], "count(heat)", end); !strings.Contains(text, `"1"]`) || strings.Contains(text, "warnings") {
		t.Errorf("a Thanos without a store says: %s", text)
	}
}

// missing wants no answer to any question, for a store is gone.
func missing(t *testing.T, when string, queriers map[string]string, end time.Time) {
	t.Helper()
	for kind, url := range queriers {
		got, errs := answers(t, client(t, url, nil), end)
		for name, err := range errs {
			if fault.KindOf(err) != fault.Unavailable || len(got[name]) > 0 {
				t.Errorf("%s, %s, %s: %v %.200v", when, kind, name, err, got[name])
			}
		}
	}
}

// merged has a querier that is not told of the label that replicas differ in: each series
// of both is there twice, by that label, and a sum has it twice.
func merged(t *testing.T, th *storetest.Thanos, end time.Time) {
	t.Helper()
	apart := client(t, th.Apart(t), nil)
	all, err := apart.Query(t.Context(), `heat{job="web"}`, end)
	if err != nil || len(all) != 2 || all[0].Labels["replica"] == all[1].Labels["replica"] {
		t.Errorf("%v %v", all, err)
	}
}

// plain is the text of an answer.
func plain(t *testing.T, url, expr string, at time.Time) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/api/v1/query?query=%s&time=%d", url, expr, at.Unix()), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// refused asks what has no answer.
func refused(t *testing.T, url string, end time.Time) {
	t.Helper()
	c := client(t, url, nil)
	for expr, want := range map[string]string{
		"sum(":                        "parse error",
		"heat * on () requests_total": "many",
	} {
		if _, err := c.Query(t.Context(), expr, end); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", expr, err)
		}
	}
}
