package resource_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/resource"
)

func sample() *v1alpha1.Objective {
	return &v1alpha1.Objective{
		ObjectMeta: metav1.ObjectMeta{Name: "availability", Namespace: "shop", Generation: 3},
		Spec: v1alpha1.ObjectiveSpec{
			Service: "shop", Target: "99.9%", Period: v1alpha1.ObjectivePeriod{Rolling: "30d"},
			Indicator: v1alpha1.ObjectiveIndicator{Total: "requests_total", Bad: "errors_total"},
		},
	}
}

func TestTargetsAreExact(t *testing.T) {
	for text, want := range map[string]float64{"99.9%": 0.999, "99.95%": 0.9995, "99.9999%": 0.999999, "50%": 0.5, "99%": 0.99, "94.7%": 0.947} {
		o := sample()
		o.Spec.Target = text
		got, problems := resource.Objective(o)
		if len(problems) > 0 || got.Target != want {
			t.Errorf("%s: %v %v", text, got.Target, problems)
		}
	}
}

func TestWhatIsWrongIsToldWithItsPath(t *testing.T) {
	for path, change := range map[string]func(*v1alpha1.Objective){
		"spec.target":         func(o *v1alpha1.Objective) { o.Spec.Target = "0.999" },
		"metadata.name":       func(o *v1alpha1.Objective) { o.Name = "A" },
		"spec.service":        func(o *v1alpha1.Objective) { o.Spec.Service = "" },
		"spec.period":         func(o *v1alpha1.Objective) { o.Spec.Period.Calendar = "Month" },
		"spec.indicator":      func(o *v1alpha1.Objective) { o.Spec.Indicator.Bad = "" },
		"spec.period.rolling": func(o *v1alpha1.Objective) { o.Spec.Period.Rolling = "" },
		"spec.alerting.blindAfter": func(o *v1alpha1.Objective) {
			o.Spec.Alerting.BlindAfter = "0s"
		},
	} {
		o := sample()
		change(o)
		_, problems := resource.Objective(o)
		if len(problems) == 0 || problems[0].Path != path {
			t.Errorf("%s: %v", path, problems)
		}
	}
}

