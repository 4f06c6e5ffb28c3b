package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// slowLogs are lines of orders and of another, with changes of all kinds.
func slowLogs() logging {
	change := func(kind logs.ChangeKind, level logs.Level, source, text, example string) logs.Change {
		return logs.Change{Kind: kind, Source: source, Since: traceTime.Add(-time.Minute).UnixMilli(), Shift: logs.Shift{After: 5, Expected: 1, Score: 6, Template: logs.Template{ID: 7, Text: text, Level: level, Example: example}}}
	}
	return logging{found: &ComparedLogs{Mid: traceTime.Add(-3 * time.Minute), Counted: logs.Counted{Before: 5, After: 5}, Changes: []logs.Change{
		change(logs.Appeared, logs.Info, "shop/orders", "started", "started"),
		change(logs.Appeared, logs.Error, "production:shop/orders", "lock timeout after <*> ms\x1b", "lock timeout after 31 ms token=[redacted]\x1b\nat main"),
		change(logs.More, logs.Warn, "shop/orders", "retry <*>", "retry 3"),
		change(logs.More, logs.None, "shop/orders", "one too many", "one too many"),
		change(logs.Vanished, logs.Error, "shop/orders", "gone", "gone"),
		change(logs.Appeared, logs.Error, "shop/web", "of others", "of others"),
		change(logs.Appeared, logs.Error, "bank/orders", "of a namesake", "of a namesake"),
	}, Notes: []string{"mind the gap"}}}
}

// TestExplainShowsLogs has the lines of the workload that are new or more since it is
// abnormal, the worst first, and goes on where Loki is away or has nothing.
func TestExplainShowsLogs(t *testing.T) {
	b := slowOrders()
	b.lines = slowLogs()
	out, errs, code := explainOf(t, b, "--loki", "http://l", "--before", "2h", "--timeout", "7s", "--logs-tenant", "one")
	want := `Logs, new or more since 11:57:00:
  new  error  5 lines since 11:59:00  lock timeout after <*> ms?
    lock timeout after 31 ms token=[redacted]?
  more  warn  5 lines since 11:59:00  retry <*>
    retry 3
  new  info  5 lines since 11:59:00  started
    started
`
	if code != 0 || !strings.Contains(out, want) || !strings.HasSuffix(out, want) || !strings.Contains(errs, "note: mind the gap\n") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if r := b.lines.asked; r.Namespace != "shop" || r.Loki.Query != "" || r.Loki.Tenant != "one" || r.Before != 2*time.Hour || r.Timeout != 7*time.Second || !r.At.Equal(traceTime) || r.Since != 2*time.Minute+logMargin {
		t.Errorf("asked for %+v %+v", r, r.Loki)
	}
	b.lines.found.Changes = nil
	if out, _, _ := explainOf(t, b, "--loki", "http://l"); !strings.Contains(out, "Logs: no line of it is new or more since 11:57:00.") {
		t.Error(out)
	}
	b.lines.found.Counted.Before = 0
	if out, errs, _ := explainOf(t, b, "--loki", "http://l"); !strings.Contains(out, "Logs: nothing can be said of them.") || !strings.Contains(errs, "blind: there is nothing to compare") {
		t.Errorf("%s%s", out, errs)
	}
	b.lines.err = fault.New(fault.Unavailable, "ask Loki", "l", "refused", "")
	if out, errs, code := explainOf(t, b, "--loki", "http://l"); code != 0 || !strings.Contains(out, "(plot)") || !strings.Contains(errs, "blind: logs could not be asked for: refused") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if _, errs, code := explainOf(t, b, "--loki", "http://l", "--before", "1s"); code != 2 || !strings.Contains(errs, "--before 1s") {
		t.Errorf("code %d %s", code, errs)
	}
	b.told.Report.Signals[0].Anomalies = nil
	b.lines.asked = LogsRequest{}
	if out, _, _ := explainOf(t, b, "--loki", "http://l"); strings.Contains(out, "Logs") || b.lines.asked.Loki != nil {
		t.Errorf("of what is well, logs are asked for\n%s", out)
	}
}

