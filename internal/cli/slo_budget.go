package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
)

// MetricsSource says which Prometheus is asked, and how.
type MetricsSource struct {
	URL string
	// Access says how it is asked.
	Access
	Timeout time.Duration
	// Scrape is how often it samples the series.
	Scrape time.Duration
}

type budgetOptions struct {
	sloOptions
	source  MetricsSource
	timeout string
}

func newSLOBudget(b Backend, s *Streams) *cobra.Command {
	o := &budgetOptions{sloOptions: sloOptions{backend: b, streams: s}}
	c := &cobra.Command{
		Use:   "budget FILE...",
		Short: "Ask a Prometheus how much of each budget is left",
		Long: `Ask a Prometheus how much of the budget of each objective is left, how fast it
burns, and which alerts would fire. Counts are asked for each window and divided
here, once.

The exit code is 1 if a budget is spent or a tier would fire, and 3 if an
objective cannot be measured or no budget is known, as without any traffic:
nothing that is not known counts as good.`,
		Example: `  aeo slo budget slo/*.yaml --prometheus http://prometheus:9090
  aeo slo budget slo.yaml --prometheus https://mimir.example.com/prometheus --token-file token -o json`,
		Args: someFiles,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.addPeriod(c)
	c.Flags().StringVar(&o.source.URL, "prometheus", "", "the `URL` of Prometheus, Thanos or Mimir, up to /api/v1")
	o.source.AddFlags(c.Flags(), "", "Prometheus")
	c.Flags().StringVar(&o.timeout, "timeout", "30s", "how long one query may take, a `DURATION`")
	c.Flags().StringVar(&o.scrape, "scrape", "30s", "how often the series are sampled, a `DURATION`")
	c.Flags().StringVarP(&o.output, "output", "o", "table", "the `FORMAT`: table or json")
	return c
}

func (o *budgetOptions) run(ctx context.Context, names []string) (err error) {
	switch {
	case o.source.URL == "":
		return fault.New(fault.Invalid, "read the command line", "", "it does not say whom to ask", "add --prometheus http://HOST:9090")
	case o.output != "table" && o.output != "json":
		return fault.New(fault.Invalid, "read the command line", "-o "+o.output, fmt.Sprintf("there is no format %q", o.output), "use table or json")
	}
	if o.source.Timeout, err = durationFlag("timeout", o.timeout); err != nil {
		return err
	}
	if o.source.Scrape, err = durationFlag("scrape", o.scrape); err != nil {
		return err
	}
	files, err := o.faultless(ctx, names, "ask for budgets")
	if err != nil {
		return err
	}
	all := make([]slo.Objective, len(files.Found))
	for i, f := range files.Found {
		all[i] = f.Objective
	}
	statuses, err := o.backend.Budgets(ctx, all, o.source)
	if err != nil {
		return err
	}
	write := writeBudgets
	if o.output == "json" {
		write = writeBudgetsJSON
	}
	if err := writeTo("", o.streams.Out, func(w io.Writer) error { return write(w, all, statuses) }); err != nil {
		return err
	}
	return verdictOf(statuses)
}

// verdictOf makes the exit code.
func verdictOf(statuses []slo.Status) error {
	unknown, known := false, false
	for _, s := range statuses {
		known = known || s.Budget.Known
		if s.Incident != nil || s.Budget.Known && s.Budget.Spent > 1 {
			return answer{1}
		}
		unknown = unknown || s.State.Frozen() && s.State != slo.Maintenance
	}
	if unknown || !known {
		return answer{3}
	}
	return nil
}

func writeBudgets(out io.Writer, all []slo.Objective, statuses []slo.Status) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "OBJECTIVE\tTARGET\tACHIEVED\tBUDGET LEFT\tBAD\tTOTAL\tSTATE\tWOULD FIRE")
	for i, s := range statuses {
		achieved, left := "unknown", "unknown"
		if s.Budget.Known {
			achieved, left = percentOf(s.Budget.Achieved), leftOf(s.Budget)
		}
		fires := "-"
		if s.Incident != nil {
			fires = s.Incident.Tier
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(all[i].ID()), percentOf(all[i].Target), achieved, left, quantity(s.Budget.Bad), quantity(s.Budget.Total), s.State, fires)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, s := range statuses {
		fmt.Fprintf(out, "\n%s", clean(all[i].ID()))
		for _, b := range s.Burns {
			rate := "no events"
			if b.Known {
				rate = decimal(b.Rate, 2) + "x"
			}
			fmt.Fprintf(out, "  %s %s", slo.FormatDuration(b.Window), rate)
		}
		fmt.Fprintln(out)
		if s.Reason != "" {
			fmt.Fprintf(out, "  %s: %s\n", s.State, clean(s.Reason))
		}
	}
	return nil
}

func leftOf(b slo.Budget) string { return decimal(100*b.Remaining, 1) + "%" }

func quantity(v float64) string { return decimal(v, 0) }

// exact is the number below which a float64 tells each whole number: the digits of what is
// more mean nothing.
const exact = 1e15

// decimal writes a number with so many decimals, and one that is too large for that as
// 1.798e+308.
func decimal(v float64, decimals int) string {
	if math.Abs(v) < exact {
		return strconv.FormatFloat(v, 'f', decimals, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func writeBudgetsJSON(out io.Writer, all []slo.Objective, statuses []slo.Status) error {
	type burn struct {
		Window string  `json:"window"`
		Bad    float64 `json:"bad"`
		Total  float64 `json:"total"`
		// Rate is null if there were no events.
		Rate *float64 `json:"rate"`
	}
	type tier struct {
		Name    string `json:"name"`
		Verdict string `json:"verdict"`
		Fires   bool   `json:"fires"`
	}
	type budget struct {
		Service string    `json:"service"`
		Name    string    `json:"name"`
		Target  float64   `json:"target"`
		At      time.Time `json:"at"`
		From    time.Time `json:"from"`
		State   string    `json:"state"`
		Reason  string    `json:"reason,omitempty"`
		Bad     float64   `json:"bad"`
		Total   float64   `json:"total"`
		// Achieved and Remaining are null if nothing was counted.
		Achieved  *float64 `json:"achieved"`
		Remaining *float64 `json:"remaining"`
		Burns     []burn   `json:"burns"`
		Tiers     []tier   `json:"tiers"`
	}
	list := []budget{}
	for i, s := range statuses {
		o := all[i]
		b := budget{Service: o.Service, Name: o.Name, Target: o.Target, At: s.At, From: s.Budget.From, State: s.State.String(), Reason: s.Reason, Bad: s.Budget.Bad, Total: s.Budget.Total, Burns: []burn{}, Tiers: []tier{}}
		if s.Budget.Known {
			b.Achieved, b.Remaining = &s.Budget.Achieved, &s.Budget.Remaining
		}
		for _, x := range s.Burns {
			entry := burn{Window: slo.FormatDuration(x.Window), Bad: x.Bad, Total: x.Total}
			if x.Known {
				entry.Rate = &x.Rate
			}
			b.Burns = append(b.Burns, entry)
		}
		for _, x := range s.Tiers {
			b.Tiers = append(b.Tiers, tier{x.Name, x.Verdict.String(), x.Phase == slo.Firing})
		}
		list = append(list, b)
	}
	return writeJSON(out, list)
}
