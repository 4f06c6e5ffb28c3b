package slo

// slicer gathers events into slices of time until they can be judged.
type slicer struct {
	width int64
	// open holds the slices from first on, which are not yet judged.
	open  []counts
	first int64
}

// maxOpen bounds how many slices wait for late samples.
const maxOpen = 64

// add spreads counts evenly over the slices of (from, to].
func (s *slicer) add(from, to int64, d counts) {
	if from < s.first*s.width { // the rest has been judged already
		from = s.first * s.width
	}
	last := (to - 1) / s.width
	if to <= from || last-s.first >= maxOpen {
		return
	}
	for int64(len(s.open)) <= last-s.first {
		s.open = append(s.open, counts{})
	}
	for k := from / s.width; k <= last; k++ {
		part := min(to, (k+1)*s.width) - max(from, k*s.width)
		s.open[k-s.first].add(d, float64(part)/float64(to-from))
	}
}

// judge calls done for each slice that ended at or before t and held events,
// and forgets it. A slice is bad if fewer than target of its events are good.
func (s *slicer) judge(t int64, target float64, done func(from, to int64, bad bool)) {
	for (s.first+1)*s.width <= t {
		if len(s.open) == 0 {
			s.first = t / s.width
			return
		}
		if c := s.open[0]; c.total > 0 {
			// Counts are spread by shares: allow for the last bits of the division.
			done(s.first*s.width, (s.first+1)*s.width, c.bad > c.total*(1-target)+1e-9*c.total)
		}
		s.open = append(s.open[:0], s.open[1:]...)
		s.first++
	}
}
