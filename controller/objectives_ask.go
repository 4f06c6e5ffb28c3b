package controller

import (
	"context"
	"errors"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// patience is how long one question may take at least: longer than the rhythm of
// objectives that are looked at every second.
const patience = 10 * time.Second

// errMore is why not all of the past is known after a turn.
var errMore = errors.New("there is more to read than one turn has the time for")

// ask feeds the Monitor with what came since it was fed last: what was missed by its
// steps, the last moments sample by sample. A failure feeds a lost batch.
func (f *follower) ask(ctx context.Context, now time.Time) error {
	limit := max(patience, f.rhythm.Every)
	err := f.missed(ctx, now, limit)
	if err == nil {
		err = f.latest(ctx, limit)
	}
	if err != nil {
		f.monitor.Observe(slo.Batch{At: f.Now(), Lost: true})
	}
	return err
}

// missed asks for what is too long ago to be asked for sample by sample.
func (f *follower) missed(ctx context.Context, now time.Time, limit time.Duration) error {
	if !f.rhythm.Missed(f.monitor.Answered(), now) {
		return nil
	}
	from := f.monitor.Answered()
	_, err := f.past(ctx, f.monitor, &from, now, limit)
	return err
}

// question is one about the objective; what is asked is still to be said.
func (f *follower) question(limit time.Duration) *question {
	return &question{
		about: f.key.String(), selectors: follow.Selectors(f.monitor.Objective().Indicator), forms: f.forms,
		rhythm: f.rhythm, limit: limit, series: f.monitor.Series(), done: make(chan error, 1),
	}
}

// latest asks for the samples since the last answer.
func (f *follower) latest(ctx context.Context, limit time.Duration) error {
	q := f.question(limit)
	q.last = f.monitor.Answered()
	if err := f.desk.ask(ctx, q); err != nil {
		return err
	}
	f.monitor.Observe(slo.Batch{At: q.at, Samples: q.answer.Samples(f.monitor)})
	return nil
}

// begin skips the time before the first sample: of most that are new there are
// fewer than the period is long. A source that cannot tell is asked for all of it.
func (f *follower) begin(ctx context.Context, from, end time.Time, limit time.Duration) (time.Time, error) {
	q := f.question(limit)
	q.stretch = stretch{from: from, to: end, step: f.step(), begin: true, since: f.began, late: f.late}
	err := f.desk.archive.ask(ctx, q, f.wait())
	switch kind := fault.KindOf(err); {
	case kind == fault.TimedOut && !q.single && !errors.Is(err, errNoTurn):
		f.keepPace(q, err) // it may be for one of the others
		return from, err
	case errors.Is(err, errNoTurn) || err != nil && kind != fault.Invalid && kind != fault.TimedOut:
		return from, err
	case err != nil:
		f.sought = true
		return from, nil
	}
	f.sought = true
	first, ok := q.answer.First()
	if !ok {
		return end, nil
	}
	return first, nil
}

// catchUp goes on with the time before it was followed. It is for the end of a turn: what
// happens now does not wait for it, but for the one question that is being asked.
func (f *follower) catchUp(ctx context.Context, now time.Time) {
	err := f.history(ctx, now, max(patience, f.rhythm.Every/2))
	if errors.Is(err, errNoTurn) || errors.Is(err, errMore) || ctx.Err() != nil {
		return // its time comes
	}
	if err != nil && f.behind == nil {
		f.desk.complain(f.Log, f.key.String(), err)
	}
	f.behind = err
	if !f.fresh {
		f.asked = time.Time{} // what is known now is told at once
	}
}

// history asks for the whole period before it was followed. What is known of it
// when a question fails is kept, and gone on from at the next turn.
func (f *follower) history(ctx context.Context, now time.Time, limit time.Duration) error {
	if now.Before(f.again) {
		return errMore
	}
	m, err := f.past(ctx, f.draft, &f.reached, now, limit)
	if f.draft = m; err != nil {
		return err
	}
	if m != nil {
		f.monitor = m
	}
	f.draft, f.fresh = nil, false
	return nil
}

// The steps that are asked for at once end where those of others do, so that they are
// asked for together: at multiples of one of these numbers of steps.
var strides = [...]int{8640, 720, 60, 10}

// wait is how long a question about the past waits for its turn.
func (f *follower) wait() time.Duration { return max(patience/2, f.rhythm.Every/2) }

// step is how far apart the moments of the past are that are asked for.
func (f *follower) step() time.Duration { return f.rhythm.Interval.Truncate(time.Second) }

// past feeds a Monitor with what was missed since a moment, in parts whose size
// depends on how many series there are, and says how far it came. Without a Monitor
// one is made that begins with the first sample that there is; nil if there is none.
// One question may take as long as limit, and none is begun after that: nothing is
// evaluated meanwhile.
func (f *follower) past(ctx context.Context, m *slo.Monitor, reached *time.Time, now time.Time, limit time.Duration) (*slo.Monitor, error) {
	o, step := f.monitor.Objective(), f.step()
	grid := func(at time.Time, steps int) time.Time { return at.Truncate(time.Duration(steps) * step) }
	from := *reached
	if oldest := o.Period.Begin(now); from.Before(oldest) {
		from = oldest
	}
	end := grid(now.Add(-2*step), 1) // the last moments are asked for sample by sample
	if m == nil && !f.sought && follow.Whole(from, end, step) > 60 {
		var err error
		if from, err = f.begin(ctx, grid(from, 60), end, limit); err != nil {
			return nil, err
		}
		// What is asked for before there are samples costs next to nothing, and is the
		// same for all that began of late.
		from = grid(from, strides[0])
		*reached = from
	}
	from = grid(from, strides[len(strides)-1])
	began := f.Now()
	for most := follow.Steps(max(f.monitor.Series(), 1)); from.Before(end); {
		if f.Now().Sub(began) >= limit {
			return m, fault.Wrap(fault.TimedOut, "ask about the past of", f.key.String(), errMore, "")
		}
		to := from
		for _, n := range strides[min(f.alone, len(strides)-1):] {
			if n <= most {
				to = grid(from.Add(time.Duration(n)*step), n)
				break
			}
		}
		if to.After(end) {
			to = end
		}
		q := f.question(limit)
		// One that is evaluated waits for it; of a draft nobody knows yet.
		q.stretch = stretch{from: from.Add(step), to: to, step: step, since: f.began, late: f.late, urgent: m == f.monitor}
		if m != nil {
			q.series = m.Series()
		}
		q.read = make(chan struct{})
		err := f.desk.archive.ask(ctx, q, f.wait())
		if err == nil {
			err = f.replay(&m, &q.answer, from, to)
		}
		close(q.read)
		f.keepPace(q, err)
		if err != nil {
			return m, err
		}
		from, most = to, follow.Steps(q.answer.Series())
		*reached = from
	}
	return m, nil
}

// pausePast is how long one waits at most for which alone the source took too long.
const pausePast = 3 * time.Minute

// keepPace has less asked for, with fewer others, after the source took too long, or
// refused it.
func (f *follower) keepPace(q *question, err error) {
	p := &f.pace
	switch {
	case err == nil:
		p.late, p.alone = max(0, p.late-1), max(0, p.alone-1)
	case errors.Is(err, errNoTurn):
	case fault.KindOf(err) == fault.Invalid: // it may have been too much for one
		p.alone = min(p.alone+1, mostLate)
	case fault.KindOf(err) != fault.TimedOut:
	case q.single:
		p.late, p.alone = min(p.late+1, mostLate), min(p.alone+1, mostLate)
		p.again = f.Now().Add(min(pausePast, q.limit<<p.alone))
	default:
		p.late = min(p.late+1, mostLate)
	}
}

// replay feeds a Monitor with the answer about a stretch, and makes it if there is none
// and there is a sample.
func (f *follower) replay(m **slo.Monitor, a *follow.Answer, from, to time.Time) error {
	step := f.step()
	if first, ok := a.First(); *m == nil && ok {
		made, err := slo.New(*f.monitor.Objective(), slo.Options{Interval: f.rhythm.Interval, Start: first.Add(-step)})
		if err != nil {
			return err
		}
		*m, from = made, from.Add(time.Duration(follow.Whole(from, first, step)-1)*step)
	}
	if *m != nil {
		follow.Replay(*m, a, from, to, step)
	}
	return nil
}
