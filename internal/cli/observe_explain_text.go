package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
)

// explanation writes all of it, for people.
func (o *explainOptions) explanation(w io.Writer, all *explained) error {
	s, x := &all.Standing, &all.Signal
	fmt.Fprintf(w, "%s  %s: %s\n", x.ID(), clean(x.Of()), x.Watch.What)
	for _, r := range x.Rest() {
		fmt.Fprintln(w, "  "+clean(r))
	}
	fmt.Fprintf(w, "  now %s, %s", observe.Quantity(s.Value, x.Watch.Unit), s.State)
	if s.State == observe.Unknown {
		fmt.Fprintf(w, " (%s cannot be right)", observe.Quantity(s.Wrong, x.Watch.Unit))
	}
	if !s.At.IsZero() {
		fmt.Fprintf(w, ", measured %s", s.At.In(o.request.Location).Format("2 Jan 15:04:05"))
	}
	fmt.Fprint(w, "\n\n")
	columns := o.streams.Width
	if columns == 0 {
		columns = 100
	}
	if err := o.backend.Plot(w, PlotRequest{Signal: *s, Marks: all.marks.plot(), Format: Characters, Columns: columns, Color: o.streams.Color(), Location: o.request.Location}); err != nil {
		if fault.KindOf(err) != fault.NotFound {
			return err
		}
		fmt.Fprintln(w, "Too few samples to draw.")
	}
	fmt.Fprintln(w)
	if len(s.Anomalies) == 0 {
		fmt.Fprintf(w, "Nothing abnormal in %s.\n", age(o.request.Since))
	}
	for _, a := range s.Anomalies {
		until := "and it goes on"
		if !a.Open() {
			until = "until " + a.Until.In(o.request.Location).Format("15:04:05")
		}
		fmt.Fprintf(w, "Since %s %s: %s, %s the expected %s; %.0f%% sure.\n", a.Since.In(o.request.Location).Format("2 Jan 15:04:05"), until,
			observe.Quantity(a.Value, x.Watch.Unit), sideOf(a.Direction), expectation(a), a.Probability*100)
		if near := likest(a); near != "" {
			fmt.Fprintf(w, "  %s\n", near)
		}
		for _, e := range a.Explanation.Evidence {
			if e.Share >= 0.05 {
				fmt.Fprintf(w, "  %3.0f%%  %s%s\n", e.Share*100, e.Channel, seldom(e.Surprise))
			}
		}
	}
	if _, err := fmt.Fprintf(w, "\nQuery: %s\n", x.Watch.Expr); err != nil {
		return err
	}
	if err := o.templates(w, &all.templates); err != nil {
		return err
	}
	return all.traces.text(w, o.request.Location)
}

// mostSeen is the number up to which it is counted how often a pattern was seen.
const mostSeen = 15

// likest says what that is known is most like what was seen, "" if nothing is.
func likest(a observe.Anomaly) string {
	x := &a.Explanation
	if x.Seen == 0 {
		return ""
	}
	var levels []string
	for _, v := range x.Nearest {
		levels = append(levels, observe.Quantity(v, a.Signal.Watch.Unit))
	}
	each := "each a sample"
	if x.Block > 1 {
		each = fmt.Sprintf("each the level of %d samples", x.Block)
	}
	often := fmt.Sprintf("%d times", x.Seen)
	switch {
	case x.Seen == 1:
		often = "once"
	case x.Seen >= mostSeen:
		often += " or more"
	}
	return fmt.Sprintf("Of what was seen before, the most like it is %s (%s), seen %s.", strings.Join(levels, ", "), each, often)
}

// templates writes what is new or more in the logs.
func (o *explainOptions) templates(w io.Writer, t *templated) error {
	switch {
	case !t.asked:
		return nil
	case t.from == nil:
		_, err := fmt.Fprintln(w, "\nLogs: nothing can be said of them.")
		return err
	case len(t.found) == 0:
		_, err := fmt.Fprintf(w, "\nLogs: no line of it is new or more since %s.\n", o.stamp(t.from.Mid))
		return err
	}
	fmt.Fprintf(w, "\nLogs, new or more since %s:\n", o.stamp(t.from.Mid))
	for i := range t.found {
		c := &t.found[i]
		example, _, _ := strings.Cut(c.Template.Example, "\n")
		if _, err := fmt.Fprintf(w, "  %s  %s  %s since %s  %s\n    %s\n", kindText(c), or(c.Template.Level.String(), "-"), count(int(c.After), "line"), o.stamp(time.UnixMilli(c.Since)),
			cut(clean(c.Template.Text), 100), cut(clean(example), 160)); err != nil {
			return err
		}
	}
	return nil
}

// seldom says how many samples there are to one that is as surprising, if that
// is seldom at all.
func seldom(surprise float32) string {
	if surprise < 1 {
		return ""
	}
	n := 1.0
	for range min(9, int(surprise)) {
		n *= 10
	}
	return fmt.Sprintf(", as seldom as once in %.0f samples", n)
}
