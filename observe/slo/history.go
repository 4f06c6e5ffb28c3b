package slo

import "time"

// counts are what is kept of a stretch of time.
type counts struct {
	bad, total float64
	// covered and blind are milliseconds with information, and those in which
	// the objective could not be measured.
	covered, blind float64
}

func (c *counts) add(d counts, share float64) {
	c.bad += d.bad * share
	c.total += d.total * share
	c.covered += d.covered * share
	c.blind += d.blind * share
}

func (c counts) minus(d counts) counts {
	return counts{c.bad - d.bad, c.total - d.total, c.covered - d.covered, c.blind - d.blind}
}

// history keeps cumulative counts at regular moments, the finer the younger:
// each level has points four times as far apart as the one below. A window is
// the difference of two cumulative counts, so that its cost does not depend on
// its length; its older edge is interpolated between two points of the finest
// level that reaches back so far, which are less than 1/32 of the window apart.
// Sums below 2^53 are exact.
type history struct {
	levels []level
	// head is the moment of now, the cumulative counts.
	head int64
	now  counts
}

// level holds the cumulative counts at the multiples of step.
type level struct {
	step   int64
	points []counts // a ring: that of the moment k·step is at k mod len
}

// levelPoints is how many points a level has. With a factor of four between the
// levels, a window spans more than levelPoints/4 points of its level.
const levelPoints = 132

// newHistory returns an empty history that answers for windows from shortest to
// longest, with the longest at a resolution of a 500th part.
func newHistory(shortest, longest time.Duration, start int64) history {
	h := history{head: start}
	step := max(int64(100), shortest.Milliseconds()/40)
	for ; step*4 <= longest.Milliseconds()/500; step *= 4 {
		h.levels = append(h.levels, level{step, make([]counts, levelPoints)})
	}
	h.levels = append(h.levels, level{step, make([]counts, max(levelPoints, longest.Milliseconds()/step+3))})
	return h
}

// advance moves the head; nothing happened meanwhile.
func (h *history) advance(to int64) {
	if to <= h.head {
		return
	}
	for i := range h.levels {
		l := &h.levels[i]
		first, last := h.head/l.step+1, to/l.step
		first = max(first, last-int64(len(l.points))+1)
		for k := first; k <= last; k++ {
			l.points[k%int64(len(l.points))] = h.now
		}
	}
	h.head = to
}

// add spreads d evenly over (from, to]. Moments that no level reaches any more
// are still part of the sums.
func (h *history) add(from, to int64, d counts) {
	h.advance(to)
	from = max(from, 0)
	for i := range h.levels {
		l := &h.levels[i]
		last := h.head / l.step
		first := max(from/l.step+1, last-int64(len(l.points))+1)
		for k := first; k <= last; k++ {
			share := 1.0
			if at := k * l.step; at < to {
				share = float64(at-from) / float64(to-from)
			}
			l.points[k%int64(len(l.points))].add(d, share)
		}
	}
	h.now.add(d, 1)
}

// since returns the counts of (t, head].
func (h *history) since(t int64) counts {
	if t >= h.head {
		return counts{}
	}
	t = max(t, 0) // nothing is kept of the time before 1970
	for i := range h.levels {
		l := &h.levels[i]
		last := h.head / l.step
		oldest := last - int64(len(l.points)) + 1
		k := t / l.step
		if k < oldest && i+1 < len(h.levels) {
			continue
		}
		if k < oldest {
			return h.now.minus(l.points[oldest%int64(len(l.points))])
		}
		older := l.points[k%int64(len(l.points))]
		at, next, newer := k*l.step, h.head, h.now
		if k < last {
			next, newer = (k+1)*l.step, l.points[(k+1)%int64(len(l.points))]
		}
		if next > at {
			older.add(newer.minus(older), float64(t-at)/float64(next-at))
		}
		return h.now.minus(older)
	}
	return counts{}
}

// bytes is about how much memory the history holds.
func (h *history) bytes() int {
	n := 0
	for _, l := range h.levels {
		n += len(l.points) * 32
	}
	return n
}
