// Package resource turns Objectives as they stand in a cluster into those that
// are followed, and what is known of them back into a status.
package resource

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// converter gathers all problems of an Objective.
type converter struct{ problems []slo.Problem }

func (c *converter) fail(path, format string, args ...any) {
	c.problems = append(c.problems, slo.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Objective returns what an Objective says, and all that is wrong with it, with
// paths within the resource. The schema refuses most of that before; this is for
// objects that never met an API server. Only an objective without problems is
// of use.
func Objective(o *v1alpha1.Objective) (slo.Objective, []slo.Problem) {
	c := &converter{}
	s := &o.Spec
	out := slo.Objective{
		Name: o.Name, Service: s.Service, Description: s.Description, Target: c.percent("spec.target", s.Target),
		Period: c.period(s.Period), Labels: s.Labels, Annotations: s.Annotations,
	}
	switch s.Budgeting {
	case "", "Occurrences":
	case "TimeSlices":
		out.Budgeting = slo.TimeSlices
	default:
		c.fail("spec.budgeting", "%q is neither Occurrences nor TimeSlices", s.Budgeting)
	}
	if s.Slice != nil {
		out.Slice = slo.Slice{Width: c.span("spec.slice.width", s.Slice.Width), Target: c.percent("spec.slice.target", s.Slice.Target)}
	}
	out.Indicator = c.indicator(s.Indicator)
	if c.problems == nil { // the tiers depend on the period
		out.Alerting = c.alerting(s.Alerting, out.Period)
	}
	for i, x := range s.Exclusions {
		out.Exclusions = append(out.Exclusions, c.exclusion(fmt.Sprintf("spec.exclusions[%d]", i), x))
	}
	if c.problems == nil {
		for _, p := range out.Validate() {
			path := "spec." + p.Path
			if p.Path == "name" {
				path = "metadata.name"
			}
			c.fail(path, "%s", p.Message)
		}
	}
	return out, c.problems
}

// percent reads a share such as 99.9%.
func (c *converter) percent(path, text string) float64 {
	number, ok := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil {
		c.fail(path, "%q is no percentage: write 99.9%%", text)
	}
	// The shortest decimal that is a hundredth: 99.9 % is 0.999 exactly as written.
	share, _ := strconv.ParseFloat(strconv.FormatFloat(v/100, 'f', 8, 64), 64)
	return share
}

func (c *converter) span(path string, s v1alpha1.Span) time.Duration {
	d, err := slo.ParseDuration(string(s))
	if err != nil {
		c.fail(path, "%v", err)
	}
	return d
}

// rolling is the length of a period: of one that is longer than a duration can be it says
// what a period can be.
func (c *converter) rolling(s v1alpha1.Span) time.Duration {
	if _, err := slo.ParseDuration(string(s)); errors.Is(err, slo.ErrTooLong) {
		c.fail("spec.period.rolling", "%q is too long: write 30d, or another from %s to %s", s, slo.FormatDuration(slo.MinPeriod), slo.FormatDuration(slo.MaxPeriod))
		return 0
	}
	return c.span("spec.period.rolling", s)
}

func (c *converter) number(path, text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		c.fail(path, "%q is no number", text)
	}
	return v
}

func (c *converter) zone(path, name string) *time.Location {
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		c.fail(path, "there is no time zone %q: use a name such as Europe/Berlin", name)
		return nil
	}
	return zone
}

func (c *converter) period(p v1alpha1.ObjectivePeriod) slo.Period {
	if p.Calendar == "" {
		return slo.Period{Rolling: c.rolling(p.Rolling)}
	}
	unit, ok := map[string]slo.Calendar{"Day": slo.Day, "Week": slo.Week, "Month": slo.Month, "Quarter": slo.Quarter, "Year": slo.Year}[p.Calendar]
	if !ok {
		c.fail("spec.period.calendar", "%q is none of Day, Week, Month, Quarter and Year", p.Calendar)
	}
	if p.Rolling != "" {
		c.fail("spec.period", "set rolling or calendar, not both")
	}
	return slo.Period{Calendar: unit, Zone: c.zone("spec.period.timeZone", p.TimeZone)}
}

