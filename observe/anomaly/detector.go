package anomaly

import (
	"errors"
	"math"
	"time"
)

// Detector judges series. It holds settings only, so that one serves any
// number of series from any number of goroutines.
type Detector struct {
	set Settings
	// Weights of the channels and their sum.
	weight [channels]float32
	total  float32
}

// minWarmup is how many samples at the start can only be learned.
const minWarmup = 60

// New makes a detector. The error joins every problem of the settings.
func New(set Settings) (*Detector, error) {
	if err := errors.Join(set.Validate()...); err != nil {
		return nil, err
	}
	if set.Location == nil {
		set.Location = time.UTC
	}
	d := &Detector{set: set}
	for i := range d.weight {
		d.weight[i] = 1
	}
	d.weight[chVariation], d.weight[chDay], d.weight[chWeek] = set.Tuning.Variation, set.Tuning.Day, set.Tuning.Week
	for _, w := range d.weight {
		d.total += w
	}
	return d, nil
}

// Sample is one value of a series.
type Sample struct {
	// At is when it was measured, in milliseconds since 1970.
	At    int64
	Value float64
	// Muted samples are learned but open no incident: in a maintenance window,
	// or while a planned change goes on.
	Muted bool
}

// State says what became of a sample.
type State uint8

// The states.
const (
	// Learning: too little is known yet to judge.
	Learning State = iota
	// Normal: judged, and no incident is open.
	Normal
	// Abnormal: an incident is open.
	Abnormal
	// Absent: the value is no number; nothing was learned.
	Absent
	// Late: older than or as old as the newest sample; nothing was learned.
	Late
	// Restarted: a counter began anew; its rate is not known until the next.
	Restarted
)

