package cause

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// finding is what a series says.
type finding struct {
	shift shift
	state state
}

// batch is how many series are worth another processor's attention.
const batch = 64

// find looks for the shift of each series up to a moment of notice. Series know nothing
// of each other, so that all processors share them; what comes of it does not depend on
// who looked at which.
func find(series []Series, notice int64) []finding {
	out := make([]finding, len(series))
	var next atomic.Int64
	look := func() {
		var w scratch
		for {
			end := int(next.Add(batch))
			for i := end - batch; i < min(end, len(series)); i++ {
				out[i].shift, out[i].state = w.find(&series[i], notice)
			}
			if end >= len(series) {
				return
			}
		}
	}
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(series)+batch-1)/batch) - 1 {
		group.Go(look)
	}
	look()
	group.Wait()
	return out
}
