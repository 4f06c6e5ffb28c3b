package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/ops"
)

// Objectives reads service level objectives, and asks how they are kept.
type Objectives interface {
	// Objectives reads files of OpenSLO and Sloth; "-" is standard input. period
	// is that of files which do not say.
	Objectives(ctx context.Context, names []string, period time.Duration) (*ObjectiveFiles, error)
	// Budgets asks a source of metrics about objectives, and returns what is known
	// of each.
	Budgets(ctx context.Context, all []slo.Objective, from MetricsSource) ([]slo.Status, error)
}

// ObjectiveFiles are the objectives of files, and what is wrong with them.
type ObjectiveFiles struct {
	Found    []WrittenObjective
	Problems []FileProblem
}

// WrittenObjective is an objective and where it was written.
type WrittenObjective struct {
	Objective slo.Objective
	Position  ops.Position
	// Notes say what of it has no meaning here.
	Notes []string
}

// FileProblem is what is wrong at a place in a file.
type FileProblem struct {
	Position ops.Position
	Message  string
}

type sloOptions struct {
	backend  Backend
	streams  *Streams
	period   string
	interval string
	scrape   string
	output   string
}

func newSLO(b Backend, s *Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "slo",
		Short: "Check service level objectives, and what is left of their budgets",
		Long: `Check service level objectives that are written as our own resources, as OpenSLO
v1 or for Sloth; make rules for Prometheus of them; ask a Prometheus what is left
of their budgets. The objectives of a cluster, which aeod follows, are listed too;
those commands use your kubeconfig and your rights.`,
		Example: `  aeo slo check slo/*.yaml              are the files right, and what do they mean?
  aeo slo rules slo/*.yaml -o rules.yaml
  aeo slo budget slo/*.yaml --prometheus http://prometheus:9090
  aeo slo list -A                       how the objectives of a cluster are kept`,
	}
	flags := func() *clusterFlags { return &clusterFlags{backend: b, streams: s, now: time.Now} }
	c.AddCommand(newSLOCheck(b, s), newSLORules(b, s), newSLOBudget(b, s), newSLOList(flags()), newSLOGet(flags()))
	return c
}

func newSLOCheck(b Backend, s *Streams) *cobra.Command {
	o := &sloOptions{backend: b, streams: s}
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check files of objectives, and tell what they mean",
		Long: `Check files of objectives and tell what they mean. Every problem is told with
its line. Files may refer to each other; - is standard input. The exit code is 1
if there is a problem.`,
		Example: `  aeo slo check slo/*.yaml
  aeo slo check objectives.yaml -o json
  cat slo.yaml | aeo slo check -`,
		Args: someFiles,
		RunE: func(c *cobra.Command, args []string) error { return o.check(c.Context(), args) },
	}
	o.addPeriod(c)
	c.Flags().StringVarP(&o.output, "output", "o", "table", "the `FORMAT`: table or json")
	return c
}

func newSLORules(b Backend, s *Streams) *cobra.Command {
	o := &sloOptions{backend: b, streams: s}
	c := &cobra.Command{
		Use:   "rules FILE...",
		Short: "Make Prometheus rules of files of objectives",
		Long: `Make Prometheus rules of files of objectives: for each window the bad events,
all events and their ratio, the alerts of each tier, and what is left of the
budget. Prometheus, Mimir and Thanos read the result. Nothing is written if a
file has a problem.`,
		Example: `  aeo slo rules slo/*.yaml -o rules.yaml
  aeo slo rules sloth.yaml --period 28d --interval 1m > rules.yaml`,
		Args: someFiles,
		RunE: func(c *cobra.Command, args []string) error { return o.rules(c.Context(), args) },
	}
	o.addPeriod(c)
	c.Flags().StringVar(&o.interval, "interval", "30s", "how often Prometheus evaluates the rules, a `DURATION`")
	c.Flags().StringVar(&o.scrape, "scrape", "", "how often it samples the series, a `DURATION` (default that of --interval)")
	c.Flags().StringVarP(&o.output, "output", "o", "", "write to this `FILE` instead of standard output")
	return c
}

