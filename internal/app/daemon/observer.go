package daemon

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// observer turns what the engine does into metrics and Kubernetes events. It
// implements deliver.Observer.
type observer struct {
	events *kube.Events

	found, healed *prometheus.CounterVec
	releases      *prometheus.CounterVec
	syncSeconds   *prometheus.HistogramVec
	leadSeconds   *prometheus.HistogramVec
	restore       *prometheus.HistogramVec
	calls         *prometheus.CounterVec
	reconciles    prometheus.Histogram
	sources       *prometheus.HistogramVec

	mu       sync.Mutex
	verified map[deliver.AppKey]time.Time
	// failedAt is since when an application's newest release is a failed one.
	failedAt map[deliver.AppKey]time.Time
}

var labels = []string{"namespace", "application"}

// newObserver registers the metrics of DELIVER.
func newObserver(reg prometheus.Registerer, events *kube.Events) *observer {
	counter := func(name, help string, l ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "aeo", Subsystem: "deliver", Name: name, Help: help}, l)
		reg.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, l ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "aeo", Subsystem: "deliver", Name: name, Help: help, Buckets: buckets}, l)
		reg.MustRegister(h)
		return h
	}
	long := prometheus.ExponentialBuckets(1, 3, 12)
	o := &observer{
		events:      events,
		found:       counter("drift_found_total", "Objects that differed from what was applied.", labels...),
		healed:      counter("drift_repaired_total", "Objects that were applied again because they differed.", labels...),
		releases:    counter("releases_total", "Releases that ended, by how.", append(labels, "phase", "trigger")...),
		syncSeconds: histogram("sync_duration_seconds", "Time from seeing a revision to having applied all of it.", prometheus.ExponentialBuckets(0.05, 2, 14), labels...),
		leadSeconds: histogram("lead_time_seconds", "Time from a commit to its release being good.", long, labels...),
		restore:     histogram("restore_duration_seconds", "Time from a failed release to the next good one.", long, labels...),
		calls:       counter("api_calls_total", "Calls of the Kubernetes API.", "verb", "code"),
		sources:     histogram("source_duration_seconds", "Time that a source took to say where it is.", prometheus.ExponentialBuckets(0.01, 2, 14), "outcome"),
		verified:    map[deliver.AppKey]time.Time{}, failedAt: map[deliver.AppKey]time.Time{},
	}
	o.reconciles = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "aeo", Subsystem: "deliver", Name: "reconcile_duration_seconds",
		Help: "Time that one look at an application took.", Buckets: prometheus.ExponentialBuckets(0.0005, 3, 12),
	})
	reg.MustRegister(o.reconciles, prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: "aeo", Subsystem: "deliver", Name: "events_dropped_total",
		Help: "Kubernetes events that were not written: too many, or refused.",
	}, func() float64 { return float64(events.Dropped()) }))
	return o
}

// Event implements deliver.Observer.
func (o *observer) Event(app *v1alpha1.Application, warning bool, reason, message string) {
	o.events.Event(app, warning, reason, message)
}

// Verified implements deliver.Observer.
func (o *observer) Verified(app deliver.AppKey, at time.Time) {
	o.mu.Lock()
	o.verified[app] = at
	o.mu.Unlock()
}

// Drift implements deliver.Observer.
func (o *observer) Drift(app deliver.AppKey, found, healed int) {
	o.found.WithLabelValues(app.Namespace, app.Name).Add(float64(found))
	o.healed.WithLabelValues(app.Namespace, app.Name).Add(float64(max(0, healed)))
}

// Finished implements deliver.Observer.
func (o *observer) Finished(app deliver.AppKey, phase string, t v1alpha1.Timings, trigger string) {
	o.releases.WithLabelValues(app.Namespace, app.Name, phase, trigger).Inc()
	if t.Seen != nil && t.Applied != nil {
		o.syncSeconds.WithLabelValues(app.Namespace, app.Name).Observe(t.Applied.Sub(t.Seen.Time).Seconds())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case t.Finished == nil:
	case phase == v1alpha1.PhaseFailed:
		if _, known := o.failedAt[app]; !known {
			o.failedAt[app] = t.Finished.Time
		}
	case phase == v1alpha1.PhaseGood:
		if at, failed := o.failedAt[app]; failed {
			o.restore.WithLabelValues(app.Namespace, app.Name).Observe(t.Finished.Sub(at).Seconds())
			delete(o.failedAt, app)
		}
		if t.Committed != nil && trigger == deliver.TriggerCommit {
			o.leadSeconds.WithLabelValues(app.Namespace, app.Name).Observe(t.Finished.Sub(t.Committed.Time).Seconds())
		}
	}
}

// forget drops the metrics of an application that is gone.
func (o *observer) forget(app deliver.AppKey) {
	o.mu.Lock()
	delete(o.verified, app)
	delete(o.failedAt, app)
	o.mu.Unlock()
	l := prometheus.Labels{"namespace": app.Namespace, "application": app.Name}
	for _, v := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{o.found, o.healed, o.releases, o.syncSeconds, o.leadSeconds, o.restore} {
		v.DeletePartialMatch(l)
	}
}
