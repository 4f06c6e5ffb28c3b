package slo

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// RuleOptions say how Prometheus runs the rules.
type RuleOptions struct {
	// Interval is how often they are evaluated; 0 means DefaultRuleInterval.
	Interval time.Duration
	// Scrape is how often the series are sampled; 0 means Interval.
	Scrape time.Duration
}

// DefaultRuleInterval is how often rules are evaluated if nothing is said.
const DefaultRuleInterval = 30 * time.Second

// RuleGroup is a group of rules as Prometheus reads them.
type RuleGroup struct {
	Name     string
	Interval time.Duration
	Rules    []Rule
}

// Rule is a recording rule or an alert.
type Rule struct {
	// Record and Alert are names; one of them is set.
	Record, Alert, Expr string
	For                 time.Duration
	Labels, Annotations map[string]string
}

// The names of the alerts in generated rules.
const (
	AlertBurn    = "ErrorBudgetBurn"
	AlertAbsent  = "ObjectiveAbsent"
	AlertInvalid = "ObjectiveInvalid"
)

// Rules returns rules by which Prometheus comes to the same alerts as a
// Monitor: counts are recorded for each window and divided once. The notes say
// what a Monitor does and the rules cannot. The error lists all that is wrong
// with the definition.
func Rules(o Objective, opts RuleOptions) (groups []RuleGroup, notes []string, err error) {
	if ps := o.Validate(); len(ps) > 0 {
		all := make([]string, len(ps))
		for i, p := range ps {
			all[i] = p.String()
		}
		return nil, nil, fault.New(fault.Invalid, "write rules of objective", o.ID(), strings.Join(all, "; "), "mend its definition")
	}
	if opts.Interval <= 0 {
		opts.Interval = DefaultRuleInterval
	}
	if opts.Scrape <= 0 {
		opts.Scrape = opts.Interval
	}
	if o.Budgeting == TimeSlices {
		opts.Interval = o.Slice.Width
	}
	r := ruler{o: o, opts: opts}
	main := RuleGroup{Name: "slo/" + o.ID(), Interval: opts.Interval}
	if o.Budgeting == TimeSlices {
		main.Rules = append(main.Rules, r.slice())
	}
	for _, w := range r.windows() {
		main.Rules = append(main.Rules, r.counts(w)...)
	}
	main.Rules = append(main.Rules, r.alerts()...)
	groups = append(groups, main)
	if budget := r.budget(); budget != nil {
		groups = append(groups, RuleGroup{Name: "slo/" + o.ID() + "/budget", Interval: max(opts.Interval, r.shortest()), Rules: budget})
	}
	return groups, r.notes(), nil
}

// ruler writes the rules of one objective.
type ruler struct {
	o    Objective
	opts RuleOptions
}

// notes say what is lost in translation.
func (r *ruler) notes() []string {
	var notes []string
	o := &r.o
	if len(o.Exclusions) > 0 {
		notes = append(notes, "rules know no exclusions: the budget is charged in maintenance too; silence the alerts in Alertmanager")
	}
	if o.Period.Calendar != Rolling {
		notes = append(notes, "rules know no calendar: the budget of the "+o.Period.Calendar.String()+" is not recorded")
	}
	if short := r.shortest(); o.Budgeting == Occurrences && o.Indicator.Gauge.Empty() && short < 2*r.opts.Scrape {
		notes = append(notes, fmt.Sprintf("the window of %s is too short for samples every %s: Prometheus needs at least two in it", FormatDuration(short), FormatDuration(r.opts.Scrape)))
	}
	if o.Budgeting == TimeSlices && o.Indicator.Gauge.Empty() && o.Slice.Width < 2*r.opts.Scrape {
		notes = append(notes, fmt.Sprintf("slices of %s are too short for samples every %s: Prometheus needs at least two in each", FormatDuration(o.Slice.Width), FormatDuration(r.opts.Scrape)))
	}
	if i := o.Indicator; i.Total.Template+i.Good.Template+i.Bad.Template != "" {
		notes = append(notes, "an expression is used as it is: that the increase is taken of each series first is up to it")
	}
	return notes
}

// windows are those that the tiers look at, the shortest first.
func (r *ruler) windows() []time.Duration {
	var all []time.Duration
	for _, t := range r.o.Alerting.Tiers {
		all = append(all, t.Short, t.Long)
	}
	if len(all) == 0 {
		all = []time.Duration{5 * time.Minute}
	}
	return sortedUnique(all)
}

func (r *ruler) shortest() time.Duration { return r.windows()[0] }

// labels are what tells the objective's series and alerts from others.
func (r *ruler) labels() map[string]string {
	l := maps.Clone(r.o.Labels)
	if l == nil {
		l = map[string]string{}
	}
	l["service"], l["slo"] = r.o.Service, r.o.Name
	return l
}

