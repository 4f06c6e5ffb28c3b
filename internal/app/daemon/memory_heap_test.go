package daemon

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestLimitGivesWay holds more than the limit, and lets go of it.
func TestLimitGivesWay(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	l := &fittedLimit{}
	const limit = 72 << 20
	within := func(what string, least, most int64) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			runtime.GC() // what is in use is looked at behind it
			got := debug.SetMemoryLimit(-1)
			if got >= least && got <= most {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s the limit is %d MiB", what, got>>20)
			}
		}
	}
	l.set(limit)
	held := make([][]byte, 200)
	for i := range held {
		held[i] = make([]byte, 1<<20)
	}
	within("with 200 MiB in use", 400<<20, math.MaxInt64-1)
	runtime.KeepAlive(held)
	held = nil
	within("when little is in use again", 0, 300<<20)
	l.set(math.MaxInt64) // what is left of it in this process does no harm
}

func TestLimitFor(t *testing.T) {
	for inUse, want := range map[int64]int64{0: 72 << 20, 10 << 20: 72 << 20, 54 << 20: 72 << 20, 60 << 20: 174 << 20, 100 << 20: 274 << 20} {
		if got := limitFor(72<<20, inUse); got != want {
			t.Errorf("with %d MiB in use: %d MiB, want %d", inUse>>20, got>>20, want>>20)
		}
	}
}
