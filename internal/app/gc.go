package app

import (
	"os"
	"runtime"
	"runtime/debug"
)

// smallHeap is the size of the live heap, in bytes, up to which memory is spent
// for speed: collecting half as often costs little while there is little.
const smallHeap = 36 << 20

// tuneGC lets a short run end before it collects at all, collects half as often
// while the heap is small, and as usual from then on. GOGC in the environment is
// left in force.
func tuneGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
		watchHeap(new(watched))
	}
}

// watched is garbage from the start: its cleanup runs after each collection.
type watched struct{ _ [16]byte }

func watchHeap(w *watched) {
	runtime.AddCleanup(w, func(struct{}) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapAlloc > smallHeap {
			debug.SetGCPercent(100)
			return
		}
		debug.SetGCPercent(200)
		watchHeap(new(watched))
	}, struct{}{})
}
