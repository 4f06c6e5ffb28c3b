package slo

import "time"

// Monitor follows one objective. It is not safe for concurrent use.
type Monitor struct {
	plan   *plan
	series map[string]*counter
	// history counts events or slices. times counts milliseconds: total are those
	// with information, bad those in which the objective could not be measured.
	history, times history
	slicer         slicer
	feed           feed
	alerts         alerts
	ledger         []Excluded
	rejected       Rejected
	// scratch is reused from batch to batch.
	scratch []delta
	births  []delta
}

// feed is what is known of the source of samples. All times are milliseconds.
type feed struct {
	start int64
	// answered is when the source last answered, present when a series of the
	// total was last there, usable the time of its last usable sample.
	answered, present, usable int64
	// presentSince and usableSince are when the present run began.
	presentSince, usableSince int64
	// ever says that there was a usable sample at all.
	ever, overflow, invalid bool
	// recent are the sums of the last batches, for the check of their sanity.
	recent [4]counts
	turn   int
	// batches counts the answers.
	batches uint64
	// excused is the last moment that was excluded.
	excused int64
}

// New returns a Monitor of an objective. The error lists all that is wrong with
// the definition.
func New(o Objective, opts Options) (*Monitor, error) {
	p, err := newPlan(o, opts)
	if err != nil {
		return nil, err
	}
	start := opts.Start.UnixMilli()
	m := &Monitor{
		plan: p, series: map[string]*counter{},
		history: newHistory(start, p.reaches()...), times: newHistory(start, p.reaches()[2]),
		feed:   feed{start: start, answered: start, present: start, usable: start, presentSince: start, usableSince: start},
		alerts: newAlerts(len(p.tiers), start),
	}
	if p.width > 0 {
		m.slicer = slicer{width: p.width, first: start / p.width}
	}
	return m, nil
}

// Objective is what the Monitor follows.
func (m *Monitor) Objective() *Objective { return &m.plan.objective }

// Bytes is about how much memory the Monitor holds.
func (m *Monitor) Bytes() int { return m.history.bytes() + m.times.bytes() + len(m.series)*160 + 2048 }

// Observe takes one answer of the source. Batches come in the order of their
// time; older ones are counted as late.
func (m *Monitor) Observe(b Batch) {
	at := b.At.UnixMilli()
	f := &m.feed
	if at < f.answered {
		m.rejected.Late += uint64(len(b.Samples))
		return
	}
	if b.Lost {
		return
	}
	newest := m.follow(b.Samples, at)
	f.answered = at
	if f.batches++; f.batches%64 == 0 {
		m.forget(at)
	}
	if newest == 0 {
		return
	}
	total, ok := m.judge(f.usable, at)
	m.account(total, ok, newest)
	if m.plan.width > 0 {
		m.judgeSlices(f.usable)
	}
}

// follow turns samples into deltas in m.scratch, and returns the time of the
// newest usable sample of the total; 0 if there is none.
func (m *Monitor) follow(samples []Sample, at int64) (newest int64) {
	f, p := &m.feed, m.plan
	m.scratch, m.births, f.overflow = m.scratch[:0], m.births[:0], false
	for _, s := range samples {
		total := s.Role&(Total|Gauge) != 0
		stale := !m.rejected.usable(s, at, 2*p.interval)
		if total && !ended(s) {
			m.here(at)
		}
		if stale {
			if ended(s) {
				delete(m.series, s.Series)
			}
			continue
		}
		c := m.series[s.Series]
		if c == nil {
			if len(m.series) >= MaxSeries {
				m.rejected.Overflow++
				f.overflow = true
				continue
			}
			m.birth(s, at)
		} else if d, ok := c.follow(s, &m.rejected); !ok {
			continue
		} else if s.Role&Gauge != 0 {
			m.gauge(s, max(d.from, s.At-p.interval))
		} else {
			m.scratch = append(m.scratch, d)
		}
		if total {
			newest = max(newest, s.At)
		}
	}
	return newest
}

func ended(s Sample) bool { return isStale(s.Value) }

// here notes that the total has a series.
func (m *Monitor) here(at int64) {
	f := &m.feed
	if at-f.present > 2*m.plan.interval {
		f.presentSince = at
	}
	f.present = at
}

// birth begins to follow a series. Its first value counts if the counter is
// known to have begun at zero a moment ago, or, where the source does not say,
// if that is plausible: see judge.
func (m *Monitor) birth(s Sample, at int64) {
	m.series[s.Series] = &counter{at: s.At, created: s.Created, value: s.Value}
	p, f := m.plan, &m.feed
	switch {
	case s.Role&Gauge != 0:
		m.gauge(s, s.At-p.interval)
	case s.Created > 0 && s.Created < s.At && s.Created >= max(f.start, s.At-2*p.interval):
		m.scratch = append(m.scratch, delta{s.Created, s.At, s.Value, s.Role})
	case s.Created == 0 && f.ever && at-f.usable <= 2*p.interval && s.Value > 0:
		m.births = append(m.births, delta{min(f.usable, s.At-1), s.At, s.Value, s.Role})
	}
}

// gauge counts a sample that is compared as one event.
func (m *Monitor) gauge(s Sample, from int64) {
	i := &m.plan.objective.Indicator
	d := delta{min(from, s.At-1), s.At, 1, Total}
	if !i.Op.holds(s.Value, i.Value) {
		d.role |= Bad
	}
	m.scratch = append(m.scratch, d)
}

