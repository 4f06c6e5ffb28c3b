package stream

import (
	"time"

	"github.com/autoecoops/autoecoops/observe"
)

const (
	// quiet is after how long without a sample a series is silent.
	quiet = 10 * time.Minute
	// forget is after how long what is silent goes from memory: a job of each weekend's
	// Friday and Monday stays. Where there is no room for others, it is sooner.
	forget, forgetFull = 4 * 24 * time.Hour, time.Hour
	// leftMinutes is for how many minutes series that are left out are counted: the last whole
	// slot and the one that runs are told, so that what is sent no more goes out of it.
	leftMinutes = 10
)

// Sweep notes which series are silent by now, and forgets those that have been for long.
// It returns how many these are.
func (t *Table[K]) Sweep(now time.Time) (released int) {
	full := t.size.Load() >= int64(t.options.MaxSeries)
	var turns []Turn
	for i := range t.shards {
		var n int
		n, turns = t.shards[i].sweep(turns, now, full)
		released += n
	}
	if len(turns) > 0 {
		t.options.Turned(turns)
	}
	return released
}

func (s *shard[K]) sweep(turns []Turn, now time.Time, full bool) (released int, _ []Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	long := forget
	if full {
		long = forgetFull
	}
	minute := now.Unix() / 60
	for at := range s.used {
		r := s.row(at)
		if !r.used {
			continue
		}
		// Our clock may have been ahead: nobody is heard before now.
		r.seen = uint32(max(0, min(int64(r.seen), minute)))
		silent := time.Duration(minute-int64(r.seen)) * time.Minute
		if silent >= quiet {
			turns = s.hush(turns, at)
		}
		if r.state == observe.Silent && silent >= long {
			s.release(at)
			released++
		}
	}
	switch slot := minute / leftMinutes; {
	case s.leftSlot == 0:
		s.leftSlot = slot
	case slot != s.leftSlot: // later, or the clock was put back
		s.leftBefore, s.left, s.leftSlot = s.left.count(), sketch{}, slot
	}
	return released, turns
}
