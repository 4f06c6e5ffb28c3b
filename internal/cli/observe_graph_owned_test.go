package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops"
)

// owning is a backend that has traces and manifests.
type owning struct {
	tracing
	path   string
	placed []spans.Total
	err    error
}

func (b *owning) Manifests(_ context.Context, path string) (*Manifests, error) {
	b.path = path
	if b.err != nil {
		return nil, b.err
	}
	workload := func(namespace, name string, roots ...string) Workload {
		return Workload{ops.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: name}, ops.Position{File: name + ".yaml", Line: 4}, roots}
	}
	return &Manifests{Path: path, Notes: []string{"one file is broken"}, Place: func(totals []spans.Total) Ownership {
		b.placed = totals
		out := Ownership{Silent: []Workload{workload("shop", "price", "overlays/a"), workload("", "chart"), workload("bank", "ledger")}}
		for _, t := range totals {
			switch t.Edge.Callee.Key.Service {
			case "web":
				out.Services = append(out.Services, PlacedService{t.Edge.Callee, []Workload{workload("shop", "the-web", "overlays/a", "overlays/b")}})
			case "orders":
				out.Services = append(out.Services, PlacedService{t.Edge.Callee, []Workload{}})
			}
		}
		return out
	}}, nil
}

func TestGraphOwned(t *testing.T) {
	ask := func(b *owning, args ...string) (out, errs string, code int) {
		b.costs = &CallCosts{Before: spans.CostsOf(nil), After: spans.CostsOf([][]spans.Span{purchase(1, time.Millisecond, false)})}
		return graphOf(t, b, append([]string{"--jaeger", "http://jaeger"}, args...)...)
	}
	b := &owning{}
	out, errs, code := ask(b, "--manifests", "deploy")
	if code != 0 || b.path != "deploy" || len(b.placed) != 3 {
		t.Fatalf("code %d, %q, %d totals\n%s%s", code, b.path, len(b.placed), out, errs)
	}
	for _, want := range []string{
		"SEEN WORKLOAD DECLARED IN\n",
		"production:shop/web Deployment shop/the-web the-web.yaml:4 (overlays/a, overlays/b)\n",
		"production:shop/orders - runs, and is not in what could be read of deploy\n",
		"- Deployment shop/price price.yaml:4 (overlays/a): declared, and not seen\n",
		"- Deployment bank/ledger ledger.yaml:4: declared, and not seen\n",
	} {
		if !strings.Contains(narrow(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "note: one file is broken\nnote: of 3 workloads that deploy declares nothing is in this sample: silence is no health\n") {
		t.Errorf("standard error: %s", errs)
	}

	out, _, _ = ask(b, "--manifests", "deploy", "-n", "shop")
	if strings.Contains(out, "ledger") || !strings.Contains(out, "Deployment shop/price") || !strings.Contains(out, "Deployment chart") {
		t.Errorf("of one namespace:\n%s", out)
	}

	out, _, _ = ask(b, "--manifests", "deploy", "-o", "json")
	var answer struct {
		Notes     []string
		Manifests *Ownership
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.Notes) != 2 || answer.Manifests == nil || len(answer.Manifests.Services) != 2 || len(answer.Manifests.Silent) != 3 {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range answer.Manifests.Services {
		if s.Key.Service == "web" && (len(s.Workloads) != 1 || s.Workloads[0].Name != "the-web" || s.Workloads[0].Line != 4) {
			t.Errorf("%+v", s)
		}
	}

	out, _, _ = ask(b, "--manifests", "deploy", "-o", "mermaid")
	for _, want := range []string{`["production:shop/web<br/>Deployment shop/the-web"]`, `["production:shop/orders<br/>not declared"]`, "subgraph silent[\"declared, and not seen\"]\n    s0[\"Deployment shop/price\"]"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}

	b = &owning{}
	if out, errs, _ := ask(b); b.path != "" || strings.Contains(out, "WORKLOAD") || strings.Contains(errs, "note:") {
		t.Errorf("nobody asked for manifests:\n%s%s", out, errs)
	}
	if out, _, _ := ask(b, "-o", "json"); strings.Contains(out, `"manifests"`) {
		t.Errorf("nobody asked for manifests:\n%s", out)
	}

	b = &owning{err: fault.New(fault.NotFound, "read manifests", "deploy", "there is no such folder", "")}
	if out, errs, code := ask(b, "--manifests", "deploy"); code != 2 || out != "" || !strings.Contains(errs, "no such folder") || !b.asked.To.IsZero() {
		t.Errorf("code %d, traces asked for %v\n%s%s", code, b.asked.To, out, errs)
	}
	if _, errs, code := ask(b, "--manifests", "-", "-w"); code != 2 || !strings.Contains(errs, "read only once") {
		t.Errorf("code %d\n%s", code, errs)
	}
}

// narrow makes each run of spaces of a table one.
func narrow(table string) string {
	var b strings.Builder
	for row := range strings.Lines(table) {
		b.WriteString(strings.Join(strings.Fields(row), " ") + "\n")
	}
	return b.String()
}