// forget drops series that were not seen for an hour.
func (m *Monitor) forget(at int64) {
	const keep = int64(time.Hour / time.Millisecond)
	for key, c := range m.series {
		if at-c.at > max(keep, 4*m.plan.interval) {
			delete(m.series, key)
		}
	}
}

// smallBirth is a first value that is taken for new events whatever the
// traffic.
const smallBirth = 10

// judge decides which first values count, sums the batch up, and checks that
// no more events were good, or bad, than there were.
func (m *Monitor) judge(usable, at int64) (sum counts, ok bool) {
	f := &m.feed
	for _, d := range m.scratch {
		sum.add(m.worth(d), 1)
	}
	// A series that appears amid others that are followed had no events before:
	// the absence of an error series means no errors. But an old counter may also
	// be found late; it is told by holding more than an interval's traffic.
	usual := sum.total
	for _, c := range f.recent {
		usual = max(usual, c.total)
	}
	limit := max(smallBirth, 2*usual)
	for _, d := range m.births {
		if d.n <= limit {
			m.scratch = append(m.scratch, d)
			sum.add(m.worth(d), 1)
		}
	}
	f.recent[f.turn%len(f.recent)] = sum
	f.turn++
	var all counts
	for _, c := range f.recent {
		all.add(c, 1)
	}
	f.invalid = all.excess() > 1+0.02*all.total || sum.excess() > 1+0.2*sum.total
	if f.invalid {
		m.rejected.Invalid++
	}
	return sum, !f.invalid
}

// excess is how many events there are too many: good ones, or bad ones. What is
// left of the tolerance in judge is for series that are not sampled at the
// very same moment.
func (c counts) excess() float64 { return max(-c.bad, c.bad-c.total) }

// worth is what a delta counts as.
func (m *Monitor) worth(d delta) (c counts) {
	if d.role&Total != 0 {
		c.total = d.n
		if m.plan.good {
			c.bad = d.n
		}
	}
	if d.role&Good != 0 && m.plan.good {
		c.bad -= d.n
	}
	if d.role&Bad != 0 && !m.plan.good {
		c.bad += d.n
	}
	return c
}

// account stores a batch whose newest sample of the total is of newest.
func (m *Monitor) account(sum counts, valid bool, newest int64) {
	f, p := &m.feed, m.plan
	// Excluded time is no gap.
	span := newest - max(f.usable, min(f.excused, newest-1))
	gap := span > 2*p.interval || !f.ever
	if gap {
		f.usableSince = newest
	}
	if valid {
		m.store()
	}
	if newest > f.usable {
		var d counts
		switch length := float64(newest - f.usable); {
		case span > 2*p.interval || !valid:
			d.bad = length
		case sum.total > 0 && f.ever:
			d.total = length
		}
		m.cover(f.usable, newest, d)
	}
	f.usable, f.ever = max(f.usable, newest), true
}

// store adds the deltas of a batch. Most samples of a batch are of the same
// moments: they are summed up first.
func (m *Monitor) store() {
	p := m.plan
	add := m.history.add
	if p.width > 0 {
		add = m.slicer.add
	}
	for i := 0; i < len(m.scratch); {
		d := m.scratch[i]
		sum := m.worth(d)
		for i++; i < len(m.scratch) && m.scratch[i].from == d.from && m.scratch[i].to == d.to; i++ {
			sum.add(m.worth(m.scratch[i]), 1)
		}
		if p.width > 0 {
			// What happened in each slice of a gap cannot be told.
			if d.to-d.from <= 2*p.interval {
				add(d.from, d.to, sum)
			}
			continue
		}
		m.spread(d.from, d.to, sum, add)
	}
}

// spread adds counts evenly over (from, to] but for what is excluded of it,
// which goes into the ledger.
func (m *Monitor) spread(from, to int64, d counts, add func(from, to int64, d counts)) {
	all := m.plan.objective.Exclusions
	if len(all) == 0 {
		add(from, to, d)
		return
	}
	length := float64(to - from)
	for t := from; t < to; {
		x, start, until := excluded(all, t)
		end := min(until, to)
		var part counts
		part.add(d, float64(end-t)/length)
		if x == nil {
			add(t, end, part)
		} else {
			m.ledger = charge(m.ledger, x.Name, start, end, part)
		}
		t = end
	}
}

// cover notes how much of (from, to] is known. Excluded time is neither known
// nor unknown: it does not count.
func (m *Monitor) cover(from, to int64, d counts) {
	length := float64(to - from)
	for t := from; t < to; {
		x, start, until := excluded(m.plan.objective.Exclusions, t)
		end := min(until, to)
		var part counts
		part.add(d, float64(end-t)/length)
		if x == nil {
			m.times.add(t, end, part)
		} else {
			m.ledger = charge(m.ledger, x.Name, start, end, counts{})
		}
		t = end
	}
}

// judgeSlices moves slices that are over into the history.
func (m *Monitor) judgeSlices(t int64) {
	target := m.plan.objective.Slice.Target
	if target <= 0 {
		target = 1
	}
	m.slicer.judge(t, target, func(from, to int64, bad bool) {
		c := counts{total: 1}
		if bad {
			c.bad = 1
		}
		m.spread(from, to, c, m.history.add)
	})
}

// Series is how many series are followed.
func (m *Monitor) Series() int { return len(m.series) }

// Newest is the time of the newest sample of a series, in milliseconds since
// 1970; 0 if it is not followed.
func (m *Monitor) Newest(series string) int64 {
	if c := m.series[series]; c != nil {
		return c.at
	}
	return 0
}

// Answered is when the source answered last; before that nothing is missing.
func (m *Monitor) Answered() time.Time { return time.UnixMilli(m.feed.answered).UTC() }
