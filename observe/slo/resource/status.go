package resource

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// Status returns the status of an Objective for what is known of it. The times
// of conditions that did not change are kept.
func Status(o *v1alpha1.Objective, s slo.Status) v1alpha1.ObjectiveStatus {
	out := v1alpha1.ObjectiveStatus{
		ObservedGeneration: o.Generation, State: s.State.String(), Since: moment(s.Since), Reason: s.Reason, Evaluated: moment(s.At),
		Budget: budget(s.Budget),
	}
	if i := s.Incident; i != nil {
		out.Incident = &v1alpha1.ObjectiveIncident{Opened: metav1.NewTime(i.Opened), Tier: i.Tier, Peak: i.Peak, Severity: i.Severity.String()}
	}
	if out.Incident == nil && s.State.Frozen() && o.Status.Incident != nil {
		out.Incident = o.Status.Incident.DeepCopy() // of an earlier run: frozen alerts do not resolve
		s.Incident = &slo.Incident{Tier: out.Incident.Tier}
	}
	for _, b := range s.Burns {
		burn := v1alpha1.ObjectiveBurn{Window: slo.FormatDuration(b.Window), Bad: whole(b.Bad), Total: whole(b.Total)}
		if b.Known {
			burn.Rate = strconv.FormatFloat(b.Rate, 'f', 2, 64)
		}
		out.Burns = append(out.Burns, burn)
	}
	out.Conditions = conditions(o, s)
	return out
}

// Refused is the status of an Objective whose definition is wrong.
func Refused(o *v1alpha1.Objective, problems []slo.Problem, now time.Time) v1alpha1.ObjectiveStatus {
	out := o.Status
	out.ObservedGeneration = o.Generation
	text := ""
	for i, p := range problems {
		if i > 0 {
			text += "\n"
		}
		text += p.String()
	}
	out.State, out.Reason = slo.Unmeasured.String(), "the definition is wrong: "+text
	if out.Since == nil || o.Status.State != out.State {
		out.Since = moment(now)
	}
	out.Conditions = append([]metav1.Condition(nil), o.Status.Conditions...)
	set(&out.Conditions, metav1.Condition{Type: v1alpha1.ObjectiveReady, Status: metav1.ConditionFalse, Reason: "Invalid", Message: text, ObservedGeneration: o.Generation}, now)
	for _, kind := range []string{v1alpha1.ObjectiveMeasured, v1alpha1.ObjectiveBurning} {
		set(&out.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: "Invalid", Message: "the definition is wrong", ObservedGeneration: o.Generation}, now)
	}
	return out
}

// Heartbeat is how often a status is written at least: one whose evaluation is
// older than StaleAfter is followed by nobody.
const (
	Heartbeat  = 10 * time.Minute
	StaleAfter = 25 * time.Minute
)

// Worth tells whether a status says something that a person has to see: not
// every count that moved is worth a write.
func Worth(old, now *v1alpha1.ObjectiveStatus) bool {
	if old.ObservedGeneration != now.ObservedGeneration || old.State != now.State || (old.Budget == nil) != (now.Budget == nil) || old.Evaluated == nil && now.Evaluated != nil || len(old.Conditions) != len(now.Conditions) {
		return true
	}
	if (old.Incident == nil) != (now.Incident == nil) || old.Incident != nil && (old.Incident.Tier != now.Incident.Tier || old.Incident.Severity != now.Incident.Severity || old.Incident.Opened.Unix() != now.Incident.Opened.Unix()) { // an API server keeps seconds
		return true
	}
	for _, c := range now.Conditions {
		if !slices.ContainsFunc(old.Conditions, func(o metav1.Condition) bool { return o.Type == c.Type && o.Status == c.Status && o.Reason == c.Reason }) {
			return true
		}
	}
	if now.Evaluated == nil || old.Evaluated == nil {
		return false
	}
	since := now.Evaluated.Sub(old.Evaluated.Time)
	if since >= Heartbeat || since < -Heartbeat || since >= time.Minute && old.Reason != now.Reason {
		return true
	}
	if old.Budget != nil && moved(old.Budget.Remaining, now.Budget.Remaining, 1, 0) {
		return true
	}
	// A burn rate may swing: it is told once a minute at most.
	return since >= time.Minute && slices.ContainsFunc(now.Burns, func(b v1alpha1.ObjectiveBurn) bool {
		i := slices.IndexFunc(old.Burns, func(o v1alpha1.ObjectiveBurn) bool { return o.Window == b.Window })
		return i < 0 || moved(old.Burns[i].Rate, b.Rate, 0.5, 0.25)
	})
}

