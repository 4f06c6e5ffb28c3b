package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

const (
	// pastShare is the part of those that are asked about at the same time of which
	// the past may be asked: the last moments never wait for it.
	pastShare = 4
	// mostPoints bounds the points of a question about the past: each that is asked may
	// take that much memory.
	mostPoints = follow.MaxPoints / 8
)

// stretch is a part of the past: the moments from one to another at steps, both
// included. The zero stretch is none. begin asks for nothing but where samples begin.
type stretch struct {
	from, to time.Time
	step     time.Duration
	begin    bool
	// urgent says that an objective is not evaluated until it is read, since when one
	// waits for its past, and late how often the source took too long for it.
	urgent bool
	since  time.Time
	late   int
}

// mostLate is where counting ends how often the source took too long.
const mostLate = 12

func (s stretch) past() bool { return s.step > 0 }

// key tells those apart that cannot be asked for together.
func (s stretch) key() string {
	if !s.past() {
		return ""
	}
	return fmt.Sprint(s.from.UnixMilli(), s.to.UnixMilli(), s.step, s.begin)
}

// points is how many a series has in it.
func (s stretch) points() int {
	if !s.past() || s.begin {
		return 1
	}
	return follow.Whole(s.from, s.to, s.step) + 1
}

// before tells which of two is to be asked for first, negative if that is s: what keeps
// an objective from being evaluated; then what the source was not too slow for; then where
// samples begin, so that those who come later can be asked for together with the others;
// then whose past was waited for longest, so that one after the other is known as a whole.
func (s stretch) before(other stretch) int {
	first := func(a, b bool) int {
		switch {
		case a == b:
			return 0
		case a:
			return -1
		}
		return 1
	}
	return cmp.Or(first(s.urgent, other.urgent), cmp.Compare(s.late, other.late), first(s.begin, other.begin), s.since.Compare(other.since), s.from.Compare(other.from))
}

// archive takes questions about the past. A few clerks ask them, each with all that can
// be asked with it: the more wait, the more are asked together.
type archive struct {
	desk   *desk
	clerks int
	signal chan struct{}

	mu      sync.Mutex
	waiting []*question
}

func (a *archive) init(d *desk, clerks int) {
	a.desk, a.clerks = d, clerks
	a.signal = make(chan struct{}, clerks)
}

// run has the clerks work until ctx ends.
func (a *archive) run(ctx context.Context, wg *sync.WaitGroup) {
	for range a.clerks {
		wg.Go(func() { a.clerk(ctx) })
	}
}

func (a *archive) clerk(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.signal:
		}
		pause := time.NewTimer(gather) // who comes at the same time is asked for together
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		for {
			g, ok := a.next()
			if !ok {
				break
			}
			a.answer(ctx, g.questions, g.form)
		}
	}
}

// next takes the question that is to be asked first, and those that go with it.
func (a *archive) next() (group, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return group{}, false
	}
	first := slices.MinFunc(join(a.waiting, mostJoined), func(x, y group) int {
		return x.questions[0].stretch.before(y.questions[0].stretch)
	})
	asked := make(map[*question]bool, len(first.questions))
	for _, q := range first.questions {
		asked[q] = true
	}
	a.waiting = slices.DeleteFunc(a.waiting, func(q *question) bool { return asked[q] })
	return first, true
}

// ask waits for the answer to a question about the past: for its turn no longer than
// wait. What was answered keeps others waiting until it is said to be read. After an
// error it is not to be read: it may still be written to.
func (a *archive) ask(ctx context.Context, q *question, wait time.Duration) error {
	a.mu.Lock()
	a.waiting = append(a.waiting, q)
	a.mu.Unlock()
	select {
	case a.signal <- struct{}{}:
	default: // all clerks will look
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case err := <-q.done:
			return err
		case <-timer.C:
			if a.drop(q) {
				return noTurn(q.about)
			}
		case <-ctx.Done():
			a.drop(q)
			return interrupted(q.about)
		}
	}
}

// drop tells whether a question still waited; it does no more.
func (a *archive) drop(q *question) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.waiting, q)
	if i < 0 {
		return false
	}
	a.waiting = slices.Delete(a.waiting, i, i+1)
	return true
}

// answer asks questions together, and in halves if the source refuses. It ends when
// what came is read.
func (a *archive) answer(ctx context.Context, all []*question, form follow.Form) {
	err := a.desk.fetch(ctx, all, form)
	if halves := half(all, err); halves != nil {
		for _, h := range halves {
			a.answer(ctx, h, h[0].form(form.Key))
		}
		return
	}
	for _, q := range all {
		q.single = len(all) == 1
		q.done <- err
	}
	for _, q := range all {
		if err != nil || q.read == nil {
			continue
		}
		select {
		case <-q.read:
		case <-ctx.Done():
		}
	}
}