// String names the state.
func (s State) String() string {
	names := [...]string{"learning", "normal", "abnormal", "absent", "late", "restarted"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Verdict is what one sample says.
type Verdict struct {
	// Probability that something out of the ordinary begins with this sample,
	// in [0, 1). How many of the alarms with one were right on labelled series
	// that were kept apart is measured: docs/performance.md has the table.
	// Samples that are no alarm of their own are below 0.2 and ordered by how
	// unusual they are. Of the sample that opens an incident it is at least that
	// of the alarm with which that began.
	Probability float32
	// Score is the Probability of this sample alone.
	Score float32
	State State
	// Onset is set at the one sample that opens an incident, which may be a few
	// samples after that began: when there is enough evidence.
	Onset bool
	// Recurring is set where an incident would open, and does not for this is what
	// comes at the same hour of other days.
	Recurring bool
	// Since is when the open incident began, in ms; 0 without one.
	Since int64
	// Direction is on which side of the expected the value lies.
	Direction Direction
	// Value is what was judged: that of the sample, or the rate of a counter. It is no
	// number where nothing was.
	Value float64
	// Low and High bound the values that were expected.
	Low, High float64
}

// Observe takes the next sample of a series: it judges it by what was known
// before it, then learns it. It never fails: what cannot be used is told by
// the verdict's state, counted, and not learned.
func (d *Detector) Observe(s *Series, sample Sample) Verdict {
	prefetch(s)
	s.prefetchDue()
	v := sample.Value
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return s.idle(Absent)
	}
	v, state, ok := s.accept(sample.At, v, d.set.Counter)
	if !ok {
		return s.idle(state)
	}
	x := s.relative(v)
	band := s.expect()
	d.judge(s, x, sample.At)
	verdict := d.decide(s, x, sample, band)
	verdict.Value = v
	return verdict
}

// idle is the verdict on a sample that is not used.
func (s *Series) idle(state State) Verdict {
	switch state {
	case Absent:
		s.in.lost.Absent++
	case Late:
		s.in.lost.Late++
	case Restarted:
		s.in.lost.Restarted++
	}
	v := Verdict{State: state, Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
	if s.event.open {
		v.Since = s.event.why.since
	}
	return v
}

// judge brings every channel's surprise up to date and learns the sample.
func (d *Detector) judge(s *Series, x float32, at int64) {
	before := s.scale.width
	changed := s.scale.see(&s.past, x, s.in.interval)
	width, grown := s.scale.width, float32(1)
	if changed {
		s.evidence.measured(width)
		if before > 0 {
			// A sample far beyond all may widen the range by itself, and is a record by
			// the range before.
			grown = max(1, width/before)
		}
	}
	s.in.rows++
	rows := s.in.rows
	if rows == 1 {
		s.local.level, s.local.last = x, x
	}
	t := &d.set.Tuning
	age := uint8(at/ageMs) % ages
	for i := range s.span {
		level, full := s.span[i].see(x, width, lengths[i], t.Spike)
		if !full || rows <= 40 {
			continue
		}
		levels := s.levelBook(i, t)
		near := levels.see(&[blocks]float32{level}, width, age, nil)
		if rows >= fewRows && s.evidence.pause == 0 && s.tailOf(2*i).record(near.distance*grown) >= recordBeyond(rows) {
			s.evidence.sum, s.suspicion.left = largest, 0
		}
		s.count(2*i, near.distance)
		if s.span[i].filled == blocks {
			patterns := s.patternBook(i, t)
			near = patterns.see(&s.span[i].recent, width, age, &s.span[i].near)
			s.count(2*i+1, near.distance)
		}
	}
	s.follow(x, width)
	s.stand(x, width)
	if p, ended := s.year.see(at, x, width, &d.set); ended {
		if p.day >= 0 {
			s.count(chDay, p.day)
		}
		if p.week >= 0 {
			s.count(chWeek, p.week)
		}
		s.mix.habit = s.broken(p)
	}
}

// ageMs is what patterns age by: they are forgotten after 13 of these, 52 days.
const ageMs = 4 * 24 * hourMs

// count judges a channel's deviation by the ones before and learns it.
func (s *Series) count(channel int, deviation float32) {
	t := s.tailOf(channel)
	s.mix.surprise[channel] = t.surprise(deviation)
	s.mix.off[channel] = deviation
	t.learn(deviation)
}

// follow updates what foretells the next sample, and how lively samples are.
func (s *Series) follow(x, width float32) {
	l, n := &s.local, s.in.rows
	r := x - l.level - l.trend
	if n > fewest {
		d := bounded(abs(r) / (l.spread + 0.05*width))
		s.mix.residual = s.tailOf(chResidual).surprise(d)
		s.tailOf(chResidual).learn(d)
	}
	blend(&l.spread, min(abs(r), 8*l.spread+width), share(n, 0.01))
	l.level += l.trend + 0.3*r
	l.trend = 0.9*l.trend + 0.02*r
	step := abs(x - l.last)
	l.last = x
	blend(&l.brisk, step, 0.08)
	if n > 40 {
		s.count(chVariation, abs(log10((l.brisk+0.03*width)/(l.calm+0.03*width)))*2.3026)
	}
	blend(&l.calm, min(step, 10*l.calm+width), share(n, 0.002))
}

// stand follows for how long the value stays the same, and how unusual that is
// for the series: a signal that stops changing leaves no level or pattern that
// is new.
func (s *Series) stand(x, width float32) {
	r := &s.still
	if abs(x-r.value) <= motion*width {
		r.run++
	} else {
		s.tailOf(chStill).learn(float32(r.run+1) / runUnit)
		r.value, r.run = x, 0
	}
	s.mix.still = 0
	if r.run > 0 && s.in.rows > minWarmup {
		s.mix.still = s.tailOf(chStill).upTo(float32(r.run+1)/runUnit, 2*farthest)
	}
}

const (
	// motion is the change, in ranges, from which a value is another.
	motion = 0.005
	// runUnit brings runs of 1 to 30,000 samples into the buckets of a tail.
	runUnit = 32
)

// broken is how far an hour breaks the habits that are known: both of them,
// or on a weekday that of the day as long as there is no other. The first
// weekend breaks the habit of the days before and is no news.
func (s *Series) broken(p passed) float32 {
	switch {
	case p.week >= 0:
		return min(s.mix.surprise[chDay], s.mix.surprise[chWeek])
	case p.day >= 0 && s.year.weekday():
		return s.mix.surprise[chDay]
	}
	return 0
}

// see adds a sample to the block. When that fills it, the block's level is
// returned: its mean, or its extreme where that stands out.
func (p *span) see(x, width float32, length uint32, spike float32) (float32, bool) {
	if p.n == 0 {
		p.sum, p.lo, p.hi = 0, x, x
	}
	p.n++
	p.sum += x
	p.lo, p.hi = min(p.lo, x), max(p.hi, x)
	if p.n < length {
		return 0, false
	}
	mean := p.sum / float32(p.n)
	p.n = 0
	level, up, down := mean, p.hi-mean, mean-p.lo
	if up > down && up > spike*width {
		level = p.hi
	} else if down > spike*width {
		level = p.lo
	}
	p.recent[0], p.recent[1], p.recent[2] = p.recent[1], p.recent[2], level
	p.filled = min(p.filled+1, blocks)
	return level, true
}
