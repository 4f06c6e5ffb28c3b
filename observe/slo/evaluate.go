package slo

import "time"

// Evaluate says what is known at a moment, and moves the alerts on. A clock
// that went back is taken to stand still.
func (m *Monitor) Evaluate(now time.Time) Status {
	a, p := &m.alerts, m.plan
	t := max(now.UnixMilli(), a.at)
	elapsed := t - a.at
	m.history.advance(t)
	m.times.advance(t)
	if p.width > 0 {
		m.judgeSlices(m.feed.usable)
	}
	var windows [2 * maxTiers]counts
	for i, w := range p.windows {
		windows[i] = m.history.since(t - w)
	}
	var verdicts [maxTiers]Verdict
	for i, tier := range p.tiers {
		verdicts[i] = p.verdict(tier, windows[tier.long], windows[tier.short])
	}
	state, why := m.classify(t)
	if state == Measured {
		state, why = m.lowTraffic(verdicts[:len(p.tiers)], windows[:])
	}
	s := Status{At: time.UnixMilli(t).UTC(), State: state, Reason: why, Rejected: m.rejected}
	emit := func(k EventKind, tier, why string) {
		s.Events = append(s.Events, Event{At: s.At, Kind: k, Tier: tier, Reason: why})
	}
	m.enter(state, why, t, emit)
	s.Since = time.UnixMilli(a.stateSince).UTC()
	m.alarms(t, why, emit)
	if !p.objective.Alerting.Off {
		for i, tier := range p.tiers {
			a.tiers[i].step(verdicts[i], windows[tier.long], tier.wait, t, elapsed, state.Frozen())
		}
		resolved := ""
		if state == NoTraffic {
			resolved = "there were no events any more to judge by"
		}
		if !state.Frozen() {
			a.incident(t, p.objective.Alerting.Tiers, resolved, emit)
		}
	}
	a.at = t
	m.describe(&s, windows[:len(p.windows)], verdicts[:len(p.tiers)])
	return s
}

// lowTraffic tells whether there is too little to judge by: if a tier is kept
// from firing by it, or if no tier has the events that it needs.
func (m *Monitor) lowTraffic(verdicts []Verdict, windows []counts) (State, string) {
	l := m.plan.objective.Alerting.Evidence
	if m.plan.width > 0 || len(verdicts) == 0 {
		return Measured, ""
	}
	enough := false
	for i, v := range verdicts {
		if (v == Suppressed || v == Doubtful) && m.alerts.tiers[i].phase != Firing {
			return LowTraffic, "errors exceed a threshold, but there are too few events to tell it from chance"
		}
		enough = enough || windows[m.plan.tiers[i].long].total >= l.MinTotal
	}
	if !enough {
		return LowTraffic, "no window has the events that its tier needs at least"
	}
	return Measured, ""
}

// enter notes the state.
func (m *Monitor) enter(s State, why string, t int64, emit func(EventKind, string, string)) {
	a := &m.alerts
	if a.everything && a.state == s {
		return
	}
	switch was := a.everything && a.state.Frozen(); {
	case s.Frozen() && !was:
		emit(Froze, "", why)
	case !s.Frozen() && was:
		emit(Thawed, "", "")
	}
	if a.state != s {
		a.stateSince = t
	}
	a.state, a.everything = s, true
}

// alarms moves the alerts about the measurement. In excluded time they stand
// still, and the absence of an answer says nothing about the series.
func (m *Monitor) alarms(t int64, why string, emit func(EventKind, string, string)) {
	a, f, p := &m.alerts, &m.feed, m.plan
	if a.state == Maintenance {
		return
	}
	steady := f.ever && f.usable-f.usableSince >= 2*p.interval && t-f.usable <= 2*p.interval
	a.blind.set(a.state == Blind || a.blind.phase == Firing && !steady && a.state != Absent, t, BlindRaised, BlindCleared, why, emit)
	missing := f.answered - max(f.present, min(f.excused, f.answered))
	back := f.present - f.presentSince
	switch {
	case a.absent.phase != Firing:
		a.absent.set(a.state == Absent && missing >= p.absentAfter, t, AbsentRaised, AbsentCleared, why, emit)
	case f.answered == f.present || f.answered-f.present <= 2*p.interval:
		// It resolves only when the series are back for as long: no flapping.
		a.absent.set(back < max(p.absentFor, 2*p.interval), t, AbsentRaised, AbsentCleared, why, emit)
	}
	if !a.state.Frozen() || a.state == Invalid {
		a.invalid.set(a.state == Invalid, t, InvalidRaised, InvalidCleared, why, emit)
	}
}

// describe fills the rest of the status.
func (m *Monitor) describe(s *Status, windows []counts, verdicts []Verdict) {
	a, p := &m.alerts, m.plan
	s.Burns = make([]Burn, len(windows))
	for i, c := range windows {
		b := Burn{Window: time.Duration(p.windows[i]) * time.Millisecond, Bad: c.bad, Total: c.total, Known: c.total > 0}
		if b.Known {
			b.Rate = max(0, c.bad/c.total/p.allowed)
		}
		s.Burns[i] = b
	}
	s.Tiers = make([]TierStatus, len(verdicts))
	for i, v := range verdicts {
		s.Tiers[i] = TierStatus{Name: p.objective.Alerting.Tiers[i].Name, Verdict: v, Phase: a.tiers[i].phase, Since: time.UnixMilli(a.tiers[i].since).UTC()}
	}
	if a.opened != 0 {
		tiers := p.objective.Alerting.Tiers
		s.Incident = &Incident{Opened: time.UnixMilli(a.opened).UTC(), Tier: tiers[a.tier].Name, Peak: tiers[a.peak].Name, Severity: tiers[a.tier].Severity}
	}
	s.Blind, s.Absent, s.Invalid = a.blind.alarm(), a.absent.alarm(), a.invalid.alarm()
	s.Budget = m.budget(s.At.UnixMilli())
}

func (a alert) alarm() Alarm {
	if a.phase != Firing {
		return Alarm{}
	}
	return Alarm{Firing: true, Since: time.UnixMilli(a.since).UTC()}
}
