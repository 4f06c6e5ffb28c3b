package slo

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"
)

// Budgeting says what is counted.
type Budgeting uint8

// The ways of budgeting.
const (
	// Occurrences counts events: requests, jobs, messages.
	Occurrences Budgeting = iota
	// TimeSlices counts slices of time, each of which is good or bad as a whole.
	TimeSlices
)

// String returns the name that OpenSLO uses.
func (b Budgeting) String() string {
	if b == TimeSlices {
		return "Timeslices"
	}
	return "Occurrences"
}

// Objective is one service level objective: which share of what must be good
// over which period, and when somebody is told that it will not be.
type Objective struct {
	// Name is unique within Service: lower-case letters, digits and dashes.
	Name, Service string
	Description   string
	// Target is the share that must be good, between 0 and 1: 0.999.
	Target    float64
	Period    Period
	Budgeting Budgeting
	Slice     Slice
	Indicator Indicator
	Alerting  Alerting
	// Exclusions are times that the budget is not charged for.
	Exclusions []Exclusion
	// Labels are put on alerts and recorded series.
	Labels map[string]string
	// Annotations are put on alerts.
	Annotations map[string]string
}

// Slice is what TimeSlices count.
type Slice struct {
	// Width is how long a slice is.
	Width time.Duration
	// Target is the share of events that must be good for the slice to be good.
	Target float64
}

// Alerting says when somebody is told.
type Alerting struct {
	// Tiers are ordered from the most to the least urgent.
	Tiers []Tier
	// Evidence keeps a handful of events from alerting.
	Evidence Evidence
	// BlindAfter is how long an objective may be unmeasurable before that is an
	// alert of its own.
	BlindAfter time.Duration
	// AbsentFor is added to the time that a whole outage would need to alert
	// before the absence of all series is an alert.
	AbsentFor time.Duration
	// Off mutes the burn-rate tiers. Budgets are kept all the same.
	Off bool
}

// Evidence is what a tier asks for besides its burn rates. It
// has no part in time slices, which are no independent events.
type Evidence struct {
	// MinTotal and MinBad are the events, and the bad ones, that the long
	// window must hold at least.
	MinTotal, MinBad float64
	// Confidence is that of the one-sided lower bound of the error ratio, which
	// must exceed the threshold too; 0 asks for no bound.
	Confidence float64
}

// The defaults of Alerting.
const (
	DefaultMinTotal   = 20
	DefaultMinBad     = 2
	DefaultConfidence = 0.95
	DefaultBlindAfter = 10 * time.Minute
	DefaultAbsentFor  = 2 * time.Minute
)

// DefaultAlerting is what an objective of a period gets if it says nothing.
func DefaultAlerting(p Period) Alerting {
	return Alerting{
		Tiers:      Google(p.Length()),
		Evidence:   Evidence{MinTotal: DefaultMinTotal, MinBad: DefaultMinBad, Confidence: DefaultConfidence},
		BlindAfter: DefaultBlindAfter,
		AbsentFor:  DefaultAbsentFor,
	}
}

// ID is service and name: what tells an objective from others.
func (o *Objective) ID() string { return o.Service + "/" + o.Name }

// Allowed is the share that may be bad. It is rounded to twelve digits, so that
// 1 − 0.999 is 0.001 here as it is for people.
func (o *Objective) Allowed() float64 { return math.Round((1-o.Target)*1e12) / 1e12 }

// Problem is one thing that is wrong with a definition.
type Problem struct {
	// Path is the field, as in alerting.tiers[1].long.
	Path string
	// Message says what is wrong and what would be right.
	Message string
}

// String is the problem on one line.
func (p Problem) String() string { return p.Path + ": " + p.Message }

// MinTarget and MaxTarget bound a target: below, nothing is promised; above,
// the budget is smaller than counting can tell.
const (
	MinTarget = 0.5
	MaxTarget = 0.999999
)

var nameForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

