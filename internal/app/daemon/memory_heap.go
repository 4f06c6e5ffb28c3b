package daemon

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// heap holds the limit of the memory to what is in use. A limit near to that, or below
// it, has the collector work all the time: whoever keeps metrics, lines and traces, or
// has very many applications, has more in use than a daemon that waits should take.
var heap fittedLimit

// fittedLimit is a limit that gives way to what is in use, and comes back.
type fittedLimit struct {
	mu        sync.Mutex
	wanted    int64 // as it is without much in use
	inForce   int64
	following bool
}

// set changes the limit. GOMEMLIMIT in the environment stays in force.
func (l *fittedLimit) set(limit int64) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	l.mu.Lock()
	l.wanted = limit
	follow := !l.following
	l.following = true
	l.mu.Unlock()
	l.fit()
	if follow {
		l.follow()
	}
}

// follow looks at what is in use after each collection, and never else: an object that
// nobody holds is found by every collection.
func (l *fittedLimit) follow() {
	type sentinel struct{ _ [16]byte } // not so small that others share its place
	runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
		l.fit()
		l.follow()
	})
}

// fit puts in force what is wanted, or what is in use calls for.
func (l *fittedLimit) fit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := limitFor(l.wanted, inUse())
	// Each change stops the world for a moment.
	if d := limit - l.inForce; d > l.inForce/16 || -d > l.inForce/16 {
		l.inForce = limit
		debug.SetMemoryLimit(limit)
	}
}

// limitFor is what is wanted as long as a quarter of it is free, and else leaves the
// collector room to grow by as much as it does without a limit.
func limitFor(wanted, inUse int64) int64 {
	const beside = 24 << 20 // stacks, and what the runtime needs itself
	if inUse <= wanted/4*3 {
		return wanted
	}
	return inUse + inUse*busyPercent/100 + beside
}

// inUse is what the last collection found in use, in bytes.
func inUse() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s[0].Value.Uint64())
}
