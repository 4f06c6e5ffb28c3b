package slo

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestInstant(t *testing.T) {
	read := func(o Objective, total, part float64, known bool) []Reading {
		var out []Reading
		for _, q := range Queries(o, epoch, time.Minute) {
			hours := q.Window.Hours()
			out = append(out, Reading{Query: q, Total: total * hours, Part: part * hours, Known: known})
		}
		return out
	}
	upgrade := Exclusion{Name: "upgrade", Start: epoch.Add(-time.Hour), End: epoch.Add(time.Hour)}
	for name, c := range map[string]struct {
		o           Objective
		total, part float64
		known       bool
		state       State
		tier        string
		spent       float64
	}{
		"nothing fails":       {ofErrors(), 3600, 0, true, Measured, "", 0},
		"all fails":           {ofErrors(), 3600, 3600, true, Measured, "page-fast", 1000},
		"one in five hundred": {ofErrors(), 360_000, 720, true, Measured, "ticket-slow", 2},
		"nothing is good":     {ofGood(), 3600, 0, true, Measured, "page-fast", 1000},
		"too much is good":    {ofGood(), 3600, 7200, true, Invalid, "", 0},
		"too much is bad":     {ofErrors(), 3600, 7200, true, Invalid, "", 1000},
		"no series":           {ofErrors(), 0, 0, false, Absent, "", 0},
		"no traffic":          {ofErrors(), 0, 0, true, NoTraffic, "", 0},
		"a handful":           {ofErrors(), 0.2, 0.01, true, LowTraffic, "", 50},
		"maintenance":         {excluding(upgrade), 3600, 3600, true, Maintenance, "", 1000},
		"bad slices":          {ofSlices(), 12, 6, true, Measured, "page-fast", 50},
		"a long queue":        {ofGauge(), 60, 30, true, Measured, "page-fast", 50},
	} {
		t.Run(name, func(t *testing.T) {
			s := Instant(c.o, epoch, read(c.o, c.total, c.part, c.known))
			tier := ""
			if s.Incident != nil {
				tier = s.Incident.Tier
			}
			if s.State != c.state || tier != c.tier || s.Budget.Spent < c.spent*0.999 || s.Budget.Spent > c.spent*1.001 || len(s.Burns) != 7 {
				t.Errorf("%s %q, spent %v, %d windows: %s", s.State, tier, s.Budget.Spent, len(s.Burns), s.Reason)
			}
			if (s.Reason == "") != (s.State == Measured) {
				t.Errorf("%s: %q", s.State, s.Reason)
			}
		})
	}
	if s := Instant(ofErrors(), epoch, nil); s.State != Absent || s.Budget.Known {
		t.Errorf("%+v", s)
	}
}

func TestQueriesCoverThePeriod(t *testing.T) {
	o := with(ofErrors(), func(o *Objective) { o.Period = Period{Calendar: Month} })
	all := Queries(o, epoch, 30*time.Second) // midnight of the 2nd
	last := all[len(all)-1]
	if last.Window != 24*time.Hour || !strings.Contains(last.Total, "[1d]") || all[0].Window != 5*time.Minute {
		t.Errorf("%+v", all)
	}
	if q := Queries(ofSlices(), epoch, 30*time.Second)[0]; !strings.Contains(q.Part, "[5m:5m]") || !strings.HasPrefix(q.Part, "sum(sum_over_time(") {
		t.Errorf("%+v", q)
	}
}

// TestCountsThatAreNoNumbers blind an objective: they are neither no errors nor no traffic.
func TestCountsThatAreNoNumbers(t *testing.T) {
	read := func(o Objective, bad float64, wrong func(i, of int) bool, none float64) []Reading {
		var out []Reading
		all := Queries(o, epoch, time.Minute)
		for i, q := range all {
			r := Reading{Query: q, Total: 3600 * q.Window.Hours(), Part: bad * q.Window.Hours(), Known: true}
			if wrong(i, len(all)) {
				r.Part = none
			}
			out = append(out, r)
		}
		return out
	}
	everywhere := func(int, int) bool { return true }
	for _, none := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, o := range []Objective{ofErrors(), ofGood()} {
			s := Instant(o, epoch, read(o, 0, everywhere, none))
			if s.State != Unmeasured || !strings.Contains(s.Reason, "no numbers") || s.Budget.Known || s.Incident != nil {
				t.Errorf("%v: %s %q %+v", none, s.State, s.Reason, s.Budget)
			}
			for _, b := range s.Burns {
				if b.Known || b.Bad != 0 || b.Total != 0 {
					t.Errorf("%v: %+v", none, b)
				}
			}
		}
	}
	// One of three weeks ago makes the budget unknown, and hides no outage of now.
	s := Instant(ofErrors(), epoch, read(ofErrors(), 3600, func(i, of int) bool { return i == of-1 }, math.NaN()))
	if s.State != Unmeasured || s.Budget.Known || s.Incident == nil || s.Incident.Tier != "page-fast" {
		t.Errorf("%s %+v %+v", s.State, s.Budget, s.Incident)
	}
}
