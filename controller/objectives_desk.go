package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// Bounds of questions that are put together.
const (
	// gather is how long one waits at most for others to be asked with it, and a
	// gatherShare of its rhythm.
	gather, gatherShare = 500 * time.Millisecond, 20
	// mostJoined is how many objectives one question is about, mostSeries how many
	// series they may have, and mostText how long the text of their values may be: it
	// is a part of an address.
	mostJoined, mostSeries, mostText = 200, 20_000, 3000
	// learnEvery is how often more are tried after there had to be fewer.
	learnEvery = time.Minute
	// mostWrites is how many statuses are written at the same time.
	mostWrites = 16
)

// question is what one follower wants to know: the samples since the last answer.
type question struct {
	about     string
	selectors []follow.Selector
	forms     []follow.Form
	rhythm    follow.Rhythm
	last      time.Time
	limit     time.Duration
	series    int
	// at is when it was asked, and answer what came; done tells of its end.
	at     time.Time
	answer follow.Answer
	done   chan error
}

// desk takes questions, and asks those together that differ in the value of a
// label only: a source has about the same work with one as with a hundred.
type desk struct {
	samples Samples
	now     func() time.Time
	slots   chan struct{}
	signal  chan struct{}
	// pens bound the statuses that are being written.
	pens chan struct{}

	mu      sync.Mutex
	waiting []*question
	// due is when those that wait are asked.
	due time.Time
	// most is how many are asked together: fewer after the source took too long.
	// learned is when that changed.
	most    int
	learned time.Time
}

func (d *desk) init(c *Objectives) {
	d.samples, d.now, d.most = c.Samples, c.Now, mostJoined
	d.pens = make(chan struct{}, mostWrites)
	d.slots, d.signal = make(chan struct{}, max(1, c.Parallel)), make(chan struct{}, 1)
}

// errNoTurn is why a question was not asked.
var errNoTurn = errors.New("too many others were being asked about")

// take waits for a turn among those that ask: when the source is slow, an
// evaluation without an answer is better than none.
func (d *desk) take(ctx context.Context, limit time.Duration, about string) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case d.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return noTurn(about)
	case <-ctx.Done():
		return interrupted(about)
	}
}

func (d *desk) leave() { <-d.slots }

func noTurn(about string) error {
	return fault.Wrap(fault.TimedOut, "ask about", about, errNoTurn, "is Prometheus slow?")
}

// pen waits for a turn among those that write; false if there is none in time.
func (d *desk) pen(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case d.pens <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

func interrupted(about string) error {
	return fault.New(fault.Interrupted, "ask about", about, "it was stopped", "")
}

// ask waits for the answer to a question. After an error it is not to be read: it
// may still be written to.
func (d *desk) ask(ctx context.Context, q *question) error {
	if len(q.forms) == 0 {
		d.answer(ctx, []*question{q}, follow.Form{})
	} else {
		due := d.now().Add(min(gather, q.rhythm.Every/gatherShare))
		d.mu.Lock()
		d.waiting = append(d.waiting, q)
		sooner := len(d.waiting) == 1 || due.Before(d.due)
		if sooner {
			d.due = due
		}
		d.mu.Unlock()
		if sooner {
			select {
			case d.signal <- struct{}{}:
			default: // it will look at the time anyway
			}
		}
	}
	select {
	case err := <-q.done:
		return err
	case <-ctx.Done():
		return interrupted(q.about)
	}
}

// run asks what waits until ctx ends.
func (d *desk) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.signal:
		case <-timer.C:
		}
		d.mu.Lock()
		wait, all, most := d.due.Sub(d.now()), d.waiting, d.most
		if len(all) == 0 {
			wait = time.Hour
		}
		if wait <= 0 {
			d.waiting, wait = nil, time.Hour
		} else {
			all = nil
		}
		d.mu.Unlock()
		timer.Reset(min(wait, time.Hour))
		for _, g := range join(all, most) {
			wg.Go(func() { d.answer(ctx, g.questions, g.form) })
		}
	}
}

// group are questions that are asked together by the Form of the first.
type group struct {
	form      follow.Form
	questions []*question
}

// join puts questions together in groups of at most most.
func join(all []*question, most int) (out []group) {
	count := map[string]int{}
	for _, q := range all {
		for _, f := range q.forms {
			count[f.Key]++
		}
	}
	type bounds struct{ at, series, text int }
	open := map[string]bounds{}
	for _, q := range all {
		best := q.forms[0]
		for _, f := range q.forms[1:] {
			if count[f.Key] > count[best.Key] {
				best = f
			}
		}
		// What has other rhythms is asked for other windows.
		key := best.Key + q.rhythm.Interval.String()
		b, ok := open[key]
		b.series, b.text = b.series+max(q.series, 1), b.text+len(best.Value)+3
		if !ok || len(out[b.at].questions) >= most || b.series > mostSeries || b.text > mostText {
			b = bounds{len(out), max(q.series, 1), len(best.Value) + 3}
			out = append(out, group{form: best})
		}
		out[b.at].questions = append(out[b.at].questions, q)
		open[key] = b
	}
	return out
}

// answer asks questions together. One that the source refuses is asked again in
// halves: it may be that of one, or be too large.
func (d *desk) answer(ctx context.Context, all []*question, form follow.Form) {
	err := d.take(ctx, all[0].limit, all[0].about)
	if err == nil {
		err = d.fetch(ctx, all, form)
		d.leave()
		d.learn(len(all), err)
	}
	if len(all) > 1 && fault.KindOf(err) == fault.Invalid {
		for _, half := range [][]*question{all[:len(all)/2], all[len(all)/2:]} {
			for _, q := range half {
				q.answer = follow.Answer{}
			}
			d.answer(ctx, half, half[0].form(form.Key))
		}
		return
	}
	for _, q := range all {
		if errors.Is(err, errNoTurn) {
			err = noTurn(q.about)
		}
		q.done <- err
	}
}

// form is the one of a Key.
func (q *question) form(key string) follow.Form {
	for _, f := range q.forms {
		if f.Key == key {
			return f
		}
	}
	return follow.Form{}
}

// learn has fewer asked about together after the source took too long for n.
func (d *desk) learn(n int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	switch {
	case err == nil && n >= d.most && now.Sub(d.learned) >= learnEvery:
		d.most, d.learned = min(d.most+max(1, d.most/8), mostJoined), now
	case n > 1 && fault.KindOf(err) == fault.TimedOut:
		d.most, d.learned = max(min(d.most, n)/2, 1), now
	}
}

// fetch asks for the samples of all at once, and gives each its own.
func (d *desk) fetch(ctx context.Context, all []*question, form follow.Form) error {
	now, window, limit := d.now(), time.Duration(0), time.Duration(0)
	byValue := map[string][]*question{}
	var values []string
	for _, q := range all {
		q.at = now
		window, limit = max(window, q.rhythm.Window(q.last, now)), max(limit, q.limit)
		value := q.form(form.Key).Value
		if byValue[value] == nil {
			values = append(values, value)
		}
		byValue[value] = append(byValue[value], q)
	}
	selectors := all[0].selectors
	if len(values) > 1 {
		selectors = follow.Join(selectors, form, values)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, s := range selectors {
		err := d.samples.Raw(ctx, s.Text, window, now, func(labels map[string]string, points []follow.Point) error {
			to := all
			if len(values) > 1 {
				to = byValue[labels[form.Label]]
			}
			for _, q := range to {
				if err := q.answer.Add(s.Role, labels, points); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
