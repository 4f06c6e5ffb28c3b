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
	file string
	// drawn is the ID of the signal that is drawn into the file.
	drawn string
	// shown are the IDs of the signals that were explained last.
	shown   map[string]bool
	changes changeOptions
	traces  TracesSource
	logs    causeLogs
	// before is how long a past logs are compared with.
	before time.Duration
}

func newObserveExplain(b Backend, s *Streams) *cobra.Command {
	o := &explainOptions{observeOptions: observeOptions{backend: b, streams: s}}
	c := &cobra.Command{
		Use:   "explain ID|WORKLOAD",
		Short: "Explain why a signal is thought to be abnormal, with a plot",
		Long: `Explain why a signal is thought to be abnormal: what was expected, what was seen,
since when, and what of it was unlike anything before; with a plot of the time
that --since says. ID is that of anomalies or top, or its first letters.

With --releases the plot has a mark where something was released in the namespace, with
--events also where it was scaled, somebody edited its configuration, or something happened
to a node that it runs on; of many the newest, those of the workload itself first.
With --jaeger or --tempo it names traces of the workload since it is abnormal, and how
each was found: by an exemplar of the signal, or by who was at work at that time, failed
ones first, then slow ones. With --loki it shows which lines of the workload are new or
more since then, by their template, with an example without what looks like a credential.
-o json has all of it.`,
		Example: `  aeo observe explain 3f9a1c02 --prometheus http://prometheus:9090
  aeo observe explain shop/orders --prometheus http://prometheus:9090 --since 6h
  aeo observe explain 3f9a --prometheus http://prometheus:9090 --plot why.svg
  aeo observe explain 3f9a --prometheus http://prometheus:9090 --releases --events --jaeger http://jaeger:16686 --loki http://loki:3100`,
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
	o.logs.add(c.Flags(), s)
	c.Flags().DurationVar(&o.before, "before", time.Hour, "how long before it was abnormal the lines of logs are compared with what came")
	c.Flags().StringVar(&o.file, "plot", "", "draw into this `FILE`, .svg or .png, too; with --watch anew at each look")
	return c
}

func (o *explainOptions) explain(ctx context.Context, word string) error {
	if format := o.format(); o.file != "" && format != SVG && format != PNG {
		return fault.New(fault.Invalid, "read the command line", "--plot "+o.file, "it is neither .svg nor .png", "name the file why.svg")
	}
	if err := o.traces.check(); err != nil {
		return err
	}
	if err := checkBefore(o.before); err != nil {
		return err
	}
	if err := o.changes.open(o.backend, o.where); err != nil {
		return err
	}
	survey, err := o.open(ctx)
	if err != nil {
		return err
	}
	o.logs.follow(o.watch)
	return o.follow(ctx, survey, func(w io.Writer, t Surveyed) error {
		picked, over, err := o.pick(t, word)
		if err != nil {
			return err
		}
		all, notes, err := o.gather(ctx, t, picked)
		if err != nil {
			return err
		}
		notes = append(notes, over...)
		o.tell(notes)
		if err := o.draw(word, all); err != nil {
			return err
		}
		if o.output == "json" {
			return explainJSON(w, all, notes)
		}
		for i := range all {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := o.explanation(w, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// pick finds the signals that a word means. Who watches goes on to see those that were shown
// when nothing of a workload has been abnormal for --since: the note says so.
func (o *explainOptions) pick(t Surveyed, word string) (picked []observe.Standing, notes []string, err error) {
	if picked, err = pick(t, word); err != nil {
		for _, s := range t.Report.Signals {
			if o.shown[s.Signal.ID()] {
				picked = append(picked, s)
			}
		}
		if len(picked) == 0 {
			return nil, nil, err
		}
		return picked, []string{"note: nothing of " + clean(word) + " was abnormal in the last " + age(o.request.Since) + "; it is watched on"}, nil
	}
	o.shown = map[string]bool{}
	for _, s := range picked {
		o.shown[s.Signal.ID()] = true
	}
	return picked, nil, nil
}

// format is that of the picture, by the name of its file.
func (o *explainOptions) format() Picture {
	return Picture(strings.TrimPrefix(strings.ToLower(filepath.Ext(o.file)), "."))
}

// picture draws into the file.
func (o *explainOptions) picture(x explained) error {
	return writeBeside(o.file, o.streams.Out, func(w io.Writer) error {
		return o.backend.Plot(w, PlotRequest{Signal: x.Standing, Marks: x.marks.plot(), Format: o.format(), Location: o.request.Location})
	})
}
