package metrics

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// FollowOptions say how signals are followed. What is 0 gets the value in brackets.
type FollowOptions struct {
	// Interval is how far apart samples are [30 s].
	Interval time.Duration
	// History is from how far back is learned, at the start and each time that all is
	// learned anew [1 day].
	History time.Duration
	// MaxSignals is how many signals are followed [2000: about 4 KiB each].
	MaxSignals int
	// Monitors are expressions of somebody's own that are followed, too, as they are now;
	// nil for none. Troubled is told of each that cannot be followed, with nil once it can
	// again.
	Monitors func() []watch.Watch
	Troubled func(w watch.Watch, err error)
	// MonitorTime is how long a question of a monitor may take [5 s].
	MonitorTime time.Duration
	// Opened and Closed are told of anomalies that begin and end, those of before the
	// start not.
	Opened, Closed func(observe.Anomaly)
	// Looked is told how all is each time that it was looked; nil tells nobody.
	Looked func(observe.Report)
	// Log is told what happens; nil tells nobody.
	Log *slog.Logger
	// Now tells the time; nil is the clock.
	Now func() time.Time
}

// Follower follows what the known conventions measure, and tells what is abnormal. What
// it knows is learned from the store: after a restart it is learned again, with the same
// outcome, and nothing besides the samples has to be kept.
type Follower struct {
	options FollowOptions
	ask     *promql.Asker

	survey   *observe.Survey
	watches  []watch.Watch
	monitors monitors
	until    time.Time
	found    time.Time // when it was looked what there is to watch
	learned  time.Time // when all was learned anew

	mu     sync.Mutex
	report observe.Report
	open   map[string]observe.Anomaly
	failed int
}

// How often it is looked what there is to watch, and how often all is learned anew, so
// that what is gone for good goes from memory too.
const (
	refind  = 5 * time.Minute
	relearn = 24 * time.Hour
	// stretch is how many steps are asked for at a time.
	stretch = 500
)

// NewFollower returns one that follows nothing yet.
func NewFollower(ask *promql.Asker, o FollowOptions) *Follower {
	fillDuration(&o.Interval, 30*time.Second)
	fillDuration(&o.History, 24*time.Hour)
	fillDuration(&o.MonitorTime, 5*time.Second)
	if o.MaxSignals <= 0 {
		o.MaxSignals = 2000
	}
	if o.Opened == nil {
		o.Opened = func(observe.Anomaly) {}
	}
	if o.Closed == nil {
		o.Closed = func(observe.Anomaly) {}
	}
	if o.Looked == nil {
		o.Looked = func(observe.Report) {}
	}
	if o.Monitors == nil {
		o.Monitors = func() []watch.Watch { return nil }
	}
	if o.Troubled == nil {
		o.Troubled = func(watch.Watch, error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Follower{options: o, ask: ask}
}

func fillDuration(d *time.Duration, standard time.Duration) {
	if *d <= 0 {
		*d = standard
	}
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	t := time.NewTicker(f.options.Interval)
	defer t.Stop()
	for {
		if err := f.Step(ctx); err != nil && ctx.Err() == nil {
			f.options.Log.Warn("signals could not be followed", "error", err.Error())
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// never is a time from which on points are kept: none are.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Step follows up to the newest whole interval.
func (f *Follower) Step(ctx context.Context) error {
	step := f.options.Interval
	now := f.options.Now().Truncate(step).Add(-step) // the newest scrapes may be on their way
	if f.survey == nil || now.Sub(f.learned) >= relearn {
		f.survey = observe.NewSurvey(observe.Options{Step: step, From: never, MaxSignals: f.options.MaxSignals})
		f.learned, f.until, f.found = now, now.Add(-f.options.History), time.Time{}
		f.monitors = nil
	}
	if now.Sub(f.found) >= refind {
		names, err := f.ask.Names(ctx, `{__name__=~"`+strings.Join(watch.Metrics(), "|")+`"}`, now.Add(-f.options.History), now)
		if err != nil {
			return err
		}
		f.watches, f.found = watch.Find(names, watch.Options{Window: 4 * step}).Watches, now
	}
	if f.monitors == nil {
		f.monitors = monitors{}
	}
	failed, err := f.renew(ctx, now)
	for err == nil && f.until.Before(now) {
		from, to := f.until.Add(step), f.until.Add(stretch*step)
		if to.After(now) {
			to = now
		}
		failed = 0
		for _, w := range f.watches {
			bad := f.ask.Range(ctx, w.Expr, from, to, step, func(labels map[string]string, at []int64, values []float64) error {
				return f.survey.Feed(w, labels, at, values)
			})
			if bad != nil {
				failed++
				f.options.Log.Debug("a signal could not be asked for", "watch", w.Name, "error", bad.Error())
			}
		}
		for _, m := range f.monitors {
			if f.learn(ctx, m, from, to) != nil {
				failed++
			}
		}
		f.until, err = to, ctx.Err()
	}
	if err != nil {
		f.survey = nil // half a stretch was learned
		return err
	}
	f.tell(f.survey.Report(now), failed)
	return nil
}

// tell compares the anomalies that go on with those of before.
func (f *Follower) tell(r observe.Report, failed int) {
	open := map[string]observe.Anomaly{}
	for _, a := range r.Anomalies() {
		if a.Open() {
			open[a.Signal.ID()] = a
		}
	}
	f.mu.Lock()
	before, first := f.open, f.open == nil
	f.report, f.open, f.failed = r, open, failed
	f.mu.Unlock()
	f.options.Looked(r)
	if first {
		return // they began before anybody looked
	}
	for id, a := range open {
		if _, known := before[id]; !known {
			f.options.Opened(a)
		}
	}
	for id, a := range before {
		if _, goesOn := open[id]; !goesOn {
			f.options.Closed(a)
		}
	}
}

// Open are the anomalies that go on.
func (f *Follower) Open() []observe.Anomaly {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]observe.Anomaly, 0, len(f.open))
	for _, a := range f.open {
		out = append(out, a)
	}
	return out
}

var (
	descAnomalies = prometheus.NewDesc("aeo_observe_anomalies", "Anomalies that go on, by whose they are and what is abnormal.", []string{"namespace", "workload", "quantity"}, nil)
	descMore      = prometheus.NewDesc("aeo_observe_anomalies_more", "Anomalies that go on besides, for there are too many to tell each.", nil, nil)
	descSignals   = prometheus.NewDesc("aeo_observe_signals", "Signals that are followed, by their state.", []string{"state"}, nil)
	descUnasked   = prometheus.NewDesc("aeo_observe_signals_failed", "Expressions that could not be evaluated last time.", nil, nil)
	descNotMore   = prometheus.NewDesc("aeo_observe_signals_left", "Signals that are not followed, for there are too many.", nil, nil)
)

// most is how many workloads' anomalies are told each.
const most = 500

// Describe implements prometheus.Collector.
func (f *Follower) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAnomalies, descMore, descSignals, descUnasked, descNotMore} {
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
	r, failed := f.report, f.failed
	f.mu.Unlock()
	for _, s := range []observe.State{observe.Learning, observe.Normal, observe.Abnormal, observe.Silent} {
		gauge(descSignals, float64(r.Count(s)), s.String())
	}
	gauge(descUnasked, float64(failed))
	gauge(descNotMore, float64(r.Left))
}
