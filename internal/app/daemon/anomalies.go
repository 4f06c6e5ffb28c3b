package daemon

import (
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/stream"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// anomalies tells people what is abnormal, and knows what Applications want to have
// followed.
type anomalies struct {
	events *kube.Events // nil for nobody
	log    *slog.Logger
	// own is the namespace of the daemon: events of what is in no namespace are there.
	own string
	// alerts tells Alertmanagers; nil for none.
	alerts *anomalyAlerts
	// all are the Applications, app one of them; nil if they are not known.
	all func() []*v1alpha1.Application
	app func(deliver.AppKey) *v1alpha1.Application
	// looked is set once what is not of monitors was looked at.
	looked bool
	before before
	// planned is asked for what is planned now; nil if nothing ever is.
	planned func() func(observe.Signal) func(time.Time) bool
}

// newAnomalies makes the teller of what one follower finds.
func (d *daemon) newAnomalies() *anomalies {
	return &anomalies{
		events: d.events, log: d.log, own: d.opts.Namespace, alerts: d.newAnomalyAlerts(), planned: d.planned,
		all: func() []*v1alpha1.Application { return d.store.All() },
		app: func(k deliver.AppKey) *v1alpha1.Application { return d.store.Get(k) },
	}
}

// monitors are those that Applications name. They come after the first look: what goes on
// then was there before, and is told to nobody, but what goes on of monitors is told if
// none of us told it. Applications are not known at once anyway.
func (t *anomalies) monitors() (out []watch.Watch) {
	if !t.looked || t.all == nil {
		t.looked = true
		return nil
	}
	for _, app := range t.all() {
		if app.DeletionTimestamp != nil || len(app.Spec.Monitors) == 0 {
			continue
		}
		some, err := watch.MonitorsOf(app)
		if err != nil {
			t.log.Debug("a monitor is none", "namespace", app.Namespace, "application", app.Name, "error", err.Error())
		}
		out = append(out, some...)
	}
	if t.before.until.IsZero() && len(out) > 0 {
		t.before.until = time.Now()
	}
	return out
}

// troubled tells that a monitor cannot be followed, or can again, with an event of its
// Application.
func (t *anomalies) troubled(w watch.Watch, err error) {
	key := deliver.AppKey{Namespace: w.Namespace, Name: w.Workload}
	text := ""
	if err != nil {
		text = err.Error()
	}
	t.log.Info("monitor", "followed", err == nil, "namespace", key.Namespace, "application", key.Name, "monitor", w.What, "error", text)
	if t.events == nil || t.app == nil {
		return
	}
	app := t.app(key)
	switch {
	case app == nil:
	case err == nil:
		t.events.Event(app, false, "MonitorFollowed", fmt.Sprintf("monitor %s is followed", w.What))
	default:
		if fault.KindOf(err) == fault.Invalid {
			text += "; mend spec.monitors"
		}
		t.events.Event(app, true, "MonitorFailed", fmt.Sprintf("monitor %s cannot be followed: %s", w.What, text))
	}
}

// turn is what became of an anomaly.
type turn string

// The turns, as the reasons of events.
const (
	began   turn = "Anomaly"
	ended   turn = "AnomalyEnded"
	unknown turn = "AnomalyUnknown" // whether it ended
)

// place is where people look for what is told of a namespace: in it, or, of a proxy's
// services and clusters, which have none, in the daemon's own. It is "" for what cannot be
// one's name.
func (t *anomalies) place(namespace string) string {
	switch {
	case namespace == "":
		return t.own
	case len(validation.IsDNS1123Label(namespace)) > 0:
		return ""
	}
	return namespace
}

// tell tells people what became of an anomaly: in the log, and as an event of the
// Application whose monitor it is, or of the namespace.
func (t *anomalies) tell(a observe.Anomaly, now turn) {
	t.alerts.turned(a, now)
	s := a.Signal
	var app *v1alpha1.Application
	explain := "aeo observe explain "
	if s.Watch.Golden == watch.Monitor && t.app != nil {
		app = t.app(deliver.AppKey{Namespace: s.Watch.Namespace, Name: s.Watch.Workload})
		explain += "--applications "
	}
	if now == began && app != nil && t.events != nil && t.knows(app, a) {
		return
	}
	if now != began {
		t.before.end(s.ID()) // so that nobody tells it again
	}
	t.log.Info("anomaly", "turn", string(now), "namespace", s.Namespace(), "workload", s.Workload(), "signal", s.Watch.Name, "id", s.ID(), "since", a.Since)
	place := t.place(s.Namespace())
	if t.events == nil || place == "" {
		return
	}
	var message string
	switch now {
	case began:
		message = fmt.Sprintf("%s of %s is %s, expected %s to %s, since %s; see `%s%s`",
			s.Watch.What, s.Of(), observe.Quantity(a.Value, s.Watch.Unit), observe.Quantity(a.Low, s.Watch.Unit), observe.Quantity(a.High, s.Watch.Unit), a.Since.UTC().Format(time.TimeOnly), explain, s.ID())
	case ended:
		message = fmt.Sprintf("%s of %s is as usual again (%s)", s.Watch.What, s.Of(), s.ID())
	default:
		message = fmt.Sprintf("%s of %s was %s, and is not measured or not followed any more: whether that is over is not known (%s)", s.Watch.What, s.Of(), observe.Quantity(a.Value, s.Watch.Unit), s.ID())
	}
	if app != nil {
		t.events.Event(app, now != ended, string(now), message)
		return
	}
	t.events.Within(place, now != ended, string(now), message)
}

// news tells people what became of the series of a workload that are judged as they come:
// in the log, and as an event of the namespace.
func (t *anomalies) news(n stream.News) {
	s := n.Worst.Signal
	now := map[stream.What]turn{stream.Began: began, stream.Ended: ended, stream.Unknown: unknown}[n.What]
	t.log.Info("anomaly", "turn", string(now), "namespace", n.Namespace, "workload", n.Workload, "signal", s.Watch.Name, "id", s.ID(), "since", n.Worst.Since, "series", n.Series, "open", n.Open)
	place := t.place(n.Namespace)
	if t.events == nil || place == "" {
		return
	}
	t.events.Within(place, n.What != stream.Ended, string(now), newsText(n))
}

// newsText is what an event says of series that are judged as they come.
func newsText(n stream.News) string {
	s := n.Worst.Signal
	value := func(v float64) string { return observe.Quantity(v, s.Watch.Unit) }
	switch {
	case n.What == stream.Began && n.Series == 1:
		return fmt.Sprintf("%s of %s is %s, expected %s to %s, since %s; see `%.400s`", s.Watch.What, s.Of(), value(n.Worst.Value), value(n.Worst.Low), value(n.Worst.High), n.Worst.Since.UTC().Format(time.TimeOnly), s.Watch.Expr)
	case n.What == stream.Began:
		return fmt.Sprintf("%d series of %s are unlike before; clearest is %s: %s, expected %s to %s, since %s; see `%.400s`", n.Series, s.Of(), s.Watch.What, value(n.Worst.Value), value(n.Worst.Low), value(n.Worst.High), n.Worst.Since.UTC().Format(time.TimeOnly), s.Watch.Expr)
	case n.What == stream.Ended:
		return fmt.Sprintf("%s: all series that are watched are as usual again, %s as the last", s.Of(), s.Watch.What)
	}
	return fmt.Sprintf("%s: series that were unlike before, as %s, are not measured any more: whether that is over is not known", s.Of(), s.Watch.What)
}

// quiet tells people of a workload that fell silent, or is heard again: it may be gone, and
// nobody is to take silence for health.
func (t *anomalies) quiet(q metrics.Quiet, silent bool) {
	t.log.Info("workload", "silent", silent, "namespace", q.Namespace, "workload", q.Workload, "since", q.Since)
	place, of := t.place(q.Namespace), q.Workload
	if t.events == nil || place == "" {
		return
	}
	if q.Namespace != "" {
		of = q.Namespace + "/" + of
	}
	since := q.Since.UTC().Format("2 Jan 15:04:05")
	if silent {
		t.events.Within(place, false, "Silent", fmt.Sprintf("nothing of %s is measured since %s: it is gone, scaled to none, or not scraped", of, since))
		return
	}
	t.events.Within(place, false, "Heard", fmt.Sprintf("%s is measured again; nothing of it was since %s", of, since))
}