func (o *sloOptions) addPeriod(c *cobra.Command) {
	c.Flags().StringVar(&o.period, "period", "30d", "the period of objectives in files that do not say (Sloth's), a `DURATION`")
}

func someFiles(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return fault.New(fault.Invalid, "read the command line", "", c.CommandPath()+" takes at least one FILE", "name files, or - for standard input")
}

// durationFlag reads the value of a flag.
func durationFlag(name, value string) (time.Duration, error) {
	d, err := slo.ParseDuration(value)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%q is no time", value)
	}
	if err != nil {
		return 0, fault.New(fault.Invalid, "read the command line", "--"+name, err.Error(), "write 30s, 5m or 30d")
	}
	return d, nil
}

func (o *sloOptions) read(ctx context.Context, names []string) (*ObjectiveFiles, error) {
	period, err := durationFlag("period", o.period)
	if err != nil {
		return nil, err
	}
	if why := slo.RollingProblem(period); why != "" {
		return nil, fault.New(fault.Invalid, "read the command line", "--period", why, "leave it out for 30d")
	}
	return o.backend.Objectives(ctx, names, period)
}

// faultless reads files that must have no problem for an operation: half of what
// somebody wrote is not what they want.
func (o *sloOptions) faultless(ctx context.Context, names []string, op string) (*ObjectiveFiles, error) {
	files, err := o.read(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, p := range files.Problems {
		fmt.Fprintf(o.streams.Err, "%s: %s\n", p.Position, clean(p.Message))
	}
	if n := len(files.Problems); n > 0 {
		return nil, fault.New(fault.Invalid, op, "", count(n, "problem")+" in the files", "mend them; `aeo slo check` tells them too")
	}
	return files, nil
}

func (o *sloOptions) rules(ctx context.Context, names []string) error {
	interval, err := durationFlag("interval", o.interval)
	if err != nil {
		return err
	}
	opts := slo.RuleOptions{Interval: interval}
	if o.scrape != "" {
		if opts.Scrape, err = durationFlag("scrape", o.scrape); err != nil {
			return err
		}
	}
	files, err := o.faultless(ctx, names, "write rules")
	if err != nil {
		return err
	}
	var groups []slo.RuleGroup
	for _, f := range files.Found {
		g, notes, err := slo.Rules(f.Objective, opts)
		if err != nil {
			return err
		}
		groups = append(groups, g...)
		for _, n := range append(f.remarks(), notes...) {
			fmt.Fprintf(o.streams.Err, "note: %s: %s\n", f.Position, clean(n))
		}
	}
	return writeBeside(o.output, o.streams.Out, func(w io.Writer) error { return slo.WriteRules(w, groups) })
}

// remarks are what one should know of an objective that is right.
func (f WrittenObjective) remarks() []string {
	return append(append([]string(nil), f.Notes...), f.Objective.Warnings()...)
}

// checkedObjective is the JSON of an objective in slo check.
type checkedObjective struct {
	Service   string        `json:"service"`
	Name      string        `json:"name"`
	Target    float64       `json:"target"`
	Period    string        `json:"period"`
	Budgeting string        `json:"budgeting"`
	Tiers     []checkedTier `json:"tiers"`
	File      string        `json:"file"`
	Line      int           `json:"line"`
	Notes     []string      `json:"notes,omitempty"`
}

type checkedTier struct {
	Name     string  `json:"name"`
	Severity string  `json:"severity"`
	Long     string  `json:"long"`
	Short    string  `json:"short"`
	Factor   float64 `json:"factor"`
	For      string  `json:"for,omitempty"`
	// Outage is how long everything must fail until it fires, "" if it never does.
	Outage string `json:"outage,omitempty"`
}

func (o *sloOptions) check(ctx context.Context, names []string) error {
	if o.output != "table" && o.output != "json" {
		return fault.New(fault.Invalid, "read the command line", "-o "+o.output, fmt.Sprintf("there is no format %q", o.output), "use table or json")
	}
	files, err := o.read(ctx, names)
	if err != nil {
		return err
	}
	write := writeChecked
	if o.output == "json" {
		write = writeCheckedJSON
	}
	if err := writeTo("", o.streams.Out, func(w io.Writer) error { return write(w, files) }); err != nil {
		return err
	}
	fmt.Fprintf(o.streams.Err, "%s, %s\n", count(len(files.Found), "objective"), count(len(files.Problems), "problem"))
	if len(files.Problems) > 0 {
		return answer{1}
	}
	return nil
}

func writeChecked(out io.Writer, files *ObjectiveFiles) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if len(files.Found) > 0 {
		fmt.Fprintln(w, "OBJECTIVE\tTARGET\tPERIOD\tCOUNTS\tAN OUTAGE PAGES AFTER\tWRITTEN AT")
	}
	for _, f := range files.Found {
		o := f.Objective
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", clean(o.ID()), percentOf(o.Target), o.Period, strings.ToLower(o.Budgeting.String()), firstPage(o), f.Position)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range files.Found {
		for _, n := range f.remarks() {
			if _, err := fmt.Fprintf(out, "note: %s: %s\n", f.Position, clean(n)); err != nil {
				return err
			}
		}
	}
	for _, p := range files.Problems {
		if _, err := fmt.Fprintf(out, "%s: %s\n", p.Position, clean(p.Message)); err != nil {
			return err
		}
	}
	return nil
}

