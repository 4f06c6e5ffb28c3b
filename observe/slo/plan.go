package slo

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Options are what a Monitor needs besides its Objective.
type Options struct {
	// Interval is the usual time between two samples of a series. What is
	// missing for more than two of them is a gap.
	Interval time.Duration
	// Start is when the objective began to be watched.
	Start time.Time
}

// plan is what an objective says, computed once.
type plan struct {
	objective Objective
	// interval and all other times are milliseconds.
	interval, blindAfter, absentAfter, absentFor, width int64
	// windows are all that tiers look at, the shortest first.
	windows []int64
	tiers   []tierPlan
	// z is the quantile of the lower bound, 0 for none.
	z       float64
	allowed float64
	good    bool // the indicator counts good events
}

// tierPlan is a tier with its windows as indexes and its threshold as a share.
type tierPlan struct {
	long, short int
	threshold   float64
	wait        int64
}

func newPlan(o Objective, opts Options) (*plan, error) {
	if ps := o.Validate(); len(ps) > 0 {
		all := make([]string, len(ps))
		for i, p := range ps {
			all[i] = p.String()
		}
		return nil, fault.New(fault.Invalid, "follow objective", o.ID(), strings.Join(all, "; "), "mend its definition")
	}
	width := o.Slice.Width
	if o.Budgeting == Occurrences {
		width = 0
	}
	shortest := o.Period.Length()
	for _, t := range o.Alerting.Tiers {
		shortest = min(shortest, t.Short)
	}
	switch {
	case opts.Interval < 100*time.Millisecond || opts.Interval > time.Hour:
		return nil, fault.New(fault.Invalid, "follow objective", o.ID(), fmt.Sprintf("an interval of %s between samples is not from 100ms to 1h", opts.Interval), "give the interval at which its series are sampled")
	case opts.Interval > shortest/2 || width > 0 && opts.Interval > width:
		return nil, fault.New(fault.Invalid, "follow objective", o.ID(), fmt.Sprintf("with samples every %s nothing can be said of %s", opts.Interval, FormatDuration(max(shortest, width))), "sample more often, or use longer windows or slices")
	case opts.Start.UnixMilli() < 0:
		return nil, fault.New(fault.Invalid, "follow objective", o.ID(), "it starts before 1970", "check the clock")
	}
	p := &plan{
		objective: o, interval: opts.Interval.Milliseconds(), width: width.Milliseconds(),
		blindAfter: o.Alerting.BlindAfter.Milliseconds(), absentFor: o.Alerting.AbsentFor.Milliseconds(),
		allowed: o.Allowed(), good: !o.Indicator.Good.Empty(),
	}
	p.absentAfter = AbsentAfter(&o).Milliseconds()
	if o.Budgeting == Occurrences && o.Alerting.Evidence.Confidence > 0 {
		p.z = Quantile(o.Alerting.Evidence.Confidence)
	}
	for _, t := range o.Alerting.Tiers {
		p.windows = append(p.windows, t.Long.Milliseconds(), t.Short.Milliseconds())
	}
	if len(p.windows) == 0 {
		p.windows = append(p.windows, max(shortest/100, opts.Interval*4).Milliseconds())
	}
	slices.Sort(p.windows)
	p.windows = slices.Compact(p.windows)
	for _, t := range o.Alerting.Tiers {
		p.tiers = append(p.tiers, tierPlan{
			long: slices.Index(p.windows, t.Long.Milliseconds()), short: slices.Index(p.windows, t.Short.Milliseconds()),
			threshold: t.Factor * p.allowed, wait: t.For.Milliseconds(),
		})
	}
	return p, nil
}

// AbsentAfter is how long all series must be missing before that is an alert:
// as long as a whole outage would need to make the first tier fire, and
// Alerting.AbsentFor more. An objective without tiers waits for the latter.
func AbsentAfter(o *Objective) time.Duration {
	var outage time.Duration
	for _, t := range o.Alerting.Tiers {
		if d, ok := t.OutageTime(o.Allowed()); ok && (outage == 0 || d+t.For < outage) {
			outage = d + t.For
		}
	}
	return (outage + o.Alerting.AbsentFor).Truncate(time.Millisecond)
}

// reaches are what the history must answer for: the short windows, whose old
// edge decides when an alert resolves, to the interval or a 720th part; the long
// ones to a 1440th part; and the period to a 500th part.
func (p *plan) reaches() []reach {
	short, long := p.windows[0], p.windows[len(p.windows)-1]
	for _, t := range p.tiers {
		short = max(short, p.windows[t.short])
	}
	period := max(long, p.objective.Period.longest().Milliseconds())
	return []reach{{short, max(p.interval, short/720)}, {long, max(p.interval, long/1440)}, {period, max(p.interval, period/500)}}
}

// fingerprint tells definitions apart whose kept counts do not mean the same.
func (p *plan) fingerprint() uint64 {
	h := fnv.New64a()
	o := &p.objective
	zone := "UTC"
	if o.Period.Zone != nil {
		zone = o.Period.Zone.String()
	}
	fmt.Fprintf(h, "%q %q %v %d %v %s %d %+v %v", o.Service, o.Name, o.Budgeting, p.interval, o.Period, zone, p.width, o.Indicator, p.windows)
	if o.Budgeting == TimeSlices {
		fmt.Fprintf(h, " %x", math.Float64bits(o.Slice.Target))
	}
	return h.Sum64()
}
