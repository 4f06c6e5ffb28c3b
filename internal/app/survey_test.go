package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// shopHistory starts a real Prometheus, and our own store of metrics on a copy of its
// blocks, that remember six hours of three services. It returns their addresses. In the last ten minutes the orders took ten times as long and one in
// five failed; catalog has been silent for ten minutes.
func shopHistory(t *testing.T, end time.Time) map[string]string {
	t.Helper()
	p := prometheustest.Need(t)
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	families := map[string]*strings.Builder{}
	line := func(family, series, labels string, v float64, at time.Time) {
		if families[family] == nil {
			families[family] = &strings.Builder{}
		}
		fmt.Fprintf(families[family], "%s{%s} %g %d\n", series, labels, v, at.Unix())
	}
	type totals struct{ all, failed, seconds, fast, cpu float64 }
	sums := map[string]*totals{"web": {}, "orders": {}, "catalog": {}}
	for at := end.Add(-6 * time.Hour); !at.After(end); at = at.Add(30 * time.Second) {
		for _, name := range []string{"web", "orders", "catalog"} {
			s := sums[name]
			fault := name == "orders" && at.After(end.Add(-10*time.Minute))
			if name == "catalog" && at.After(end.Add(-10*time.Minute)) {
				continue
			}
			n := math.Round(300 + 30*random.NormFloat64())
			mean := 0.020 + 0.002*random.NormFloat64()
			share := 0.0
			if fault {
				mean, share = 10*mean, 0.2
			}
			s.all += n
			s.failed += math.Round(n * share)
			s.seconds += n * mean
			if mean < 0.1 {
				s.fast += n
			}
			s.cpu += 30 * (0.2 + 0.01*random.NormFloat64())
			labels := fmt.Sprintf(`namespace="shop",job="shop",app=%q`, name)
			line("http_requests", "http_requests_total", labels+`,code="200"`, s.all-s.failed, at)
			if s.failed > 0 {
				line("http_requests", "http_requests_total", labels+`,code="503"`, s.failed, at)
			}
			line("http_request_duration_seconds", "http_request_duration_seconds_bucket", labels+`,le="0.1"`, s.fast, at)
			line("http_request_duration_seconds", "http_request_duration_seconds_bucket", labels+`,le="+Inf"`, s.all, at)
			line("http_request_duration_seconds", "http_request_duration_seconds_sum", labels, s.seconds, at)
			line("http_request_duration_seconds", "http_request_duration_seconds_count", labels, s.all, at)
			line("process_cpu_seconds", "process_cpu_seconds_total", labels, s.cpu, at)
		}
	}
	kinds := map[string]string{"http_requests": "counter", "http_request_duration_seconds": "histogram", "process_cpu_seconds": "counter"}
	var text strings.Builder
	for family, b := range families {
		fmt.Fprintf(&text, "# TYPE %s %s\n%s", family, kinds[family], b)
	}
	file := filepath.Join(dir, "history")
	if err := os.WriteFile(file, []byte(text.String()+"# EOF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), p.Promtool, "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	own := filepath.Join(t.TempDir(), "metrics")
	if err := os.CopyFS(own, os.DirFS(filepath.Join(dir, "data"))); err != nil {
		t.Fatal(err)
	}
	keeper, err := metrics.New(metrics.Settings{Store: tsdb.Options{Dir: own}})
	if err != nil {
		t.Fatal(err)
	}
	ours := httptest.NewServer(keeper.Handler())
	t.Cleanup(func() {
		ours.Close()
		if err := keeper.Close(); err != nil {
			t.Error(err)
		}
	})
	server, err := prometheustest.Start(t.Context(), p, dir, "global: {scrape_interval: 1m}\n")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return map[string]string{"prometheus": server.URL, "aeod": ours.URL}
}

// observeJSON are the parts of the answer that are looked at.
type observeJSON struct {
	Anomalies []struct {
		Signal   struct{ ID, Kind, Namespace, Workload string }
		Since    time.Time
		Until    *time.Time
		Value    float64
		High     float64 `json:"expectedHigh"`
		Evidence []struct{ Channel string }
	}
	Survey struct {
		Signals, Abnormal, Normal, Learning, Silent int
		Conventions, Failed                         []string
	}
}

// TestObserve finds what is wrong in a real Prometheus, and in our own store, through the
// command line.
func TestObserve(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Prometheus")
	}
	end := time.Now().Truncate(time.Minute)
	for name, base := range shopHistory(t, end) {
		t.Run(name, func(t *testing.T) { observes(t, base, end) })
	}
}

func observes(t *testing.T, base string, end time.Time) {
	b := backend{clock: func() time.Time { return end }}
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := cli.Main(t.Context(), b, &cli.Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, cli.Build{}, append([]string{"observe"}, args...))
		return code, out.String(), errs.String()
	}
	code, out, errs := run("anomalies", "--prometheus", base, "--history", "6h", "--since", "20m", "-o", "json", "--monitor", "broken=sum(")
	if code != 1 {
		t.Fatalf("code %d\n%s%s", code, out, errs)
	}
	var got observeJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, a := range got.Anomalies {
		if a.Signal.Workload == "catalog" {
			continue // its last samples are those of a service that ends
		}
		if a.Signal.Workload != "orders" || a.Signal.Namespace != "shop" {
			t.Errorf("%s/%s %s is said to be abnormal", a.Signal.Namespace, a.Signal.Workload, a.Signal.Kind)
			continue
		}
		late := a.Since.Sub(end.Add(-10 * time.Minute))
		if late < 0 || late > 3*time.Minute || a.Until != nil || a.Value <= a.High || len(a.Evidence) == 0 {
			t.Errorf("%+v", a)
		}
		found[a.Signal.Kind] = a.Signal.ID
	}
	if found["duration"] == "" || found["errors"] == "" {
		t.Errorf("found %v", found)
	}
	if got.Survey.Silent == 0 || !slices.Contains(got.Survey.Conventions, "http") || len(got.Survey.Failed) != 1 {
		t.Errorf("%+v", got.Survey)
	}

	// In stretches it is the same: at 15 s twelve hours are two.
	code, out, errs = run("anomalies", "--prometheus", base, "--history", "12h", "--since", "20m", "--scrape", "15s", "-o", "json")
	var fine observeJSON
	if err := json.Unmarshal([]byte(out), &fine); err != nil || code != 1 || fine.Survey.Signals != got.Survey.Signals {
		t.Errorf("code %d, %v, %d signals\n%s", code, err, fine.Survey.Signals, errs)
	}

	picture := filepath.Join(t.TempDir(), "why.svg")
	code, out, errs = run("explain", found["duration"][:6], "--prometheus", base, "--history", "6h", "--plot", picture)
	for _, word := range []string{"shop/orders", "higher than the expected", "abnormal", "http_request_duration_seconds"} {
		if !strings.Contains(out, word) {
			t.Errorf("code %d, %q is missing in\n%s%s", code, word, out, errs)
		}
	}
	if svg, err := os.ReadFile(picture); err != nil || !bytes.Contains(svg, []byte("</svg>")) {
		t.Errorf("the picture: %v", err)
	}
	code, out, errs = run("causes", "--prometheus", base, "--history", "6h", "--depends", "shop/web=shop/orders", "-o", "json")
	var causes struct {
		Causes []struct {
			Component struct {
				Key struct{ Namespace, Service string }
			}
			Score    float64
			Evidence []struct{ Reference string }
		}
	}
	if err := json.Unmarshal([]byte(out), &causes); err != nil || code != 1 || len(causes.Causes) == 0 || causes.Causes[0].Component.Key.Service != "orders" || len(causes.Causes[0].Evidence) < 2 {
		t.Errorf("code %d, %v\n%s%s", code, err, out, errs)
	}
	code, out, errs = run("causes", "--prometheus", base, "--history", "6h")
	if code != 1 || !strings.HasPrefix(out, "1. shop/orders") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	loki := httptest.NewServer(&shopLoki{t: t, shift: end.Sub(logNoon)})
	defer loki.Close()
	code, out, errs = run("causes", "--prometheus", base, "--history", "6h", "--loki", loki.URL)
	if code != 1 || !strings.HasPrefix(out, "1. shop/orders") || !strings.Contains(out, "disk full") || strings.Contains(out+errs, "hunter2") || strings.Contains(errs, "blind: logs") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	code, out, errs = run("top", "--prometheus", base, "--history", "6h", "-n", "shop")
	rows := strings.Split(out, "\n")
	if code != 1 || len(rows) < 4 || !strings.HasPrefix(rows[1], "shop/orders") || !strings.Contains(rows[1], "!") || !strings.Contains(out, "?") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}

