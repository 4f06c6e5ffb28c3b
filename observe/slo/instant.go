package slo

import (
	"fmt"
	"math"
	"time"
)

// WindowQuery asks Prometheus for the counts of one window.
type WindowQuery struct {
	Window time.Duration
	// Total counts all events, or slices; Part the bad ones, or the good ones if
	// Good is set. An empty answer to Part means none, to Total that nothing is
	// known.
	Total, Part string
	Good        bool
}

// Queries are what Instant needs to be answered: the windows of all tiers, the
// shortest first, and at last the period so far. scrape is how often the series
// are sampled.
func Queries(o Objective, now time.Time, scrape time.Duration) []WindowQuery {
	r := ruler{o: o, opts: RuleOptions{Interval: scrape, Scrape: scrape}}
	span := now.Sub(o.Period.Begin(now)).Truncate(time.Second)
	var out []WindowQuery
	for _, w := range append(r.windows(), max(span, r.shortest())) {
		out = append(out, r.query(w))
	}
	return out
}

func (r *ruler) query(w time.Duration) WindowQuery {
	i := &r.o.Indicator
	q := WindowQuery{Window: w, Total: r.total(w), Good: !i.Good.Empty() && r.o.Budgeting == Occurrences}
	switch {
	case r.o.Budgeting == TimeSlices:
		width := FormatDuration(r.o.Slice.Width)
		slices := fmt.Sprintf("((%s)[%s:%s])", r.slice().Expr, FormatDuration(w), width)
		q.Total, q.Part = "sum(count_over_time"+slices+")", "sum(sum_over_time"+slices+")"
	case !i.Gauge.Empty():
		q.Part = fmt.Sprintf("sum(count_over_time((%s %s %s)[%s:%s]))", expression(i.Gauge, w), opForms[i.Op].negated, number(i.Value), FormatDuration(w), FormatDuration(r.opts.Scrape))
	case q.Good:
		q.Part = increase(i.Good, w)
	default:
		q.Part = increase(i.Bad, w)
	}
	return q
}

// Reading is the answer to a WindowQuery. Known says that there is a total. Counts that
// are no numbers say that somebody counts, and that it cannot be told how many.
type Reading struct {
	Query       WindowQuery
	Total, Part float64
	Known       bool
}

// bad is the count of bad events, which may be impossible: below 0, or above
// the total.
func (r Reading) bad() float64 {
	if r.Query.Good {
		return r.Total - r.Part
	}
	return r.Part
}

// counted reports whether the counts are numbers.
func (r Reading) counted() bool {
	sum := r.Total + r.Part
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}

// Instant says what is known of an objective from counts that somebody else
// kept. It knows no history: what fires is what would, if no time had to be
// waited, and a source that was silent for a while cannot be told from a service
// that was.
func Instant(o Objective, now time.Time, readings []Reading) Status {
	p := plan{objective: o, allowed: o.Allowed()}
	if o.Budgeting == TimeSlices {
		p.width = o.Slice.Width.Milliseconds()
	} else {
		p.z = Quantile(o.Alerting.Evidence.Confidence)
	}
	s := Status{At: now, Since: now, State: Measured}
	byWindow := map[time.Duration]counts{}
	known, uncounted := false, ""
	for i, r := range readings {
		if !r.counted() && uncounted == "" {
			uncounted = "the counts of " + FormatDuration(r.Query.Window) + " are no numbers"
		}
		if i == len(readings)-1 {
			break
		}
		if !r.counted() {
			known = true
			s.Burns = append(s.Burns, Burn{Window: r.Query.Window})
			continue
		}
		c := counts{r.bad(), r.Total}
		byWindow[r.Query.Window] = c
		known = known || r.Known
		b := Burn{Window: r.Query.Window, Bad: max(0, c.bad), Total: c.total, Known: c.total > 0}
		if b.Known {
			b.Rate = max(0, c.bad/c.total/p.allowed)
		}
		s.Burns = append(s.Burns, b)
		if c.excess() > 1+0.02*c.total && s.State == Measured {
			s.State, s.Reason = Invalid, "more events were good, or more were bad, than there were within "+FormatDuration(r.Query.Window)+": the queries do not count the same events"
		}
	}
	if len(readings) > 0 {
		r := readings[len(readings)-1]
		if !r.counted() {
			r.Total, r.Part = 0, 0
		}
		s.Budget = NewBudget(r.bad(), r.Total, p.allowed)
		s.Budget.From, s.Budget.To = now.Add(-r.Query.Window), now
	}
	if x, _, _ := excluded(o.Exclusions, now.UnixMilli()); x != nil {
		s.State, s.Reason = Maintenance, "excluded: "+x.Name
	}
	switch {
	case s.State != Measured:
	case !known:
		s.State, s.Reason = Absent, "there are no series that count all events: is the selector right, and is the service running?"
	case len(s.Burns) > 0 && !s.Burns[0].Known:
		s.State, s.Reason = NoTraffic, "there were no events in the last "+FormatDuration(s.Burns[0].Window)
	}
	s.tiers(&p, byWindow)
	// Tiers whose windows are counted are judged all the same.
	if uncounted != "" && s.State != Invalid && s.State != Maintenance {
		s.State, s.Reason = Unmeasured, uncounted
	}
	return s
}

// tiers judges the tiers of an objective without memory.
func (s *Status) tiers(p *plan, windows map[time.Duration]counts) {
	doubt := false
	for _, t := range p.objective.Alerting.Tiers {
		v := Unknown
		if !s.State.Frozen() {
			v = p.verdict(tierPlan{threshold: t.Factor * p.allowed}, windows[t.Long], windows[t.Short])
		}
		tier := TierStatus{Name: t.Name, Verdict: v, Since: s.At}
		doubt = doubt || v == Suppressed || v == Doubtful
		if v == Burning && !p.objective.Alerting.Off {
			if tier.Phase = Firing; s.Incident == nil {
				s.Incident = &Incident{Opened: s.At, Tier: t.Name, Peak: t.Name, Severity: t.Severity}
			}
		}
		s.Tiers = append(s.Tiers, tier)
	}
	if doubt && s.State == Measured && s.Incident == nil {
		s.State, s.Reason = LowTraffic, "errors exceed a threshold, but there are too few events to tell it from chance"
	}
}
