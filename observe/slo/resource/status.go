package resource

import (
	"math"
	"strconv"
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
	for _, p := range problems {
		text += p.String() + "\n"
	}
	out.Conditions = append([]metav1.Condition(nil), o.Status.Conditions...)
	set(&out.Conditions, metav1.Condition{Type: v1alpha1.ObjectiveReady, Status: metav1.ConditionFalse, Reason: "Invalid", Message: text, ObservedGeneration: o.Generation}, now)
	return out
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
