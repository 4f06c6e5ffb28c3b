package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	spans "github.com/autoecoops/autoecoops/observe/trace"
)

// jsonCost is the JSON of what calls cost; times are in seconds.
type jsonCost struct {
	Calls  uint64  `json:"calls"`
	Failed uint64  `json:"failed"`
	Faults uint64  `json:"faults"`
	GaveUp uint64  `json:"gaveUp"`
	P50    float64 `json:"p50"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	Own    float64 `json:"ownMean"`
	// Slowest and Failed are the ids of traces, "" for none.
	Slowest    string `json:"slowestTrace,omitempty"`
	LastFailed string `json:"failedTrace,omitempty"`
}

func costOf(c *spans.Cost) *jsonCost {
	if c.Calls == 0 {
		return nil
	}
	out := &jsonCost{c.Calls, c.Failed, c.Faults, c.GaveUp, c.Latency.Quantile(0.5).Seconds(), c.Latency.Quantile(0.95).Seconds(), c.Latency.Quantile(0.99).Seconds(),
		(c.SelfSum / time.Duration(c.Calls)).Seconds(), "", ""}
	if !c.Slowest.IsZero() {
		out.Slowest = c.Slowest.String()
	}
	if !c.LastFailed.IsZero() {
		out.LastFailed = c.LastFailed.String()
	}
	return out
}

func graphJSON(w io.Writer, all []spans.Change, owned *Ownership, notes []string, costs *CallCosts) error {
	type call struct {
		spans.Edge
		// Before and After are null where there were no calls.
		Before *jsonCost `json:"before"`
		After  *jsonCost `json:"after"`
		// Own is how much longer the callee itself takes, in seconds; Faults by how
		// much the share of faults rose.
		Own    float64 `json:"ownChange"`
		Faults float64 `json:"faultsChange"`
	}
	out := struct {
		Calls        []call   `json:"calls"`
		TracesBefore int      `json:"tracesBefore"`
		TracesAfter  int      `json:"tracesAfter"`
		Notes        []string `json:"notes"`
		// Manifests is what --manifests adds.
		Manifests *Ownership `json:"manifests,omitempty"`
	}{[]call{}, costs.Before.Traces, costs.After.Traces, some(notes), owned}
	for i := range all {
		c := &all[i]
		out.Calls = append(out.Calls, call{c.Edge, costOf(&c.Before), costOf(&c.After), c.Self.Seconds(), c.Faults})
	}
	return structured(w, "json", out)
}

// graphMermaid draws the services and their calls in Mermaid's language, the
// operations of two parties as one arrow.
func graphMermaid(w io.Writer, all []spans.Change, owned *Ownership) error {
	type pair struct {
		caller, callee spans.Party
		async          bool
	}
	sums := map[pair]*spans.Cost{}
	var order []pair
	var parties []spans.Party
	for i := range all {
		c := &all[i]
		if c.After.Calls == 0 {
			continue
		}
		p := pair{c.Edge.Caller, c.Edge.Callee, c.Edge.Async}
		if sums[p] == nil {
			sums[p] = &spans.Cost{}
			order = append(order, p)
		}
		sums[p].Merge(&c.After)
		for _, x := range []spans.Party{p.caller, p.callee} {
			if !slices.Contains(parties, x) {
				parties = append(parties, x)
			}
		}
	}
	fmt.Fprintln(w, "flowchart LR")
	for i, p := range parties {
		open, end := `["`, `"]`
		switch p.Kind {
		case spans.Database:
			open, end = `[("`, `")]`
		case spans.Queue:
			open, end = `[/"`, `"/]`
		case spans.Outside, spans.External, spans.Unknown:
			open, end = `(["`, `"])`
		}
		fmt.Fprintf(w, "  n%d%s%s%s%s\n", i, open, mermaidText(p.String()), owned.mermaid(p), end)
	}
	for _, p := range order {
		arrow := "-->"
		if p.async {
			arrow = "-.->"
		}
		c := sums[p]
		label := "p95 " + span(c.Latency.Quantile(0.95))
		if c.Faults > 0 {
			label += ", faults " + percent(c.Faults, c.Calls)
		}
		if _, err := fmt.Fprintf(w, "  n%d %s|\"%s\"| n%d\n", slices.Index(parties, p.caller), arrow, mermaidText(label), slices.Index(parties, p.callee)); err != nil {
			return err
		}
	}
	return owned.mermaidSilent(w)
}

// mermaidText makes a text safe between quotes: Mermaid has entities for what
// means something to it.
func mermaidText(text string) string {
	var b strings.Builder
	for _, r := range clean(text) {
		if strings.ContainsRune("\"#<>&`|;\\", r) {
			fmt.Fprintf(&b, "#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
