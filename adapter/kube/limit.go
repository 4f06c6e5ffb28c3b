package kube

import (
	"context"
	"net/http"
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
	waiting  []chan struct{}
	// halved is when the limit was last cut: answers of calls that were already
	// under way then don't cut it again.
	halved time.Time
	// rest is until when nothing is sent.
	rest time.Time
}

// The bounds of the limit.
const (
	firstLimit = 16
	minLimit   = 2
	maxLimit   = 100
	manyCalls  = 6
)

func newLimiter() *limiter { return &limiter{limit: firstLimit} }

func (l *limiter) acquire(ctx context.Context) error {
	l.mu.Lock()
	pause := time.Until(l.rest)
	if pause <= 0 && l.inFlight < int(l.limit) && len(l.waiting) == 0 {
		l.inFlight++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	if pause > 0 {
		time.AfterFunc(pause, l.wake)
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.cancel(turn)
		return fault.Wrap(fault.Unavailable, "call the API server", "", ctx.Err(), "it answers slowly or too many calls wait")
	}
}

// busy tells whether the API server has enough to do: calls wait for their turn,
// it asked for a rest, or many are under way.
func (l *limiter) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0 || time.Now().Before(l.rest) || l.inFlight >= manyCalls
}

// cancel takes a waiting call out; one whose turn came meanwhile gives it back.
func (l *limiter) cancel(turn chan struct{}) {
	l.mu.Lock()
	for i, w := range l.waiting {
		if w == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			l.mu.Unlock()
			return
		}
	}
	l.inFlight--
	l.next()
	l.mu.Unlock()
}

func (l *limiter) wake() {
	l.mu.Lock()
	l.next()
	l.mu.Unlock()
}

// next gives turns to those who wait. The lock is held.
func (l *limiter) next() {
	for len(l.waiting) > 0 && l.inFlight < int(l.limit) && !time.Now().Before(l.rest) {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.inFlight++
	}
}

// release ends a call.
func (l *limiter) release(code int, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
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
