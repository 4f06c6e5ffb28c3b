package follow_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func subject() follow.Subject {
	o := slo.Objective{
		Name: "availability", Service: "shop", Target: 0.999, Period: slo.Period{Rolling: 30 * 24 * time.Hour},
		Labels: map[string]string{"team": "cart", "severity": "mine", "empty": ""}, Annotations: map[string]string{"runbook_url": "https://example.com/r"},
	}
	o.Indicator.Total.Selector, o.Indicator.Bad.Selector = "requests_total", "errors_total"
	o.Alerting = slo.DefaultAlerting(o.Period)
	o.Alerting.Tiers[0].Annotations = map[string]string{"dashboard": "d"}
	return follow.Subject{Namespace: "shop", Name: "availability", Objective: &o}
}

func burning(severity slo.Severity, state slo.State) *slo.Status {
	return &slo.Status{
		State: state, Since: noon, Reason: "the source does not answer",
		Incident: &slo.Incident{Opened: noon.Add(-time.Hour), Tier: "page-fast", Peak: "page-fast", Severity: severity},
		Burns:    []slo.Burn{{Window: time.Hour, Bad: 20, Total: 100, Rate: 200, Known: true}},
	}
}

// TestFiring says what people read.
func TestFiring(t *testing.T) {
	alarm := slo.Alarm{Firing: true, Since: noon}
	overspent, left := burning(slo.Page, slo.Measured), burning(slo.Ticket, slo.Blind)
	overspent.Budget = slo.Budget{Known: true, Remaining: -0.25}
	left.Budget = slo.Budget{Known: true, Remaining: 0.5}
	left.Incident.Tier, left.Blind = "of another run", alarm
	for name, c := range map[string]struct {
		status *slo.Status
		names  []string
		says   []string
	}{
		"nothing":         {&slo.Status{State: slo.Measured}, nil, nil},
		"burns":           {burning(slo.Page, slo.Measured), []string{"ErrorBudgetBurn/page"}, []string{"burns 200.0 times as fast as it may", "20 of 100 events of the last 1h were bad. Nothing was counted"}},
		"overspent":       {overspent, []string{"ErrorBudgetBurn/page"}, []string{"is overspent by 25 %"}},
		"blind in a burn": {left, []string{"ErrorBudgetBurn/ticket", "ObjectiveBlind/ticket"}, []string{"burns faster than it may", "Since 2026-05-04T12:00:00Z nothing new is known: the source does not answer. Before, 50 % of the budget", "cannot be measured"}},
		"absent":          {&slo.Status{State: slo.Absent, Absent: alarm, Reason: "no series."}, []string{"ObjectiveAbsent/ticket"}, []string{"No series. Until"}},
		"invalid":         {&slo.Status{State: slo.Invalid, Invalid: alarm}, []string{"ObjectiveInvalid/ticket"}, []string{"more good or bad events", "|Until that"}},
	} {
		var names []string
		text := ""
		for _, a := range follow.Firing(subject(), c.status) {
			names = append(names, a.Labels["alertname"]+"/"+a.Labels["severity"])
			text += a.Annotations["summary"] + "|" + a.Annotations["description"] + "\n"
			if a.Labels["team"] != "cart" || a.Labels["objective"] != "availability" || a.Labels["namespace"] != "shop" || a.Labels["service"] != "shop" || a.Annotations["runbook_url"] == "" || a.Starts.IsZero() {
				t.Errorf("%s: %+v", name, a)
			}
			if _, there := a.Labels["empty"]; there {
				t.Errorf("%s: a label without a value", name)
			}
			if (a.Annotations["tier"] == "page-fast") != (a.Annotations["dashboard"] == "d") {
				t.Errorf("%s: annotations of the tier: %v", name, a.Annotations)
			}
		}
		if !slices.Equal(names, c.names) {
			t.Errorf("%s: %v, want %v", name, names, c.names)
		}
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, text)
			}
		}
	}
	if l := subject().Objective.Labels; l["severity"] != "mine" {
		t.Errorf("the labels of the objective were changed: %v", l)
	}
}

