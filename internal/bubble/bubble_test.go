package bubble_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/bubble"
)

// TestTest looks at timers from several goroutines at once, which is what the race
// detector does not bear on several processors.
func TestTest(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	var passed time.Duration
	bubble.Test(t, func(t *testing.T) {
		begun := time.Now()
		done := make(chan int)
		for range 50 {
			go func() {
				ticks := 0
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for range 500 {
					time.Sleep(time.Millisecond)
					select {
					case <-tick.C:
						ticks++
					default:
					}
				}
				done <- ticks
			}()
		}
		for range 50 {
			if ticks := <-done; ticks != 500 {
				t.Errorf("%d of 500 ticks came in time", ticks)
			}
		}
		passed = time.Since(begun)
	})
	if passed != 500*time.Millisecond {
		t.Errorf("%s passed, want 500 ms", passed)
	}
	if now := runtime.GOMAXPROCS(0); now != before {
		t.Errorf("%d processors afterwards, %d before", now, before)
	}
}
