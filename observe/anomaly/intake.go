package anomaly

import "math"

// How the times of samples are taken.
const (
	// patience is how many samples in a row may be older than the newest
	// before it is believed that the clock was put back.
	patience = 5
	// rounding is the part of a value below which it did not change. It is held
	// against the last value that did, so that what creeps is seen.
	rounding = 1e-9
	// gap is how many usual intervals without a sample end a block.
	gap = 500
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
	if !counter {
		// What arithmetic leaves in the last digits is no change: the range of a
		// series that is constant but for that would be made of nothing else.
		if math.Abs(v-before) <= rounding*math.Abs(before) {
			v = before
		}
		in.value = v
		return v, Normal, true
	}
	in.value = v
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

// tear ends what cannot go on over a gap: unfinished blocks and the mean of the hour.
// Patterns do: what comes after a gap should be like what came before.
func (s *Series) tear() {
	for i := range s.span {
		s.span[i].n = 0
	}
	s.year.n, s.year.sum = 0, 0
	s.still.run = 0
}

// relative is the value from the base, in the unit. Both follow the series,
// so that 16 bits tell its values well apart.
func (s *Series) relative(v float64) float32 {
	in := &s.in
	if in.unit == 0 {
		in.unit = 1
	}
	x := (v - in.base) / in.unit
	switch w := s.scale.width; {
	case s.in.rows < minWarmup && math.Abs(x) > coarse, // not known yet: at least keep it
		s.in.rows == settled && w > smallest,
		s.scale.n > 8 && w > smallest && (w > 8 || w < 1.0/64 || abs(s.scale.middle) > far*w):
		middle, unit := in.base+float64(s.scale.middle)*in.unit, float64(w)*in.unit
		if s.in.rows < minWarmup {
			unit = max(unit, math.Abs(x)*in.unit)
		}
		s.rebase(middle, power(unit))
		x = (v - in.base) / in.unit
	}
	return narrow(x)
}

// absolute is the value of a level.
func (in *intake) absolute(x float32) float64 { return in.base + float64(x)*in.unit }

const (
	// far is how many widths the series' middle may be from the base.
	far = 16
	// settled is the sample at which the unit is first that of the range:
	// before any pattern is kept.
	settled = 30
	// coarse is the largest value before the unit is chosen anew.
	coarse = 1 << 14
)

// power is the power of two at or below x, so that changes of the unit round
// nothing.
func power(x float64) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1, max(-1000, min(e-1, 1000)))
}

// change is a move to another base and unit.
type change struct{ shift, factor float64 }

func (c change) level(all ...*float32) {
	for _, x := range all {
		*x = narrow(float64(*x)*c.factor - c.shift)
	}
}

func (c change) size(all ...*float32) {
	for _, x := range all {
		*x = narrow(float64(*x) * c.factor)
	}
}

func (c change) levels(all []float32) {
	for i := range all {
		c.level(&all[i])
	}
}

func (c change) shorts(all []short) {
	for i, x := range all {
		all[i] = toShort(narrow(float64(x.long())*c.factor - c.shift))
	}
}

// rebase makes base and unit those of everything that is kept.
func (s *Series) rebase(base, unit float64) {
	c := change{(base - s.in.base) / unit, s.in.unit / unit}
	s.in.base, s.in.unit = base, unit
	c.shorts(s.past[:s.scale.n])
	c.level(&s.scale.middle)
	c.size(&s.scale.width)
	for i := range s.span {
		p := &s.span[i]
		k := &s.known[i]
		c.shorts(k.levels[:k.levelHead.n])
		for j := range blocks {
			c.shorts(k.patterns[j*knownPatterns:][:k.patternHead.n])
		}
		c.levels(p.recent[:])
		c.levels(p.near.levels[:])
		p.sum = narrow(float64(p.sum)*c.factor - c.shift*float64(p.n))
		c.level(&p.lo, &p.hi)
	}
	y, l := &s.year, &s.local
	for i, x := range y.mean {
		y.mean[i] = toShort(narrow(float64(x.long()) * c.factor))
	}
	y.sum = narrow(float64(y.sum)*c.factor - c.shift*float64(y.n))
	c.level(&y.level, &s.still.value, &l.level, &l.last)
	c.size(&y.plain, &y.dayErr, &y.weekErr, &l.trend, &l.spread, &l.brisk, &l.calm, &s.evidence.width)
	for _, r := range []*reason{&s.event.why, &s.suspicion.why} {
		c.level(&r.low, &r.high)
		c.levels(r.near.levels[:])
	}
	y.foretell()
}
