package kube

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

// fill takes all the turns that there are.
func fill(t *testing.T, l *limiter) {
	t.Helper()
	for range firstLimit {
		if err := l.acquire(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
}

// queued waits until so many calls wait.
func queued(t *testing.T, l *limiter, pressing, reports int) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		p, r := len(l.waiting), len(l.reports)
		l.mu.Unlock()
		if p == pressing && r == reports {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d and %d calls wait, want %d and %d", p, r, pressing, reports)
		}
	}
}

func TestReportsHaveTheirTurnAfterEverythingElse(t *testing.T) {
	l := newLimiter()
	fill(t, l)
	turns := make(chan string)
	for i, report := range []bool{true, false} {
		go func() {
			if l.acquire(context.WithoutCancel(t.Context()), report) == nil {
				turns <- map[bool]string{true: "report", false: "apply"}[report]
			}
		}()
		queued(t, l, i, 1) // the report came first
	}
	for _, want := range []string{"apply", "report"} {
		l.release(http.StatusOK, time.Millisecond, nil, false)
		if got := <-turns; got != want {
			t.Fatalf("the turn went to the %s, want the %s", got, want)
		}
	}
}

func TestACallThatGivesUpLeavesItsPlace(t *testing.T) {
	for _, report := range []bool{false, true} {
		l := newLimiter()
		fill(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		gave := make(chan error)
		go func() { gave <- l.acquire(ctx, report) }()
		if report {
			queued(t, l, 0, 1)
		} else {
			queued(t, l, 1, 0)
		}
		cancel()
		if err := <-gave; err == nil {
			t.Fatal("it got a turn")
		}
		queued(t, l, 0, 0)
		l.release(http.StatusOK, time.Millisecond, nil, false)
		if err := l.acquire(t.Context(), report); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBusy(t *testing.T) {
	l := newLimiter()
	for i := range manyCalls {
		if l.busy() {
			t.Fatalf("busy with %d calls", i)
		}
		if err := l.acquire(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	if l.busy() {
		t.Error("busy with reports alone")
	}
	for range manyCalls {
		if err := l.acquire(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if !l.busy() {
		t.Error("not busy with many calls")
	}
	for range manyCalls {
		l.release(http.StatusOK, time.Millisecond, nil, false)
	}
	if !l.busy() {
		t.Error("a moment without calls counts as quiet")
	}
	l.pressed = l.pressed.Add(-busyFor)
	if l.busy() {
		t.Error("still busy afterwards")
	}
	l.release(http.StatusTooManyRequests, time.Millisecond, errors.New("too many"), true)
	if !l.busy() {
		t.Error("not busy though the API server asked for a rest")
	}
}
