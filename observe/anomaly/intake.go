package anomaly

import "math"

// How the times of samples are taken.
const (
	// patience is how many samples in a row may be older than the newest
	// before it is believed that the clock was put back.
	patience = 5
	// gap is how many usual intervals without a sample end a block.
	gap = 20
)

// accept puts a sample in its place in time. It returns the value to judge,
// which for a counter is the rate, or why there is none.
func (s *Series) accept(at int64, v float64, counter bool) (float64, State, bool) {
	in := &s.in
	if !in.started {
		*in = intake{last: at, value: v, base: v, started: true}
		if counter {
			in.base = 0
			return 0, Restarted, false
		}
		return v, Normal, true
	}
	step := at - in.last
	if step <= 0 {
		if !in.putBack(at) {
			return 0, Late, false
		}
		s.tear()
		in.last, in.value = at, v
		if counter {
			return 0, Restarted, false
		}
		return v, Normal, true
	}
	in.behind = 0
	if in.interval > 0 && float32(step) > gap*in.interval {
		s.tear()
	} else {
		in.pace(float32(step))
	}
	in.last = at
	before := in.value
	in.value = v
	if !counter {
		return v, Normal, true
	}
	if v < before {
		return 0, Restarted, false
	}
	return (v - before) / (float64(step) / 1000), Normal, true
}

// pace follows the usual interval between samples.
func (in *intake) pace(step float32) {
	if in.interval == 0 {
		in.interval = step
		return
	}
	blend(&in.interval, max(in.interval/2, min(step, in.interval*2)), 0.05)
}

// putBack tells a clock that was put back from samples that are late: those
// after the jump come in order among themselves.
func (in *intake) putBack(at int64) bool {
	if at == in.last || in.behind > 0 && at <= in.behindAt {
		return false
	}
	in.behind++
	in.behindAt = at
	if in.behind < patience {
		return false
	}
	in.behind = 0
	return true
}

// tear ends what cannot go on over a gap: unfinished blocks and the hour.
// Patterns do: what comes after a gap should be like what came before.
func (s *Series) tear() {
	for i := range s.span {
		s.span[i].n = 0
	}
	s.year.n, s.year.sum, s.year.until = 0, 0, 0
}

// relative is the value relative to the base.
func (s *Series) relative(v float64) float32 {
	x := v - s.in.base
	if w := float64(s.scale.width); s.scale.n > 8 && math.Abs(float64(s.scale.middle)) > far*w && math.Abs(x) < float64(largest) {
		s.rebase(s.in.base + float64(s.scale.middle))
		x = v - s.in.base
	}
	return narrow(x)
}

// far is how many widths the series' middle may be from the base: there, 8
// bits still tell a fiftieth of the width.
const far = 4

// rebase makes v the base of everything that is kept.
func (s *Series) rebase(v float64) {
	shift := narrow(v - s.in.base)
	s.in.base = v
	move(s.scale.kept[:s.scale.n], shift)
	s.scale.middle -= shift
	for i := range s.span {
		p := &s.span[i]
		move(p.levels[:p.levelHead.n], shift)
		move(p.patterns[:int(p.patternHead.n)*blocks], shift)
		for j := range p.recent {
			p.recent[j] -= shift
		}
		for j := range p.near.levels {
			p.near.levels[j] -= shift
		}
		p.sum -= shift * float32(p.n)
		p.lo -= shift
		p.hi -= shift
	}
	for i := range s.year.mean {
		if s.year.seen[i] > 0 {
			move(s.year.mean[i:i+1], shift)
		}
	}
	s.year.sum -= shift * float32(s.year.n)
	s.year.level -= shift
	s.local.level -= shift
	s.local.last -= shift
	for j := range s.event.near.levels {
		s.event.near.levels[j] -= shift
	}
	s.event.low -= shift
	s.event.high -= shift
}

func move(kept []short, shift float32) {
	for i, x := range kept {
		kept[i] = shorten(x.long() - shift)
	}
}