// labelForm is what Prometheus takes for the name of a label.
var labelForm = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// Validate returns all problems of the definition.
func (o *Objective) Validate() []Problem {
	var ps []Problem
	bad := func(path, format string, args ...any) { ps = append(ps, Problem{path, fmt.Sprintf(format, args...)}) }
	for path, name := range map[string]string{"name": o.Name, "service": o.Service} {
		if !nameForm.MatchString(name) || len(name) > 253 {
			bad(path, "%q is no name: use lower-case letters, digits, dashes and dots, at most 253", name)
		}
	}
	if !(o.Target >= MinTarget && o.Target <= MaxTarget) {
		bad("target", "%v is not between %v and %v: write 0.999 for 99.9 %%", o.Target, MinTarget, MaxTarget)
	}
	if why := o.Period.problem(); why != "" {
		bad("period", "%s", why)
	}
	if o.Budgeting == TimeSlices {
		if o.Slice.Width < time.Second || o.Slice.Width > time.Hour || o.Slice.Width%time.Second != 0 {
			bad("slice.width", "%s is no width of a slice: use whole seconds, from 1s to 1h", o.Slice.Width)
		}
		if o.Indicator.Gauge.Empty() && !(o.Slice.Target > 0 && o.Slice.Target <= 1) {
			bad("slice.target", "%v is not above 0 and at most 1", o.Slice.Target)
		}
	}
	ps = append(ps, o.Indicator.problems()...)
	ps = append(ps, o.alertProblems()...)
	for i, x := range o.Exclusions {
		if why := x.problem(); why != "" {
			bad(fmt.Sprintf("exclusions[%d]", i), "%s", why)
		}
	}
	for name := range o.Labels {
		if !labelForm.MatchString(name) {
			bad("labels", "%q is no name of a label", name)
		}
	}
	slices.SortFunc(ps, func(a, b Problem) int {
		if a.Path != b.Path {
			return compare(a.Path, b.Path)
		}
		return compare(a.Message, b.Message)
	})
	return ps
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// maxTiers bounds the tiers of an objective.
const maxTiers = 16

func (o *Objective) alertProblems() []Problem {
	var ps []Problem
	bad := func(path, format string, args ...any) { ps = append(ps, Problem{path, fmt.Sprintf(format, args...)}) }
	a := o.Alerting
	if a.BlindAfter <= 0 {
		bad("alerting.blindAfter", "%s is no time: silence must end in an alert", a.BlindAfter)
	}
	if a.AbsentFor < 0 {
		bad("alerting.absentFor", "%s is negative", a.AbsentFor)
	}
	if l := a.Evidence; !(l.MinTotal >= 0) || !(l.MinBad >= 0) || !(l.Confidence == 0 || l.Confidence >= 0.5 && l.Confidence < 1) || math.IsInf(l.MinTotal+l.MinBad, 0) {
		bad("alerting.evidence", "the counts must be numbers from 0 on, and the confidence from 0.5 to below 1, or 0 for none")
	}
	if len(a.Tiers) > maxTiers {
		bad("alerting.tiers", "there are %d, more than %d", len(a.Tiers), maxTiers)
	}
	names, misfit := map[string]bool{}, o.Period.problem() != ""
	for i, t := range a.Tiers {
		path := fmt.Sprintf("alerting.tiers[%d]", i)
		if why := t.problem(o.Period.Length()); why != "" && !misfit { // what is wrong is the period
			bad(path, "%s", why)
		}
		if names[t.Name] {
			bad(path, "two tiers are called %q", t.Name)
		}
		names[t.Name] = true
	}
	return ps
}

// Warnings say what of a valid definition will not work as one might expect.
func (o *Objective) Warnings() []string {
	var out []string
	for _, t := range o.Alerting.Tiers {
		if _, ok := t.OutageTime(o.Allowed()); !ok && !o.Alerting.Off {
			out = append(out, fmt.Sprintf("tier %s can never fire: at a factor of %.4g more than %.4g %% of all events would have to be bad; lower the factor, or leave the tier out", t.Name, t.Factor, 100*t.Factor*o.Allowed()))
		}
		if t.Factor < 1 && !o.Alerting.Off {
			out = append(out, fmt.Sprintf("tier %s fires while the budget still lasts for the period: its factor is %.4g", t.Name, t.Factor))
		}
	}
	return out
}
