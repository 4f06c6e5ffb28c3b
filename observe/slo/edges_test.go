package slo

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestVerdicts is the decision table of a tier: threshold 1.44 %.
func TestVerdicts(t *testing.T) {
	p, err := newPlan(ofErrors(), Options{Interval: time.Minute, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	slices, err := newPlan(with(ofSlices(), func(o *Objective) { o.Target = 0.999 }), Options{Interval: time.Minute, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p           *plan
		long, short counts
		want        Verdict
	}{
		{p, counts{}, counts{}, Unknown},
		{p, counts{0, 1000}, counts{}, Quiet},
		{p, counts{14, 1000}, counts{10, 10}, Quiet},
		{p, counts{14.4, 1000}, counts{10, 10}, Quiet}, // not more than the threshold
		{p, counts{500, 1000}, counts{}, Unknown},
		{p, counts{500, 1000}, counts{0, 100}, Quiet},
		{p, counts{500, 1000}, counts{50, 100}, Burning},
		{p, counts{15, 19}, counts{15, 19}, Suppressed},
		{p, counts{1, 20}, counts{1, 1}, Suppressed},
		{p, counts{2, 100}, counts{2, 2}, Doubtful},
		{p, counts{20, 1000}, counts{5, 5}, Doubtful},
		{p, counts{2000, 100_000}, counts{5, 5}, Burning},
		{slices, counts{1, 12}, counts{1, 1}, Burning}, // slices are no chance events
	} {
		if got := c.p.verdict(c.p.tiers[0], c.long, c.short); got != c.want {
			t.Errorf("%+v, %+v: %s, want %s", c.long, c.short, got, c.want)
		}
	}
}

// TestSteps is the decision table of a tier's phase, 10 after the last step and
// with 20 to wait.
func TestSteps(t *testing.T) {
	some, none := counts{1, 10}, counts{}
	for _, c := range []struct {
		name   string
		from   alert
		v      Verdict
		long   counts
		wait   int64
		frozen bool
		want   alert
	}{
		{"nothing", alert{}, Quiet, some, 20, false, alert{}},
		{"begins to wait", alert{}, Burning, some, 20, false, alert{Pending, 100}},
		{"needs not wait", alert{}, Burning, some, 0, false, alert{Firing, 100}},
		{"waits", alert{Pending, 90}, Burning, some, 20, false, alert{Pending, 90}},
		{"has waited", alert{Pending, 80}, Burning, some, 20, false, alert{Firing, 100}},
		{"goes on", alert{Firing, 50}, Burning, some, 20, false, alert{Firing, 50}},
		{"resolves", alert{Firing, 50}, Quiet, some, 20, false, alert{Inactive, 100}},
		{"waited in vain", alert{Pending, 90}, Quiet, some, 20, false, alert{Inactive, 100}},
		{"frozen while firing", alert{Firing, 50}, Quiet, some, 20, true, alert{Firing, 50}},
		{"frozen while quiet", alert{}, Burning, some, 0, true, alert{}},
		{"frozen while waiting: time stands still", alert{Pending, 80}, Burning, some, 20, true, alert{Pending, 90}},
		{"no events in the short window", alert{Firing, 50}, Unknown, some, 20, false, alert{Firing, 50}},
		{"no events while waiting", alert{Pending, 80}, Unknown, some, 20, false, alert{Pending, 90}},
		{"no events at all any more", alert{Firing, 50}, Unknown, none, 20, false, alert{Inactive, 100}},
		{"no events, nothing fires", alert{}, Unknown, some, 20, false, alert{}},
		{"too few to go on is no recovery", alert{Firing, 50}, Suppressed, some, 20, false, alert{Firing, 50}},
		{"too few to begin", alert{}, Suppressed, some, 0, false, alert{}},
		{"too few to wait on", alert{Pending, 90}, Suppressed, some, 20, false, alert{Inactive, 100}},
		{"doubt ends it", alert{Firing, 50}, Doubtful, some, 20, false, alert{Inactive, 100}},
	} {
		a := c.from
		if a.step(c.v, c.long, c.wait, 100, 10, c.frozen); a != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, a, c.want)
		}
	}
}

func TestTooManySeriesBlind(t *testing.T) {
	m, err := New(ofErrors(), Options{Interval: time.Minute, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	var last Status
	for i := range 15 {
		now := epoch.Add(time.Duration(i+1) * time.Minute)
		b := Batch{At: now}
		for k := range MaxSeries + 5 {
			b.Samples = append(b.Samples, Sample{Series: fmt.Sprint(k), Role: Total, At: now.UnixMilli(), Value: float64(i)})
		}
		m.Observe(b)
		last = m.Evaluate(now)
	}
	if last.State != Unmeasured && last.State != Blind || last.Rejected.Overflow != 15*5 || !strings.Contains(last.Reason, "more than 10000 series") {
		t.Errorf("%s %q %+v", last.State, last.Reason, last.Rejected)
	}
	if m.Bytes() < 50_000 || m.Objective().Name != "availability" {
		t.Error(m.Bytes())
	}
}

func TestSamplesOutOfTime(t *testing.T) {
	m, err := New(ofErrors(), Options{Interval: time.Minute, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	at := func(minute, sample int, v float64) {
		m.Observe(Batch{At: epoch.Add(time.Duration(minute) * time.Minute), Samples: []Sample{{Series: "a", Role: Total, At: epoch.Add(time.Duration(sample) * time.Minute).UnixMilli(), Value: v}}})
	}
	at(1, 1, 0)
	at(2, 2, 10)
	at(2, 2, 99)    // the same moment again
	at(3, 90, 1000) // ahead of the clock
	at(4, 3, 20)
	at(3, 3, 30) // a batch that comes late
	at(5, -60*24*365*100, 30)
	s := m.Evaluate(epoch.Add(5 * time.Minute))
	if r := s.Rejected; r.Future != 1 || r.Late != 2 || r.Duplicate != 1 || s.Budget.Total != 20 {
		t.Errorf("%+v, total %v", r, s.Budget.Total)
	}
}

// TestAStaleMarkEndsASeries: what begins again under the same name is new.
func TestAStaleMarkEndsASeries(t *testing.T) {
	m, err := New(ofErrors(), Options{Interval: time.Minute, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []float64{0, 100, StaleMarker(), 150, 250} {
		now := epoch.Add(time.Duration(i+1) * time.Minute)
		m.Observe(Batch{At: now, Samples: []Sample{{Series: "a", Role: Total, At: now.UnixMilli(), Value: v}, {Series: "b", Role: Total, At: now.UnixMilli(), Value: 0}}})
	}
	s := m.Evaluate(epoch.Add(5 * time.Minute))
	// 100, then 150 as a first value that its surroundings explain, then 100.
	if s.Rejected.NaN != 0 || s.Budget.Total != 350 {
		t.Errorf("%+v, total %v", s.Rejected, s.Budget.Total)
	}
}

func TestOldSeriesAreForgotten(t *testing.T) {
	m, err := New(ofErrors(), Options{Interval: time.Minute, Start: epoch})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		now := epoch.Add(time.Duration(i+1) * time.Minute)
		m.Observe(Batch{At: now, Samples: []Sample{{Series: fmt.Sprint("pod", i), Role: Total, At: now.UnixMilli(), Value: 1}}})
	}
	if n := len(m.series); n > 130 {
		t.Errorf("%d series of 256 that came and went are still followed", n)
	}
}

// TestTheLedgerSurvives a restart, and is bounded.
func TestTheLedgerSurvives(t *testing.T) {
	all := []Exclusion{{Name: "night", Weekly: &Weekly{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, At: 22 * time.Hour, For: time.Hour}}}
	s := newStory(t, excluding(all...), time.Minute)
	s.tell("3d 1/s\n1h 1/s kill")
	if got := s.at(73 * time.Hour).Budget.Excluded; len(got) != 3 || got[0].Total != 3600 {
		t.Errorf("%+v", got)
	}
	var ledger []Excluded
	for i := range int64(200) {
		ledger = charge(ledger, "x", i*1000, i*1000+500, counts{1, 2})
	}
	if len(ledger) != maxLedger || ledger[0].Start.UnixMilli() != 136_000 {
		t.Errorf("%d entries from %s", len(ledger), ledger[0].Start)
	}
}

func TestRulesOfAllKinds(t *testing.T) {
	template := with(ofErrors(), func(o *Objective) {
		o.Indicator.Bad = Query{Template: "sum(rate(a[{{.window}}])) - sum(rate(b[{{.window}}]))", PerSecond: true}
		o.Indicator.Total = Query{Template: "sum(increase(a[{{.window}}]))"}
		o.Annotations = map[string]string{"summary": "our own", "on": "x\ty"}
	})
	for name, c := range map[string]struct {
		o           Objective
		want, notes []string
		never       string
	}{
		"errors":   {ofErrors(), []string{"record: \"slo:error_budget:remaining\"", "sum_over_time(slo:bad:increase5m{", "[30d:5m]", "for: 2m52s", "interval: 5m"}, nil, "ObjectiveInvalid"},
		"good":     {ofGood(), []string{"clamp_min(", "alert: ObjectiveInvalid"}, nil, ""},
		"slices":   {ofSlices(), []string{"> bool 0.01\n", "count_over_time(slo:slice_bad:bool{", "interval: 5m"}, nil, ">= 20"},
		"gauge":    {ofGauge(), []string{"(queue_length == queue_length)[5m:30s]", "queue_length > 100"}, nil, ""},
		"muted":    {with(ofErrors(), func(o *Objective) { o.Alerting.Off = true }), []string{"slo:error:ratio1h"}, nil, "alert:"},
		"no tiers": {with(ofErrors(), func(o *Objective) { o.Alerting.Tiers = nil }), []string{"slo:error:ratio5m"}, nil, "ErrorBudgetBurn"},
		"template": {template, []string{"(sum(rate(a[1h])) - sum(rate(b[1h])))) * 3600", "sum((sum(increase(a[5m]))))", "summary: \"our own\"", "\"on\": \"x\\ty\""}, []string{"used as it is"}, "ObjectiveAbsent"},
		"calendar": {with(ofErrors(), func(o *Objective) { o.Period = Period{Calendar: Month} }), []string{"ErrorBudgetBurn"}, []string{"no calendar"}, "error_budget"},
		"excluded": {excluding(Exclusion{Name: "x", Start: epoch, End: epoch.Add(1)}), nil, []string{"no exclusions"}, ""},
	} {
		groups, notes, err := Rules(c.o, RuleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := WriteRules(&b, groups); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: %q is missing in\n%s", name, w, b.String())
			}
		}
		if c.never != "" && strings.Contains(b.String(), c.never) {
			t.Errorf("%s: there is %q", name, c.never)
		}
		if len(notes) != len(c.notes) || len(notes) > 0 && !strings.Contains(notes[0], c.notes[0]) {
			t.Errorf("%s: %q", name, notes)
		}
	}
	if _, notes, err := Rules(ofErrors(), RuleOptions{Interval: time.Minute, Scrape: 4 * time.Minute}); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "too short") {
		t.Error(notes, err)
	}
	if _, notes, err := Rules(ofSlices(), RuleOptions{Scrape: 4 * time.Minute}); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "too short") {
		t.Error(notes, err)
	}
}

func TestNoRules(t *testing.T) {
	var b strings.Builder
	if err := WriteRules(&b, nil); err != nil || b.String() != "groups: []\n" {
		t.Errorf("%q %v", b.String(), err)
	}
	if err := WriteRules(broken{}, nil); err == nil {
		t.Error("a broken pipe is not told")
	}
	for text, want := range map[string]string{"a": "a", "a-b/c.d": "a-b/c.d", "": `""`, "on": `"on"`, "No": `"No"`, "-a": `"-a"`, "1": `"1"`, "a b": `"a b"`, "<&>\n": `"<&>\n"`} {
		if got := quoted(text); got != want {
			t.Errorf("%q is written %s", text, got)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestMoreThatIsWrong(t *testing.T) {
	for name, change := range map[string]func(*Objective){
		"a window that is no whole second": func(o *Objective) { o.Alerting.Tiers[0].Short += time.Millisecond },
		"a factor of nothing":              func(o *Objective) { o.Alerting.Tiers[0].Factor = 0 },
		"a time longer than the window":    func(o *Objective) { o.Alerting.Tiers[0].For = 2 * time.Hour },
		"a label of a tier":                func(o *Objective) { o.Alerting.Tiers[0].Labels = map[string]string{"a-b": ""} },
		"a severity":                       func(o *Objective) { o.Alerting.Tiers[0].Severity = 7 },
		"the name of a tier":               func(o *Objective) { o.Alerting.Tiers[0].Name = "A" },
		"a calendar that there is not":     func(o *Objective) { o.Period.Calendar = 99 },
		"a rolling calendar":               func(o *Objective) { o.Period.Calendar = Month },
		"a selector and a template":        func(o *Objective) { o.Indicator.Bad.Template = WindowMark },
		"a template without a window":      func(o *Objective) { o.Indicator.Bad = Query{Template: "a"} },
		"a gauge beside a total":           func(o *Objective) { o.Indicator.Gauge = Query{Selector: "a"} },
	} {
		o := ofErrors()
		change(&o)
		if len(o.Validate()) == 0 {
			t.Errorf("%s is taken", name)
		}
	}
	if o := ofErrors(); !o.Indicator.Followable() {
		t.Error("selectors cannot be followed")
	}
}
