package kube

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// limiter bounds the mutating calls in flight. It adds a little for every call
// that goes well and halves when the API server says that it is too much (429,
// 503, a time-out): the concurrency that it bears is found, not configured.
type limiter struct {
	mu       sync.Mutex
	limit    float64
	inFlight int
	// pressing are the calls in flight that are no reports.
	pressing int
	// waiting have a turn before reports.
	waiting, reports []chan struct{}
	// halved is when the limit was last cut: answers of calls that were already
	// under way then don't cut it again.
	halved time.Time
	// rest is until when nothing is sent.
	rest time.Time
	// pressed is when many pressing calls were last under way.
	pressed time.Time
}

// The bounds of the limit.
const (
	firstLimit = 16
	minLimit   = 2
	maxLimit   = 100
	manyCalls  = 6
	// busyFor bridges the moments between many calls.
	busyFor = time.Second
)

func newLimiter() *limiter { return &limiter{limit: firstLimit} }

// acquire waits for a turn. What only reports what was done has its after
// everything else.
func (l *limiter) acquire(ctx context.Context, report bool) error {
	l.mu.Lock()
	pause := time.Until(l.rest)
	if pause <= 0 && l.inFlight < int(l.limit) && len(l.waiting) == 0 && (!report || len(l.reports) == 0) {
		l.begin(report)
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if report {
		l.reports = append(l.reports, turn)
	} else {
		l.waiting = append(l.waiting, turn)
	}
	l.mu.Unlock()
	if pause > 0 {
		time.AfterFunc(pause, l.wake)
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.cancel(turn, report)
		return fault.Wrap(fault.Unavailable, "call the API server", "", ctx.Err(), "it answers slowly or too many calls wait")
	}
}

// begin counts a call in. The lock is held.
func (l *limiter) begin(report bool) {
	l.inFlight++
	if !report {
		l.pressing++
	}
	if l.pressing >= manyCalls {
		l.pressed = time.Now()
	}
}

// end counts a call out. The lock is held.
func (l *limiter) end(report bool) {
	l.inFlight--
	if !report {
		l.pressing--
	}
}

// busy tells whether the API server has enough to do that matters more than
// reports: calls wait for their turn, it asked for a rest, or many are under way
// or were within busyFor.
func (l *limiter) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return len(l.waiting) > 0 || now.Before(l.rest) || l.pressing >= manyCalls || now.Sub(l.pressed) < busyFor
}

// cancel takes a waiting call out; one whose turn came meanwhile gives it back.
func (l *limiter) cancel(turn chan struct{}, report bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := &l.waiting
	if report {
		queue = &l.reports
	}
	if i := slices.Index(*queue, turn); i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
		return
	}
	l.end(report)
	l.next()
}

func (l *limiter) wake() {
	l.mu.Lock()
	l.next()
	l.mu.Unlock()
}

// next gives turns to those who wait. The lock is held.
func (l *limiter) next() {
	for len(l.waiting)+len(l.reports) > 0 && l.inFlight < int(l.limit) && !time.Now().Before(l.rest) {
		queue, report := &l.waiting, false
		if len(l.waiting) == 0 {
			queue, report = &l.reports, true
		}
		close((*queue)[0])
		*queue = (*queue)[1:]
		l.begin(report)
	}
}

// release ends a call.
func (l *limiter) release(code int, took time.Duration, err error, report bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(report)
	now := time.Now()
	pressed := code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout || err != nil && took >= callTimeout
	switch {
	case pressed && now.Sub(l.halved) > took:
		l.limit = max(minLimit, l.limit/2)
		l.halved = now
		l.rest = now.Add(retryAfter(err))
		time.AfterFunc(time.Until(l.rest), l.wake)
	case err == nil:
		l.limit = min(maxLimit, l.limit+1/l.limit)
	}
	l.next()
}
