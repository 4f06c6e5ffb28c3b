package metrics_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe/stream"
)

// sender sends series of a shop, a sample of each at a time, by a clock of its own.
type sender struct {
	now    time.Time
	random *rand.Rand
	total  []float64
}

func newSender(series int) *sender {
	return &sender{now: time.Now().Add(-3 * time.Hour).Truncate(time.Second), random: rand.New(rand.NewPCG(1, 2)), total: make([]float64, series)}
}

func labelsOf(pairs ...string) (out []prompb.Label) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, prompb.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// next is a message with the next samples; the series at fault grows twenty times as
// fast, and -1 is none.
func (s *sender) next(fault int) *prompb.WriteRequest {
	s.now = s.now.Add(15 * time.Second)
	m := &prompb.WriteRequest{}
	for i := range s.total {
		grows := 100 + 5*s.random.NormFloat64()
		if i == fault {
			grows *= 20
		}
		s.total[i] += max(0, grows)
		m.Timeseries = append(m.Timeseries, prompb.TimeSeries{
			Labels:  labelsOf("__name__", "http_requests_total", "namespace", "shop", "workload", fmt.Sprint("w", i)),
			Samples: []prompb.Sample{{Value: s.total[i], Timestamp: s.now.UnixMilli()}},
		})
	}
	return m
}

// watching is a watcher of the test, what it told, and where to send to.
type watching struct {
	*metrics.Keeper
	url  string
	mu   sync.Mutex
	news []stream.News
}

// watched begins to watch what is picked of a shop. Other settings may be given besides.
func watched(t *testing.T, o metrics.WatchOptions, other ...metrics.Settings) *watching {
	t.Helper()
	w := &watching{}
	if o.Selectors == nil {
		o.Selectors = []string{`{__name__=~"http_.*_total",namespace="shop"}`}
	}
	o.Tell = func(n stream.News) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.news = append(w.news, n)
	}
	set := metrics.Settings{}
	if len(other) > 0 {
		set = other[0]
	}
	set.Watch = &o
	k, server := open(t, set)
	w.Keeper, w.url = k, server.URL
	return w
}

func (w *watching) send(t *testing.T, m *prompb.WriteRequest) {
	t.Helper()
	if code, why := send(t, w.url, m); code != http.StatusNoContent {
		t.Fatalf("%d %s", code, why)
	}
}

// page is what the watcher says of itself.
func (w *watching) page() string {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(w.Watcher())
	page := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/", nil))
	return page.Body.String()
}

// count is the value of a metric of the watcher.
func (w *watching) count(metric string) (n int) {
	_, rest, _ := strings.Cut(w.page(), "\n"+metric+" ")
	_, _ = fmt.Sscan(rest, &n)
	return n
}

