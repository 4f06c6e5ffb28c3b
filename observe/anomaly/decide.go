package anomaly

import "math"

// band is what was expected of a sample before it came.
type band struct {
	middle, low, high float32
	known             bool
}

// expect foretells the next sample: by the habit of the hour as far as that is
// trusted, by the recent course otherwise.
func (s *Series) expect() band {
	if s.in.rows < 2 {
		return band{}
	}
	x, spread := s.local.level+s.local.trend, 3*s.local.spread
	if h := s.year.habit; h.trust > 0.5 {
		x = (1-h.trust)*x + h.trust*h.x
		spread = max(spread, 3*h.err)
	}
	spread = max(spread, 0.02*s.scale.width)
	return band{x, x - spread, x + spread, true}
}

// The calibration, as found on labelled series: the log-odds that an alarm of
// a strength is right. bench/detect measures it on others.
const alarmAt, alarmSlope = 1.05, 3.8

// How the order of the other samples is brought below that; only their order
// means something.
const rowAt, rowSlope = 1.5, 1.5

// going is what the probability of a sample that is no alarm stays below.
const going = 0.2

func odds(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// decide joins the channels, tells an alarm from what was told already, and
// keeps the incident.
func (d *Detector) decide(s *Series, x float32, sample Sample, b band) Verdict {
	strength, alarm := d.inhibit(s, s.stray(x))
	v := Verdict{State: Normal, Low: math.NaN(), High: math.NaN()}
	if b.known {
		v.Low, v.High = s.in.absolute(b.low), s.in.absolute(b.high)
		if x > b.middle {
			v.Direction = Above
		} else if x < b.middle {
			v.Direction = Below
		}
	}
	warm := int(s.in.rows) > d.set.Warmup
	if !warm {
		v.State = Learning
	}
	// Something that goes on does not begin: such samples are ordered by how
	// unusual they are, but stay below what an alarm is.
	like := odds(rowSlope * (s.mix.row - rowAt))
	v.Probability = going * like / (going + like)
	if alarm && warm {
		// A weak alarm is no alarm: it must not come before the samples of a
		// strong one.
		if p := odds(alarmSlope * (strength - alarmAt)); p >= going {
			v.Probability = p
		}
	}
	v.Probability = min(v.Probability, 0.9999)
	v.Score = v.Probability
	alarm = alarm && warm && v.Probability >= d.set.Threshold && !sample.Muted && d.wants(v.Direction, float64(abs(x-b.middle))*s.in.unit, b)
	if sample.Muted {
		s.suspicion.left = 0
	}
	s.recall(d.set.Evidence)
	e := &s.event
	if e.open {
		e.step(alarm, d.set.Quiet)
	} else if d.suspect(s, alarm, &v, sample.At, b) {
		v.Onset, v.Direction, v.Probability = true, e.why.direction, max(v.Probability, e.why.probability)
	}
	if e.open {
		v.State, v.Since = Abnormal, e.why.since
	}
	return v
}

// wants tells whether a deviation on this side and of this size matters.
func (d *Detector) wants(side Direction, effect float64, b band) bool {
	if d.set.Direction != Either && side != d.set.Direction {
		return false
	}
	return d.set.MinEffect == 0 || b.known && effect >= d.set.MinEffect
}

// stray follows how far the series is from its usual middle, or from the habit
// of the hour as far as that is trusted, and tells whether the sample is where it
// usually is. It opens no incident: it keeps the samples of something that lasts in
// front of others.
func (s *Series) stray(x float32) (usual bool) {
	middle, err := s.scale.middle, 0.5*s.scale.width
	if h := s.year.habit; h.trust > 0.3 {
		middle += h.trust * (h.x - middle)
		err += h.trust * (h.err - err)
	}
	off := bounded(abs(x-middle) / (err + 0.02*s.scale.width))
	blend(&s.mix.away, min(off, 1000), 0.1)
	return off < usualOff
}

// usualOff is how far a sample may be from what is usual, in the errors of that or
// half usual ranges, to be there.
const usualOff = 2

// strength is the mean surprise of the channels, less where all that is new is
// small. Two kinds of news are seen by one channel only and speak for
// themselves, too: a habit that is broken, and a value that stands still.
func (d *Detector) strength(m *mix) float32 {
	var sum, effect float32
	for i, x := range m.surprise {
		sum += d.weight[i] * x
		if i < 2*spans {
			effect = max(effect, m.off[i])
		}
	}
	effect = max(effect, 0.2*m.off[chVariation], 0.1*m.off[chDay], 0.1*m.off[chWeek])
	size := math.Sqrt(math.Sqrt(float64(min(1, effect/d.set.Tuning.Material))))
	return max(sum/d.total*float32(size), habitAlone*m.habit, stillAlone(m.still))
}

// habitAlone is what the surprise of a broken habit is worth by itself.
const habitAlone = 0.3

// stillAlone is the same for a run of one value. Runs are seldom independent
// of each other, so that only what is beyond all experience counts.
func stillAlone(surprise float32) float32 {
	return max(0, min(0.5*(surprise-stillFrom), 1.5))
}

const stillFrom = 3.5

// inhibit is the one stage that keeps an event from being told over and over:
// after an alarm the next must be stronger, by less and less as samples pass;
// and every alarm wears out the next ones for long. Usual says that the sample is
// where the series usually is.
func (d *Detector) inhibit(s *Series, usual bool) (strength float32, alarm bool) {
	m, t := &s.mix, &d.set.Tuning
	sum := d.strength(m)
	if m.still <= stillFrom {
		// As long as the value stands still it is the same event.
		m.bar = max(0, m.bar-m.peak/t.Hold)
	}
	m.tired -= m.tired / t.Rest
	alarm = sum > 0 && sum >= t.Factor*m.bar && s.in.rows > minWarmup
	strength = max(0, sum-t.Tire*m.tired)
	if alarm {
		m.bar, m.peak = sum, sum
		m.tired += max(0, sum-worthTiring)
	}
	m.rank = max(m.rank*rankKeep, sum)
	blend(&m.mean, sum, 1-rankKeep)
	if s.in.rows > minWarmup {
		s.evidence.see(sum, d.set.Evidence, usual && m.still <= stillFrom)
	}
	m.rest = max(m.rest*rankKeep, 0.1*max(0, m.still-1.5))
	m.row = m.rank + m.mean + m.rest + 0.2*log10(1+m.away)
	return strength, alarm
}

// rankKeep is what a sample leaves of the surprise before it: half is gone
// after some 35 samples.
const rankKeep = 0.98

// worthTiring is the strength from which an alarm wears out the next.
const worthTiring = 0.8

// step keeps or closes the incident.
func (e *event) step(alarm bool, quiet int) {
	if alarm {
		e.quiet = 0
	} else if e.quiet++; int(e.quiet) >= quiet {
		e.open = false
	}
}