// firstPage is how long a whole outage goes on before somebody is woken.
func firstPage(o slo.Objective) string {
	best := time.Duration(-1)
	for _, t := range o.Alerting.Tiers {
		if d, ok := t.OutageTime(o.Allowed()); ok && t.Severity == slo.Page && !o.Alerting.Off && (best < 0 || d+t.For < best) {
			best = d + t.For
		}
	}
	if best < 0 {
		return "never"
	}
	return slo.FormatDuration(best.Round(time.Second))
}

// percentOf writes a share without the noise of floating point.
func percentOf(share float64) string {
	if math.Abs(share) >= exact {
		return decimal(share*100, 0) + "%"
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.6f", share*100), "0"), ".") + "%"
}

func writeCheckedJSON(w io.Writer, files *ObjectiveFiles) error {
	type problem struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
	}
	out := struct {
		Objectives []checkedObjective `json:"objectives"`
		Problems   []problem          `json:"problems"`
	}{[]checkedObjective{}, []problem{}}
	for _, f := range files.Found {
		o := f.Objective
		c := checkedObjective{
			Service: o.Service, Name: o.Name, Target: o.Target, Period: o.Period.String(), Budgeting: o.Budgeting.String(),
			Tiers: []checkedTier{}, File: f.Position.File, Line: f.Position.Line, Notes: f.remarks(),
		}
		for _, t := range o.Alerting.Tiers {
			tier := checkedTier{Name: t.Name, Severity: t.Severity.String(), Long: slo.FormatDuration(t.Long), Short: slo.FormatDuration(t.Short), Factor: t.Factor}
			if t.For > 0 {
				tier.For = slo.FormatDuration(t.For)
			}
			if d, ok := t.OutageTime(o.Allowed()); ok {
				tier.Outage = slo.FormatDuration(d.Round(time.Second) + t.For)
			}
			c.Tiers = append(c.Tiers, tier)
		}
		out.Objectives = append(out.Objectives, c)
	}
	for _, p := range files.Problems {
		out.Problems = append(out.Problems, problem{p.Position.File, p.Position.Line, p.Position.Column, p.Message})
	}
	return writeJSON(w, out)
}
