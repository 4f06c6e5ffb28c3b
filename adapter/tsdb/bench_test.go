package tsdb_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
)

// BenchmarkAppend appends an hour of 50,000 series of eight labels, a sample each 30
// seconds, and tells the time of a sample and the memory of a series.
func BenchmarkAppend(b *testing.B) {
	const series, steps = 50_000, 120
	for range b.N {
		b.StopTimer()
		s, err := tsdb.Open(tsdb.Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		all := make([]labels.Labels, series)
		for i := range all {
			n := strconv.Itoa(i)
			all[i] = labels.FromStrings("__name__", "http_requests_total", "code", strconv.Itoa(200+i%5), "container", "app", "instance", "10.0."+strconv.Itoa(i%256)+".7:8080",
				"job", "shop/cart-"+strconv.Itoa(i%97), "namespace", "shop", "pod", "cart-"+n+"-5d9f7c", "path", "/api/v1/items/"+strconv.Itoa(i%31))
		}
		refs := make([]storage.SeriesRef, series)
		to := s.Appendable("scrape", true)
		start := time.Now().Add(-time.Hour)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		for step := range steps {
			a := to.Appender(context.Background())
			at := start.Add(time.Duration(step) * 30 * time.Second).UnixMilli()
			for i, l := range all {
				if refs[i], err = a.Append(refs[i], l, at, float64(step*(i%13))); err != nil {
					b.Fatal(err)
				}
			}
			if err := a.Commit(); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/series, "B/series")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/series/steps, "ns/sample")
		runtime.KeepAlive(all)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
