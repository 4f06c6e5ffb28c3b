package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	spans "github.com/autoecoops/autoecoops/observe/trace"
)

// graphOptions are those of graph.
type graphOptions struct {
	backend   Backend
	streams   *Streams
	source    TracesSource
	timeout   string
	since     string
	before    string
	every     string
	namespace string
	manifests string
	sample    int
	output    string
	watch     bool
	stretches [3]time.Duration // since, before, every
	now       func() time.Time
}

func newObserveGraph(b Backend, s *Streams) *cobra.Command {
	o := &graphOptions{backend: b, streams: s, now: time.Now}
	c := &cobra.Command{
		Use:   "graph",
		Short: "Show who calls whom, what it costs, and what changed",
		Long: `Show who calls whom, how long it takes, what fails, and what changed against the
time before, the heaviest change first. It is read from the traces of a Jaeger or a
Tempo.

OWN is the time in which the callee waited for nobody else: where it grew, time went.
FAULTS is the share of calls whose failure began at the callee; those who only passed
it on are not blamed. The numbers are those of a sample: times and shares mean
something, the number of calls does not.

With --manifests, what was seen is put beside what a folder declares: the workload of
each service and the line that it is written at, services that are declared nowhere,
and workloads that nothing was seen of, of namespaces that something was. PATH is read
as aeo assess reads it.

The exit code is 3 if there are no traces: that says nothing about health.`,
		Example: `  aeo observe graph --jaeger http://jaeger:16686
  aeo observe graph --tempo http://tempo:3200 -n shop --since 10m --before 1h
  aeo observe graph --jaeger http://jaeger:16686 -o mermaid > services.mmd
  aeo observe graph --jaeger http://jaeger:16686 --manifests . -n shop-production`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.graph(c.Context()) },
	}
	f := c.Flags()
	o.source.add(f, s)
	f.StringVar(&o.timeout, "timeout", "30s", "how long one question may take, a `DURATION`")
	f.StringVar(&o.since, "since", "15m", "how far back to look, a `DURATION`")
	f.StringVar(&o.before, "before", "1h", "the time before that, to compare with, a `DURATION`")
	f.IntVar(&o.sample, "sample", 100, "ask for at most this `NUMBER` of traces, of each service where the store knows services")
	f.StringVarP(&o.namespace, "namespace", "n", "", "show calls from and to this `NAMESPACE` only")
	f.StringVar(&o.manifests, "manifests", "", "the `PATH` of manifests, kustomizations and charts to find the workloads of services in")
	f.StringVarP(&o.output, "output", "o", "table", "the `FORMAT`: table, json or mermaid, a picture in text")
	f.BoolVarP(&o.watch, "watch", "w", false, "look again and again")
	f.StringVar(&o.every, "every", "30s", "how often to look with --watch, a `DURATION`")
	return c
}

func (o *graphOptions) read() error {
	wrong := func(subject, why, hint string) error {
		return fault.New(fault.Invalid, "read the command line", subject, why, hint)
	}
	switch {
	case !o.source.given():
		return wrong("", "it does not say whom to ask", "add --jaeger http://HOST:16686 or --tempo http://HOST:3200, or set AEO_JAEGER or AEO_TEMPO")
	case o.output != "table" && o.output != "json" && o.output != "mermaid":
		return wrong("-o "+o.output, fmt.Sprintf("there is no format %q", o.output), "use table, json or mermaid")
	case o.sample <= 0 || o.sample > 1000:
		return wrong("--sample", "it must be from 1 to 1000", "leave it out for the default")
	case o.manifests == "-" && o.watch:
		return wrong("--manifests -", "standard input can be read only once", "write it to a file, or leave out --watch")
	case !namespaceName(o.namespace):
		return wrong("--namespace", fmt.Sprintf("%q is no name of a namespace", o.namespace), "write it as kubectl shows it")
	}
	var err error
	if o.source.Timeout, err = durationFlag("timeout", o.timeout); err != nil {
		return err
	}
	for i, f := range []struct{ name, value string }{{"since", o.since}, {"before", o.before}, {"every", o.every}} {
		if o.stretches[i], err = durationFlag(f.name, f.value); err != nil {
			return err
		}
	}
	return o.source.check()
}

func (o *graphOptions) graph(ctx context.Context) error {
	if err := o.read(); err != nil {
		return err
	}
	for {
		seen, err := o.look(ctx)
		if err != nil && !o.watch {
			return err
		}
		if err != nil {
			PrintError(o.streams.Err, err) // the store may come back
		}
		if !o.watch {
			return seen
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.stretches[2]):
		}
	}
}