func TestStatus(t *testing.T) {
	o := sample()
	objective, problems := resource.Objective(o)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m, err := slo.New(objective, slo.Options{Interval: time.Minute, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	condition := func(kind string) metav1.Condition {
		for _, c := range o.Status.Conditions {
			if c.Type == kind {
				return c
			}
		}
		t.Fatalf("there is no condition %s", kind)
		return metav1.Condition{}
	}
	o.Status = resource.Status(o, m.Evaluate(start.Add(time.Minute)))
	if o.Status.State != "unmeasured" || condition("Met").Status != metav1.ConditionUnknown || condition("Burning").Status != metav1.ConditionUnknown || condition("Measured").Status != metav1.ConditionFalse || o.Status.Budget.Remaining != "" {
		t.Errorf("%+v", o.Status)
	}
	total, bad := 0.0, 0.0
	feed := func(minutes int, share float64) {
		for range minutes {
			start = start.Add(time.Minute)
			total, bad = total+6000, bad+6000*share
			m.Observe(slo.Batch{At: start, Samples: []slo.Sample{
				{Series: "t", Role: slo.Total, At: start.UnixMilli(), Value: total}, {Series: "b", Role: slo.Bad, At: start.UnixMilli(), Value: bad},
			}})
			o.Status = resource.Status(o, m.Evaluate(start))
		}
	}
	feed(60, 0)
	since := condition("Met").LastTransitionTime
	if o.Status.State != "measured" || o.Status.Budget.Remaining != "100%" || o.Status.Incident != nil || condition("Met").Status != metav1.ConditionTrue || o.Status.ObservedGeneration != 3 {
		t.Errorf("%+v", o.Status)
	}
	feed(20, 0)
	if condition("Met").LastTransitionTime != since {
		t.Error("the time of a condition moved without its status")
	}
	feed(5, 1)
	if i := o.Status.Incident; i == nil || i.Tier != "page-fast" || i.Severity != "page" || condition("Burning").Status != metav1.ConditionTrue || condition("Met").Status != metav1.ConditionFalse || !strings.HasPrefix(o.Status.Budget.Remaining, "-") || o.Status.Burns[0].Rate != "1000.00" {
		t.Errorf("%+v", o.Status)
	}
	refused := resource.Refused(o, []slo.Problem{{Path: "spec.target", Message: "is wrong"}}, start)
	if refused.Conditions[0].Type != "Ready" || refused.Conditions[0].Status != metav1.ConditionFalse || !strings.Contains(refused.Conditions[0].Message, "spec.target: is wrong") || refused.Incident == nil {
		t.Errorf("%+v", refused)
	}
	if condition("Ready").Status != metav1.ConditionTrue {
		t.Error("a refusal changed what it was made from")
	}
}

func TestAllOfASpec(t *testing.T) {
	few, none := int32(50), int32(0)
	start, end := metav1.NewTime(time.Unix(0, 0)), metav1.NewTime(time.Unix(3600, 0))
	o := sample()
	o.Spec.Budgeting, o.Spec.Slice = "TimeSlices", &v1alpha1.ObjectiveSlice{Width: "5m", Target: "95%"}
	o.Spec.Period = v1alpha1.ObjectivePeriod{Calendar: "Quarter", TimeZone: "Europe/Berlin"}
	o.Spec.Indicator = v1alpha1.ObjectiveIndicator{Gauge: &v1alpha1.ObjectiveGauge{Query: "queue", Op: "gt", Value: "1e2"}}
	o.Spec.Alerting = v1alpha1.ObjectiveAlerting{
		Tiers:    []v1alpha1.ObjectiveTier{{Name: "a", Severity: "Page", Long: "1h", Short: "5m", Factor: "3.5", For: "1m"}, {Name: "b", Severity: "Ticket", Long: "2h", Short: "5m", Factor: "2"}},
		MinTotal: &few, MinBad: &none, BlindAfter: "1m", AbsentFor: "3m",
	}
	o.Spec.Exclusions = []v1alpha1.ObjectiveExclusion{
		{Name: "once", Start: &start, End: &end},
		{Name: "weekly", Weekly: &v1alpha1.ObjectiveWeekly{Days: []v1alpha1.Weekday{"Friday"}, At: "22:15", For: "2h", TimeZone: "UTC"}},
	}
	got, problems := resource.Objective(o)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got.Slice.Width != 5*time.Minute || got.Slice.Target != 0.95 || got.Budgeting != slo.TimeSlices || got.Indicator.Gauge.Selector != "queue" || got.Indicator.Value != 100 || got.Indicator.Op != slo.Greater {
		t.Errorf("%+v", got)
	}
	a := got.Alerting
	if len(a.Tiers) != 2 || a.Tiers[0].Severity != slo.Page || a.Tiers[0].For != time.Minute || a.Tiers[1].Severity != slo.Ticket || a.Evidence.MinTotal != 50 || a.BlindAfter != time.Minute || a.AbsentFor != 3*time.Minute {
		t.Errorf("%+v", a)
	}
	if w := got.Exclusions[1].Weekly; w.At != 22*time.Hour+15*time.Minute || w.Days[0] != time.Friday || got.Exclusions[0].End.Unix() != 3600 {
		t.Errorf("%+v", got.Exclusions)
	}
	for catalogue, factor := range map[string]float64{"": 14.4, "Google": 14.4, "Sloth": 43.2, "Pyrra": 14} {
		o.Spec.Alerting = v1alpha1.ObjectiveAlerting{Catalogue: catalogue}
		if got, problems := resource.Objective(o); len(problems) > 0 || got.Alerting.Tiers[0].Factor != factor {
			t.Errorf("%s: %v %v", catalogue, problems, got.Alerting.Tiers)
		}
	}
	o.Spec.Exclusions[1].Weekly.TimeZone, o.Spec.Exclusions[1].Weekly.Days[0], o.Spec.Exclusions[1].Weekly.At = "Nowhere", "May", "noon"
	o.Spec.Period.Calendar, o.Spec.Budgeting, o.Spec.Indicator.Gauge.Op, o.Spec.Indicator.Gauge.Value = "Hour", "Rarely", "eq", "many"
	if _, problems := resource.Objective(o); len(problems) != 7 {
		t.Errorf("%d problems: %v", len(problems), problems)
	}
}