// series selects a recorded series of the objective.
func (r *ruler) series(name string) string {
	return name + `{service=` + strconv.Quote(r.o.Service) + `,slo=` + strconv.Quote(r.o.Name) + `}`
}

func recorded(what string, w time.Duration) string {
	return "slo:" + what + ":increase" + FormatDuration(w)
}

// sliceSeries is 1 for each slice that was bad, and 0 for each that was good.
const sliceSeries = "slo:slice_bad:bool"

// slice judges the slice that has just ended.
func (r *ruler) slice() Rule {
	w := r.o.Slice.Width
	target := r.o.Slice.Target
	if target <= 0 {
		target = 1
	}
	total := r.total(w)
	return Rule{Record: sliceSeries, Labels: r.labels(), Expr: fmt.Sprintf("(\n  %s\n/\n  (%s > 0)\n) > bool %s", r.bad(w, total), total, number(roundShare(1-target)))}
}

// counts records a window: all events, the bad ones, and the share of these.
func (r *ruler) counts(w time.Duration) []Rule {
	total, bad := r.total(w), ""
	if r.o.Budgeting == TimeSlices {
		span := "[" + FormatDuration(w) + "]"
		total = "count_over_time(" + r.series(sliceSeries) + span + ")"
		bad = "sum_over_time(" + r.series(sliceSeries) + span + ")"
	} else {
		bad = r.bad(w, "sum("+r.series(recorded("total", w))+")")
	}
	return []Rule{
		{Record: recorded("total", w), Labels: r.labels(), Expr: total},
		{Record: recorded("bad", w), Labels: r.labels(), Expr: bad},
		{Record: "slo:error:ratio" + FormatDuration(w), Labels: r.labels(), Expr: r.series(recorded("bad", w)) + "\n/\n(" + r.series(recorded("total", w)) + " > 0)"},
	}
}

// total is the expression for all events of a window.
func (r *ruler) total(w time.Duration) string {
	if q := r.o.Indicator.Gauge; !q.Empty() {
		// A comparison with itself drops NaN.
		return fmt.Sprintf("sum(count_over_time((%s == %s)[%s:%s]))", expression(q, w), expression(q, w), FormatDuration(w), FormatDuration(r.opts.Scrape))
	}
	return increase(r.o.Indicator.Total, w)
}

// bad is the expression for the bad events of a window. Where a series is
// missing while the total is there, it counted nothing.
func (r *ruler) bad(w time.Duration, total string) string {
	i := &r.o.Indicator
	switch {
	case !i.Gauge.Empty():
		return fmt.Sprintf("(sum(count_over_time((%s %s %s)[%s:%s])) or 0 * %s)", expression(i.Gauge, w), opForms[i.Op].negated, number(i.Value), FormatDuration(w), FormatDuration(r.opts.Scrape), total)
	case !i.Bad.Empty():
		return fmt.Sprintf("(%s or 0 * %s)", increase(i.Bad, w), total)
	}
	return fmt.Sprintf("clamp_min(%s - (%s or 0 * %s), 0)", total, increase(i.Good, w), total)
}

// expression is a query's text for a window.
func expression(q Query, w time.Duration) string {
	if q.Selector != "" {
		return q.Selector
	}
	return "(" + strings.ReplaceAll(q.Template, WindowMark, FormatDuration(w)) + ")"
}

// increase is the count of a window: of each series first, then summed.
func increase(q Query, w time.Duration) string {
	switch {
	case q.Selector != "":
		return "sum(increase(" + q.Selector + "[" + FormatDuration(w) + "]))"
	case q.PerSecond:
		return "sum(" + expression(q, w) + ") * " + number(w.Seconds())
	}
	return "sum(" + expression(q, w) + ")"
}

// budget records what is left of a rolling period's budget, from counts of
// windows that lie side by side.
func (r *ruler) budget() []Rule {
	if r.o.Period.Calendar != Rolling {
		return nil
	}
	w, p := r.shortest(), r.o.Period.Rolling
	sum := func(what string) string {
		return fmt.Sprintf("sum_over_time(%s[%s:%s])", r.series(recorded(what, w)), FormatDuration(p), FormatDuration(w))
	}
	if r.o.Budgeting == TimeSlices {
		span := "[" + FormatDuration(p) + "]"
		sum = func(what string) string {
			f := map[string]string{"total": "count_over_time(", "bad": "sum_over_time("}[what]
			return f + r.series(sliceSeries) + span + ")"
		}
	}
	return []Rule{
		{Record: recorded("total", p), Labels: r.labels(), Expr: sum("total")},
		{Record: recorded("bad", p), Labels: r.labels(), Expr: sum("bad")},
		{Record: "slo:error_budget:remaining", Labels: r.labels(), Expr: fmt.Sprintf("1 -\n  %s\n/\n  (%s > 0)\n/ %s",
			r.series(recorded("bad", p)), r.series(recorded("total", p)), number(r.o.Allowed()))},
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
