package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
)

// TestMetricsAreKept scrapes a pod that a cluster tells of, and asks for it.
func TestMetricsAreKept(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("temperature 21.5\n"))
	}))
	defer target.Close()
	host, port, _ := strings.Cut(strings.TrimPrefix(target.URL, "http://"), ":")
	pod := `{"metadata":{"namespace":"shop","name":"cart-1","resourceVersion":"1","annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"` + port + `"}},"status":{"podIP":"` + host + `","phase":"Running"}}`
	ended := strings.NewReplacer("cart-1", "job-1", "Running", "Succeeded").Replace(pod)
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "" {
			_, _ = w.Write([]byte(`{"metadata":{"resourceVersion":"1"},"items":[` + pod + "," + ended + `]}`))
			return
		}
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer cluster.CloseClientConnections()
	client, err := kube.New(&rest.Config{Host: cluster.URL})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	m := Metrics{Dir: t.TempDir(), Retention: "1d", RetentionSize: "512MiB", Listen: "127.0.0.1:0", MaxSeries: 1000, Pods: true, Interval: time.Second, follow: &metrics.FollowOptions{}}
	k, err := openMetrics(m, client, reg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		w := httptest.NewRecorder()
		k.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, `/api/v1/query?query=temperature{pod="cart-1",job="shop/cart-1"}`, nil))
		if strings.Contains(w.Body.String(), `"21.5"`) {
			break
		}
		if time.Now().After(end) {
			t.Fatal(w.Body.String())
		}
	}
	if n, err := testutil.GatherAndCount(reg, "aeo_observe_samples_accepted_total", "aeo_observe_scrape_targets"); n != 4 || err != nil {
		t.Errorf("%d metrics of itself, %v", n, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMetricsNeedGoodSettings(t *testing.T) {
	dir := t.TempDir()
	if err := keepMetrics(t.Context(), Metrics{Dir: dir}, nil, prometheus.NewRegistry(), &keeping{}, slog.New(slog.DiscardHandler)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no retention: %v", err)
	}
	if k, err := openMetrics(Metrics{}, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); k != nil || err != nil {
		t.Errorf("nobody wants them kept: %v, %v", k, err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 || err != nil {
		t.Errorf("%v, %v", entries, err)
	}
	good := Metrics{Dir: dir, Retention: "15d", RetentionSize: "2GiB", MaxSeries: 1000, Interval: time.Second}
	for flag, spoil := range map[string]func(*Metrics){
		"metrics-retention":            func(m *Metrics) { m.Retention = "0s" },
		"metrics-retention-size":       func(m *Metrics) { m.RetentionSize = "2 apples" },
		"metrics-max-series":           func(m *Metrics) { m.MaxSeries = 1 },
		"metrics-interval":             func(m *Metrics) { m.Interval = 0 },
		"metrics-kubelet":              func(m *Metrics) { m.Kubelet = true },
		"metrics-kubelet-insecure-tls": func(m *Metrics) { m.KubeletInsecure = true },
		"metrics-namespace":            func(m *Metrics) { m.Namespaces = []string{"shop"} },
		"metrics-token-file":           func(m *Metrics) { m.TokenFile = "x" },
		"metrics-accept":               func(m *Metrics) { m.Accept = "{}" },
		"metrics-pods":                 func(m *Metrics) { m.Dir, m.Pods = "", true },
		"metrics-targets":              func(m *Metrics) { m.Dir, m.Targets = "", "x" },
		"metrics-watch-max":            func(m *Metrics) { m.Watch.Selectors = []string{"up"} },
		"metrics-watch-only":           func(m *Metrics) { m.Watch.Only = true },
		"metrics-watch":                func(m *Metrics) { m.Dir, m.Watch.Selectors = "", []string{"up"} },
		"metrics-watch ":               func(m *Metrics) { m.Watch.Selectors, m.Watch.MaxSeries = []string{"up", "{"}, 1 },
		"metrics-accept ":              func(m *Metrics) { m.Listen, m.Accept = "127.0.0.1:0", `{a="}` },
		"":                             func(*Metrics) {},
	} {
		m := good
		spoil(&m)
		var bad []string
		m.problems(func(ok bool, flag, _ string) {
			if !ok {
				bad = append(bad, flag)
			}
		})
		if strings.Join(bad, " ") != strings.TrimSpace(flag) {
			t.Errorf("%s: %v", flag, bad)
		}
	}
	for name, c := range map[string]struct {
		m    Metrics
		kind fault.Kind
	}{
		"no token": {Metrics{Dir: dir, TokenFile: filepath.Join(dir, "none")}, fault.NotFound}, "no time": {Metrics{Dir: dir}, fault.Invalid},
		"no size": {Metrics{Dir: dir, Retention: "1d"}, fault.Invalid}, "no selector": {Metrics{Dir: dir, Retention: "1d", RetentionSize: "1GiB", Accept: "{"}, fault.Invalid},
	} {
		if _, err := openMetrics(c.m, nil, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); err == nil || fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]int64{"1024": 1024, "512MiB": 512 << 20, "2GiB": 2 << 30, "1TiB": 1 << 40, "0": 0, "-1GiB": 0, "9999999999TiB": 0, "GiB": 0} {
		if n, err := size(text); n != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
}

// TestAnomaliesAreEvents writes an event into the namespace of what is abnormal, and none
// where the label is no name of a namespace.
func TestAnomaliesAreEvents(t *testing.T) {
	events, got := eventsOf(t)
	tells := &anomalies{events: events, log: slog.New(slog.DiscardHandler)}
	a := observe.Anomaly{Signal: observe.Signal{Labels: map[string]string{"namespace": "../kube-system", "workload": "cart"}}, Value: 3}
	tells.tell(a, began)
	a.Signal.Labels["namespace"] = "shop"
	tells.tell(a, began)
	tells.tell(a, ended)
	var all string
	for range 2 {
		select {
		case e := <-got:
			all += e
		case <-time.After(time.Minute):
			t.Fatalf("two events were to come: %s", all)
		}
	}
	for _, w := range []string{"/namespaces/shop/events", `"kind":"Namespace"`, `"reason":"Anomaly"`, `"reason":"AnomalyEnded"`, "shop/cart"} {
		if !strings.Contains(all, w) {
			t.Errorf("%q is missing in %s", w, all)
		}
	}
	if strings.Contains(all, "kube-system") {
		t.Errorf("an event where none belongs: %s", all)
	}
}

// TestKeepingIsTold tells whether metrics are kept: not before what was kept is read, and
// not without room on the disk.
func TestKeepingIsTold(t *testing.T) {
	var k keeping
	if err := k.err(); err == nil || !strings.Contains(err.Error(), "still being read") {
		t.Error(err)
	}
	m := Metrics{Dir: t.TempDir(), Retention: "1d", RetentionSize: "512MiB", MaxSeries: 1000, Interval: time.Second}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- keepMetrics(ctx, m, nil, prometheus.NewRegistry(), &k, slog.New(slog.DiscardHandler))
	}()
	for end := time.Now().Add(20 * time.Second); k.err() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(k.err())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	k.set(func() error { return tsdb.ErrDisk })
	if err := k.err(); !errors.Is(err, tsdb.ErrDisk) {
		t.Error(err)
	}
}
