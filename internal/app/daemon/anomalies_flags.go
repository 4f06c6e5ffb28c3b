package daemon

import (
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/autoecoops/autoecoops/internal/app"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
)

// Anomalies says which signals are followed for anomalies, and whose habits they have.
type Anomalies struct {
	// Kept lets those be followed that are kept (--metrics-dir), Asked those of the
	// Prometheus of --prometheus.
	Kept, Asked bool
	// Alerts has the Alertmanagers of --alertmanager told of what is abnormal.
	Alerts bool
	// History is from how far back is learned where nothing is known yet.
	History time.Duration
	// Zone is where the users are, Holidays a file of days that are not as usual.
	Zone, Holidays string
}

// flags adds the settings' flags.
func (a *Anomalies) flags(f *pflag.FlagSet) {
	f.BoolVar(&a.Kept, "metrics-anomalies", a.Kept, "follow what is kept, and tell what is abnormal in metrics and events")
	f.BoolVar(&a.Asked, "prometheus-anomalies", false, "follow what --prometheus has, and tell what is abnormal in metrics and events")
	f.BoolVar(&a.Alerts, "anomalies-alertmanager", false, "tell --alertmanager, too, of what is abnormal in what is followed")
	f.DurationVar(&a.History, "anomalies-history", a.History, "from how far back is learned what is usual, where nothing is known yet")
	f.StringVar(&a.Zone, "anomalies-time-zone", a.Zone, "the `ZONE` in which the users live, whose clock habits follow, as Europe/Berlin")
	f.StringVar(&a.Holidays, "anomalies-holidays", "", "a `FILE` of days that are not as usual: a line each, as 2026-12-25, or 12-25 for each year")
}

// problems lists what is wrong.
func (a *Anomalies) problems(kept, asked bool, need func(ok bool, flag, why string)) {
	need(!a.Asked || asked, "prometheus-anomalies", "it is for --prometheus, which is not given")
	need(!a.Asked || !a.Kept || !kept, "prometheus-anomalies", "what is kept is followed already; give --metrics-anomalies=false to follow what --prometheus has")
	need(!a.Alerts || a.Asked || a.Kept && kept, "anomalies-alertmanager", "nothing is followed; give --metrics-dir, or --prometheus-anomalies")
	need(a.History >= time.Hour && a.History <= 90*24*time.Hour, "anomalies-history", "from 1h to 2160h")
}

// habits say by whose clock is judged, and what is planned.
func (a *Anomalies) habits(tells *anomalies) (metrics.Habits, error) {
	zone, err := app.Zone(a.Zone, "--anomalies-time-zone")
	if err != nil {
		return metrics.Habits{}, err
	}
	holiday, err := app.Holidays(a.Holidays, "--anomalies-holidays")
	return metrics.Habits{History: a.History, Location: zone, Holiday: holiday, Planned: tells.planned}, err
}

// watch says how series are judged as they come and who is told of them.
func (a *Anomalies) watch(w Watch, tells *anomalies, dir string) (*metrics.WatchOptions, error) {
	habits, err := a.habits(tells)
	if err != nil || len(w.Selectors) == 0 {
		return nil, err
	}
	return &metrics.WatchOptions{
		Selectors: w.Selectors, MaxSeries: w.MaxSeries, Alone: w.Only, Habits: habits, Tell: tells.news,
		Keep: filepath.Join(dir, "watched.kept"), Log: tells.log,
	}, nil
}

// follow says how signals are followed and who is told of them.
func (a *Anomalies) follow(tells *anomalies, interval time.Duration, dir string) (*metrics.FollowOptions, error) {
	habits, err := a.habits(tells)
	if err != nil {
		return nil, err
	}
	return &metrics.FollowOptions{
		Interval: interval, Habits: habits,
		Keep: filepath.Join(dir, "signals.kept"), Monitors: tells.monitors, Troubled: tells.troubled, Log: tells.log,
		Hooks: metrics.Hooks{
			Opened: func(a observe.Anomaly) { tells.tell(a, began) }, Closed: func(a observe.Anomaly) { tells.tell(a, ended) },
			Unknown: func(a observe.Anomaly) { tells.tell(a, unknown) },
			Silent:  func(q metrics.Quiet) { tells.quiet(q, true) }, Heard: func(q metrics.Quiet) { tells.quiet(q, false) },
			Looked: func(r observe.Report) {
				tells.endedMeanwhile(r)
				tells.alerts.look(r)
			},
		},
	}, nil
}
