package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/cause"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// maxExamples is how many traces are named.
const maxExamples = 3

// exemplified are traces that show what is wrong with a signal.
type exemplified struct {
	asked bool
	TracesFound
	err error
}

// examples finds traces of a signal's workload since it is abnormal. A store that cannot
// be asked does not spoil the explanation; it is told. The error is that it was stopped.
func (o *explainOptions) examples(ctx context.Context, s observe.Standing) (x exemplified, err error) {
	if !o.traces.given() || len(s.Anomalies) == 0 {
		return x, nil
	}
	of, since, until := cause.ComponentOf(s.Signal), s.Anomalies[len(s.Anomalies)-1].Since, lastSeen(s)
	o.traces.Timeout = o.source.Timeout
	found, err := o.backend.FindTraces(ctx, TracesRequest{
		Source: o.traces,
		Query:  spans.Query{From: identity.Identity{Key: of.Key}, Since: since, Until: until.Add(time.Second), Failed: s.Signal.Watch.Golden == watch.Errors, Limit: maxExamples},
		// What is measured is made of what was within the window of rates.
		Metrics: o.source, Exemplars: s.Signal.Watch.ExemplarsOf(s.Signal.Labels), From: since.Add(-4 * o.source.Scrape), Around: o.source.Scrape,
	})
	if ctx.Err() != nil {
		return x, ctx.Err()
	}
	x.asked = true
	if found != nil {
		x.TracesFound = *found
	}
	switch {
	case err != nil && fault.KindOf(err) == fault.Partial:
		x.Notes = append(x.Notes, "there may be more traces: "+err.Error())
	case err != nil:
		x.err = err
	}
	return x, nil
}

// lastSeen is the end of the last anomaly of a signal, so far.
func lastSeen(s observe.Standing) time.Time {
	if last := s.Anomalies[len(s.Anomalies)-1]; !last.Open() {
		return last.Until
	}
	return s.At
}

// text writes the traces.
func (x *exemplified) text(w io.Writer, zone *time.Location) error {
	switch {
	case !x.asked:
		return nil
	case x.err != nil:
		_, err := fmt.Fprintf(w, "\nTraces: could not be asked for: %s\n", clean(x.err.Error()))
		return err
	case len(x.Traces) == 0:
		_, err := fmt.Fprintln(w, "\nTraces: none of that time.")
		return err
	}
	fmt.Fprintln(w, "\nTraces of that time, and how they were found:")
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, t := range x.Traces {
		outcome := ""
		if t.Failed {
			outcome = "failed"
		}
		if t.Partial {
			outcome = strings.TrimPrefix(outcome+", only a part: its root is missing", ", ")
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Start.In(zone).Format("15:04:05"), span(t.Duration), clean(t.Root), outcome, foundBy(t.How))
	}
	return table.Flush()
}

// foundBy says how a trace was found.
func foundBy(h spans.How) string {
	if h == spans.ByTraceID {
		return "named by an exemplar"
	}
	return "by " + string(h)
}
