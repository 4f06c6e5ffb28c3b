package flight_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/autoecoops/autoecoops/deliver/flight"
	"github.com/autoecoops/autoecoops/internal/bubble"
)

// clock moves on with each look at it.
type clock struct{ n atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.n.Add(1), 0) }

// The bubble lets the test wait until all who ask are waiting for an answer.
func TestSharing(t *testing.T) { bubble.Test(t, sharing) }

func sharing(t *testing.T) {
	var g flight.Group[int]
	var c clock
	var runs atomic.Int32
	begun, finish := make(chan struct{}, 10), make(chan struct{})
	work := func() (int, error) {
		begun <- struct{}{}
		<-finish
		return int(runs.Add(1)), nil
	}
	ask := func(since time.Time) chan int {
		out := make(chan int, 1)
		go func() {
			v, err := g.Do(t.Context(), "k", since, c.now, work)
			if err != nil {
				t.Error(err)
			}
			out <- v
		}()
		return out
	}
	old := c.now()
	first := ask(old)
	<-begun
	joined := []chan int{ask(old), ask(old)}
	synctest.Wait()
	later := c.now() // after the work began
	fresh := []chan int{ask(later), ask(later)}
	synctest.Wait()
	finish <- struct{}{}
	for _, out := range append(joined, first) {
		if v := <-out; v != 1 {
			t.Errorf("work %d answers who came in time", v)
		}
	}
	<-begun
	finish <- struct{}{}
	for _, out := range fresh {
		if v := <-out; v != 2 {
			t.Errorf("work %d answers who came too late for the first", v)
		}
	}
	if v, err := g.Do(t.Context(), "k", later, c.now, nil); v != 2 || err != nil {
		t.Errorf("a result that is fresh enough isn't used: %d, %v", v, err)
	}
}

func TestErrorsAreNotRemembered(t *testing.T) {
	var g flight.Group[int]
	var c clock
	bad := errors.New("bad")
	since := c.now()
	if _, err := g.Do(t.Context(), "k", since, c.now, func() (int, error) { return 0, bad }); !errors.Is(err, bad) {
		t.Error(err)
	}
	if v, err := g.Do(t.Context(), "k", since, c.now, func() (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}

func TestCallerLeaves(t *testing.T) {
	var g flight.Group[int]
	var c clock
	ctx, cancel := context.WithCancel(t.Context())
	begun, finish := make(chan struct{}), make(chan struct{})
	since := c.now()
	left := make(chan error)
	go func() {
		_, err := g.Do(ctx, "k", since, c.now, func() (int, error) { close(begun); <-finish; return 1, nil })
		left <- err
	}()
	<-begun
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(finish)
	if v, err := g.Do(t.Context(), "k", since, c.now, func() (int, error) { return 2, nil }); v != 1 || err != nil {
		t.Errorf("the work that went on is lost: %d, %v", v, err)
	}
}

func TestManyKeys(t *testing.T) {
	var g flight.Group[int]
	var c clock
	var wg sync.WaitGroup
	for i := range 2 * flight.MaxCalls {
		wg.Go(func() {
			if v, err := g.Do(t.Context(), fmt.Sprint(i), c.now(), c.now, func() (int, error) { return i, nil }); v != i || err != nil {
				t.Errorf("%d, %v", v, err)
			}
		})
	}
	wg.Wait()
}