// measures fails unless the watcher has these metrics.
func (w *watching) measures(t *testing.T, want ...string) {
	t.Helper()
	text := w.page()
	for _, line := range want {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

// TestWatch sends series of which one goes wrong: it is told within a few samples, and
// nothing of the others is; kept by the store or not.
func TestWatch(t *testing.T) {
	for _, alone := range []bool{false, true} {
		const series, faulty = 30, 7
		w, s := watched(t, metrics.WatchOptions{Alone: alone}), newSender(series)
		for range 300 {
			w.send(t, s.next(-1))
		}
		w.Watcher().Tell()
		if len(w.news) != 0 {
			t.Fatalf("all is as usual, and it tells %+v", w.news)
		}
		samples := 0
		for ; len(w.news) == 0 && samples < 12; samples++ {
			w.send(t, s.next(faulty))
			w.Watcher().Tell()
		}
		if len(w.news) != 1 {
			t.Fatalf("after %d samples: %+v", samples, w.news)
		}
		n := w.news[0]
		if n.What != stream.Began || n.Namespace != "shop" || n.Workload != fmt.Sprint("w", faulty) || n.Series != 1 || n.Worst.Value < 100 || n.Worst.High > 10 || !strings.HasPrefix(n.Worst.Signal.Watch.Expr, `rate({__name__="http_requests_total"`) {
			t.Errorf("%+v", n)
		}
		w.measures(t, fmt.Sprintf(`aeo_observe_watched_series{state="normal"} %d`, series-1), `aeo_observe_watched_series{state="abnormal"} 1`,
			`aeo_observe_watched_anomalies{namespace="shop",workload="w7"} 1`, fmt.Sprintf(`aeo_observe_watched_samples_total{verdict="restarted"} %d`, series))
		if kept := w.Store.Cardinality(1).NumSeries; (kept == 0) != alone {
			t.Errorf("alone %v: %d series are kept", alone, kept)
		}
		for range 200 {
			w.send(t, s.next(-1))
		}
		w.Watcher().Tell()
		if len(w.news) != 2 || w.news[1].What != stream.Ended {
			t.Errorf("it is over: %+v", w.news[1:])
		}
	}
}

// TestWatchOnlyWhatIsPicked leaves other series alone, and what is refused or no number.
func TestWatchOnlyWhatIsPicked(t *testing.T) {
	w := watched(t, metrics.WatchOptions{})
	now := time.Now().UnixMilli()
	one := func(name, namespace string, at int64, v float64) prompb.TimeSeries {
		return prompb.TimeSeries{Labels: labelsOf("__name__", name, "namespace", namespace), Samples: []prompb.Sample{{Value: v, Timestamp: at}}}
	}
	w.send(t, &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{
		one("http_x_total", "shop", now-2000, 1), one("http_x_total", "pay", now-2000, 1), one("grpc_x_total", "shop", now-2000, 1),
		one("http_x_total", "shop", now-2000, 1), // twice the same: the store takes it for the one that it has
		one("http_x_total", "shop", now-3000, 1), // late, which the store takes too
		one("http_x_total", "shop", now-1000, math.NaN()),
	}})
	if code, _ := send(t, w.url, &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{one("http_x_total", "shop", now-1000, 7), one("http_x_total", "shop", now+3600_000, 7)}}); code != http.StatusBadRequest {
		t.Errorf("another value of the same time: %d", code)
	}
	w.measures(t, `aeo_observe_watched_series{state="learning"} 1`, `aeo_observe_watched_samples_total{verdict="restarted"} 1`,
		`aeo_observe_watched_samples_total{verdict="late"} 2`, `aeo_observe_watched_samples_total{verdict="absent"} 1`)
	w.send(t, &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{one("http_x_total", "shop", now, math.Float64frombits(value.StaleNaN))}})
	w.measures(t, `aeo_observe_watched_series{state="silent"} 1`, `aeo_observe_watched_samples_total{verdict="end"} 1`, `aeo_observe_watched_samples_total{verdict="absent"} 1`)
}

// TestWatchBound: series beyond the bound are counted and said, and labels that are
// hostile are refused as ever.
func TestWatchBound(t *testing.T) {
	var log bytes.Buffer
	w := watched(t, metrics.WatchOptions{MaxSeries: 20, Alone: true}, metrics.Settings{Log: slog.New(slog.NewTextHandler(&log, nil))})
	s := newSender(50)
	for range 3 {
		w.send(t, s.next(-1))
	}
	w.Watcher().Look(t.Context())
	w.Watcher().Look(t.Context())
	if told := "more series to watch than may be\" watched=20 left=30"; strings.Count(log.String(), told) != 1 {
		t.Errorf("%q is not told once: %s", told, log.String())
	}
	w.measures(t, `aeo_observe_watched_series{state="learning"} 20`, `aeo_observe_watched_series_left 30`, `aeo_observe_watched_samples_total{verdict="left"} 90`)
	bad := &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{
		{Labels: labelsOf("__name__", "http_x_total", "namespace", "shop", "a", "\xff"), Samples: []prompb.Sample{{Value: 1, Timestamp: s.now.UnixMilli()}}},
		{Labels: labelsOf("__name__", "http_x_total", "namespace", "shop", "a", strings.Repeat("x", 1<<16)), Samples: []prompb.Sample{{Value: 1, Timestamp: s.now.UnixMilli()}}},
		{Labels: labelsOf("__name__", "http_x_total", "namespace", "shop", "namespace", "shop"), Samples: []prompb.Sample{{Value: 1, Timestamp: s.now.UnixMilli()}}},
	}}
	for range 2 { // the second time, nobody took them for known
		if code, why := send(t, w.url, bad); code != http.StatusBadRequest || !strings.HasPrefix(why, "3 samples") {
			t.Errorf("%d %.200s", code, why)
		}
	}
	w.measures(t, `aeo_observe_watched_samples_total{verdict="left"} 90`)
}

