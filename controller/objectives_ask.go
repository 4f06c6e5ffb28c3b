package controller

import (
	"context"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// patience is how long one question may take at least: longer than the rhythm of
// objectives that are looked at every second.
const patience = 10 * time.Second

// pastLimits is how many times that all questions about the past may take in one
// turn. The next turn goes on from there.
const pastLimits = 4

// ask feeds the Monitor with what came since it was fed last: the past by its
// steps, the last moments sample by sample. A failure feeds a lost batch.
func (f *follower) ask(ctx context.Context, now time.Time) error {
	limit := max(patience, f.rhythm.Every)
	err := f.before(ctx, now, limit)
	if err == nil {
		err = f.latest(ctx, limit)
	}
	if err != nil {
		f.monitor.Observe(slo.Batch{At: f.Now(), Lost: true})
	}
	return err
}

// before asks for what is too long ago to be asked for sample by sample.
func (f *follower) before(ctx context.Context, now time.Time, limit time.Duration) error {
	missed := f.rhythm.Missed(f.monitor.Answered(), now)
	if !f.fresh && !missed {
		return nil
	}
	if err := f.desk.take(ctx, limit, f.key.String()); err != nil {
		return err
	}
	defer f.desk.leave()
	if f.fresh {
		return f.history(ctx, now, limit)
	}
	_, err := f.past(ctx, f.monitor, f.monitor.Answered(), now, limit)
	return err
}

// latest asks for the samples since the last answer.
func (f *follower) latest(ctx context.Context, limit time.Duration) error {
	q := &question{
		about: f.key.String(), selectors: follow.Selectors(f.monitor.Objective().Indicator), forms: f.forms,
		rhythm: f.rhythm, last: f.monitor.Answered(), limit: limit, series: f.monitor.Series(), done: make(chan error, 1),
	}
	if err := f.desk.ask(ctx, q); err != nil {
		return err
	}
	f.monitor.Observe(slo.Batch{At: q.at, Samples: q.answer.Samples(f.monitor)})
	return nil
}

// begin skips the time before the first sample: of most that are new there are
// fewer than the period is long. A source that cannot tell is asked for all of it.
func (f *follower) begin(ctx context.Context, from, end time.Time, limit time.Duration) (time.Time, error) {
	first := end
	for _, s := range follow.Selectors(f.monitor.Objective().Indicator) {
		if s.Role&(slo.Total|slo.Gauge) == 0 {
			continue // without a total nothing can be said
		}
		one, done := context.WithTimeout(ctx, limit)
		at, ok, err := f.Samples.Begin(one, s.Text, from, end)
		done()
		switch kind := fault.KindOf(err); {
		case err == nil && ok && at.Before(first):
			first = at
		case err != nil && kind != fault.Invalid && kind != fault.TimedOut:
			return from, err
		case err != nil:
			f.sought = true
			return from, nil
		}
	}
	f.sought = true
	return from.Add(time.Duration(follow.Whole(from, first, f.rhythm.Interval.Truncate(time.Second))) * f.rhythm.Interval.Truncate(time.Second)), nil
}

// history asks for the whole period before it was followed. What is known of it
// when a question fails is kept, and gone on from at the next turn.
func (f *follower) history(ctx context.Context, now time.Time, limit time.Duration) error {
	m, err := f.past(ctx, f.draft, f.reached, now, limit)
	if f.draft = m; err != nil {
		return err
	}
	if m != nil {
		f.monitor = m
	}
	f.draft, f.fresh = nil, false
	return nil
}

// past feeds a Monitor with what was missed since a moment, in parts whose size
// depends on how many series there are. Without a Monitor one is made that begins
// with the first sample that there is; nil if there is none. One question may take
// as long as limit, all of them pastLimits of it: nothing is evaluated meanwhile.
func (f *follower) past(ctx context.Context, m *slo.Monitor, from, now time.Time, limit time.Duration) (*slo.Monitor, error) {
	ctx, cancel := context.WithTimeout(ctx, pastLimits*limit)
	defer cancel()
	o, step := f.monitor.Objective(), f.rhythm.Interval.Truncate(time.Second)
	if oldest := o.Period.Begin(now); from.Before(oldest) {
		from = oldest
	}
	steps, end := 60, now.Add(-2*step) // the last moments are asked for sample by sample
	if m == nil && !f.sought && follow.Whole(from, end, step) > steps {
		var err error
		if from, err = f.begin(ctx, from, end, limit); err != nil {
			return nil, err
		}
	}
	for n := follow.Whole(from, end, step); n > 0; n = follow.Whole(from, end, step) {
		to := from.Add(time.Duration(min(n, steps)) * step)
		var a follow.Answer
		for _, s := range follow.Selectors(o.Indicator) {
			one, done := context.WithTimeout(ctx, limit)
			err := f.Samples.Range(one, s.Text, from.Add(step), to, step, func(labels map[string]string, points []follow.Point) error {
				return a.Add(s.Role, labels, points)
			})
			if done(); err != nil {
				return m, err
			}
		}
		if first, ok := a.First(); m == nil && ok {
			var err error
			if m, err = slo.New(*o, slo.Options{Interval: f.rhythm.Interval, Start: first.Add(-step)}); err != nil {
				return nil, err
			}
			from = from.Add(time.Duration(follow.Whole(from, first, step)-1) * step)
		}
		if m != nil {
			follow.Replay(m, &a, from, to, step)
		}
		from, steps = to, follow.Steps(a.Series())
		if f.fresh {
			f.reached = from
		}
	}
	return m, nil
}
