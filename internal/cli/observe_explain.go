package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
)

// Picture is a format of plots.
type Picture string

// The formats.
const (
	Characters Picture = "characters"
	SVG        Picture = "svg"
	PNG        Picture = "png"
)

// PlotRequest says what is drawn, and how.
type PlotRequest struct {
	Signal   observe.Standing
	Marks    []PlotMark
	Format   Picture
	Columns  int // of characters
	Color    bool
	Location *time.Location
}

// PlotMark is a moment with a word: what was changed.
type PlotMark struct {
	At   time.Time
	Text string
}

// explainOptions are those of explain.
type explainOptions struct {
	observeOptions
	file    string
	changes changeOptions
	traces  TracesSource
}

func newObserveExplain(b Backend, s *Streams) *cobra.Command {
	o := &explainOptions{observeOptions: observeOptions{backend: b, streams: s}}
	c := &cobra.Command{
		Use:   "explain ID|WORKLOAD",
		Short: "Explain why a signal is thought to be abnormal, with a plot",
		Long: `Explain why a signal is thought to be abnormal: what was expected, what was seen,
since when, and what of it was unlike anything before; with a plot of the time
that --since says. ID is that of anomalies or top, or its first letters.

With --releases the plot has a mark where something was released in the namespace.
With --jaeger or --tempo it names traces of the workload since it is abnormal, and how
each was found: by an exemplar of the signal, or by who was at work at that time, failed
ones first, then slow ones.`,
		Example: `  aeo observe explain 3f9a1c02 --prometheus http://prometheus:9090
  aeo observe explain shop/orders --prometheus http://prometheus:9090 --since 6h
  aeo observe explain 3f9a --prometheus http://prometheus:9090 --plot why.svg
  aeo observe explain 3f9a --prometheus http://prometheus:9090 --releases --jaeger http://jaeger:16686`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] != "" {
				return nil
			}
			return fault.New(fault.Invalid, "read the command line", "", c.CommandPath()+" takes one ID or WORKLOAD", "see `aeo observe anomalies`")
		},
		RunE: func(c *cobra.Command, args []string) error { return o.explain(c.Context(), args[0]) },
	}
	o.add(c)
	o.changes.add(c.Flags())
	o.traces.add(c.Flags(), s)
	c.Flags().StringVar(&o.file, "plot", "", "draw into this `FILE`, .svg or .png, too")
	return c
}

func (o *explainOptions) explain(ctx context.Context, word string) error {
	format := Picture(strings.TrimPrefix(strings.ToLower(filepath.Ext(o.file)), "."))
	if o.file != "" && format != SVG && format != PNG {
		return fault.New(fault.Invalid, "read the command line", "--plot "+o.file, "it is neither .svg nor .png", "name the file why.svg")
	}
	if err := o.traces.check(); err != nil {
		return err
	}
	if err := o.changes.open(o.backend, o.where, false); err != nil {
		return err
	}
	survey, err := o.open(ctx)
	if err != nil {
		return err
	}
	first := true
	return o.follow(ctx, survey, func(w io.Writer, t Surveyed) error {
		all, err := pick(t, word)
		if err != nil {
			return err
		}
		marks, err := o.marks(ctx, t, all)
		if err != nil {
			return err
		}
		if o.file != "" && first {
			first = false
			if len(all) > 1 {
				return ambiguous(word, all)
			}
			if err := writeTo(o.file, o.streams.Out, func(w io.Writer) error {
				return o.backend.Plot(w, PlotRequest{Signal: all[0], Marks: marks[0], Format: format, Location: o.request.Location})
			}); err != nil {
				return err
			}
		}
		if o.output == "json" {
			return explainJSON(w, all)
		}
		for i, s := range all {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := o.explanation(w, s, marks[i]); err != nil {
				return err
			}
			traces, err := o.examples(ctx, s)
			if err != nil {
				return err
			}
			for _, n := range traces.Notes {
				fmt.Fprintln(o.streams.Err, "note: "+clean(n))
			}
			if err := traces.text(w, o.request.Location); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o *explainOptions) explanation(w io.Writer, s observe.Standing, marks []PlotMark) error {
	x := s.Signal
	fmt.Fprintf(w, "%s  %s: %s\n", x.ID(), clean(x.Of()), x.Watch.What)
	for _, r := range x.Rest() {
		fmt.Fprintln(w, "  "+clean(r))
	}
	fmt.Fprintf(w, "  now %s, %s", observe.Quantity(s.Value, x.Watch.Unit), s.State)
	if !s.At.IsZero() {
		fmt.Fprintf(w, ", measured %s", s.At.In(o.request.Location).Format("2 Jan 15:04:05"))
	}
	fmt.Fprint(w, "\n\n")
	columns := o.streams.Width
	if columns == 0 {
		columns = 100
	}
	if err := o.backend.Plot(w, PlotRequest{Signal: s, Marks: marks, Format: Characters, Columns: columns, Color: o.streams.Color(), Location: o.request.Location}); err != nil {
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
		for _, e := range a.Explanation.Evidence {
			if e.Share >= 0.05 {
				fmt.Fprintf(w, "  %3.0f%%  %s%s\n", e.Share*100, e.Channel, seldom(e.Surprise))
			}
		}
	}
	_, err := fmt.Fprintf(w, "\nQuery: %s\n", x.Watch.Expr)
	return err
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

// jsonPoint is the JSON of a sample.
type jsonPoint struct {
	At    time.Time `json:"at"`
	Value *float64  `json:"value"`
	Low   *float64  `json:"expectedLow"`
	High  *float64  `json:"expectedHigh"`
}

// jsonExplained is the JSON of a signal that is explained.
type jsonExplained struct {
	jsonStanding
	Anomalies []jsonAnomaly `json:"anomalies"`
	Points    []jsonPoint   `json:"points"`
}

func explainJSON(w io.Writer, all []observe.Standing) error {
	out := struct {
		Signals []jsonExplained `json:"signals"`
	}{[]jsonExplained{}}
	for _, s := range all {
		x := jsonExplained{jsonStanding{signalJSON(s.Signal), s.State.String(), number(s.Value), number(s.Low), number(s.High), s.Surprise}, []jsonAnomaly{}, []jsonPoint{}}
		for _, a := range s.Anomalies {
			x.Anomalies = append(x.Anomalies, anomalyOf(a))
		}
		for _, p := range s.Points {
			x.Points = append(x.Points, jsonPoint{time.UnixMilli(p.At).UTC(), number(p.Value), number(p.Low), number(p.High)})
		}
		out.Signals = append(out.Signals, x)
	}
	return structured(w, "json", out)
}
