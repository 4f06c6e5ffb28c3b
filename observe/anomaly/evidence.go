package anomaly

// evidence is what has come together that something is wrong. Sooner or later
// every series breaks a record by chance, and the samples after it are ordinary;
// what is wrong goes on, or is far beyond all records. So what counts is by how
// much the strength of samples, one after the other, exceeds what is usual for
// this series.
type evidence struct {
	sum    float32 // in usual deviations
	usual  float32 // strength
	spread float32 // its mean deviation
	n      uint32  // samples that these two come from, up to evidenceRows
	width  float32 // the range that distances were measured in
	pause  uint32  // samples that still count for nothing
}

const (
	// evidenceRows is how many samples the usual strength reaches back.
	evidenceRows = 500
	// A series that is not known yet is taken to be lively.
	usualAtFirst, spreadAtFirst = 0.3, 0.2
	// evidenceDrift is how many mean deviations above the usual strength count
	// for nothing; the others keep small numbers from being made of nothing.
	evidenceDrift, evidenceFloor, evidenceUnit = 2, 0.05, 0.1
	// ofUsual is what counts of a sample that is where it usually is.
	ofUsual = 0.75
	// beyondRecord is how many doublings beyond all before a new level must be to
	// be evidence enough by itself, farBeyondRecord how many while the record is short:
	// from fewRows samples on.
	beyondRecord, farBeyondRecord = 2, 5
	fewRows                       = 150
	// confirm is for how many samples from an alarm on evidence may come
	// together.
	confirm = 25
	// shrunk is the part of the range below which it is another, and settle for how
	// many samples nothing is evidence then.
	shrunk, settle = 0.5, 60
)

// recordBeyond is how many doublings beyond all of so many samples are evidence enough.
func recordBeyond(rows uint32) float32 {
	if rows < evidenceRows {
		return farBeyondRecord
	}
	return beyondRecord
}

// see takes the strength of a sample. No more than most is kept, so that an
// event that is over does not vouch for the next alarm. A sample that is where the
// series usually is counts less: it may be strong only because the longer blocks
// still hold one that was a record, and one record is no evidence.
func (e *evidence) see(strength, most float32, usual bool) {
	if e.n == 0 {
		e.usual, e.spread = usualAtFirst, spreadAtFirst
	}
	a := max(1.0/evidenceRows, 1/float32(e.n+20))
	e.n = min(e.n+1, evidenceRows)
	off := min(abs(strength-e.usual), 6*e.spread+usualAtFirst)
	blend(&e.usual, min(strength, 4*e.usual+usualAtFirst), a)
	blend(&e.spread, off, a)
	if e.pause > 0 {
		e.pause--
		return
	}
	more := (strength - e.usual - evidenceDrift*e.spread - evidenceFloor) / (e.spread + evidenceUnit)
	if usual && more > 0 {
		more *= ofUsual
	}
	e.sum += more
	e.sum = max(0, min(e.sum, most))
}

// measured takes the range in which distances are measured. When it shrinks by
// half or more, all of them seem to be larger than ever, and what is usual is learned
// anew: the series did nothing.
func (e *evidence) measured(width float32) {
	if e.width > 0 && width < shrunk*e.width {
		e.n, e.sum, e.pause = 0, 0, settle
	}
	if width < shrunk*e.width || width > e.width {
		e.width = width
	}
}

// suspicion is an alarm that waits for evidence.
type suspicion struct {
	left uint32 // samples that it still waits, 0 for no alarm
	why  reason
}

// reason is why an incident is opened, or may be.
type reason struct {
	since       int64 // ms; 0 for not known
	direction   Direction
	nearSpan    uint8
	probability float32
	surprise    [tails]float32
	near        nearest
	low, high   float32
}

// suspect takes the alarm of a sample, if there is one, and tells whether an
// incident opens. An incident begins with the first alarm since evidence comes
// together and is explained by the last, which is the strongest: the bar of
// inhibition sees to that.
func (d *Detector) suspect(s *Series, alarm bool, v *Verdict, at int64, b band) bool {
	c := &s.suspicion
	if alarm {
		if c.left == 0 {
			c.why.since = 0
		}
		c.left = confirm
		s.explain(&c.why, v, b)
	} else if s.evidence.sum == 0 {
		c.why.since = 0
	}
	if c.why.since == 0 && s.evidence.sum > 0 {
		c.why.since = at
	}
	if c.left == 0 {
		return false
	}
	c.left--
	if s.evidence.sum < d.set.Evidence {
		return false
	}
	c.left = 0
	if v.Recurring = s.recurs(); v.Recurring {
		return false
	}
	if c.why.since == 0 {
		c.why.since = at
	}
	s.event = event{open: true, why: c.why}
	return true
}

// explain keeps why a sample is an alarm.
func (s *Series) explain(r *reason, v *Verdict, b band) {
	r.direction, r.probability, r.low, r.high = v.Direction, v.Probability, b.low, b.high
	copy(r.surprise[:], s.mix.surprise[:])
	r.surprise[chResidual], r.surprise[chStill] = s.mix.residual, s.mix.still
	// The pattern that was the newest, at the length of it.
	r.nearSpan = 0
	for i := range s.span {
		if r.surprise[2*i+1] > r.surprise[2*int(r.nearSpan)+1] {
			r.nearSpan = uint8(i)
		}
	}
	r.near = s.span[r.nearSpan].near
}
