package daemon

import (
	"fmt"
	"maps"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// alertAnomaly is the name of the alert about something out of the ordinary.
const alertAnomaly = "Anomaly"

// anomalyAlerts tells Alertmanagers of what goes on, again and again, and that it is over. Of
// what nobody measures any more it says nothing: the alert ends when its lifetime does. It is
// for one goroutine.
type anomalyAlerts struct {
	send func([]follow.Alert)
	// muted says that another aeod tells.
	muted func() bool
	now   func() time.Time
	// said is when an alert was sent last, by the ID of the signal.
	said map[string]time.Time
}

// look sends the alerts of what goes on that are new, or due again.
func (t *anomalyAlerts) look(r observe.Report) {
	if t == nil || t.muted() {
		return
	}
	now := t.now()
	var due []follow.Alert
	for _, a := range r.Anomalies() {
		if !a.Open() {
			continue
		}
		if last, known := t.said[a.Signal.ID()]; known && now.Sub(last) < follow.Resend && !now.Before(last) {
			continue
		}
		t.said[a.Signal.ID()] = now
		due = append(due, alertOf(a, now.Add(follow.Lifetime)))
	}
	if len(due) > 0 {
		t.send(due)
	}
}

// turned resolves the alert of an anomaly that ended, or leaves one alone of which that is
// not known.
func (t *anomalyAlerts) turned(a observe.Anomaly, now turn) {
	if t == nil || now == began {
		return
	}
	id := a.Signal.ID()
	if _, known := t.said[id]; known && now == ended && !t.muted() {
		t.send([]follow.Alert{alertOf(a, t.now())})
	}
	delete(t.said, id)
}

// alertOf is the alert of an anomaly. Nothing of it that changes while it goes on is a label.
func alertOf(a observe.Anomaly, ends time.Time) follow.Alert {
	s := a.Signal
	unit := s.Watch.Unit
	labels := map[string]string{
		"alertname": alertAnomaly, "severity": slo.Ticket.String(), "namespace": s.Namespace(), "workload": s.Workload(),
		"quantity": s.Watch.Golden.String(), "signal": s.Watch.Name, "id": s.ID(),
	}
	maps.DeleteFunc(labels, func(_, v string) bool { return v == "" }) // no label, to Alertmanager
	starts := a.Since
	if starts.After(ends) {
		starts = ends
	}
	return follow.Alert{Labels: labels, Starts: starts, Ends: ends, Annotations: map[string]string{
		"summary": fmt.Sprintf("%s of %s is out of the ordinary: %s", s.Watch.What, s.Of(), observe.Quantity(a.Value, unit)),
		"description": fmt.Sprintf("It was expected from %s to %s; that something began is %.0f %% sure. See `aeo observe explain %s`.",
			observe.Quantity(a.Low, unit), observe.Quantity(a.High, unit), a.Probability*100, s.ID()),
	}}
}

// newAnomalyAlerts is nil where no Alertmanager is to be told of anomalies.
func (d *daemon) newAnomalyAlerts() *anomalyAlerts {
	if !d.opts.Signals.Anomalies.Alerts || d.signals.alerts == nil {
		return nil
	}
	return &anomalyAlerts{send: d.signals.alerts.Send, muted: d.events.Muted, now: time.Now, said: map[string]time.Time{}}
}
