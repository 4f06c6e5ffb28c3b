package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/autoecoops/autoecoops/adapter/scrape"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
)

// served serves metrics at paths.
func served(t *testing.T) (host string, port int) {
	mux := http.NewServeMux()
	n := 0
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		fmt.Fprintf(w, "# TYPE requests counter\nrequests_total{code=\"200\"} %d # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 1\n# EOF\n", n)
	})
	mux.HandleFunc("/many", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for i := range 500 {
			fmt.Fprintf(w, "many{i=\"%d\"} 1\n", i)
		}
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(strings.Repeat("# x\n", 100_000)))
	})
	mux.HandleFunc("/giant", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "giant{v=\"%s\"} 1\n", strings.Repeat("x", 5000))
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>please log in</html>"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	host, text, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// until asks until an expression has n series.
func until(t *testing.T, base, expr string, n int) []any {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, a := ask(t, base, "query", url.Values{"query": {expr}}, http.MethodGet)
		list := a["data"].(map[string]any)["result"].([]any)
		if len(list) == n {
			return list
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", expr, a)
		}
	}
}

// TestScrape scrapes targets of a file and pods: good ones, ones over each bound, and one
// that goes.
func TestScrape(t *testing.T) {
	host, port := served(t)
	file := filepath.Join(t.TempDir(), "targets.yaml")
	var text strings.Builder
	for _, path := range []string{"/many", "/large", "/giant", "/slow", "/html"} {
		fmt.Fprintf(&text, "- targets: [%q]\n  labels: {job: bad, __metrics_path__: %s, path: %s}\n", fmt.Sprintf("%s:%d", host, port), path, path)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := scrape.Pod{Namespace: "shop", Name: "cart-5d9f-a", Node: "n1", Workload: "cart", Address: host, Notes: map[string]string{"scrape": "true", "port": strconv.Itoa(port)}}
	told := make(chan *scrape.Pods, 1)
	k, server := open(t, metrics.Settings{
		Scrape: scrape.Options{Interval: time.Second, File: file, MaxSamples: 100, MaxBody: 100_000},
		Pods: func(ctx context.Context, to *scrape.Pods) {
			to.Changed(pod)
			told <- to
			<-ctx.Done()
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { k.Scrape(ctx) })
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	until(t, server.URL, `up{job="bad"} == 0`, 5)
	until(t, server.URL, `up{job="shop/cart",namespace="shop",pod="cart-5d9f-a",node="n1",workload="cart"} == 1`, 1)
	until(t, server.URL, `rate(requests_total{pod="cart-5d9f-a",code="200"}[1m]) > 0`, 1)
	until(t, server.URL, `scrape_samples_scraped{job="shop/cart"} == 1`, 1)
	until(t, server.URL, `{__name__=~"many|giant"}`, 0)
	_, a := ask(t, server.URL, "query_exemplars", url.Values{"query": {`requests_total`}}, http.MethodGet)
	if !strings.Contains(fmt.Sprint(a), "0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("the exemplar is not kept: %v", a)
	}
	_, a = ask(t, server.URL, "targets", nil, http.MethodGet)
	why := fmt.Sprint(a)
	for _, w := range []string{"sample limit exceeded", "body size limit exceeded", "label_value_length_limit", "deadline exceeded"} {
		if !strings.Contains(why, w) {
			t.Errorf("nobody is told of %q: %.3000s", w, why)
		}
	}
	reg := prometheus.NewPedanticRegistry()
	for _, c := range k.Collectors() {
		reg.MustRegister(c)
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`# HELP aeo_observe_scrape_targets Targets that are scraped, by pool and how they are: up, down or unknown.
# TYPE aeo_observe_scrape_targets gauge
aeo_observe_scrape_targets{health="down",pool="pods"} 0
aeo_observe_scrape_targets{health="down",pool="targets"} 5
aeo_observe_scrape_targets{health="unknown",pool="pods"} 0
aeo_observe_scrape_targets{health="unknown",pool="targets"} 0
aeo_observe_scrape_targets{health="up",pool="pods"} 1
aeo_observe_scrape_targets{health="up",pool="targets"} 0
`), "aeo_observe_scrape_targets"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(reg, "aeo_observe_scrapes_refused_total"); n != 3 || err != nil {
		t.Errorf("%d bounds, %v", n, err)
	}
	// A pod that goes takes its series with it: they are stale, not only old.
	(<-told).Gone("shop", pod.Name)
	until(t, server.URL, `up{job="shop/cart"}`, 0)
	until(t, server.URL, `requests_total`, 0)
	// A file that cannot be read keeps the targets of before, and it is told.
	if err := os.WriteFile(file, []byte("- {targets: [nowhere]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := testutil.GatherAndCompare(reg, strings.NewReader(`# HELP aeo_observe_scrape_targets_file_ok 1 if the file of targets can be read, or there is none.
# TYPE aeo_observe_scrape_targets_file_ok gauge
aeo_observe_scrape_targets_file_ok 0
`), "aeo_observe_scrape_targets_file_ok")
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	until(t, server.URL, `up{job="bad"}`, 5)
}

// TestScrapeBound keeps the total of series: a target is up, what is over is counted.
func TestScrapeBound(t *testing.T) {
	host, port := served(t)
	file := filepath.Join(t.TempDir(), "targets.json")
	if err := os.WriteFile(file, fmt.Appendf(nil, `[{"targets":["%s:%d"],"labels":{"job":"a","__metrics_path__":"/many"}}]`, host, port), 0o600); err != nil {
		t.Fatal(err)
	}
	k, server := open(t, metrics.Settings{Scrape: scrape.Options{Interval: time.Second, File: file}, Store: tsdb.Options{MaxSeries: 100}})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { k.Scrape(ctx) })
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	for end := time.Now().Add(15 * time.Second); k.Store.Refused("scrape", "series") == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was refused")
		}
	}
	until(t, server.URL, `many`, 100)
}
