package daemon

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// objectiveMetrics turns what happens to Objectives into metrics and Kubernetes
// events. It implements controller.ObjectiveWatcher.
type objectiveMetrics struct {
	events *kube.Events

	mu   sync.Mutex
	last map[types.NamespacedName]evaluation
	// evaluations, unwritten and failures count; failures by their reason.
	evaluations, unwritten float64
	failures               map[string]float64
}

// evaluation is what the last one said.
type evaluation struct {
	status   slo.Status
	answered time.Time
}

func newObjectiveMetrics(events *kube.Events) *objectiveMetrics {
	return &objectiveMetrics{events: events, last: map[types.NamespacedName]evaluation{}, failures: map[string]float64{}}
}

// Evaluated implements controller.ObjectiveWatcher.
func (m *objectiveMetrics) Evaluated(k types.NamespacedName, s *slo.Status, answered time.Time, failed error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.evaluations++
	if failed != nil {
		m.failures[strings.ReplaceAll(fault.KindOf(failed).String(), " ", "_")]++
	}
	kept := *s
	kept.Events, kept.Tiers, kept.Budget.Excluded = nil, nil, nil
	m.last[k] = evaluation{kept, answered}
}

// Changed implements controller.ObjectiveWatcher.
func (m *objectiveMetrics) Changed(o *v1alpha1.Objective, warning bool, reason, message string) {
	m.events.About(v1alpha1.ObjectiveKind, &o.ObjectMeta, warning, reason, message)
}

// Unwritten implements controller.ObjectiveWatcher.
func (m *objectiveMetrics) Unwritten(types.NamespacedName, error) {
	m.mu.Lock()
	m.unwritten++
	m.mu.Unlock()
}

// Gone implements controller.ObjectiveWatcher.
func (m *objectiveMetrics) Gone(k types.NamespacedName) {
	m.mu.Lock()
	delete(m.last, k)
	m.mu.Unlock()
}

var (
	sloState     = objectiveDesc("state", "1 for how much is known of the objective.", "state")
	sloBudget    = objectiveDesc("budget_remaining_ratio", "Share of the error budget that is left; negative if it is overspent.")
	sloBurn      = objectiveDesc("burn_rate", "How many times faster than allowed the error budget burns.", "window")
	sloIncident  = objectiveDesc("incident", "1 while the objective has an incident.", "severity")
	sloAnswered  = objectiveDesc("last_answer_timestamp_seconds", "When the source of samples answered last.")
	sloEvaluated = prometheus.NewDesc("aeo_slo_evaluations_total", "Evaluations of objectives.", nil, nil)
	sloFailed    = prometheus.NewDesc("aeo_slo_failures_total", "Questions about objectives without an answer, by the reason.", []string{"reason"}, nil)
	sloUnwritten = prometheus.NewDesc("aeo_slo_status_failures_total", "Statuses of objectives that could not be written.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m *objectiveMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sloState, sloBudget, sloBurn, sloIncident, sloAnswered, sloEvaluated, sloFailed, sloUnwritten} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *objectiveMetrics) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, l ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, l...)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, e := range m.last {
		s := &e.status
		send(sloState, prometheus.GaugeValue, 1, k.Namespace, k.Name, s.State.String())
		if s.Budget.Known {
			send(sloBudget, prometheus.GaugeValue, s.Budget.Remaining, k.Namespace, k.Name)
		}
		for _, b := range s.Burns {
			if b.Known {
				send(sloBurn, prometheus.GaugeValue, b.Rate, k.Namespace, k.Name, slo.FormatDuration(b.Window))
			}
		}
		if s.Incident != nil {
			send(sloIncident, prometheus.GaugeValue, 1, k.Namespace, k.Name, s.Incident.Severity.String())
		}
		send(sloAnswered, prometheus.GaugeValue, float64(e.answered.UnixMilli())/1000, k.Namespace, k.Name)
	}
	send(sloEvaluated, prometheus.CounterValue, m.evaluations)
	send(sloUnwritten, prometheus.CounterValue, m.unwritten)
	for reason, n := range m.failures {
		send(sloFailed, prometheus.CounterValue, n, reason)
	}
}
