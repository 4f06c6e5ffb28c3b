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
	looks := make(chan struct{}, 1000)
	l := &fittedLimit{collection: func() {
		select {
		case looks <- struct{}{}:
		default:
		}
	}}
	const limit = 72 << 20
	collect := func() {
		for len(looks) > 0 {
			<-looks
		}
		runtime.GC()
		select {
		case <-looks:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody looks after a collection")
		}
	}
	l.set(limit)
	held := make([][]byte, 200)
	for i := range held {
		held[i] = make([]byte, 1<<20)
	}
	collect()
	collect()
	if got := debug.SetMemoryLimit(-1); got < 400<<20 {
		t.Errorf("with 200 MiB in use the limit is %d MiB", got>>20)
	}
	runtime.KeepAlive(held)
	held = nil
	collect()
	collect()
	if got := debug.SetMemoryLimit(-1); got > 300<<20 {
		t.Errorf("when little is in use again the limit is %d MiB", got>>20)
	}
	l.set(math.MaxInt64) // what is left of it in this process does no harm
}

func TestLimitFor(t *testing.T) {
	for inUse, want := range map[int64]int64{0: 72 << 20, 10 << 20: 72 << 20, 54 << 20: 72 << 20, 60 << 20: 174 << 20, 100 << 20: 274 << 20} {
		if got := limitFor(72<<20, inUse); got != want {
			t.Errorf("with %d MiB in use: %d MiB, want %d", inUse>>20, got>>20, want>>20)
		}
	}
}