// moved tells whether a figure differs by more than a bound and a share of what
// it was, or is there only once.
func moved(old, now string, bound, share float64) bool {
	a, errA := strconv.ParseFloat(strings.TrimSuffix(old, "%"), 64)
	b, errB := strconv.ParseFloat(strings.TrimSuffix(now, "%"), 64)
	if errA != nil || errB != nil {
		return old != now
	}
	return math.Abs(a-b) >= max(bound, share*math.Abs(a))
}

func moment(t time.Time) *metav1.Time {
	m := metav1.NewTime(t)
	return &m
}

func whole(v float64) int64 { return int64(math.Round(v)) }

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e6)/1e4, 'f', -1, 64) + "%"
}

func budget(b slo.Budget) *v1alpha1.ObjectiveBudget {
	out := &v1alpha1.ObjectiveBudget{From: metav1.NewTime(b.From), Bad: whole(b.Bad), Total: whole(b.Total), Coverage: percent(b.Coverage)}
	if b.Known {
		out.Achieved, out.Remaining = percent(b.Achieved), percent(b.Remaining)
	}
	if b.Blind > 0 {
		out.Blind = slo.FormatDuration(b.Blind.Truncate(time.Second))
	}
	return out
}

func conditions(o *v1alpha1.Objective, s slo.Status) []metav1.Condition {
	all := append([]metav1.Condition(nil), o.Status.Conditions...)
	add := func(kind string, status metav1.ConditionStatus, reason, message string) {
		set(&all, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: o.Generation}, s.At)
	}
	truth := map[bool]metav1.ConditionStatus{true: metav1.ConditionTrue, false: metav1.ConditionFalse}
	add(v1alpha1.ObjectiveReady, metav1.ConditionTrue, "Followed", "")
	reason := map[slo.State]string{
		slo.Unmeasured: "Unmeasured", slo.Blind: "Blind", slo.Absent: "Absent", slo.Invalid: "Invalid", slo.Maintenance: "Maintenance",
		slo.NoTraffic: "NoTraffic", slo.LowTraffic: "LowTraffic", slo.Measured: "Measured",
	}[s.State]
	add(v1alpha1.ObjectiveMeasured, truth[!s.State.Frozen()], reason, s.Reason)
	switch {
	case s.Budget.Pending:
		add(v1alpha1.ObjectiveMet, metav1.ConditionUnknown, "PastUnknown", "what was counted before in this period is still being asked for")
	case !s.Budget.Known:
		add(v1alpha1.ObjectiveMet, metav1.ConditionUnknown, "NothingCounted", "nothing was counted in this period yet")
	case s.Budget.Spent > 1:
		add(v1alpha1.ObjectiveMet, metav1.ConditionFalse, "BudgetSpent", percent(s.Budget.Spent)+" of the budget are spent")
	default:
		add(v1alpha1.ObjectiveMet, metav1.ConditionTrue, "BudgetLeft", percent(s.Budget.Remaining)+" of the budget are left")
	}
	if s.Incident == nil {
		// A frozen alert that does not fire says nothing about what goes on.
		status := metav1.ConditionFalse
		if s.State.Frozen() {
			status = metav1.ConditionUnknown
		}
		add(v1alpha1.ObjectiveBurning, status, "NoIncident", "")
	} else {
		add(v1alpha1.ObjectiveBurning, metav1.ConditionTrue, "Incident", s.Incident.Tier+" fires")
	}
	return all
}

// set replaces a condition; its time changes only with its status.
func set(all *[]metav1.Condition, c metav1.Condition, now time.Time) {
	c.LastTransitionTime = metav1.NewTime(now)
	for i := range *all {
		old := &(*all)[i]
		if old.Type != c.Type {
			continue
		}
		if old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		*old = c
		return
	}
	*all = append(*all, c)
}
