package resource_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/resource"
)

type (
	status = v1alpha1.ObjectiveStatus
	change = func(s *status)
)

var written = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// stood is a status that was written, with changes.
func stood(all ...change) *status {
	at := metav1.NewTime(written)
	s := &status{
		ObservedGeneration: 1, State: "measured", Evaluated: &at, Since: &at,
		Budget:     &v1alpha1.ObjectiveBudget{Remaining: "80%"},
		Burns:      []v1alpha1.ObjectiveBurn{{Window: "5m", Rate: "1.00"}},
		Conditions: []metav1.Condition{{Type: v1alpha1.ObjectiveReady, Status: "True"}, {Type: v1alpha1.ObjectiveMet, Status: "True"}},
	}
	for _, f := range all {
		f(s)
	}
	return s
}

func later(d time.Duration) change {
	return func(s *status) {
		at := metav1.NewTime(written.Add(d))
		s.Evaluated = &at
	}
}

func state(text string) change { return func(s *status) { s.State, s.Reason = text, "why "+text } }

func incident(tier, severity string) change {
	return func(s *status) {
		s.Incident = &v1alpha1.ObjectiveIncident{Opened: metav1.NewTime(written), Tier: tier, Peak: tier, Severity: severity}
	}
}

func is(kind string, truth metav1.ConditionStatus, message string) change {
	return func(s *status) {
		for i := range s.Conditions {
			if s.Conditions[i].Type == kind {
				s.Conditions[i].Status, s.Conditions[i].Message = truth, message
			}
		}
	}
}

