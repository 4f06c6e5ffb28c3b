package metrics_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/autoecoops/autoecoops/adapter/scrape"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
)

// gathered is the value of a metric without labels.
func gathered(t *testing.T, k *metrics.Keeper, name string) float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(k.Collectors()...)
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("%s is not told", name)
	return 0
}

// TestExemplarsAreSent floods the store by remote write: the samples are kept all the
// same, the sender is told how many exemplars are written, and each that is not is counted
// once.
func TestExemplarsAreSent(t *testing.T) {
	k, server := open(t, metrics.Settings{})
	const messages, each = 10, 10_000
	begin := time.Now().Add(-time.Minute).UnixMilli()
	for n := range messages {
		m := &writev2.Request{Symbols: []string{"", "__name__", "requests_total", "trace_id", "part"}}
		for i := range each {
			at := begin + int64(n*1000)
			m.Symbols = append(m.Symbols, fmt.Sprintf("%032x", n*each+i), fmt.Sprint(i%500))
			id, part := uint32(len(m.Symbols)-2), uint32(len(m.Symbols)-1)
			if i < 500 {
				m.Timeseries = append(m.Timeseries, writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 4, part}, Samples: []writev2.Sample{{Value: 1, Timestamp: at}}})
			}
			s := &m.Timeseries[i%500]
			s.Exemplars = append(s.Exemplars, writev2.Exemplar{LabelsRefs: []uint32{3, id}, Value: float64(i), Timestamp: at})
		}
		if code, why, h := v2(t, server.URL, m); code != http.StatusNoContent || h.Get("X-Prometheus-Remote-Write-Exemplars-Written") != fmt.Sprint(each) {
			t.Fatalf("%d %s, %v", code, why, h)
		}
	}
	if kept, pushed := gathered(t, k, "aeo_observe_exemplars"), gathered(t, k, "aeo_observe_exemplars_pushed_out_total"); kept != 20_000 || pushed != 80_000 {
		t.Errorf("%v are kept, %v were pushed out", kept, pushed)
	}
	now := time.Now().UnixMilli()
	m := &writev2.Request{Symbols: []string{"", "__name__", "requests_total", "trace_id", strings.Repeat("f", 1<<20), "0"}, Timeseries: []writev2.TimeSeries{{
		LabelsRefs: []uint32{1, 2, 4 - 1, 5}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}},
		Exemplars: []writev2.Exemplar{
			{LabelsRefs: []uint32{3, 4}, Value: 1, Timestamp: now}, {LabelsRefs: []uint32{3, 99}, Value: 1, Timestamp: now},
			{LabelsRefs: []uint32{3, 5}, Value: 1, Timestamp: now + 3_600_000}, {LabelsRefs: []uint32{3, 5}, Value: 1, Timestamp: now},
		},
	}}}
	if code, why, h := v2(t, server.URL, m); code != http.StatusNoContent || h.Get("X-Prometheus-Remote-Write-Exemplars-Written") != "1" || h.Get("X-Prometheus-Remote-Write-Samples-Written") != "1" {
		t.Errorf("%d %s, %v", code, why, h)
	}
	if n := k.Store.Refused("write", "exemplar"); n != 3 {
		t.Errorf("%d are counted", n)
	}
}

// TestExemplarsAreScraped floods the store from a target whose trace ids are as long as
// it likes: its samples are kept, and what is not of its exemplars is counted.
func TestExemplarsAreScraped(t *testing.T) {
	var page bytes.Buffer
	fmt.Fprintln(&page, "# TYPE requests counter")
	for i := range 3000 {
		fmt.Fprintf(&page, "requests_total{part=\"%d\"} 1 # {trace_id=\"%032x\"} 1 %.3f\n", i, i, float64(time.Now().UnixMilli())/1000)
	}
	fmt.Fprintf(&page, "requests_total{part=\"long\"} 1 # {trace_id=%q} 1\n# EOF\n", strings.Repeat("f", 1<<20))
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		_, _ = w.Write(page.Bytes())
	}))
	defer target.Close()
	host, port, _ := strings.Cut(strings.TrimPrefix(target.URL, "http://"), ":")
	pod := scrape.Pod{Namespace: "shop", Name: "cart-1", Workload: "cart", Address: host, Notes: map[string]string{"scrape": "true", "port": port}}
	k, server := open(t, metrics.Settings{
		Store:  tsdb.Options{MaxExemplars: 1000},
		Scrape: scrape.Options{Interval: 5 * time.Second}, // by then it was read and kept, however busy the machine is
		Pods: func(ctx context.Context, to *scrape.Pods) {
			to.Changed(pod)
			<-ctx.Done()
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { k.Scrape(ctx) })
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	until(t, server.URL, `count(requests_total) == 3001`, 1)
	if n := k.Store.Refused("scrape", "exemplar"); n == 0 {
		t.Error("the long one is not counted")
	}
	if kept, pushed := gathered(t, k, "aeo_observe_exemplars"), gathered(t, k, "aeo_observe_exemplars_pushed_out_total"); kept != 1000 || pushed < 2000 {
		t.Errorf("%v are kept, %v were pushed out", kept, pushed)
	}
	_, a := ask(t, server.URL, "query_exemplars", url.Values{"query": {`requests_total{part="long"}`}}, http.MethodGet)
	if data := a["data"].([]any); len(data) != 0 {
		t.Errorf("the long one is kept: %.200v", data)
	}
}

// TestExemplarsApart sends exemplars as Prometheus' queue does: each as a series without
// samples, after those. One of a series that nobody knows is counted, and no reason to
// refuse the rest.
func TestExemplarsApart(t *testing.T) {
	k, server := open(t, metrics.Settings{})
	now := time.Now().UnixMilli()
	m := &writev2.Request{Symbols: []string{"", "__name__", "requests_total", "trace_id", "0af7651916cd43dd8448eb211c80319c", "unknown"}, Timeseries: []writev2.TimeSeries{
		{LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}},
		{LabelsRefs: []uint32{1, 2}, Exemplars: []writev2.Exemplar{{LabelsRefs: []uint32{3, 4}, Value: 1, Timestamp: now}}},
		{LabelsRefs: []uint32{1, 5}, Exemplars: []writev2.Exemplar{{LabelsRefs: []uint32{3, 4}, Value: 1, Timestamp: now}}},
	}}
	if code, why, h := v2(t, server.URL, m); code != http.StatusNoContent || h.Get("X-Prometheus-Remote-Write-Exemplars-Written") != "1" {
		t.Errorf("%d %s, %v", code, why, h)
	}
	if n := k.Store.Refused("write", "exemplar"); n != 1 {
		t.Errorf("%d are counted", n)
	}
	if kept := gathered(t, k, "aeo_observe_exemplars"); kept != 1 {
		t.Errorf("%v are kept", kept)
	}
}