func (c *converter) query(path, text string) slo.Query {
	if text == "" {
		return slo.Query{}
	}
	q, err := slo.ParseQuery(text)
	if err != nil {
		c.fail(path, "%v", err)
	}
	return q
}

func (c *converter) indicator(i v1alpha1.ObjectiveIndicator) slo.Indicator {
	out := slo.Indicator{
		Total: c.query("spec.indicator.total", i.Total), Good: c.query("spec.indicator.good", i.Good), Bad: c.query("spec.indicator.bad", i.Bad),
	}
	if g := i.Gauge; g != nil {
		var ok bool
		if out.Op, ok = slo.ParseOp(g.Op); !ok {
			c.fail("spec.indicator.gauge.op", "%q is none of lt, lte, gt and gte", g.Op)
		}
		out.Value = c.number("spec.indicator.gauge.value", g.Value)
		if out.Gauge.Template = strings.TrimSpace(g.Query); slo.CheckSelector(g.Query) == nil {
			out.Gauge = slo.Query{Selector: out.Gauge.Template}
		}
	}
	return out
}

func (c *converter) alerting(a v1alpha1.ObjectiveAlerting, p slo.Period) slo.Alerting {
	out := slo.DefaultAlerting(p)
	out.Off = a.Off
	switch a.Catalogue {
	case "", "Google":
	case "Sloth":
		out.Tiers = slo.Sloth(p.Length())
	case "Pyrra":
		out.Tiers = slo.Pyrra(p.Length())
	default:
		c.fail("spec.alerting.catalogue", "%q is none of Google, Sloth and Pyrra", a.Catalogue)
	}
	if len(a.Tiers) > 0 {
		out.Tiers = nil
	}
	for i, t := range a.Tiers {
		path := fmt.Sprintf("spec.alerting.tiers[%d].", i)
		tier := slo.Tier{Name: t.Name, Long: c.span(path+"long", t.Long), Short: c.span(path+"short", t.Short), Factor: c.number(path+"factor", t.Factor)}
		if t.Severity == "Page" {
			tier.Severity = slo.Page
		}
		if t.For != "" {
			tier.For = c.span(path+"for", t.For)
		}
		out.Tiers = append(out.Tiers, tier)
	}
	if a.MinTotal != nil {
		out.Evidence.MinTotal = float64(*a.MinTotal)
	}
	if a.MinBad != nil {
		out.Evidence.MinBad = float64(*a.MinBad)
	}
	if a.BlindAfter != "" {
		out.BlindAfter = c.span("spec.alerting.blindAfter", a.BlindAfter)
	}
	if a.AbsentFor != "" {
		out.AbsentFor = c.span("spec.alerting.absentFor", a.AbsentFor)
	}
	return out
}

var weekdays = map[v1alpha1.Weekday]time.Weekday{
	"Sunday": time.Sunday, "Monday": time.Monday, "Tuesday": time.Tuesday, "Wednesday": time.Wednesday,
	"Thursday": time.Thursday, "Friday": time.Friday, "Saturday": time.Saturday,
}

func (c *converter) exclusion(path string, x v1alpha1.ObjectiveExclusion) slo.Exclusion {
	out := slo.Exclusion{Name: x.Name}
	if x.Start != nil {
		out.Start = x.Start.Time
	}
	if x.End != nil {
		out.End = x.End.Time
	}
	w := x.Weekly
	if w == nil {
		return out
	}
	at, err := time.Parse("15:04", w.At)
	if err != nil {
		c.fail(path+".weekly.at", "%q is no time of day: write 22:00", w.At)
	}
	out.Weekly = &slo.Weekly{
		At:   time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute,
		For:  c.span(path+".weekly.for", w.For),
		Zone: c.zone(path+".weekly.timeZone", w.TimeZone),
	}
	for _, d := range w.Days {
		day, ok := weekdays[d]
		if !ok {
			c.fail(path+".weekly.days", "%q is no day of the week", d)
		}
		out.Weekly.Days = append(out.Weekly.Days, day)
	}
	return out
}
