package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// explained is a signal with all that explains it.
type explained struct {
	observe.Standing
	marks     marked
	templates templated
	traces    exemplified
}

// gather asks the sources that are named for what explains signals. notes say what could
// not be found out; the error is that it was stopped.
func (o *explainOptions) gather(ctx context.Context, t Surveyed, all []observe.Standing) (out []explained, notes []string, err error) {
	changes, notes, err := o.changed(ctx, t.Report.At)
	if err != nil {
		return nil, nil, err
	}
	lines, more, err := o.lines(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	notes = append(notes, more...)
	for _, s := range all {
		x := explained{Standing: s, marks: changes.of(s.Signal), templates: lines.of(s)}
		if x.traces, err = o.examples(ctx, s); err != nil {
			return nil, nil, err
		}
		for _, n := range x.traces.Notes {
			if n = "note: " + clean(n); !slices.Contains(notes, n) { // of each signal the same
				notes = append(notes, n)
			}
		}
		out = append(out, x)
	}
	return out, notes, nil
}

// maxTemplates is how many templates of a workload are shown.
const maxTemplates = 3

// templated are the templates of logs that are new or more since a moment.
type templated struct {
	asked bool
	// from is nil if the logs could not be asked, or there is nothing to compare.
	from  *ComparedLogs
	found []logs.Change
}

// lines compares the lines since the signals are abnormal with those of --before.
func (o *explainOptions) lines(ctx context.Context, all []observe.Standing) (x templated, notes []string, err error) {
	if o.logs.loki.URL == "" {
		return x, nil, nil
	}
	about := logsSince{before: o.before, namespace: o.request.Namespace, timeout: o.source.Timeout}
	var spaces []string
	for _, s := range all {
		if len(s.Anomalies) == 0 {
			continue
		}
		spaces = append(spaces, s.Signal.Namespace())
		if since := s.Anomalies[len(s.Anomalies)-1].Since; about.begin.IsZero() || since.Before(about.begin) {
			about.begin = since
		}
		if end := lastSeen(s); end.After(about.at) {
			about.at = end
		}
	}
	if about.begin.IsZero() {
		return x, nil, nil
	}
	if spaces = slices.Compact(spaces); about.namespace == "" && len(spaces) == 1 {
		about.namespace = spaces[0]
	}
	x.asked = true
	x.from, notes, err = o.logs.compare(ctx, o.backend, about)
	if x.from != nil && !x.from.comparable() {
		x.from = nil
	}
	return x, notes, err
}

// of are the templates of the workload of a signal, the worst first.
func (t templated) of(s observe.Standing) templated {
	if t.asked = t.asked && len(s.Anomalies) > 0; !t.asked || t.from == nil {
		return t
	}
	mine := identity.Identity{Key: cause.ComponentOf(s.Signal).Key}
	for _, c := range t.from.Changes {
		who, ok := componentOfLog(c.Source)
		if ok && (c.Kind == logs.Appeared || c.Kind == logs.More) && identity.Join(mine, identity.Identity{Key: who.Key}) != identity.None {
			t.found = append(t.found, c)
		}
	}
	slices.SortStableFunc(t.found, func(a, b logs.Change) int { return rankOfLevel(b.Template.Level) - rankOfLevel(a.Template.Level) })
	t.found = t.found[:min(len(t.found), maxTemplates)]
	return t
}

// rankOfLevel orders templates: those that say that something is wrong go before all
// others, among which it does not matter.
func rankOfLevel(l logs.Level) int {
	if l < logs.Warn {
		return 0
	}
	return int(l)
}

// draw draws a signal into the file that is wanted, anew at each look: the same one, also
// if others of the workload become abnormal meanwhile.
func (o *explainOptions) draw(word string, all []explained) error {
	if o.file == "" {
		return nil
	}
	if o.drawn == "" && len(all) > 1 {
		var of []observe.Standing
		for _, x := range all {
			of = append(of, x.Standing)
		}
		return ambiguous(word, of)
	}
	if o.drawn == "" {
		o.drawn = all[0].Signal.ID()
	}
	for _, x := range all {
		if x.Signal.ID() == o.drawn {
			return o.picture(x)
		}
	}
	return nil
}

// stamp is a moment of a day in the zone of the user.
func (o *explainOptions) stamp(at time.Time) string {
	return at.In(o.request.Location).Format("15:04:05")
}

// tell writes notes to standard error.
func (o *explainOptions) tell(notes []string) {
	for _, n := range notes {
		fmt.Fprintln(o.streams.Err, n)
	}
}