// TestBook follows alerts turn by turn: each row is what is sent, as
// name/severity and whether that says that it fires.
func TestBook(t *testing.T) {
	x := subject()
	blind := &slo.Status{State: slo.Blind, Reason: "r", Blind: slo.Alarm{Firing: true, Since: noon}}
	well := &slo.Status{State: slo.Measured}
	both := burning(slo.Page, slo.Blind)
	both.Blind = blind.Blind
	page, ticket := burning(slo.Page, slo.Measured), burning(slo.Ticket, slo.Measured)
	type turn struct {
		after  time.Duration
		status *slo.Status
		want   string
	}
	for name, c := range map[string]struct {
		adopted *slo.Status
		turns   []turn
	}{
		"fires, is said again, and resolves once": {nil, []turn{
			{0, well, ""}, {0, page, "ErrorBudgetBurn/page+"}, {59 * time.Second, page, ""}, {time.Second, page, "ErrorBudgetBurn/page+"},
			{time.Second, well, "ErrorBudgetBurn/page-"}, {time.Hour, well, ""},
		}},
		"another severity is another alert": {nil, []turn{
			{0, ticket, "ErrorBudgetBurn/ticket+"}, {time.Second, page, "ErrorBudgetBurn/page+ ErrorBudgetBurn/ticket-"}, {time.Second, ticket, "ErrorBudgetBurn/ticket+ ErrorBudgetBurn/page-"},
		}},
		"a burn does not end while nothing is seen": {page, []turn{
			{0, &slo.Status{State: slo.Unmeasured}, "ErrorBudgetBurn/page+"}, {time.Minute, blind, "ObjectiveBlind/ticket+ ErrorBudgetBurn/page+"},
			{time.Minute, &slo.Status{State: slo.Absent}, "ErrorBudgetBurn/page+ ObjectiveBlind/ticket-"}, {time.Second, well, "ErrorBudgetBurn/page-"},
		}},
		"all that was known is kept until something is": {both, []turn{
			{0, &slo.Status{State: slo.Unmeasured}, "ErrorBudgetBurn/page+ ObjectiveBlind/ticket+"}, {time.Second, &slo.Status{State: slo.NoTraffic}, "ErrorBudgetBurn/page- ObjectiveBlind/ticket-"},
		}},
		"what was sent before is over": {page, []turn{{0, well, "ErrorBudgetBurn/page-"}, {0, well, ""}}},
		"the clock goes back":          {nil, []turn{{0, page, "ErrorBudgetBurn/page+"}, {-time.Hour, page, "ErrorBudgetBurn/page+"}, {-10 * time.Hour, well, "ErrorBudgetBurn/page-"}}},
	} {
		var book follow.Book
		if c.adopted != nil {
			book.Adopt(follow.Firing(x, c.adopted))
		}
		now := noon
		for i, turn := range c.turns {
			now = now.Add(turn.after)
			var got []string
			for _, a := range book.Turn(follow.Firing(x, turn.status), turn.status.State, now) {
				mark := "-"
				if a.Ends.After(now) {
					mark = "+"
				}
				got = append(got, a.Labels["alertname"]+"/"+a.Labels["severity"]+mark)
				if a.Ends.Before(a.Starts) || mark == "+" && a.Ends.Sub(now) != follow.Lifetime {
					t.Errorf("%s, turn %d: from %s to %s", name, i, a.Starts, a.Ends)
				}
			}
			if text := strings.Join(got, " "); text != turn.want {
				t.Errorf("%s, turn %d: %q, want %q", name, i, text, turn.want)
			}
		}
		if name == "another severity is another alert" {
			if end := book.Close(now); len(end) != 1 || end[0].Ends != now || len(book.Close(now)) != 0 {
				t.Errorf("closed twice: %v", end)
			}
		}
	}
}

// TestStart keeps the moment at which an alert began, which a run that knows less
// takes for later.
func TestStart(t *testing.T) {
	var book follow.Book
	early, late := burning(slo.Page, slo.Measured), burning(slo.Page, slo.Measured)
	late.Incident.Opened = noon
	book.Adopt(follow.Firing(subject(), early))
	if got := book.Turn(follow.Firing(subject(), late), slo.Measured, noon); len(got) != 1 || !got[0].Starts.Equal(early.Incident.Opened) {
		t.Errorf("%+v", got)
	}
}

func TestKey(t *testing.T) {
	seen := map[string]map[string]string{}
	for _, l := range []map[string]string{nil, {"a": ""}, {"a": "b"}, {"a": `b",c="d`}, {"a": "b", "c": "d"}, {"a": "b,c=d"}, {"a": "\xff"}, {"a": "\xfe"}} {
		k := follow.Key(l)
		if other, ok := seen[k]; ok && !maps.Equal(other, l) {
			t.Errorf("%v and %v are the same", other, l)
		}
		seen[k] = l
	}
	if follow.Key(map[string]string{"b": "1", "a": "2"}) != follow.Key(map[string]string{"a": "2", "b": "1"}) {
		t.Error("the order matters")
	}
}
