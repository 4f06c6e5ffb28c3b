package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// Source is asked for metrics.
type Source interface {
	// Range evaluates an expression at each step between two moments, both included, and
	// hands each series over: times in milliseconds since 1970, in their order.
	Range(ctx context.Context, expr string, from, to time.Time, step time.Duration, each func(labels map[string]string, at []int64, values []float64) error) error
	// Names tells which of the metrics that a selector picks there were between two moments.
	Names(ctx context.Context, selector string, from, to time.Time) ([]string, error)
}

// FollowOptions say how signals are followed. What is 0 gets the value in brackets.
type FollowOptions struct {
	// Interval is how far apart samples are [30 s].
	Interval time.Duration
	// MaxSignals is how many signals are followed [2000: about 4 KiB each].
	MaxSignals int
	Habits
	Hooks
	// Keep is the file in which what was learned is kept, so that it outlasts a restart;
	// "" keeps nothing.
	Keep string
	// Monitors are expressions of somebody's own that are followed, too, as they are now;
	// nil for none. Troubled is told of each that cannot be followed, with nil once it can
	// again.
	Monitors func() []watch.Watch
	Troubled func(w watch.Watch, err error)
	// MonitorTime is how long a question of a monitor may take [5 s].
	MonitorTime time.Duration
	// Log is told what happens; nil tells nobody.
	Log *slog.Logger
	// Now tells the time; nil is the clock.
	Now func() time.Time
}

// Habits say what signals are learned from, and by whose clock.
type Habits struct {
	// History is from how far back is learned where nothing is known yet [3 days: each
	// hour of the day is seen twice].
	History time.Duration
	// Location is where the users are; nil is UTC. Holiday says of a day, midnight there,
	// that it is none of the usual; nil knows none.
	Location *time.Location
	Holiday  func(day time.Time) bool
	// Planned is asked at each look for what is planned; see observe.Options. Nil, here or
	// as its answer, is nothing.
	Planned func() func(observe.Signal) func(at time.Time) bool
}

// Hooks are told what was found; nil ones are not.
type Hooks struct {
	// Opened and Closed are told of anomalies that begin and end, those not that went on
	// before anybody looked.
	Opened, Closed func(observe.Anomaly)
	// Unknown is told of anomalies of which it will not be known whether they ended: the
	// signal is not measured any more, or nobody wants it to be.
	Unknown func(observe.Anomaly)
	// Silent is told of workloads of which nothing is measured any more, and Heard of those
	// that were silent and are not.
	Silent, Heard func(Quiet)
	// Looked is told how all is each time that it was looked.
	Looked func(observe.Report)
}

// Follower follows what the known conventions measure, and tells what is abnormal. What
// it learned is kept in a file; from where that ends it is learned from the source, with
// the same outcome as if it had never stopped.
type Follower struct {
	options FollowOptions
	ask     Source

	survey   *observe.Survey
	watches  []watch.Watch
	monitors monitors
	planned  func(observe.Signal) func(time.Time) bool // now
	until    time.Time
	found    time.Time // when it was looked what there is to watch
	kept     time.Time // when the file was written
	// resumed tells what was taken up from the file, nil if nothing was, or all that is
	// still wanted is by now.
	resumed *resumption

	mu     sync.Mutex
	report observe.Report
	open   map[string]observe.Anomaly
	heard  heard
	failed int
}

// heard is of whom something is measured.
type heard struct {
	// silent are the workloads of which nothing is any more, since when; nil before it
	// was looked.
	silent map[workload]time.Time
	deaf   bool // it was told that nothing is measured at all
}

const (
	// refind is how often it is looked what there is to watch.
	refind = 5 * time.Minute
	// forget is after how long what is silent goes from memory: a job of each weekend's
	// Friday and Monday stays.
	forget = 4 * 24 * time.Hour
	// stretch is how many steps are asked for at a time.
	stretch = 500
)

// NewFollower returns one that follows nothing yet.
func NewFollower(ask Source, o FollowOptions) *Follower {
	fillDuration(&o.Interval, 30*time.Second)
	fillDuration(&o.History, 3*24*time.Hour)
	fillDuration(&o.MonitorTime, 5*time.Second)
	if o.MaxSignals <= 0 {
		o.MaxSignals = 2000
	}
	o.Hooks.fill()
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
	defer f.keep()
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
	if f.survey == nil {
		f.begin(now)
	}
	if now.Sub(f.found) >= refind {
		names, err := f.ask.Names(ctx, `{__name__=~"`+strings.Join(watch.Metrics(), "|")+`"}`, now.Add(-f.options.History), now)
		if err != nil {
			return err
		}
		f.watches, f.found = watch.Find(names, watch.Options{Window: 4 * step}).Watches, now
		f.survey.ForgetSilent(f.until.Add(-forget))
	}
	if f.options.Planned != nil {
		f.planned = f.options.Planned()
	}
	failed, err := f.renew(ctx, now)
	var down error // why nothing at all can be asked for
	for err == nil && down == nil && f.until.Before(now) {
		from, to := f.until.Add(step), f.until.Add(stretch*step)
		if to.After(now) {
			to = now
		}
		var first error
		failed = 0
		for _, w := range f.watches {
			bad := f.ask.Range(ctx, w.Expr, from, to, step, func(labels map[string]string, at []int64, values []float64) error {
				return f.survey.Feed(w, labels, at, values)
			})
			if bad != nil {
				failed, first = failed+1, cmp.Or(first, bad)
				f.options.Log.Debug("a signal could not be asked for", "watch", w.Name, "error", bad.Error())
			}
		}
		if failed > 0 && failed == len(f.watches) && ctx.Err() == nil {
			down = first // nothing was learned: it is asked for the same time again
			break
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
	if down != nil {
		return down
	}
	if now.Sub(f.kept) >= keepEvery {
		f.keep()
	}
	return nil
}
