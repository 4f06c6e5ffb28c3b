package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/observe"
)

var (
	descAnomalies = prometheus.NewDesc("aeo_observe_anomalies", "Anomalies that go on, by whose they are and what is abnormal.", []string{"namespace", "workload", "quantity"}, nil)
	descMore      = prometheus.NewDesc("aeo_observe_anomalies_more", "Anomalies that go on besides, for there are too many to tell each.", nil, nil)
	descSignals   = prometheus.NewDesc("aeo_observe_signals", "Signals that are followed, by their state.", []string{"state"}, nil)
	descRecurring = prometheus.NewDesc("aeo_observe_signals_recurring", "Signals that did within the hour what comes at that hour of other days, and is no anomaly for that.", nil, nil)
	descUnasked   = prometheus.NewDesc("aeo_observe_signals_failed", "Expressions that could not be evaluated last time.", nil, nil)
	descSilent    = prometheus.NewDesc("aeo_observe_silent_since_timestamp_seconds", "When something was measured last of a workload of which nothing is any more.", []string{"namespace", "workload"}, nil)
	descNotMore   = prometheus.NewDesc("aeo_observe_signals_left", "Signals that are not followed, for there are too many.", nil, nil)
)

// most is how many workloads' anomalies are told each.
const most = 500

// Describe implements prometheus.Collector.
func (f *Follower) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAnomalies, descMore, descSignals, descRecurring, descUnasked, descSilent, descNotMore} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *Follower) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count, more := map[[3]string]int{}, 0
	for _, a := range f.Open() {
		key := [3]string{a.Signal.Namespace(), a.Signal.Workload(), a.Signal.Watch.Golden.String()}
		if _, known := count[key]; !known && len(count) >= most {
			more++
			continue
		}
		count[key]++
	}
	for k, n := range count {
		gauge(descAnomalies, float64(n), k[0], k[1], k[2])
	}
	gauge(descMore, float64(more))
	f.mu.Lock()
	r, failed, silent := f.report, f.failed, f.heard.silent
	f.mu.Unlock()
	told := 0
	for w, at := range silent {
		if told++; told <= most && !at.IsZero() {
			gauge(descSilent, float64(at.Unix()), w.namespace, w.name)
		}
	}
	for _, s := range []observe.State{observe.Learning, observe.Normal, observe.Abnormal, observe.Silent, observe.Unknown} {
		gauge(descSignals, float64(r.Count(s)), s.String())
	}
	gauge(descRecurring, float64(len(r.Recurring(r.At.Add(-time.Hour)))))
	gauge(descUnasked, float64(failed))
	gauge(descNotMore, float64(r.Left))
}
