package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

var (
	descWatched          = prometheus.NewDesc("aeo_observe_watched_series", "Series that are judged sample by sample as they come, by their state.", []string{"state"}, nil)
	descWatchedLimit     = prometheus.NewDesc("aeo_observe_watched_series_limit", "How many series may be watched.", nil, nil)
	descWatchedLeft      = prometheus.NewDesc("aeo_observe_watched_series_left", "About how many series are picked and not watched, for there are too many.", nil, nil)
	descWatchedReleased  = prometheus.NewDesc("aeo_observe_watched_series_released_total", "Series that were silent for long and are not watched any more.", nil, nil)
	descWatchedSamples   = prometheus.NewDesc("aeo_observe_watched_samples_total", "Samples of series that are picked, by what became of them.", []string{"verdict"}, nil)
	descWatchedDisputed  = prometheus.NewDesc("aeo_observe_watched_samples_disputed_total", "Samples said to be of another type than their series is judged by: two senders do not agree.", nil, nil)
	descWatchedAnomalies = prometheus.NewDesc("aeo_observe_watched_anomalies", "Anomalies of watched series that go on, by whose they are.", []string{"namespace", "workload"}, nil)
	descWatchedMore      = prometheus.NewDesc("aeo_observe_watched_anomalies_more", "Workloads with anomalies besides, for there are too many to tell each.", nil, nil)
	descWatchedUntold    = prometheus.NewDesc("aeo_observe_watched_anomalies_untold_total", "Anomalies that began and were no event, for there were too many at a time.", nil, nil)
	descWatchedKept      = prometheus.NewDesc("aeo_observe_watched_kept", "1 if what was learned of series could be kept last time, 0 if not.", nil, nil)
)

// Describe implements prometheus.Collector.
func (w *Watcher) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descWatched, descWatchedLimit, descWatchedLeft, descWatchedReleased, descWatchedSamples, descWatchedDisputed, descWatchedAnomalies, descWatchedMore, descWatchedUntold, descWatchedKept} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (w *Watcher) Collect(ch chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	c := w.table.Count()
	for s, n := range c.Series {
		put(descWatched, prometheus.GaugeValue, float64(n), observe.State(s).String())
	}
	put(descWatchedLimit, prometheus.GaugeValue, float64(w.options.MaxSeries))
	put(descWatchedLeft, prometheus.GaugeValue, float64(c.LeftSeries))
	put(descWatchedReleased, prometheus.CounterValue, float64(c.Released))
	for s, n := range c.Samples {
		put(descWatchedSamples, prometheus.CounterValue, float64(n), anomaly.State(s).String())
	}
	put(descWatchedSamples, prometheus.CounterValue, float64(c.Ends), "end")
	put(descWatchedSamples, prometheus.CounterValue, float64(c.Left), "left")
	put(descWatchedSamples, prometheus.CounterValue, float64(w.tap.Histograms()), "histogram")
	put(descWatchedDisputed, prometheus.CounterValue, float64(c.Disputed))
	more := 0
	for i, of := range w.table.Workloads() {
		if i < most {
			put(descWatchedAnomalies, prometheus.GaugeValue, float64(of.Open), of.Namespace, of.Name)
		} else {
			more++
		}
	}
	put(descWatchedMore, prometheus.GaugeValue, float64(more))
	w.mu.Lock()
	untold, kept := w.untold, 1.0
	if w.kept.failed {
		kept = 0
	}
	w.mu.Unlock()
	put(descWatchedUntold, prometheus.CounterValue, float64(untold))
	put(descWatchedKept, prometheus.GaugeValue, kept)
}
