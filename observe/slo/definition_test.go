package slo

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// TestTheTiersOfTheField holds the catalogues to the published figures.
func TestTheTiersOfTheField(t *testing.T) {
	words := func(tiers []Tier) string {
		var b strings.Builder
		for _, x := range tiers {
			fmt.Fprintf(&b, "%s %s %s %s %v", x.Severity, x.Name, FormatDuration(x.Long), FormatDuration(x.Short), x.Factor)
			if x.For > 0 {
				b.WriteString(" for " + FormatDuration(x.For))
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		tiers []Tier
		want  string
	}{
		"Google, 30 days": {Google(30 * day), `page page-fast 1h 5m 14.4
page page-slow 6h 30m 6
ticket ticket-fast 1d 2h 3
ticket ticket-slow 3d 6h 1
`},
		"Google, 7 days": {Google(7 * day), `page page-fast 14m 1m10s 14.4
page page-slow 1h24m 7m 6
ticket ticket-fast 5h36m 28m 3
ticket ticket-slow 16h48m 1h24m 1
`},
		"Google, 90 days": {Google(90 * day), `page page-fast 3h 15m 14.4
page page-slow 18h 1h30m 6
ticket ticket-fast 3d 6h 3
ticket ticket-slow 9d 18h 1
`},
		"Sloth, 28 days": {Sloth(28 * day), `page page-fast 1h 5m 13.44
page page-slow 6h 30m 5.6
ticket ticket-fast 1d 2h 2.8
ticket ticket-slow 3d 6h 0.933333333
`},
		"Pyrra, 4 weeks": {Pyrra(28 * day), `page page-fast 1h 5m 14 for 2m
page page-slow 6h 30m 7 for 15m
ticket ticket-fast 1d 2h 2 for 1h
ticket ticket-slow 4d 6h 1 for 3h
`},
		"Pyrra, 1 week": {Pyrra(7 * day), `page page-fast 15m 1m15s 14 for 30s
page page-slow 1h30m 7m30s 7 for 3m45s
ticket ticket-fast 6h 30m 2 for 15m
ticket ticket-slow 1d 1h30m 1 for 45m
`},
	} {
		if got := words(c.tiers); got != c.want {
			t.Errorf("%s:\n%swant:\n%s", name, got, c.want)
		}
	}
	for i, want := range []float64{0.02, 0.05, 0.1, 0.1} {
		if got := Google(30 * day)[i].Spends(30 * day); math.Abs(got-want) > 1e-9 {
			t.Errorf("tier %d spends %v of the budget", i, got)
		}
	}
	if d, ok := Google(30 * day)[0].OutageTime(ptr(ofErrors()).Allowed()); !ok || d.Round(time.Second) != 52*time.Second {
		t.Errorf("a whole outage at 99.9 %% crosses the line after %s", d)
	}
	if _, ok := Google(30 * day)[0].OutageTime(0.1); ok {
		t.Error("14.4 times 10 % can be reached")
	}
}

func ptr(o Objective) *Objective { return &o }

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "30d": 30 * day, "4w": 28 * day, "1y": 365 * day, "100ms": 100 * time.Millisecond, "0s": 0, "1d12h": 36 * time.Hour,
	} {
		got, err := ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
		if again, err := ParseDuration(FormatDuration(got)); err != nil || again != got {
			t.Errorf("%s is written %s", text, FormatDuration(got))
		}
	}
	for _, text := range []string{"", "5", "m", "5 m", "-5m", "5m5m", "5m1h", "1.5h", "99999999999y", "5x", "5mm", "９m"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("%q is %s", text, d)
		}
	}
}

// TestTooLong tells what is longer than a duration can be from what is none, and says what
// a period can be.
func TestTooLong(t *testing.T) {
	for text, want := range map[string]string{
		"100001d": `"100001d" is too long: write 36500d or less`, "99999999999999999999999y": `"99999999999999999999999y" is too long: write 36500d or less`,
		"100y1s": `"100y1s" is too long: write 36500d or less`,
	} {
		if _, err := ParseDuration(text); !errors.Is(err, ErrTooLong) || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ParseDuration("5"); err == nil || errors.Is(err, ErrTooLong) {
		t.Errorf("%v", err)
	}
	for d, want := range map[time.Duration]string{
		time.Second: "1s is too short: write 30d, or another from 1h to 400d", 401 * day: "401d is too long: write 30d, or another from 1h to 400d",
		time.Hour + time.Millisecond: "1h1ms is not a whole number of seconds: write 30d, or another from 1h to 400d", MinPeriod: "", MaxPeriod: "",
	} {
		if got := RollingProblem(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}

func TestPeriodsBegin(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 15, 4, 5, 0, time.UTC) // a Thursday
	for _, c := range []struct {
		p    Period
		want string
	}{
		{Period{Calendar: Day}, "2026-11-26T00:00:00Z"},
		{Period{Calendar: Week}, "2026-11-23T00:00:00Z"},
		{Period{Calendar: Month}, "2026-11-01T00:00:00Z"},
		{Period{Calendar: Quarter}, "2026-10-01T00:00:00Z"},
		{Period{Calendar: Year}, "2026-01-01T00:00:00Z"},
		{Period{Calendar: Month, Zone: berlin}, "2026-11-01T00:00:00+01:00"},
		{Period{Calendar: Quarter, Zone: berlin}, "2026-10-01T00:00:00+02:00"},
		{Period{Rolling: 7 * day}, "2026-11-19T15:04:05Z"},
	} {
		if got := c.p.Begin(now).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.p, got, c.want)
		}
		if c.p.longest() < c.p.Length() {
			t.Errorf("%s lasts longer than at most", c.p)
		}
	}
}

