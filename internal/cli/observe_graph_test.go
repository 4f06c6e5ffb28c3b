package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// tracing is a backend that has traces and nothing else.
type tracing struct {
	Backend
	costs *CallCosts
	err   error
	asked CostsRequest
}

func (b *tracing) CallCosts(_ context.Context, req CostsRequest) (*CallCosts, error) {
	b.asked = req
	return b.costs, b.err
}

var traceTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// purchase is a trace in which web asks orders, which takes a while and asks its
// database.
func purchase(id byte, own time.Duration, bad bool) []spans.Span {
	who := func(name string) *identity.Identity {
		return &identity.Identity{Key: identity.Key{Environment: "production", Namespace: "shop", Service: name}}
	}
	span := func(n, parent byte, from string, kind spans.Kind, start, end time.Duration) spans.Span {
		s := spans.Span{Trace: spans.ID{id}, ID: spans.SpanID{n}, Kind: kind, Name: "POST /buy", From: who(from), Start: traceTime.Add(start).UnixNano(), End: traceTime.Add(end).UnixNano()}
		if parent > 0 {
			s.Parent = spans.SpanID{parent}
		}
		return s
	}
	orders := span(3, 2, "orders", spans.Server, 2*time.Millisecond, own+22*time.Millisecond)
	orders.Failed = bad
	db := span(4, 3, "orders", spans.Client, 2*time.Millisecond, 22*time.Millisecond)
	db.Name, db.Remote = "SELECT", spans.Remote{Kind: spans.Database, Name: `postgresql/"orders"`}
	return []spans.Span{span(1, 0, "web", spans.Server, 0, own+25*time.Millisecond), span(2, 1, "web", spans.Client, time.Millisecond, own+23*time.Millisecond), orders, db}
}

func graphOf(t *testing.T, b Backend, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	s := &Streams{Out: &o, Err: &e, Getenv: func(string) string { return "" }}
	code = Main(t.Context(), b, s, Build{}, append([]string{"observe", "graph"}, args...))
	return o.String(), e.String(), code
}

func TestGraph(t *testing.T) {
	b := &tracing{costs: &CallCosts{
		Before: spans.CostsOf([][]spans.Span{purchase(1, 10*time.Millisecond, false)}),
		After:  spans.CostsOf([][]spans.Span{purchase(2, 900*time.Millisecond, false), purchase(3, 900*time.Millisecond, true)}),
		Notes:  []string{"not all is known\x1b"},
	}}
	out, errs, code := graphOf(t, b, "--jaeger", "http://jaeger", "--since", "5m", "--before", "30m", "--sample", "7", "--timeout", "9s")
	rows := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(rows) != 4 {
		t.Fatalf("code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"production:shop/web", "production:shop/orders", "POST /buy", "50 %", "+890ms own time, +50 points of faults"} {
		if !strings.Contains(rows[1], want) {
			t.Errorf("the heaviest change has no %q: %s", want, rows[1])
		}
	}
	if !strings.Contains(errs, "2 traces of the last 5m, 1 of the 30m before") || !strings.Contains(errs, "note: not all is known?") {
		t.Errorf("standard error: %s", errs)
	}
	if a := b.asked; a.Sample != 7 || a.To.Sub(a.Mid) != 5*time.Minute || a.Mid.Sub(a.From) != 30*time.Minute || a.Source.Jaeger != "http://jaeger" || a.Source.Timeout != 9*time.Second {
		t.Errorf("asked %+v", a)
	}

	out, _, code = graphOf(t, b, "--jaeger", "http://jaeger", "-o", "json")
	var answer struct {
		Calls []struct {
			Callee        struct{ Key identity.Key }
			Before, After *struct {
				Calls, Faults uint64
				P95           float64
				SlowestTrace  string
			}
			OwnChange float64
		}
		TracesAfter int
		Notes       []string
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != 0 || len(answer.Calls) != 3 || answer.TracesAfter != 2 || len(answer.Notes) != 1 {
		t.Fatalf("code %d, %v\n%s", code, err, out)
	}
	if c := answer.Calls[0]; c.Callee.Key.Service != "orders" || c.Before.Calls != 1 || c.After.Faults != 1 || c.OwnChange < 0.8 || len(c.After.SlowestTrace) != 32 || c.After.P95 < 0.8 {
		t.Errorf("%+v", c)
	}

	out, _, code = graphOf(t, b, "--jaeger", "http://jaeger", "-o", "mermaid", "-n", "shop")
	if code != 0 || !strings.HasPrefix(out, "flowchart LR\n") || !strings.Contains(out, `[("database:postgresql/#34;orders#34;")]`) || !strings.Contains(out, "faults 50 %") || strings.Count(out, "-->") != 3 {
		t.Errorf("code %d\n%s", code, out)
	}

	out, errs, code = graphOf(t, b, "--jaeger", "http://jaeger", "-n", "other")
	if code != 3 || !strings.Contains(out, "No calls were seen") || !strings.Contains(errs, "blind: ") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}

// TestGraphOfNothing is no sign of health.
func TestGraphOfNothing(t *testing.T) {
	b := &tracing{costs: &CallCosts{Before: spans.CostsOf([][]spans.Span{purchase(1, 0, false)})}}
	out, errs, code := graphOf(t, b, "--tempo", "http://tempo")
	if code != 3 || !strings.Contains(out, "not seen any more") || !strings.Contains(errs, "blind: there are no traces") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	b.err = fault.New(fault.Unavailable, "ask Tempo", "tempo", "refused", "")
	if out, errs, code := graphOf(t, b, "--tempo", "http://tempo"); code != 2 || out != "" || !strings.Contains(errs, "refused") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}

func TestGraphRefusesBadFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"whom to ask":         nil,
		"--jaeger is given":   {"--jaeger", "http://a", "--tempo", "http://b"},
		`no format "yaml"`:    {"--jaeger", "http://a", "-o", "yaml"},
		"from 1 to 1000":      {"--jaeger", "http://a", "--sample", "0"},
		"name of a namespace": {"--jaeger", "http://a", "-n", "A b"},
		"--since":             {"--jaeger", "http://a", "--since", "soon"},
		"--timeout":           {"--jaeger", "http://a", "--timeout", "0s"},
	} {
		if out, errs, code := graphOf(t, &tracing{}, args...); code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%v: code %d\n%s%s", args, code, out, errs)
		}
	}
}

func TestGraphGoesOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var out, errs bytes.Buffer
	s := &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}
	b := &tracing{err: fault.New(fault.Unavailable, "ask Tempo", "tempo", "refused", "")}
	Main(ctx, b, s, Build{}, []string{"observe", "graph", "--tempo", "http://t", "-w", "--every", "20ms"})
	if n := strings.Count(errs.String(), "refused"); n < 2 {
		t.Errorf("it asked %d times\n%s", n, errs.String())
	}
}

// TestCounting shows people who look what is done, and leaves nothing of that behind.
func TestCounting(t *testing.T) {
	var errs bytes.Buffer
	if progress, end := (&Streams{Err: &errs}).counting("asking"); progress != nil {
		t.Error("nobody looks")
	} else {
		end()
	}
	progress, end := (&Streams{Err: &errs, ErrTerminal: true}).counting("asking")
	end()
	if errs.Len() != 0 {
		t.Errorf("before anything was done: %q", &errs)
	}
	progress(3, 12)
	end()
	if got := errs.String(); got != "\r\x1b[Kasking: 3 of 12\r\x1b[K" {
		t.Errorf("%q", got)
	}
}
