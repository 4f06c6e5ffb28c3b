package slo

// counts are what happened in a stretch of time: bad ones among all.
type counts struct{ bad, total float64 }

func (c *counts) add(d counts, share float64) {
	c.bad += d.bad * share
	c.total += d.total * share
}

func (c counts) minus(d counts) counts { return counts{c.bad - d.bad, c.total - d.total} }

// history keeps cumulative counts at regular moments, the finer the younger:
// each level reaches further back than the one before, with points further
// apart. A window is the difference of two cumulative counts, so that its cost
// does not depend on its length; its older edge is interpolated between two
// points of the finest level that reaches back so far. Sums below 2^53 are
// exact.
type history struct {
	levels []level
	// head is the moment of now, the cumulative counts.
	head int64
	now  counts
}

// level holds the cumulative counts at the multiples of step, of which it reaches
// size back. It takes memory only for those since something happened first.
type level struct {
	step, size int64
	// first is the oldest moment that is held; before it all counts are 0.
	first  int64
	points []counts // a ring of size moments at most: that of k·step is at k mod len
}

// at returns the cumulative counts at k·step, which is not older than the level
// reaches.
func (l *level) at(k int64) counts {
	if len(l.points) == 0 || k < l.first {
		return counts{}
	}
	return l.points[k%int64(len(l.points))]
}

// hold makes room for the moments from one on up to another, when those up to newest
// are held. None are older than the level reaches.
func (l *level) hold(from, to, newest int64) {
	old := *l
	if len(old.points) > 0 {
		from = min(from, max(old.first, to-l.size+1))
	}
	l.first = from
	if to-from < int64(len(old.points)) {
		return
	}
	l.points = make([]counts, min(l.size, max(to-from+1, 2*int64(len(old.points)), 16)))
	for k := max(old.first, from); k <= newest && len(old.points) > 0; k++ {
		l.points[k%int64(len(l.points))] = old.at(k)
	}
}

// reach is what a level is made for: windows up to long, whose edges are to be
// known to step. Both are milliseconds.
type reach struct{ long, step int64 }

// newHistory returns an empty history with a level for each reach that no
// finer level covers.
func newHistory(start int64, reaches ...reach) history {
	h := history{head: start}
	covered := int64(0)
	for _, r := range reaches {
		if r.long <= covered {
			continue
		}
		step := max(1, r.step)
		n := r.long/step + 3
		h.levels = append(h.levels, level{step: step, size: n})
		covered = (n - 2) * step
	}
	return h
}

// advance moves the head; nothing happened meanwhile.
func (h *history) advance(to int64) {
	if to <= h.head {
		return
	}
	for i := range h.levels {
		l := &h.levels[i]
		newest, last := h.head/l.step, to/l.step
		first := max(newest+1, last-l.size+1)
		if first > last || len(l.points) == 0 && h.now == (counts{}) {
			continue
		}
		l.hold(first, last, newest)
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
		first := max(from/l.step+1, last-l.size+1)
		if first > last {
			continue
		}
		l.hold(first, last, last)
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
		oldest := last - l.size + 1
		k := t / l.step
		if k < oldest && i+1 < len(h.levels) {
			continue
		}
		if k < oldest {
			return h.now.minus(l.at(oldest))
		}
		older := l.at(k)
		at, next, newer := k*l.step, h.head, h.now
		if k < last {
			next, newer = (k+1)*l.step, l.at(k+1)
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
		n += len(l.points) * 16
	}
	return n
}