func TestAllThatIsWrongIsTold(t *testing.T) {
	if ps := ptr(ofErrors()).Validate(); len(ps) > 0 {
		t.Fatal(ps)
	}
	for path, change := range map[string]func(*Objective){
		"name":                func(o *Objective) { o.Name = "A b" },
		"service":             func(o *Objective) { o.Service = "" },
		"target":              func(o *Objective) { o.Target = math.NaN() },
		"period":              func(o *Objective) { o.Period.Rolling = time.Second },
		"slice.width":         func(o *Objective) { o.Budgeting = TimeSlices; o.Slice.Target = 0.9 },
		"slice.target":        func(o *Objective) { o.Budgeting, o.Slice = TimeSlices, Slice{time.Minute, 2} },
		"indicator":           func(o *Objective) { o.Indicator.Bad = Query{} },
		"indicator.total":     func(o *Objective) { o.Indicator.Total = Query{} },
		"indicator.bad":       func(o *Objective) { o.Indicator.Bad.Selector = "a{" },
		"indicator.value":     func(o *Objective) { *o = ofGauge(); o.Indicator.Value = math.Inf(1) },
		"alerting.blindAfter": func(o *Objective) { o.Alerting.BlindAfter = 0 },
		"alerting.absentFor":  func(o *Objective) { o.Alerting.AbsentFor = -1 },
		"alerting.evidence":   func(o *Objective) { o.Alerting.Evidence.Confidence = 1 },
		"alerting.tiers":      func(o *Objective) { o.Alerting.Tiers = make([]Tier, 17) },
		"alerting.tiers[1]":   func(o *Objective) { o.Alerting.Tiers[1].Name = o.Alerting.Tiers[0].Name },
		"alerting.tiers[0]":   func(o *Objective) { o.Alerting.Tiers[0].Long = o.Alerting.Tiers[0].Short },
		"exclusions[0]":       func(o *Objective) { o.Exclusions = []Exclusion{{Name: "x"}} },
		"labels":              func(o *Objective) { o.Labels = map[string]string{"a-b": "c"} },
	} {
		o := ofErrors()
		change(&o)
		found := false
		for _, p := range o.Validate() {
			found = found || p.Path == path && p.Message != ""
		}
		if !found {
			t.Errorf("%s: %v", path, o.Validate())
		}
		if _, err := New(o, Options{Interval: time.Minute, Start: epoch}); err == nil {
			t.Errorf("%s: it is followed", path)
		}
		if _, _, err := Rules(o, RuleOptions{}); err == nil {
			t.Errorf("%s: rules are made of it", path)
		}
	}
	for _, x := range []Exclusion{
		{Start: epoch, End: epoch.Add(1)},
		{Name: "a", Start: epoch, Weekly: &Weekly{Days: []time.Weekday{1}, For: 1}},
		{Name: "a", Weekly: &Weekly{For: 1}},
		{Name: "a", Weekly: &Weekly{Days: []time.Weekday{1}, At: day, For: 1}},
		{Name: "a", Weekly: &Weekly{Days: []time.Weekday{1}, For: 2 * day}},
		{Name: "a", Weekly: &Weekly{Days: []time.Weekday{9}, For: day}},
	} {
		if x.problem() == "" {
			t.Errorf("%+v is taken", x)
		}
	}
	for _, opts := range []Options{{Interval: 0, Start: epoch}, {Interval: 4 * time.Minute, Start: epoch}, {Interval: time.Minute, Start: time.Unix(-5, 0)}} {
		if _, err := New(ofErrors(), opts); err == nil {
			t.Errorf("%+v is taken", opts)
		}
	}
}

func TestWarnings(t *testing.T) {
	if w := ptr(ofErrors()).Warnings(); len(w) > 0 {
		t.Error(w)
	}
	if w := ptr(ofTarget(0.9)).Warnings(); len(w) != 1 || !strings.Contains(w[0], "page-fast can never fire") {
		t.Error(w)
	}
	o := ofErrors()
	o.Alerting.Tiers = Sloth(28 * day)
	if w := o.Warnings(); len(w) != 1 || !strings.Contains(w[0], "still lasts") {
		t.Error(w)
	}
}