// look asks once and writes what came. seen is the answer as an exit code.
func (o *graphOptions) look(ctx context.Context) (seen, err error) {
	var declared *Manifests
	if o.manifests != "" { // before anybody is asked, which takes its time
		if declared, err = o.backend.Manifests(ctx, o.manifests); err != nil {
			return nil, err
		}
	}
	now := o.now().Add(-settling)
	mid := now.Add(-o.stretches[0])
	progress, end := o.streams.counting("asking for traces")
	costs, err := o.backend.CallCosts(ctx, CostsRequest{Source: o.source, From: mid.Add(-o.stretches[1]), Mid: mid, To: now, Sample: o.sample, Progress: progress})
	end()
	if err != nil {
		return nil, err
	}
	totals := spans.Settle(costs.Before.Totals, costs.After.Totals)
	changes := o.within(spans.Compare(totals[0], totals[1]))
	owned := declared.owned(o.namespace, totals)
	err = writeTo("", o.streams.Out, func(w io.Writer) error {
		if o.watch && o.output == "table" && o.streams.OutTerminal {
			fmt.Fprint(w, "\x1b[H\x1b[2J")
		}
		switch o.output {
		case "json":
			return graphJSON(w, changes, owned, slices.Concat(costs.notes(), declared.notes(owned)), costs)
		case "mermaid":
			return graphMermaid(w, changes, owned)
		}
		if err := graphTable(w, changes); err != nil || owned == nil {
			return err
		}
		return owned.table(w, declared.shown())
	})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.streams.Err, "%s of the last %s, %d of the %s before\n", count(costs.After.Traces, "trace"), o.since, costs.Before.Traces, o.before)
	for _, n := range slices.Concat(costs.notes(), declared.notes(owned)) {
		fmt.Fprintln(o.streams.Err, "note: "+clean(n))
	}
	if costs.After.Traces == 0 {
		fmt.Fprintln(o.streams.Err, "blind: there are no traces, which says nothing about health")
		return answer{3}, nil
	}
	if len(changes) == 0 {
		fmt.Fprintln(o.streams.Err, "blind: none of them is a call of what was asked for, which says nothing about health")
		return answer{3}, nil
	}
	return nil, nil
}

// within leaves out the calls that have nothing to do with the namespace.
func (o *graphOptions) within(all []spans.Change) (out []spans.Change) {
	for _, c := range all {
		if o.namespace == "" || c.Edge.Caller.Key.Namespace == o.namespace || c.Edge.Callee.Key.Namespace == o.namespace {
			out = append(out, c)
		}
	}
	return out
}

// maxRows is how many calls a table shows.
const maxRows = 60

func graphTable(out io.Writer, all []spans.Change) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "No calls were seen.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "CALLER\tCALLEE\tOPERATION\tCALLS\tFAULTS\tP50\tP95\tOWN\tCHANGE")
	for i := range all[:min(len(all), maxRows)] {
		c := &all[i]
		operation := cut(clean(c.Edge.Operation), 40)
		if c.Edge.Async {
			operation += " (message)"
		}
		shown := c.After
		if shown.Calls == 0 {
			shown = c.Before
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", clean(c.Edge.Caller.String()), clean(c.Edge.Callee.String()), operation,
			c.After.Calls, percent(shown.Faults, shown.Calls), span(shown.Latency.Quantile(0.5)), span(shown.Latency.Quantile(0.95)), span(shown.Self.Quantile(0.5)), changed(c))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := len(all) - maxRows; n > 0 {
		_, err := fmt.Fprintf(out, "and %d more: -o json has them all\n", n)
		return err
	}
	return nil
}

func percent(part, whole uint64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g %%", 100*float64(part)/float64(whole))
}

// span is a duration in three digits.
func span(d time.Duration) string {
	unit := time.Duration(1)
	for d.Abs()/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}

// Changes smaller than these are of no interest to people.
const (
	leastShare = 0.01
	leastTime  = time.Millisecond
)

// changed says what is different now, "-" for nothing worth a word.
func changed(c *spans.Change) string {
	switch {
	case c.Before.Calls == 0:
		return "new"
	case c.After.Calls == 0:
		return "not seen any more"
	}
	var words []string
	mean := c.Before.SelfSum / time.Duration(c.Before.Calls)
	if c.Self.Abs() >= leastTime && c.Self.Abs() >= mean/5 {
		words = append(words, signed(c.Self)+" own time")
	}
	if c.Faults >= leastShare || c.Faults <= -leastShare {
		words = append(words, fmt.Sprintf("%+.3g points of faults", 100*c.Faults))
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

func signed(d time.Duration) string {
	if d > 0 {
		return "+" + span(d)
	}
	return span(d)
}