// TestWatchRestart goes on where it was, and one that was abnormal is not told anew.
func TestWatchRestart(t *testing.T) {
	keep := filepath.Join(t.TempDir(), "watched.kept")
	s := newSender(10)
	w := watched(t, metrics.WatchOptions{Keep: keep, Alone: true, KeepEvery: time.Nanosecond})
	for range 300 {
		w.send(t, s.next(-1))
	}
	for range 15 {
		w.send(t, s.next(3))
	}
	w.Watcher().Tell()
	w.Watcher().Look(t.Context())
	if len(w.news) != 1 {
		t.Fatalf("%+v", w.news)
	}
	again := watched(t, metrics.WatchOptions{Keep: keep, Alone: true})
	again.measures(t, `aeo_observe_watched_series{state="normal"} 9`, `aeo_observe_watched_series{state="abnormal"} 1`)
	for range 200 {
		m := s.next(-1)
		w.send(t, m)
		again.send(t, m)
	}
	w.Watcher().Tell()
	again.Watcher().Tell()
	if len(w.news) != 2 || len(again.news) != 1 || again.news[0].What != stream.Ended || again.news[0].Worst.Since != w.news[1].Worst.Since || again.news[0].Worst.Value != w.news[1].Worst.Value {
		t.Errorf("%+v\nand after a restart\n%+v", w.news[1:], again.news)
	}
	text, err := os.ReadFile(keep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keep, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	cut := watched(t, metrics.WatchOptions{Keep: keep})
	if n := cut.Watcher().Followed(); n < 3 || n > 7 {
		t.Errorf("of a file that is cut off, %d of 10 series are taken up", n)
	}
}

// TestWatchTypes takes what version 2.0 of remote write says of a series for what its
// name says.
func TestWatchTypes(t *testing.T) {
	w := watched(t, metrics.WatchOptions{Selectors: []string{`{namespace="shop"}`}})
	now := time.Now().UnixMilli()
	m := &writev2.Request{Symbols: []string{"", "__name__", "jobs", "namespace", "shop", "rows_total"}}
	for name, kind := range map[uint32]writev2.Metadata_MetricType{2: writev2.Metadata_METRIC_TYPE_COUNTER, 5: writev2.Metadata_METRIC_TYPE_GAUGE} {
		m.Timeseries = append(m.Timeseries, writev2.TimeSeries{LabelsRefs: []uint32{1, name, 3, 4}, Metadata: writev2.Metadata{Type: kind}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}})
	}
	m.Timeseries = append(m.Timeseries, writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 3, 4}, Histograms: []writev2.Histogram{{Count: &writev2.Histogram_CountInt{CountInt: 0}, Timestamp: now + 1}}})
	if code, why, _ := v2(t, w.url, m); code != http.StatusNoContent {
		t.Fatal(code, why)
	}
	// The first sample of a counter has no rate.
	w.measures(t, `aeo_observe_watched_samples_total{verdict="restarted"} 1`, `aeo_observe_watched_samples_total{verdict="learning"} 1`, `aeo_observe_watched_samples_total{verdict="histogram"} 1`)
}