// TestObserveRefuses has each wrong command line and each wrong source told, with
// nothing on standard output.
func TestObserveRefuses(t *testing.T) {
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html>please log in")
	}))
	t.Cleanup(login.Close)
	strangers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":[]}`)
	}))
	t.Cleanup(strangers.Close)
	some := "--prometheus=" + strangers.URL
	for _, c := range []struct {
		args string
		code int
		told string
	}{
		{"anomalies", 2, "AEO_PROMETHEUS"},
		{"anomalies --prometheus ftp://x", 2, "its address is none"},
		{"anomalies --prometheus http://me:secret@x", 2, "contains credentials"},
		{"anomalies " + some + " -o yaml", 2, `no format "yaml"`},
		{"anomalies " + some + " -n a/b", 2, "no name of a namespace"},
		{"anomalies " + some + " --scrape soon", 2, "--scrape"},
		{"anomalies " + some + " --scrape 1h", 2, "too little to learn from"},
		{"anomalies " + some + " --since 2d", 2, "more than --history"},
		{"anomalies " + some + " --time-zone Mars/Base", 2, "no time zone"},
		{"anomalies " + some + " --max-signals 0", 2, "more than 0"},
		{"anomalies " + some + " --monitor up", 2, "no name and expression"},
		{"anomalies " + some + " --monitor a=up --monitor a=up", 2, "twice"},
		{"anomalies " + some + " --token-file /nowhere/token", 2, "--token-file"},
		{"anomalies " + some, 2, "none of the metrics that are known"},
		{"anomalies --prometheus=" + login.URL, 2, "text/html"},
		{"anomalies --prometheus=http://127.0.0.1:1", 2, "is it running"},
		{"explain " + some, 2, "one ID or WORKLOAD"},
		{"explain x --plot why.gif " + some, 2, "neither .svg nor .png"},
		{"causes --depends web " + some, 2, "does not name two workloads"},
		{"top extra " + some, 2, "extra"},
	} {
		var out, errs bytes.Buffer
		code := cli.Main(t.Context(), backend{}, &cli.Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, cli.Build{}, append([]string{"observe"}, strings.Fields(c.args)...))
		if code != c.code || out.Len() > 0 || !strings.Contains(errs.String(), c.told) {
			t.Errorf("%s: code %d\n%s%s", c.args, code, out.String(), errs.String())
		}
		if strings.Contains(errs.String(), "secret") {
			t.Errorf("%s: a password is told: %s", c.args, errs.String())
		}
	}
}

