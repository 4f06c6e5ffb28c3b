package resource

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// Item is one thing that changed and that people should know.
type Item struct {
	Warning bool
	// Reason is one word, as Kubernetes events have it.
	Reason, Message string
}

// News says what changed from one status to the next. It goes by what was written,
// not by what a program saw since it was started.
func News(old, now *v1alpha1.ObjectiveStatus) []Item {
	var out []Item
	add := func(warning bool, reason, message string) { out = append(out, Item{warning, reason, message}) }
	left := ""
	if b := now.Budget; b != nil && b.Remaining != "" {
		left = "; " + b.Remaining + " of the budget are left"
	}
	switch a, b := old.Incident, now.Incident; {
	case a == nil && b == nil:
	case a == nil:
		add(true, "Burning", "the error budget burns too fast: "+b.Tier+" ("+b.Severity+") fires"+left)
	case b == nil:
		add(false, "Resolved", "the error budget burns too fast no more"+left)
	case a.Severity != b.Severity && b.Severity == slo.Page.String():
		add(true, "Escalated", "the error budget burns faster: "+b.Tier+" ("+b.Severity+") fires instead of "+a.Tier+left)
	case a.Tier != b.Tier:
		add(true, "TierChanged", b.Tier+" ("+b.Severity+") fires instead of "+a.Tier+left)
	}
	if now.State != old.State {
		switch now.State {
		case slo.Blind.String(), slo.Absent.String(), slo.Invalid.String():
			add(true, reasons[now.State], now.Reason)
		case slo.Measured.String(), slo.LowTraffic.String(), slo.NoTraffic.String():
			if old.State == "" || reasons[old.State] != "" {
				add(false, "Measured", "the objective is measured ("+now.State+")"+left)
			}
		}
	}
	if ready := condition(now, v1alpha1.ObjectiveReady); ready != nil && ready.Status == "False" {
		if before := condition(old, v1alpha1.ObjectiveReady); before == nil || before.Message != ready.Message {
			add(true, "Refused", ready.Message)
		}
	}
	if met(old) != "False" && met(now) == "False" {
		add(true, "BudgetSpent", "the error budget of the period is spent")
	}
	return out
}

func condition(s *v1alpha1.ObjectiveStatus, kind string) *metav1.Condition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

func met(s *v1alpha1.ObjectiveStatus) string {
	if c := condition(s, v1alpha1.ObjectiveMet); c != nil {
		return string(c.Status)
	}
	return ""
}

// reasons are the states in which an alert of its own may fire.
var reasons = map[string]string{slo.Blind.String(): "Blind", slo.Absent.String(): "Absent", slo.Invalid.String(): "Invalid"}

// Earlier is what a status says of the alerts that whoever wrote it has sent.
func Earlier(s *v1alpha1.ObjectiveStatus) *slo.Status {
	out := &slo.Status{State: slo.Unmeasured}
	if i := s.Incident; i != nil {
		out.Incident = &slo.Incident{Opened: i.Opened.Time, Tier: i.Tier, Peak: i.Peak}
		if i.Severity == slo.Page.String() {
			out.Incident.Severity = slo.Page
		}
	}
	since := time.Time{}
	if s.Since != nil {
		since = s.Since.Time
	}
	for state, alarm := range map[slo.State]*slo.Alarm{slo.Blind: &out.Blind, slo.Absent: &out.Absent, slo.Invalid: &out.Invalid} {
		if s.State == state.String() {
			*alarm = slo.Alarm{Firing: true, Since: since}
		}
	}
	return out
}
