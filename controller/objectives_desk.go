package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
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

// question is what one follower wants to know: the samples since the last answer or,
// with a stretch, those of that, or where those begin.
type question struct {
	about     string
	selectors []follow.Selector
	forms     []follow.Form
	rhythm    follow.Rhythm
	last      time.Time
	limit     time.Duration
	series    int
	stretch   stretch
	// at is when it was asked, and answer what came; done tells of its end. What came
	// of a stretch takes memory until read is closed.
	at     time.Time
	answer follow.Answer
	done   chan error
	read   chan struct{}
	// single tells that it was asked with no other, once it is done.
	single bool
}

// desk takes questions, and asks those together that differ in the value of a
// label only: a source has about the same work with one as with a hundred.
type desk struct {
	samples Samples
	now     func() time.Time
	signal  chan struct{}
	// slots bound the questions that are asked at the same time.
	slots chan struct{}
	// archive takes the questions about the past.
	archive archive
	// pens bound the statuses that are being written.
	pens chan struct{}

	mu      sync.Mutex
	waiting []*question
	// due is when those that wait are asked.
	due        time.Time
	together   atOnce
	complaints complaints
}

func (d *desk) init(c *Objectives) {
	d.samples, d.now, d.together.most = c.Samples, c.Now, mostJoined
	d.pens = make(chan struct{}, mostWrites)
	d.archive.init(d, max(1, c.Parallel/pastShare))
	d.slots, d.signal = make(chan struct{}, max(1, c.Parallel-d.archive.clerks)), make(chan struct{}, 1)
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
	d.archive.run(ctx, &wg)
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
		wait, all, most := d.due.Sub(d.now()), d.waiting, d.together.most
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
	type bounds struct{ at, series, text, most int }
	open := map[string]bounds{}
	for _, q := range all {
		if len(q.forms) == 0 {
			out = append(out, group{questions: []*question{q}})
			continue
		}
		best := q.forms[0]
		for _, f := range q.forms[1:] {
			if count[f.Key] > count[best.Key] {
				best = f
			}
		}
		// What has other rhythms is asked for other windows.
		key := best.Key + q.rhythm.Interval.String() + q.stretch.key()
		limit := min(mostSeries, mostPoints/q.stretch.points())
		own := max(1, most>>q.stretch.late)
		b, ok := open[key]
		b.series, b.text, b.most = b.series+max(q.series, 1), b.text+len(best.Value)+3, min(b.most, own)
		if !ok || len(out[b.at].questions) >= b.most || b.series > limit || b.text > mostText {
			b = bounds{len(out), max(q.series, 1), len(best.Value) + 3, own}
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
		<-d.slots
		d.mu.Lock()
		d.together.learn(d.now(), len(all), err)
		d.mu.Unlock()
	}
	if halves := half(all, err); halves != nil {
		for _, h := range halves {
			d.answer(ctx, h, h[0].form(form.Key))
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

// half is how questions that a source refuses are asked again, nil if they are not.
func half(all []*question, err error) [][]*question {
	if len(all) < 2 || fault.KindOf(err) != fault.Invalid {
		return nil
	}
	for _, q := range all {
		q.answer = follow.Answer{}
	}
	return [][]*question{all[:len(all)/2], all[len(all)/2:]}
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

// atOnce is how many are asked about together: fewer after the source took too long.
type atOnce struct {
	most    int
	learned time.Time // when that changed
}

// learn has fewer asked about together after the source took too long for n.
func (a *atOnce) learn(now time.Time, n int, err error) {
	switch {
	case err == nil && n >= a.most && now.Sub(a.learned) >= learnEvery:
		a.most, a.learned = min(a.most+max(1, a.most/8), mostJoined), now
	case n > 1 && fault.KindOf(err) == fault.TimedOut:
		a.most, a.learned = max(min(a.most, n)/2, 1), now
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
	st, by := all[0].stretch, ""
	whose := func(value string) []*question { return all }
	if len(values) > 1 {
		by = form.Label
		whose = func(value string) []*question { return byValue[value] }
	}
	got := 0
	for _, s := range selectors {
		hand := func(labels map[string]string, points []follow.Point) error {
			if got += len(points); st.past() && len(all) > 1 && got > 2*mostPoints {
				return fault.New(fault.Invalid, "ask about", all[0].about, "too much comes for so many at once", "")
			}
			for _, q := range whose(labels[by]) {
				if err := q.answer.Add(s.Role, labels, points); err != nil {
					return err
				}
			}
			return nil
		}
		var err error
		switch {
		case st.begin && s.Role&(slo.Total|slo.Gauge) == 0: // without a total nothing can be said
		case st.begin:
			err = d.samples.Begin(ctx, s.Text, by, st.from, st.to, func(value string, at time.Time) error {
				return hand(map[string]string{by: value}, []follow.Point{{At: at.UnixMilli()}})
			})
		case st.past():
			err = d.samples.Range(ctx, s.Text, st.from, st.to, st.step, hand)
		default:
			err = d.samples.Raw(ctx, s.Text, window, now, hand)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
