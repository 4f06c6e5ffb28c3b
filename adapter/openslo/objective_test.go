package openslo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/openslo"
	"github.com/autoecoops/autoecoops/observe/slo"
)

func TestObjectives(t *testing.T) {
	found, problems := openslo.Read([]openslo.File{file(t, "objective.yaml")}, openslo.Options{})
	if len(problems) > 0 || len(found) != 2 {
		t.Fatalf("%d objectives, problems %v", len(found), problems)
	}
	o := found[0].Objective
	if o.ID() != "shop/availability" || o.Target != 0.9995 || o.Period.Calendar != slo.Month || o.Slice != (slo.Slice{Width: 5 * time.Minute, Target: 0.95}) || o.Labels["team"] != "checkout" {
		t.Errorf("%+v", o)
	}
	a := o.Alerting
	if len(a.Tiers) != 2 || a.Tiers[0].For != 2*time.Minute || a.Tiers[1].Factor != 2.5 || a.Evidence.MinTotal != 50 || a.Evidence.MinBad != 0 || a.BlindAfter != 15*time.Minute || a.AbsentFor != 5*time.Minute {
		t.Errorf("%+v", a)
	}
	w := o.Exclusions[0].Weekly
	if w == nil || w.At != 22*time.Hour+30*time.Minute || w.For != 8*time.Hour || fmt.Sprint(w.Days) != "[Monday Sunday]" || o.Exclusions[1].End.Hour() != 2 {
		t.Errorf("%+v", o.Exclusions)
	}
	o = found[1].Objective
	if o.Indicator.Gauge.Template != "max(queue_length)" || o.Indicator.Value != 100 || o.Alerting.Tiers[0].Factor != 14 || o.Period.Rolling != 28*24*time.Hour {
		t.Errorf("%+v", o)
	}
}

func TestProblemsOfObjectives(t *testing.T) {
	const base = `apiVersion: autoecoops.io/v1alpha1
kind: Objective
metadata: {name: a}
spec:
  service: s
  target: 99.9%
  period: {rolling: 30d}
  indicator: {total: a, bad: b}
`
	for name, pairs := range map[string][2]string{
		"an unknown field":     {"  service: s", "  sevrice: s # want do you mean service?"},
		"a field far below":    {"  service: s", "  service: s\n  alerting:\n    tiers:\n      - name: a\n        lnog: 1h # want there is no field spec.alerting.tiers[0].lnog"},
		"a number as target":   {"99.9%", "99.9 # want spec.target must be a string"},
		"a target that is one": {"99.9%", "100% # want is not between"},
		"a long period":        {"{rolling: 30d}", "{rolling: 100000d} # want \"100000d\" is too long: write 30d, or another from 1h to 400d"},
		"a short period":       {"{rolling: 30d}", "{rolling: 1m} # want 1m is too short: write 30d, or another from 1h to 400d"},
		"a period":             {"{rolling: 30d}", "{rolling: a month} # want is no duration"},
		"a zone":               {"{rolling: 30d}", "{calendar: Day, timeZone: Nowhere} # want there is no time zone"},
		"a unit":               {"{rolling: 30d}", "{calendar: Hour} # want is none of"},
		"a query":              {"bad: b}", "bad: '%'} # want is neither a selector"},
		"neither good nor bad": {", bad: b}", "} # want exactly one of good and bad"},
		"a budgeting":          {"  service: s", "  service: s\n  budgeting: Sometimes # want is neither Occurrences"},
		"a catalogue":          {"  service: s", "  service: s\n  alerting: {catalogue: Own} # want is none of Google"},
		"a time of day":        {"  service: s", "  service: s\n  exclusions: [{name: x, weekly: {days: [Monday], at: noon, for: 1h}}] # want is no time of day"},
		"a day":                {"  service: s", "  service: s\n  exclusions: [{name: x, weekly: {days: [May], at: '12:00', for: 1h}}] # want is no day"},
		"an operator":          {"{total: a, bad: b}", "{gauge: {query: a, op: eq, value: '1'}} # want is none of lt"},
		"a factor":             {"  service: s", "  service: s\n  alerting: {tiers: [{name: a, long: 1h, short: 5m, factor: fast}]} # want is no number"},
		"a name":               {"{name: a}", "{name: A} # want is no name"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(base, pairs[0], pairs[1], 1)
			if text == base {
				t.Fatal("nothing was changed")
			}
			problemsOf(t, text)
		})
	}
}
