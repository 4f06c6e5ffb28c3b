package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// history starts a real Prometheus that remembers six hours: requests of which
// half failed in the last half an hour, and a counter of good ones that is wrong.
func history(t *testing.T, end time.Time) *prometheustest.Server {
	t.Helper()
	p := prometheustest.Need(t)
	dir := t.TempDir()
	samples := map[string]*strings.Builder{"requests": {}, "errors": {}, "wrong": {}}
	total, bad := 0, 0
	for at := end.Add(-6 * time.Hour); !at.After(end); at = at.Add(30 * time.Second) {
		total += 50
		if at.After(end.Add(-30 * time.Minute)) {
			bad += 25
		}
		for name, v := range map[string]int{"requests": total, "errors": bad, "wrong": 2 * total} {
			fmt.Fprintf(samples[name], "%s_total{job=\"shop\"} %d %d\n", name, v, at.Unix())
		}
	}
	var text strings.Builder
	for name, b := range samples {
		fmt.Fprintf(&text, "# TYPE %s counter\n%s", name, b)
	}
	file := filepath.Join(dir, "history")
	if err := os.WriteFile(file, []byte(text.String()+"# EOF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), p.Promtool, "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	server, err := prometheustest.Start(t.Context(), p, dir, "global: {scrape_interval: 1m}\n")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

const shopObjectives = `apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: burning}
spec:
  service: shop
  target: 99.9%
  period: {rolling: 30d}
  indicator: {total: 'requests_total{job="shop"}', bad: 'errors_total{job="shop"}'}
---
apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: fine}
spec:
  service: shop
  target: 90%
  period: {rolling: 30d}
  indicator: {total: 'requests_total{job="shop"}', bad: 'never_total'}
---
apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: wrong}
spec:
  service: shop
  target: 99%
  period: {rolling: 30d}
  indicator: {total: 'requests_total{job="shop"}', good: 'wrong_total{job="shop"}'}
---
apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: missing}
spec:
  service: shop
  target: 99%
  period: {rolling: 30d}
  indicator: {total: 'nothing_total', bad: 'errors_total'}
---
apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: slices}
spec:
  service: shop
  target: 95%
  period: {rolling: 30d}
  budgeting: TimeSlices
  slice: {width: 5m, target: 99%}
  indicator: {total: 'requests_total{job="shop"}', bad: 'errors_total{job="shop"}'}
`

func TestBudgetsOfARealPrometheus(t *testing.T) {
	end := time.Now().Truncate(5 * time.Minute).Add(-10 * time.Minute)
	server := history(t, end)
	file := filepath.Join(t.TempDir(), "slo.yaml")
	if err := os.WriteFile(file, []byte(shopObjectives), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (out, problems string, code int) {
		var o, e bytes.Buffer
		streams := &cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e, Getenv: func(string) string { return "" }}
		code = cli.Main(context.Background(), backend{clock: func() time.Time { return end }}, streams, cli.Build{}, append([]string{"slo", "budget", file, "--prometheus", server.URL}, args...))
		return o.String(), e.String(), code
	}
	out, problems, code := run("-o", "json")
	if code != 1 || problems != "" {
		t.Fatalf("exit code %d: %s%s", code, out, problems)
	}
	var got []struct {
		Name, State         string
		Bad, Total          float64
		Achieved, Remaining *float64
		Tiers               []struct {
			Name, Verdict string
			Fires         bool
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got) != 5 {
		t.Fatal(err, out)
	}
	near := func(v, want float64) bool { return v >= want*0.98 && v <= want*1.02 }
	if b := got[0]; b.State != "measured" || !near(b.Total, 36_000) || !near(b.Bad, 1500) || b.Remaining == nil || !near(-*b.Remaining, 40.7) || !b.Tiers[0].Fires {
		t.Errorf("%+v", b)
	}
	if b := got[1]; b.State != "measured" || b.Bad != 0 || b.Remaining == nil || *b.Remaining != 1 || b.Tiers[0].Fires {
		t.Errorf("%+v", b)
	}
	if b := got[2]; b.State != "invalid" || b.Tiers[0].Fires {
		t.Errorf("%+v", b)
	}
	if b := got[3]; b.State != "absent" || b.Achieved != nil || b.Remaining != nil {
		t.Errorf("%+v", b)
	}
	if b := got[4]; b.State != "measured" || !near(b.Total, 72) && b.Total != 71 && b.Total != 73 || b.Bad < 5 || b.Bad > 7 {
		t.Errorf("%+v", b)
	}
	out, _, _ = run()
	for _, want := range []string{"shop/burning ", "  page-fast\n", "shop/missing", " unknown ", "absent: there are no series", "invalid: more events were good", "5m 500.00x"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
}

func TestBudgetsOfNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slo.yaml")
	if err := os.WriteFile(file, []byte(shopObjectives), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"whom to ask":             {},
		"connection refused":      {"--prometheus", "http://127.0.0.1:1"},
		"contains credentials":    {"--prometheus", "http://u:p@127.0.0.1:1"},
		"no such file":            {"--prometheus", "http://127.0.0.1:1", "--token-file", filepath.Join(t.TempDir(), "none")},
		"there is no format":      {"--prometheus", "http://127.0.0.1:1", "-o", "xml"},
		"write 30s, 5m or 30d":    {"--prometheus", "http://127.0.0.1:1", "--timeout", "soon"},
		"cannot read the command": {"--prometheus", "http://127.0.0.1:1", "--scrape", "0s"},
	} {
		var o, e bytes.Buffer
		streams := &cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e, Getenv: func(string) string { return "" }}
		if code := cli.Main(context.Background(), backend{}, streams, cli.Build{}, append([]string{"slo", "budget", file}, args...)); code != 2 || o.Len() > 0 || !strings.Contains(e.String(), want) {
			t.Errorf("exit code %d, %q lacks %q", code, e.String(), want)
		}
	}
}

// TestBudgetsOfWhatIsNoNumber has errors that nobody could count; none at all are none.
func TestBudgetsOfWhatIsNoNumber(t *testing.T) {
	end := time.Now().Truncate(time.Second)
	file := filepath.Join(t.TempDir(), "slo.yaml")
	text := strings.SplitAfter(shopObjectives, "---\n")[1]
	if err := os.WriteFile(file, []byte(strings.TrimSuffix(text, "---\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	for counted, want := range map[string]struct {
		code int
		says string
	}{
		`[{"metric":{},"value":[%d,"NaN"]}]`:                                      {3, "unmeasured: the counts of"},
		`[{"metric":{},"value":[%d,"+Inf"]}]`:                                     {3, "unmeasured: the counts of"},
		`[{"metric":{},"value":[%d,"1"]},{"metric":{"a":"b"},"value":[1,"NaN"]}]`: {3, "unmeasured: the counts of"},
		`[{"metric":{},"value":[%d,"0"]}]`:                                        {0, "100%"},
		`[]`:                                                                      {0, "100%"},
	} {
		part := strings.ReplaceAll(strings.ReplaceAll(counted, "%d", fmt.Sprint(end.Unix())), "[1,", fmt.Sprintf("[%d,", end.Unix()))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			result := part
			switch q := r.URL.Query().Get("query"); {
			case r.URL.Path != "/api/v1/query":
				http.NotFound(w, r)
				return
			case strings.Contains(q, "requests_total"):
				result = fmt.Sprintf(`[{"metric":{},"value":[%d,"100000"]}]`, end.Unix())
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":%s}}`, result)
		}))
		for _, form := range []string{"table", "json"} {
			var o, e bytes.Buffer
			streams := &cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e, Getenv: func(string) string { return "" }}
			code := cli.Main(t.Context(), backend{clock: func() time.Time { return end }}, streams, cli.Build{}, []string{"slo", "budget", file, "--prometheus", s.URL, "-o", form})
			if code != want.code || form == "table" && !strings.Contains(o.String(), want.says) || form == "json" && !json.Valid(o.Bytes()) {
				t.Errorf("%s: exit code %d: %s%s", part, code, o.String(), e.String())
			}
		}
		s.Close()
	}
}