// TestExplainTellsTheLikest says which known pattern is most like what was seen.
func TestExplainTellsTheLikest(t *testing.T) {
	for want, x := range map[string]anomaly.Explanation{
		"  Of what was seen before, the most like it is 20 ms, 21 ms, 400 ms (each the level of 12 samples), seen 15 times or more.\n": {Nearest: [3]float64{.02, .021, .4}, Block: 12, Seen: 15},
		"is 1 s, 2 s, 3 s (each a sample), seen once.\n":    {Nearest: [3]float64{1, 2, 3}, Block: 1, Seen: 1},
		"is 1 s, 2 s, 3 s (each a sample), seen 2 times.\n": {Nearest: [3]float64{1, 2, 3}, Block: 1, Seen: 2},
	} {
		b := slowOrders()
		a := &b.told.Report.Signals[0].Anomalies[0]
		a.Signal, a.Explanation = b.told.Report.Signals[0].Signal, x
		if out, _, _ := explainOf(t, b); !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if out, _, _ := explainOf(t, slowOrders()); strings.Contains(out, "the most like it") {
		t.Errorf("nothing like it was seen:\n%s", out)
	}
}

// explanationJSON are the parts of the answer that are looked at.
type explanationJSON struct {
	Signals []struct {
		Signal    struct{ ID, Workload string }
		Anomalies []struct {
			Nearest *struct {
				Levels       []float64
				BlockSamples int
				Seen         int
			}
		}
		Marks []struct {
			At                    time.Time
			Kind, Text, Reference string
		}
		Templates []struct{ Change, Level, Template, Example string }
		Traces    []struct {
			ID, Root, FoundBy string
			Duration          float64
			Failed            bool
		}
	}
	Notes []string
}

func explainedJSON(t *testing.T, b *surveying, args ...string) (x explanationJSON) {
	t.Helper()
	out, errs, code := explainOf(t, b, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &x); err != nil || code != 0 || len(x.Signals) != 1 {
		t.Fatalf("code %d, %v\n%s%s", code, err, out, errs)
	}
	return x
}

// TestExplainJSON has all that the text has, and tells what nobody was asked for from
// what there is none of.
func TestExplainJSON(t *testing.T) {
	b := slowOrders()
	b.lines = slowLogs()
	b.told.Report.Signals[0].Anomalies[0].Explanation = anomaly.Explanation{Nearest: [3]float64{1, 2, 3}, Block: 4, Seen: 2}
	x := explainedJSON(t, b, "--releases", "--loki", "http://l", "--jaeger", "http://j")
	s := x.Signals[0]
	if n := s.Anomalies[0].Nearest; n == nil || n.Levels[2] != 3 || n.BlockSamples != 4 || n.Seen != 2 {
		t.Errorf("%+v", n)
	}
	if len(s.Marks) != 1 || s.Marks[0].Text != "shop@01234567" || s.Marks[0].Kind != "release" || s.Marks[0].Reference != "shop/shop-1" || !s.Marks[0].At.Equal(traceTime.Add(-3*time.Minute)) {
		t.Errorf("%+v", s.Marks)
	}
	if len(s.Templates) != 3 || s.Templates[0].Change != "new" || s.Templates[0].Level != "error" || s.Templates[0].Template != "lock timeout after <*> ms?" || s.Templates[0].Example != "lock timeout after 31 ms token=[redacted]?\nat main" {
		t.Errorf("%+v", s.Templates)
	}
	if len(s.Traces) != 2 || s.Traces[0].ID != "00000000000000000000000000000007" || s.Traces[0].FoundBy != "trace id" || !s.Traces[0].Failed || s.Traces[0].Duration != 0.412 || s.Traces[0].Root != "GET /?" {
		t.Errorf("%+v", s.Traces)
	}
	if strings.Join(x.Notes, "|") != "note: mind the gap|note: mind?" {
		t.Errorf("%q", x.Notes)
	}

	if s := explainedJSON(t, slowOrders()).Signals[0]; s.Marks != nil || s.Templates != nil || s.Traces != nil || s.Anomalies[0].Nearest != nil {
		t.Errorf("nobody was asked: %+v", s)
	}
	b = slowOrders()
	b.releases, b.found.Traces, b.lines = nil, nil, slowLogs()
	b.lines.found.Changes = nil
	if s := explainedJSON(t, b, "--releases", "--loki", "http://l", "--jaeger", "http://j").Signals[0]; s.Marks == nil || s.Templates == nil || s.Traces == nil || len(s.Marks)+len(s.Templates)+len(s.Traces) > 0 {
		t.Errorf("there is none: %+v", s)
	}
	b.denied, b.findErr, b.lines.err = fault.New(fault.Denied, "list", "releases", "it may not", ""), fault.New(fault.Unavailable, "ask", "j", "refused", ""), fault.New(fault.Unavailable, "ask", "l", "away", "")
	x = explainedJSON(t, b, "--releases", "--loki", "http://l", "--jaeger", "http://j")
	if s := x.Signals[0]; s.Marks != nil || s.Templates != nil || s.Traces != nil {
		t.Errorf("nobody could be asked: %+v", s)
	}
	if all := strings.Join(x.Notes, "|"); !strings.Contains(all, "the Releases could not be read") || !strings.Contains(all, "logs could not be asked for: away") || !strings.Contains(all, "traces could not be asked for") {
		t.Errorf("%q", x.Notes)
	}
}
