package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/autoecoops/autoecoops/observe"
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
