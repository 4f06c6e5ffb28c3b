package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// maxMarks is how many changes a plot shows.
const maxMarks = 8

// marked are changes, and who runs where.
type marked struct {
	// known says that somebody could be asked.
	known  bool
	all    []cause.Change
	places []cause.Dependency
}

// changed asks what was changed since --since.
func (o *explainOptions) changed(ctx context.Context, now time.Time) (x marked, notes []string, err error) {
	c := cause.Case{At: now}
	if c.Changes, err = o.changes.since(ctx, o.request.Namespace, now.Add(-o.request.Since)); err != nil {
		if ctx.Err() != nil {
			return x, nil, err
		}
		notes = append(notes, "blind: the Releases could not be read: "+clean(shortly(err)))
	}
	more, err := o.around(ctx, &o.changes, &c)
	if err != nil {
		return x, nil, err
	}
	slices.SortStableFunc(c.Changes, func(a, b cause.Change) int { return a.At.Compare(b.At) })
	blind := slices.ContainsFunc(more, func(n string) bool { return strings.HasPrefix(n, "blind: ") })
	known := o.changes.releases && o.changes.known || o.changes.events && !blind || len(c.Changes) > 0
	return marked{known, c.Changes, c.Dependencies}, append(notes, more...), nil
}

// of are the changes that may have to do with a signal, each once, in the order of time:
// those of its workload, then those in its namespace and of its nodes, the newest of each,
// as many as can be read in a plot.
func (m marked) of(s observe.Signal) (out marked) {
	out.known = m.known
	mine := cause.ComponentOf(s)
	nodes := m.nodes(mine)
	seen := map[string]bool{} // a release changes several workloads
	for _, own := range []bool{true, false} {
		for _, c := range slices.Backward(m.all) {
			reference := c.Reference + "\x00" + c.At.String()
			if len(out.all) == maxMarks || seen[reference] || own != sameWorkload(c.Of, mine) || !m.concerns(c, s, nodes) {
				continue
			}
			seen[reference] = true
			out.all = append(out.all, c)
		}
	}
	slices.SortStableFunc(out.all, func(a, b cause.Change) int { return a.At.Compare(b.At) })
	return out
}

// concerns tells whether a change may have to do with a signal.
func (m marked) concerns(c cause.Change, s observe.Signal, nodes map[cause.Component]bool) bool {
	if c.Kind == cause.NodeChange {
		return len(nodes) == 0 || nodes[c.Of] // where it runs may not be known
	}
	ns := identity.Clean(s.Namespace())
	return ns == "" || ns == c.Of.Key.Namespace
}

// nodes are those that a workload runs on, as far as is known.
func (m marked) nodes(of cause.Component) map[cause.Component]bool {
	out := map[cause.Component]bool{}
	for _, d := range m.places {
		if d.Kind == cause.RunsOn && sameWorkload(d.Who, of) {
			out[d.On] = true
		}
	}
	return out
}

// sameWorkload tells whether two components may be one, as far as is known of each.
func sameWorkload(a, b cause.Component) bool {
	return a.Kind == b.Kind && identity.Join(identity.Identity{Key: a.Key}, identity.Identity{Key: b.Key}) != identity.None
}

// plot are the marks of a plot: releases are told by their name, others with their kind.
func (m marked) plot() (out []PlotMark) {
	for _, c := range m.all {
		text := c.Text
		if c.Kind != cause.Release {
			text = string(c.Kind) + ": " + text
		}
		if c.Kind == cause.NodeChange {
			text = "node " + c.Of.Key.Service + ": " + c.Text
		}
		out = append(out, PlotMark{At: c.At, Text: text})
	}
	return out
}
