package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/cause"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// maxMarks is how many changes a plot shows, the newest.
const maxMarks = 8

// marks are the changes in the namespaces of signals, for each of them.
func (o *explainOptions) marks(ctx context.Context, t Surveyed, all []observe.Standing) ([][]PlotMark, error) {
	out := make([][]PlotMark, len(all))
	changes, err := o.changes.since(ctx, o.request.Namespace, t.Report.At.Add(-o.request.Since))
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		fmt.Fprintf(o.streams.Err, "blind: the Releases could not be read: %s\n", clean(shortly(err)))
	}
	for i, s := range all {
		seen := map[string]bool{} // a release changes several workloads
		for _, c := range slices.Backward(changes) {
			if ns := s.Signal.Namespace(); ns != "" && ns != c.Of.Key.Namespace || seen[c.Reference] || len(out[i]) == maxMarks {
				continue
			}
			seen[c.Reference] = true
			out[i] = append(out[i], PlotMark{At: c.At, Text: c.Text})
		}
		slices.Reverse(out[i])
	}
	return out, nil
}

// maxExamples is how many traces are named.
const maxExamples = 3

// examples names traces of a signal's workload since it is abnormal. A store that
// cannot be asked does not spoil the explanation; it is told.
func (o *explainOptions) examples(ctx context.Context, w io.Writer, s observe.Standing) error {
	if !o.traces.given() || len(s.Anomalies) == 0 {
		return nil
	}
	of, last := cause.ComponentOf(s.Signal), s.Anomalies[len(s.Anomalies)-1]
	until := last.Until
	if last.Open() {
		until = s.At
	}
	o.traces.Timeout = o.source.Timeout
	found, err := o.backend.FindTraces(ctx, o.traces, spans.Query{
		From: identity.Identity{Key: of.Key}, Since: last.Since, Until: until.Add(time.Second), Failed: s.Signal.Watch.Golden == watch.Errors, Limit: maxExamples,
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && fault.KindOf(err) != fault.Partial:
		_, err := fmt.Fprintf(w, "\nTraces: could not be asked for: %s\n", clean(err.Error()))
		return err
	case len(found) == 0:
		_, err := fmt.Fprintln(w, "\nTraces: none of that time.")
		return err
	}
	fmt.Fprintln(w, "\nTraces of that time:")
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, t := range found {
		outcome := ""
		if t.Failed {
			outcome = "failed"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", t.ID, t.Start.In(o.request.Location).Format("15:04:05"), span(t.Duration), clean(t.Root), outcome)
	}
	return table.Flush()
}
