package daemon

import (
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// How much memory the program takes.
const (
	// calmMemory is the size of the heap, in bytes, from which on collecting is
	// done as often as it takes to stay below, as long as what is in use is well below;
	// busyMemory is that while so much is applied that the time matters more.
	calmMemory, busyMemory = 72 << 20, 192 << 20
	// calmPercent and busyPercent are how much the heap grows between collections.
	calmPercent, busyPercent = 60, 150
	// calmAfter is how long after some work its memory is given back.
	calmAfter = 30 * time.Second
)

// memory keeps what the program holds of its node small: it waits most of the
// time. While much is applied it takes more, so as not to spend the time on
// collecting, and gives it back when that is over, together with the pages of the
// program that only the start and the work needed. GOGC and GOMEMLIMIT in the
// environment stay in force.
type memory struct {
	// busy tells whether much is being applied.
	busy func() bool

	mu           sync.Mutex
	ample, armed bool
}

// tuneMemory sets what is in force at the start and in calm times.
func tuneMemory() { setMemory(calmMemory, calmPercent) }

func setMemory(limit int64, percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	heap.set(limit)
}

// worked tells that something was done. Without it no timer runs: a daemon that
// waits does nothing at all.
func (m *memory) worked() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ample && m.busy() {
		m.ample = true
		setMemory(busyMemory, busyPercent)
	}
	if !m.armed {
		m.armed = true
		time.AfterFunc(calmAfter, m.calm)
	}
}

// calm gives back what isn't needed, once little is done.
func (m *memory) calm() {
	m.mu.Lock()
	if m.busy() {
		time.AfterFunc(calmAfter, m.calm)
		m.mu.Unlock()
		return
	}
	m.armed, m.ample = false, false
	m.mu.Unlock()
	setMemory(calmMemory, calmPercent)
	debug.FreeOSMemory()
	dropProgram()
}
