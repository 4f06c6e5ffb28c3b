package slo

import "time"

// Budget is what is left of the errors that a period allows. It is computed
// from counts: Bad and Total of the period so far, divided once.
type Budget struct {
	From, To time.Time
	// Bad and Total are events, or slices of time. Excluded ones are not in them.
	Bad, Total float64
	// Known is false if nothing at all was counted; the rest means nothing then. Pending
	// says that this is because what was counted before is still being asked for.
	Known, Pending bool
	// Achieved is the share that was good, Spent the share of the budget that is
	// gone (above 1: the objective is missed), Remaining what is left of it.
	Achieved, Spent, Remaining float64
	// Coverage is the share of the time with information, excluded time aside;
	// Blind how long the objective could not be measured.
	Coverage float64
	Blind    time.Duration
	// Excluded are the entries of the ledger that fall into the period.
	Excluded []Excluded
}

// NewBudget computes a budget from counts.
func NewBudget(bad, total, allowed float64) Budget {
	b := Budget{Bad: max(0, bad), Total: total}
	if !(total > 0) {
		b.Bad, b.Total = 0, 0
		return b
	}
	b.Known = true
	b.Bad = min(b.Bad, total)
	b.Achieved = 1 - b.Bad/total
	b.Spent = b.Bad / (total * allowed)
	b.Remaining = 1 - b.Spent
	return b
}

// budget computes the budget at t.
func (m *Monitor) budget(t int64) Budget {
	now := time.UnixMilli(t).UTC()
	from := max(m.plan.objective.Period.Begin(now).UnixMilli(), m.feed.start)
	c := m.history.since(from)
	b := NewBudget(c.bad, c.total, m.plan.allowed)
	b.From, b.To = time.UnixMilli(from).UTC(), now
	known := m.times.since(from)
	blind := known.bad
	if silent := t - m.feed.usable; silent > 2*m.plan.interval && m.alerts.state != Maintenance {
		blind += float64(t - max(m.feed.usable, from))
	}
	b.Blind = time.Duration(blind) * time.Millisecond
	length := float64(t - from)
	for _, e := range m.ledger {
		start, end := max(e.Start.UnixMilli(), from), e.End.UnixMilli()
		if end > from {
			b.Excluded = append(b.Excluded, e)
			length -= float64(end - start)
		}
	}
	if length > 0 {
		b.Coverage = min(1, known.total/length)
	}
	return b
}
