package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// monitors are the expressions of somebody's own that are followed, by their names.
type monitors map[string]*monitor

// monitor is one of them.
type monitor struct {
	watch  watch.Watch
	series map[string]bool // those that are followed
	failed bool            // the last time
	// rests is until when it is not asked for, since it took too long.
	rests time.Time
}

// monitorRest is how long one rests that took too long, so that nobody's expression keeps
// others from being followed.
const monitorRest = 10 * time.Minute

var errRests = errors.New("it took too long and rests")

// renew takes up what was added to the monitors and drops what is gone; of one that
// changed all is learned anew. What is new learns what was before, up to where the others
// are. It returns how many could not be asked for.
func (f *Follower) renew(ctx context.Context, now time.Time) (failed int, err error) {
	there := map[string]bool{}
	for _, w := range f.options.Monitors() {
		there[w.Name] = true
		m := &monitor{watch: w, series: map[string]bool{}}
		from := now.Add(-f.options.History)
		if before := f.monitors[w.Name]; before != nil {
			if before.watch == w {
				continue
			}
			m.failed = before.failed // so that it is told when it was mended
			f.survey.Forget(w.Name)
		} else if at, same := f.resume(m); same {
			from = at
		} else {
			f.survey.Forget(w.Name)
		}
		f.monitors[w.Name] = m
		step := f.options.Interval
		for from = from.Add(step); !from.After(f.until); from = from.Add(stretch * step) {
			to := from.Add((stretch - 1) * step)
			if to.After(f.until) {
				to = f.until
			}
			if err := f.learn(ctx, m, from, to); err != nil {
				failed++
				break
			}
		}
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
	}
	for name := range f.monitors {
		if !there[name] {
			f.survey.Forget(name)
			delete(f.monitors, name)
		}
	}
	if f.resumed != nil && now.Sub(f.resumed.now) > adopt {
		f.resumed = nil
		for _, w := range f.survey.Watches() {
			if w.Golden == watch.Monitor && !there[w.Name] {
				f.survey.Forget(w.Name) // it went while nobody looked
			}
		}
	}
	return failed, nil
}

// resume takes up what was kept of a monitor, and tells up to when that was learned; false
// if it is another by now.
func (f *Follower) resume(m *monitor) (time.Time, bool) {
	if f.resumed == nil {
		return time.Time{}, false
	}
	kept := f.survey.Signals(m.watch.Name)
	for _, s := range kept {
		if s.Watch != m.watch {
			return time.Time{}, false
		}
		m.series[fmt.Sprint(s.Labels)] = true
	}
	return f.resumed.at, len(kept) > 0
}

// learn has a stretch of time judged, and tells if that is no more, or again, possible.
func (f *Follower) learn(ctx context.Context, m *monitor, from, to time.Time) error {
	if f.options.Now().Before(m.rests) {
		return errRests
	}
	short, cancel := context.WithTimeout(ctx, f.options.MonitorTime)
	defer cancel()
	left := 0
	err := f.ask.Range(short, m.watch.Expr, from, to, f.options.Interval, func(labels map[string]string, at []int64, values []float64) error {
		key := fmt.Sprint(labels) // in the order of the names
		if !m.series[key] && len(m.series) >= watch.MaxMonitorSeries {
			left++
			return nil
		}
		m.series[key] = true
		return f.survey.Feed(m.watch, labels, at, values)
	})
	if err == nil && left > 0 {
		err = fault.New(fault.Invalid, "follow", m.watch.What, fmt.Sprintf("it has more than %d series, of which the others are not followed", watch.MaxMonitorSeries), "sum over fewer labels")
	}
	if ctx.Err() != nil {
		return err
	}
	if short.Err() != nil {
		m.rests = f.options.Now().Add(monitorRest)
		err = fault.New(fault.TimedOut, "follow", m.watch.What, fmt.Sprintf("it takes longer than %s, and is asked for again in %s", f.options.MonitorTime, monitorRest), "select fewer series")
	}
	if failed := err != nil; failed != m.failed {
		m.failed = failed
		f.options.Troubled(m.watch, err)
	}
	return err
}