// TestWorth says which changes are worth a write, and after which time.
func TestWorth(t *testing.T) {
	remaining := func(text string) change {
		return func(s *status) { s.Budget = &v1alpha1.ObjectiveBudget{Remaining: text} }
	}
	rate := func(text string) change {
		return func(s *status) { s.Burns = []v1alpha1.ObjectiveBurn{{Window: "5m", Rate: text}} }
	}
	never := func(s *status) { s.Evaluated = nil }
	for name, c := range map[string]struct {
		old, now *status
		want     bool
	}{
		"the same":                           {stood(), stood(later(time.Minute)), false},
		"never written":                      {&status{}, stood(), true},
		"refused, and again":                 {stood(never), stood(never), false},
		"refused for the first time":         {&status{}, stood(never), true},
		"evaluated for the first time":       {stood(never), stood(), true},
		"refused after it was evaluated":     {stood(), stood(never), false},
		"another definition":                 {stood(), stood(func(s *status) { s.ObservedGeneration = 2 }), true},
		"another state":                      {stood(), stood(state("blind")), true},
		"an incident opens":                  {stood(), stood(incident("a", "page")), true},
		"an incident resolves":               {stood(incident("a", "page")), stood(), true},
		"it goes on":                         {stood(incident("a", "page")), stood(incident("a", "page"), later(time.Second)), false},
		"it escalates":                       {stood(incident("a", "ticket")), stood(incident("a", "page")), true},
		"another one":                        {stood(incident("a", "page")), stood(incident("a", "page"), func(s *status) { s.Incident.Opened = metav1.NewTime(written.Add(1e9)) }), true},
		"a condition":                        {stood(), stood(is(v1alpha1.ObjectiveMet, "False", "")), true},
		"words of a condition":               {stood(), stood(is(v1alpha1.ObjectiveMet, "True", "x"), later(time.Minute)), false},
		"the reason, at once":                {stood(), stood(func(s *status) { s.Reason = "x" }, later(59*time.Second)), false},
		"the reason, in a minute":            {stood(), stood(func(s *status) { s.Reason = "x" }, later(time.Minute)), true},
		"nine minutes":                       {stood(), stood(later(9 * time.Minute)), false},
		"a sign of life":                     {stood(), stood(later(10 * time.Minute)), true},
		"the clock went back, far":           {stood(), stood(later(-time.Hour)), true},
		"the clock went back, a bit":         {stood(), stood(later(-time.Minute), rate("9.00")), false},
		"a little of the budget":             {stood(), stood(remaining("79.1%")), false},
		"a percent of the budget":            {stood(), stood(remaining("79%")), true},
		"the budget is known no more":        {stood(), stood(remaining("")), true},
		"there is no budget any more":        {stood(), stood(func(s *status) { s.Budget = nil }), true},
		"burns faster, at once":              {stood(), stood(rate("9.00"), later(time.Second)), false},
		"burns faster, in a minute":          {stood(), stood(rate("9.00"), later(time.Minute)), true},
		"burns a little faster, in a minute": {stood(), stood(rate("1.40"), later(time.Minute)), false},
		"a window more":                      {stood(), stood(func(s *status) { s.Burns = append(s.Burns, v1alpha1.ObjectiveBurn{Window: "1h"}) }, later(time.Minute)), true},
	} {
		if got := resource.Worth(c.old, c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestNews says what people are told: each change once.
func TestNews(t *testing.T) {
	ready := func(truth metav1.ConditionStatus, m string) change { return is(v1alpha1.ObjectiveReady, truth, m) }
	met := func(truth metav1.ConditionStatus) change { return is(v1alpha1.ObjectiveMet, truth, "") }
	for name, c := range map[string]struct {
		old, now *status
		want     string
	}{
		"nothing":              {stood(), stood(), ""},
		"the first":            {&status{}, stood(), "Measured: the objective is measured (measured); 80% of the budget are left"},
		"burns":                {stood(), stood(incident("fast", "page")), "!Burning: the error budget burns too fast: fast (page) fires; 80% of the budget are left"},
		"goes on":              {stood(incident("fast", "page")), stood(incident("fast", "page")), ""},
		"escalates":            {stood(incident("slow", "ticket")), stood(incident("fast", "page")), "!Escalated: the error budget burns faster: fast (page) fires instead of slow; 80% of the budget are left"},
		"eases":                {stood(incident("fast", "page")), stood(incident("slow", "ticket")), "!TierChanged: slow (ticket) fires instead of fast; 80% of the budget are left"},
		"resolves":             {stood(incident("fast", "page")), stood(), "Resolved: the error budget burns too fast no more; 80% of the budget are left"},
		"blind":                {stood(), stood(state("blind")), "!Blind: why blind"},
		"still blind":          {stood(state("blind")), stood(state("blind")), ""},
		"blind, then absent":   {stood(state("blind")), stood(state("absent")), "!Absent: why absent"},
		"invalid":              {stood(), stood(state("invalid")), "!Invalid: why invalid"},
		"seen again":           {stood(state("blind")), stood(state("low-traffic")), "Measured: the objective is measured (low-traffic); 80% of the budget are left"},
		"a moment without":     {stood(), stood(state("unmeasured")), ""},
		"a moment later":       {stood(state("unmeasured")), stood(), ""},
		"refused":              {stood(), stood(ready("False", "no")), "!Refused: no"},
		"still refused":        {stood(ready("False", "no")), stood(ready("False", "no")), ""},
		"refused otherwise":    {stood(ready("False", "no")), stood(ready("False", "never")), "!Refused: never"},
		"spent":                {stood(), stood(met("False")), "!BudgetSpent: the error budget of the period is spent"},
		"still spent":          {stood(met("False")), stood(met("False")), ""},
		"spent from the start": {&status{State: "measured"}, stood(met("False")), "!BudgetSpent: the error budget of the period is spent"},
	} {
		var got []string
		for _, n := range resource.News(c.old, c.now) {
			text := n.Reason + ": " + n.Message
			if n.Warning {
				text = "!" + text
			}
			got = append(got, text)
		}
		if text := strings.Join(got, "\n"); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

// TestEarlier reads from a status which alerts its writer has sent.
func TestEarlier(t *testing.T) {
	for name, c := range map[string]struct {
		status                 *status
		severity               string
		blind, absent, invalid bool
	}{
		"none":            {&status{}, "", false, false, false},
		"well":            {stood(), "", false, false, false},
		"page":            {stood(incident("a", "page")), "page", false, false, false},
		"ticket":          {stood(incident("a", "ticket")), "ticket", false, false, false},
		"blind in a page": {stood(incident("a", "page"), state("blind")), "page", true, false, false},
		"absent":          {stood(state("absent")), "", false, true, false},
		"invalid":         {stood(state("invalid")), "", false, false, true},
		"of no time":      {&status{State: "blind"}, "", true, false, false},
	} {
		got, severity := resource.Earlier(c.status), ""
		if got.Incident != nil {
			severity = got.Incident.Severity.String()
			if !got.Incident.Opened.Equal(written) {
				t.Errorf("%s: opened %s", name, got.Incident.Opened)
			}
		}
		if got.State != slo.Unmeasured || severity != c.severity || got.Blind.Firing != c.blind || got.Absent.Firing != c.absent || got.Invalid.Firing != c.invalid {
			t.Errorf("%s: %+v", name, got)
		}
		if c.blind && c.status.Since != nil && !got.Blind.Since.Equal(written) {
			t.Errorf("%s: since %s", name, got.Blind.Since)
		}
	}
}

// TestFrozenStatus keeps the incident of an earlier run while nothing is known.
func TestFrozenStatus(t *testing.T) {
	o := sample()
	incident("page-fast", "page")(&o.Status)
	for st, kept := range map[slo.State]bool{slo.Unmeasured: true, slo.Blind: true, slo.Absent: true, slo.Measured: false, slo.NoTraffic: false} {
		got := resource.Status(o, slo.Status{State: st, At: written})
		if (got.Incident != nil) != kept {
			t.Errorf("%s: %+v", st, got.Incident)
		}
		for _, c := range got.Conditions {
			if c.Type == v1alpha1.ObjectiveBurning && (c.Status == metav1.ConditionTrue) != kept {
				t.Errorf("%s: %+v", st, c)
			}
		}
	}
	if got := resource.Status(o, slo.Status{State: slo.Blind, At: written, Budget: slo.Budget{Known: true, Blind: 90 * time.Second}}); got.Budget.Blind != "90s" && got.Budget.Blind != "1m30s" {
		t.Errorf("%+v", got.Budget)
	}
}

// TestMet says of a period why nothing is known of it, if that is so.
func TestMet(t *testing.T) {
	for reason, b := range map[string]slo.Budget{
		"PastUnknown": {Pending: true}, "NothingCounted": {}, "BudgetSpent": {Known: true, Spent: 1.01}, "BudgetLeft": {Known: true, Spent: 1},
	} {
		got := resource.Status(&v1alpha1.Objective{}, slo.Status{State: slo.Measured, Budget: b})
		want := map[bool]metav1.ConditionStatus{true: metav1.ConditionUnknown, false: metav1.ConditionFalse}[!b.Known]
		if reason == "BudgetLeft" {
			want = metav1.ConditionTrue
		}
		i := slices.IndexFunc(got.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ObjectiveMet })
		if i < 0 || got.Conditions[i].Reason != reason || got.Conditions[i].Status != want {
			t.Errorf("%s: %+v", reason, got.Conditions)
		}
	}
}
