package cli

import (
	"context"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/cause"
)

// maxMarks is how many changes a plot shows.
const maxMarks = 8

// marked are changes.
type marked struct {
	// known says that somebody could be asked.
	known bool
	all   []cause.Change
}

// changed asks what was changed since --since.
func (o *explainOptions) changed(ctx context.Context, now time.Time) (x marked, notes []string, err error) {
	all, err := o.changes.since(ctx, o.request.Namespace, now.Add(-o.request.Since))
	if err != nil && ctx.Err() != nil {
		return x, nil, err
	}
	if err != nil {
		return x, []string{"blind: the Releases could not be read: " + clean(shortly(err))}, nil
	}
	return marked{o.changes.releases, all}, nil, nil
}

// of are the changes in the namespace of a signal, each once, the newest.
func (m marked) of(s observe.Signal) (out marked) {
	out.known = m.known
	seen := map[string]bool{} // a release changes several workloads
	for _, c := range slices.Backward(m.all) {
		if ns := s.Namespace(); ns != "" && ns != c.Of.Key.Namespace || seen[c.Reference] || len(out.all) == maxMarks {
			continue
		}
		seen[c.Reference] = true
		out.all = append(out.all, c)
	}
	slices.Reverse(out.all)
	return out
}

// plot are the marks of a plot.
func (m marked) plot() (out []PlotMark) {
	for _, c := range m.all {
		out = append(out, PlotMark{At: c.At, Text: c.Text})
	}
	return out
}
