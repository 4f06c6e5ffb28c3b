package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// logging is a backend that has logs and nothing else.
type logging struct {
	Backend
	found *ComparedLogs
	err   error
	asked LogsRequest
}

func (b *logging) CompareLogs(_ context.Context, req LogsRequest) (*ComparedLogs, error) {
	b.asked = req
	return b.found, b.err
}

// TestCausesOfLogs takes lines that are new or more as evidence, each of its
// workload.
func TestCausesOfLogs(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	change := func(kind logs.ChangeKind, level logs.Level, source string) logs.Change {
		return logs.Change{Kind: kind, Source: source, Since: 7, Shift: logs.Shift{After: 5, Expected: 1, Score: 6, Template: logs.Template{Text: "disk full", Level: level}}}
	}
	b := &logging{found: &ComparedLogs{Changes: []logs.Change{
		change(logs.Appeared, logs.Error, "shop/orders"), change(logs.More, logs.Warn, "production:shop/web"), change(logs.Appeared, logs.Info, "shop/a"),
		change(logs.Vanished, logs.Error, "shop/b"), change(logs.Unjudged, logs.Error, "shop/c"), change(logs.Appeared, logs.Error, "a/b/c"),
	}, Counted: logs.Counted{Before: 5, After: 5}, Notes: []string{"mind\x1b the gap"}, Failed: []LogProblem{{"Loki", fault.New(fault.Partial, "read", "", "not all", "raise it")}}}}
	var out, errs bytes.Buffer
	o := &causesOptions{observeOptions: observeOptions{backend: b, streams: &Streams{Out: &out, Err: &errs}}, before: time.Hour}
	c := cause.Case{At: at}
	if err := o.logged(t.Context(), &c); err != nil || c.Logs != nil || !b.asked.At.IsZero() {
		t.Errorf("nobody named a Loki: %v %+v", err, b.asked)
	}
	o.logs.loki.URL, o.source.Timeout = "http://loki:3100", time.Second
	if err := o.logged(t.Context(), &c); err != nil || len(c.Logs) != 2 {
		t.Fatalf("%v %+v", err, c.Logs)
	}
	if r := b.asked; r.Loki.Query != everything || r.Since != 16*time.Minute || r.Before != time.Hour || !r.At.Equal(at) || r.Timeout != time.Second {
		t.Errorf("%+v", r)
	}
	first, second := c.Logs[0], c.Logs[1]
	if first.Of.Key.Namespace != "shop" || first.Of.Key.Service != "orders" || first.Signal.Kind != logs.NewTemplate || first.Signal.Lines != 5 || first.Signal.Since != 7 {
		t.Errorf("%+v", first)
	}
	if second.Of.Key.Service != "web" || second.Signal.Kind != logs.SurgingTemplate || second.Signal.Expected != 1 || second.Signal.Score != 6 {
		t.Errorf("%+v", second)
	}
	if e := errs.String(); !strings.Contains(e, "note: mind? the gap") || !strings.Contains(e, "blind: of logs: not all; raise it") {
		t.Error(e)
	}

	o.request.Namespace = "shop"
	b.found = &ComparedLogs{}
	errs.Reset()
	if err := o.logged(t.Context(), &c); err != nil || b.asked.Namespace != "shop" || b.asked.Loki.Query != "" || !strings.Contains(errs.String(), "nothing to compare") {
		t.Errorf("%v %+v %s", err, b.asked, &errs)
	}
	o.logs.loki.Query = `{app="x"}`
	b.err = fault.New(fault.Unavailable, "ask", "Loki", "it is away", "is it up?")
	errs.Reset()
	if err := o.logged(t.Context(), &c); err != nil || b.asked.Namespace != "" || !strings.Contains(errs.String(), "blind: logs could not be asked for: it is away") {
		t.Errorf("%v %+v %s", err, b.asked, &errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.logged(ctx, &c); err == nil {
		t.Error("it goes on after it was stopped")
	}
}