// TestObserveMuteSource ends soon with a source that tells its metrics and then answers
// nothing: each question alone waits for as long as --timeout says, several times.
func TestObserveMuteSource(t *testing.T) {
	var asked atomic.Int64
	mutes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "query_range") {
			asked.Add(1)
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":["http_requests_total"]}`)
	}))
	t.Cleanup(mutes.Close)
	args := []string{"observe", "anomalies", "--prometheus", mutes.URL, "--timeout", "200ms", "--history", "2h"}
	for i := range 40 {
		args = append(args, "--monitor", fmt.Sprintf("m%d=up", i))
	}
	var out, errs bytes.Buffer
	code := cli.Main(t.Context(), backend{}, &cli.Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, cli.Build{}, args)
	if code != 5 || out.Len() > 0 || !strings.Contains(errs.String(), "no answer in time") {
		t.Errorf("code %d\n%s%s", code, out.String(), errs.String())
	}
	if n := asked.Load(); n > 3*(mute+askAtOnce) {
		t.Errorf("it was asked %d times", n)
	}
}

// TestObserveHolidays refuses a file of holidays that is none before anybody is asked.
func TestObserveHolidays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "days")
	if err := os.WriteFile(file, []byte("soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	req := cli.SurveyRequest{Source: cli.MetricsSource{URL: "http://127.0.0.1:1"}, Holidays: file}
	if _, err := (backend{clock: func() time.Time { return time.Unix(1_700_000_000, 0) }}).Survey(t.Context(), req); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "days:1") {
		t.Error(err)
	}
}
