package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/adapter/alertmanager"
	"github.com/autoecoops/autoecoops/internal/app"
)

// openAlerts opens what tells Alertmanagers, if there is something to tell.
func (d *daemon) openAlerts() error {
	o := d.opts.Objectives
	if o.Prometheus == "" && len(o.Alertmanagers) == 0 {
		return nil
	}
	access, err := app.OpenAccess(o.AlertAccess, unread(d.log))
	if err != nil {
		return err
	}
	if d.signals.alerts, err = alertmanager.New(alertmanager.Options{URLs: o.Alertmanagers, Access: access}); err != nil {
		return err
	}
	d.reg.MustRegister(alertMetrics{d.signals.alerts})
	return nil
}

// alertMetrics are the metrics of what Alertmanagers are told.
type alertMetrics struct{ sender *alertmanager.Sender }

var (
	alertsTaken   = prometheus.NewDesc("aeo_slo_alerts_delivered_total", "Alerts that an Alertmanager took.", []string{"alertmanager"}, nil)
	alertsFailed  = prometheus.NewDesc("aeo_slo_alert_failures_total", "Deliveries that failed, and are tried again.", []string{"alertmanager"}, nil)
	alertsLost    = prometheus.NewDesc("aeo_slo_alerts_lost_total", "Alerts that an Alertmanager will not be told of: too many waited, or it refused them.", []string{"alertmanager"}, nil)
	alertsWaiting = prometheus.NewDesc("aeo_slo_alerts_waiting", "Alerts that wait for an Alertmanager.", []string{"alertmanager"}, nil)
)

// Describe implements prometheus.Collector.
func (m alertMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{alertsTaken, alertsFailed, alertsLost, alertsWaiting} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m alertMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, p := range m.sender.Peers() {
		ch <- prometheus.MustNewConstMetric(alertsTaken, prometheus.CounterValue, float64(p.Delivered), p.Name)
		ch <- prometheus.MustNewConstMetric(alertsFailed, prometheus.CounterValue, float64(p.Failed), p.Name)
		ch <- prometheus.MustNewConstMetric(alertsLost, prometheus.CounterValue, float64(p.Lost), p.Name)
		ch <- prometheus.MustNewConstMetric(alertsWaiting, prometheus.GaugeValue, float64(p.Waiting), p.Name)
	}
}