func TestQueries(t *testing.T) {
	for text, want := range map[string]Query{
		`up`:                                 {Selector: `up`},
		` a:b_total{x="y"} `:                 {Selector: `a:b_total{x="y"}`},
		`sum(a{x="(\")"})`:                   {Selector: `a{x="(\")"}`},
		`sum by (job, le) (a)`:               {Selector: `a`},
		`sum(a) by (job)`:                    {Selector: `a`},
		`sum(rate(a{x=~"b|c"}[5m]))`:         {Selector: `a{x=~"b|c"}`},
		`sum(increase(a[{{ .window }}]))`:    {Selector: `a`},
		"{__name__=\"a\",b!=\"c\",}":         {Selector: "{__name__=\"a\",b!=\"c\",}"},
		"a{x='y',z=`w`}":                     {Selector: "a{x='y',z=`w`}"},
		`sum(rate(a[{{.window}}])) - sum(b)`: {Template: `sum(rate(a[{{.window}}])) - sum(b)`, PerSecond: true},
		`sum(increase(a[{{.window}}])) - 1`:  {Template: `sum(increase(a[{{.window}}])) - 1`},
	} {
		if got, err := ParseQuery(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "a b", "a{", `a{x}`, `a{x="y"`, `a{x="y" z="w"}`, `a{x=y}`, `a{x="y}`, `a{x=~"("}`, `{}`, `{x=""}`, `{x!="y"}`, `a{x="\q"}`, "a{x=`y}", "a{x=\"\n\"}",
		"sum(a", "sum(a)) ", "rate(a[5m])", "sum(a) + sum(b)", "a offset 5m", "a[5m]", "sum(rate(a[5m:1m]))", "sum(rate(a))+1",
	} {
		if q, err := ParseQuery(text); err == nil {
			t.Errorf("%q is %+v", text, q)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{`sum(rate(a{b="c"}[5m]))`, `{a=~"x"}`, "sum by (x) (y{z=`w`})", `sum(rate(a[{{.window}}]))-b`, `a{x="\xff\u00e9"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuery(s)
		if err != nil {
			return
		}
		if q.Empty() || q.Selector != "" && (q.Template != "" || CheckSelector(q.Selector) != nil) {
			t.Errorf("%q is %+v", s, q)
		}
	})
}

func TestWordsOfStates(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"unmeasured": State(0), "measured": Measured, "pending": Pending, "burning": Burning, "thawed": Thawed, "opened": Opened,
		"page": Page, "ticket": Ticket, "Timeslices": TimeSlices, "Occurrences": Occurrences, ">=": GreaterEqual, "calendar year": Period{Calendar: Year},
	} {
		if got.String() != want {
			t.Errorf("%s is called %s", want, got)
		}
	}
	for s := range Measured + 1 {
		if frozen := s < NoTraffic; s.Frozen() != frozen {
			t.Errorf("%s: frozen %t", s, s.Frozen())
		}
	}
}

func TestComparisons(t *testing.T) {
	for word, want := range map[string][3]bool{"lt": {true, false, false}, "lte": {true, true, false}, "gt": {false, false, true}, "gte": {false, true, true}} {
		op, ok := ParseOp(word)
		if got := [3]bool{op.holds(1, 2), op.holds(2, 2), op.holds(3, 2)}; !ok || got != want {
			t.Errorf("%s: %v", word, got)
		}
	}
	if _, ok := ParseOp("eq"); ok {
		t.Error("eq is taken")
	}
}

// TestIndicatorsThatMeasureNothing are refused: all events as their own bad ones, and a
// window's place in a label.
func TestIndicatorsThatMeasureNothing(t *testing.T) {
	total := Query{Selector: `n{job="shop"}`}
	for name, c := range map[string]struct {
		i    Indicator
		says string
	}{
		"right":            {Indicator{Total: total, Bad: Query{Selector: `n{job="shop",code="500"}`}}, ""},
		"bad is total":     {Indicator{Total: total, Bad: total}, "the same query"},
		"good is total":    {Indicator{Total: total, Good: total}, "the same query"},
		"a window":         {Indicator{Total: total, Bad: Query{Template: `sum(increase(e{a="b"}[{{.window}}])) + sum(increase(f{c='d'}[{{.window}}]))`}}, ""},
		"in a matcher":     {Indicator{Total: total, Bad: Query{Selector: `e{a="{{.window}}"}`}}, "no window"},
		"in an expression": {Indicator{Total: total, Bad: Query{Template: `sum(increase(e{a="\"{{.window}}"}[5m]))`}}, "no window"},
	} {
		var got []string
		for _, p := range c.i.problems() {
			got = append(got, p.String())
		}
		if all := strings.Join(got, "; "); (all == "") != (c.says == "") || !strings.Contains(all, c.says) {
			t.Errorf("%s: %s", name, all)
		}
	}
}
