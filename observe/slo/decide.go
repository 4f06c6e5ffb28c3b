package slo

import (
	"fmt"
	"time"
)

// classify says how much is known at t.
func (m *Monitor) classify(t int64) (State, string) {
	f, p := &m.feed, m.plan
	two := 2 * p.interval
	if x, _, _ := excluded(p.objective.Exclusions, t); x != nil {
		f.excused = t
		return Maintenance, "excluded: " + x.Name
	}
	switch {
	case t-f.answered > two:
		return m.silent(t, f.answered, "the source does not answer")
	case f.answered-f.present > two:
		return Absent, "the source answers, but has no series that count all events: is the selector right, and is the service running?"
	case f.overflow:
		return m.silent(t, f.usable, fmt.Sprintf("there are more than %d series", MaxSeries))
	case !f.ever:
		return m.silent(t, f.usable, "there was no usable sample yet")
	case t-f.usable > two:
		return m.silent(t, f.usable, "the samples are no usable numbers, or always the same old ones")
	case f.invalid:
		return Invalid, "more events were good, or more were bad, than there were: the queries do not count the same events"
	}
	if m.history.since(t-p.windows[0]).total <= 0 {
		return NoTraffic, "there were no events in the last " + FormatDuration(time.Duration(p.windows[0])*time.Millisecond)
	}
	return Measured, ""
}

// silent is the state of an objective that cannot be measured since a moment.
func (m *Monitor) silent(t, since int64, why string) (State, string) {
	since = max(since, m.feed.excused)
	why += " since " + time.UnixMilli(since).UTC().Format(time.RFC3339)
	if t-since >= m.plan.blindAfter {
		return Blind, why
	}
	return Unmeasured, why
}

// verdict is what the windows of a tier say.
func (p *plan) verdict(t tierPlan, long, short counts) Verdict {
	switch {
	case long.total <= 0:
		return Unknown
	case long.bad <= t.threshold*long.total:
		return Quiet
	case short.total <= 0:
		return Unknown
	case short.bad <= t.threshold*short.total:
		return Quiet
	case p.width > 0:
		return Burning
	}
	l := p.objective.Alerting.Evidence
	switch {
	case long.total < l.MinTotal || long.bad < l.MinBad:
		return Suppressed
	case p.z > 0 && LowerBound(long.bad, long.total, p.z) <= t.threshold:
		return Doubtful
	}
	return Burning
}

// alert is the memory of a tier.
type alert struct {
	phase Phase
	since int64
}

// step moves a tier on by what its windows say at t, elapsed after the last
// time. A frozen tier keeps its phase, and its waiting stands still.
func (a *alert) step(v Verdict, long counts, wait, t, elapsed int64, frozen bool) {
	switch {
	case frozen:
		if a.phase == Pending {
			a.since += elapsed
		}
	case v == Burning:
		if a.phase == Inactive {
			*a = alert{Pending, t}
		}
		if a.phase == Pending && t-a.since >= wait {
			*a = alert{Firing, t}
		}
	case v == Unknown && long.total > 0 && a.phase != Inactive:
		// The events stopped while it burnt: that is no recovery.
		if a.phase == Pending {
			a.since += elapsed
		}
	case v == Suppressed && a.phase == Firing:
		// Too few events to begin with, but not to go on.
	case a.phase != Inactive:
		*a = alert{Inactive, t}
	}
}

// alerts is the memory of all alerts of an objective.
type alerts struct {
	at         int64
	state      State
	stateSince int64
	tiers      []alert
	blind      alert
	absent     alert
	invalid    alert
	// opened is when the incident was opened, 0 if none is; tier and peak are
	// indexes.
	opened     int64
	tier, peak int
	everything bool // whether there was an evaluation
}

func newAlerts(tiers int, start int64) alerts {
	return alerts{at: start, stateSince: start, tiers: make([]alert, tiers)}
}

// incident opens, escalates, eases or resolves the incident.
func (a *alerts) incident(t int64, names []Tier, why string, emit func(EventKind, string, string)) {
	best := len(a.tiers)
	for i := range a.tiers {
		if a.tiers[i].phase == Firing {
			best = i
			break
		}
	}
	switch {
	case best == len(a.tiers) && a.opened == 0:
	case best == len(a.tiers):
		emit(Resolved, names[a.tier].Name, why)
		a.opened = 0
	case a.opened == 0:
		a.opened, a.tier, a.peak = max(t, 1), best, best
		emit(Opened, names[best].Name, "")
	case best < a.tier:
		a.tier, a.peak = best, min(a.peak, best)
		emit(Escalated, names[best].Name, "")
	case best > a.tier:
		a.tier = best
		emit(Eased, names[best].Name, "")
	}
}

// set moves an alarm about the measurement, and tells.
func (a *alert) set(on bool, t int64, raised, cleared EventKind, why string, emit func(EventKind, string, string)) {
	switch {
	case on && a.phase != Firing:
		*a = alert{Firing, t}
		emit(raised, "", why)
	case !on && a.phase == Firing:
		*a = alert{Inactive, t}
		emit(cleared, "", "")
	}
}
