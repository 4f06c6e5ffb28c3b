package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/resource"
)

func newSLOList(f *clusterFlags) *cobra.Command {
	watch := false
	c := &cobra.Command{
		Use: "list", Short: "List the objectives of a cluster, and how they are kept", Args: cobra.NoArgs,
		Example: `  aeo slo list -A
  aeo slo list -n shop -o wide
  aeo slo list -A --watch      and a line for each change`,
		RunE: func(c *cobra.Command, _ []string) error { return f.slos(c.Context(), watch) },
	}
	f.add(c, listFormats)
	f.addAll(c)
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on with a line for each change")
	return c
}

func newSLOGet(f *clusterFlags) *cobra.Command {
	watch := false
	c := &cobra.Command{
		Use: "get NAME", Short: "Show one objective of a cluster: budget, burn, incident", Args: oneName,
		Example: `  aeo slo get availability -n shop
  aeo slo get availability -n shop -o yaml`,
		RunE: func(c *cobra.Command, args []string) error { return f.slo(c.Context(), args[0], watch) },
	}
	f.add(c, "table, json, yaml, name")
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on with a line for each change")
	return c
}

// watchable refuses to watch in a form that has no lines.
func (f *clusterFlags) watchable(watch bool) error {
	if watch && f.output != "table" && f.output != "wide" {
		return fault.New(fault.Invalid, "read the command line", "--watch", "there are no lines in "+f.output, "leave --output out, or --watch")
	}
	return nil
}

func (f *clusterFlags) slos(ctx context.Context, watch bool) error {
	if err := f.watchable(watch); err != nil {
		return err
	}
	cluster, namespace, err := f.open()
	if err != nil {
		return err
	}
	all, err := cluster.SLOs(ctx, namespace)
	if err != nil {
		return err
	}
	switch f.output {
	case "json", "yaml":
		if all == nil {
			all = []v1alpha1.Objective{}
		}
		return structured(f.streams.Out, f.output, v1alpha1.ObjectiveList{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ObjectiveList"}, Items: all})
	case "name":
		for i := range all {
			fmt.Fprintf(f.streams.Out, "objective.autoecoops.io/%s\n", all[i].Name)
		}
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(f.streams.Err, "no objectives in "+or(namespace, "any namespace"))
	} else if err := f.sloTable(all); err != nil {
		return err
	}
	if !watch {
		return nil
	}
	return f.sloChanges(ctx, cluster, namespace, "", all)
}

func (f *clusterFlags) sloTable(all []v1alpha1.Objective) error {
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	head := "NAME\tSERVICE\tTARGET\tSTATE\tBUDGET LEFT\tBURN"
	if f.output == "wide" {
		head += "\tCOVERED\tEVALUATED\tREASON"
	}
	if f.all {
		head = "NAMESPACE\t" + head
	}
	fmt.Fprintln(w, head)
	for i := range all {
		o := &all[i]
		row := []string{o.Name, clean(o.Spec.Service), clean(o.Spec.Target), sloState(o, f.now()), budgetBar(o.Status.Budget), burnWords(o.Status.Burns)}
		if f.output == "wide" {
			covered, evaluated := "-", "never"
			if o.Status.Budget != nil {
				covered = or(o.Status.Budget.Coverage, "-")
			}
			if o.Status.Evaluated != nil {
				evaluated = age(f.now().Sub(o.Status.Evaluated.Time)) + " ago"
			}
			row = append(row, covered, evaluated, cut(clean(or(o.Status.Reason, "-")), 80))
		}
		if f.all {
			row = append([]string{o.Namespace}, row...)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// sloState is how an objective is kept, in one or two words. What nobody follows
// any more is stale, whatever it said at last.
func sloState(o *v1alpha1.Objective, now time.Time) string {
	s := &o.Status
	for _, c := range s.Conditions {
		if c.Type == v1alpha1.ObjectiveReady && c.Status == metav1.ConditionFalse {
			return "Refused"
		}
	}
	spent := s.Budget != nil && strings.HasPrefix(s.Budget.Remaining, "-")
	switch {
	case s.Evaluated == nil:
		return "NotFollowed"
	case now.Sub(s.Evaluated.Time) > resource.StaleAfter:
		return "Stale (" + age(now.Sub(s.Evaluated.Time)) + ")"
	case s.ObservedGeneration != o.Generation:
		return "Changing"
	case s.State == slo.Blind.String():
		return "Blind"
	case s.State == slo.Invalid.String():
		return "Invalid"
	case s.Incident != nil:
		return "Burning (" + clean(s.Incident.Severity) + ")"
	case spent:
		return "Exhausted"
	case s.State == slo.Measured.String():
		return "Healthy"
	case s.State == slo.Maintenance.String():
		return "Maintenance"
	}
	return "NoData (" + clean(s.State) + ")"
}

// budgetBar draws what is left of a budget.
func budgetBar(b *v1alpha1.ObjectiveBudget) string {
	if b == nil || b.Remaining == "" {
		return "unknown"
	}
	left, err := strconv.ParseFloat(strings.TrimSuffix(b.Remaining, "%"), 64)
	if err != nil || math.IsNaN(left) {
		return clean(b.Remaining)
	}
	const width = 10
	full := int(math.Ceil(min(max(left, 0), 100) / 100 * width))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "] " + clean(b.Remaining)
}

// burnWords says how fast the budget burns in the shortest window that has
// events.
func burnWords(all []v1alpha1.ObjectiveBurn) string {
	for _, b := range all {
		rate, err := strconv.ParseFloat(b.Rate, 64)
		if err != nil || math.IsNaN(rate) {
			continue
		}
		words := "as fast as it may"
		switch {
		case rate == 0:
			words = "not at all"
		case rate < 0.95:
			words = "slower than it may"
		case rate > 1.05:
			words = strconv.FormatFloat(rate, 'f', 2, 64) + " times as fast as it may"
		}
		return words + " (" + clean(b.Window) + ")"
	}
	return "unknown"
}

func (f *clusterFlags) slo(ctx context.Context, name string, watch bool) error {
	if err := f.watchable(watch); err != nil {
		return err
	}
	cluster, namespace, err := f.open()
	if err != nil {
		return err
	}
	all, err := cluster.SLOs(ctx, namespace)
	if err != nil {
		return about(err, "find objective", namespace+"/"+name)
	}
	names := make([]string, len(all))
	for i := range all {
		if names[i] = all[i].Name; names[i] != name {
			continue
		}
		o := &all[i]
		switch f.output {
		case "json", "yaml":
			return structured(f.streams.Out, f.output, o)
		case "name":
			_, err := fmt.Fprintf(f.streams.Out, "objective.autoecoops.io/%s\n", o.Name)
			return err
		}
		if err := writeTo("", f.streams.Out, func(w io.Writer) error { return describeSLO(w, o, f.now()) }); err != nil || !watch {
			return err
		}
		return f.sloChanges(ctx, cluster, namespace, name, all)
	}
	return about(missing("objective", namespace, name, names), "find objective", namespace+"/"+name)
}

func describeSLO(out io.Writer, o *v1alpha1.Objective, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	s := &o.Status
	row("Objective", "%s/%s", o.Namespace, o.Name)
	row("Service", "%s", clean(o.Spec.Service))
	row("Target", "%s over %s", clean(o.Spec.Target), or(string(o.Spec.Period.Rolling), "a calendar "+strings.ToLower(clean(o.Spec.Period.Calendar))))
	row("State", "%s", sloState(o, now))
	if s.Reason != "" {
		row("Reason", "%s", clean(s.Reason))
	}
	switch {
	case s.Evaluated == nil:
		row("Evaluated", "never: is aeod running, with --prometheus, and does it watch this namespace?")
	case now.Sub(s.Evaluated.Time) > resource.StaleAfter:
		row("Evaluated", "%s ago: is aeod running? What follows is what it said then", age(now.Sub(s.Evaluated.Time)))
	default:
		row("Evaluated", "%s ago", age(now.Sub(s.Evaluated.Time)))
	}
	row("Budget left", "%s", budgetBar(s.Budget))
	if b := s.Budget; b != nil {
		row("Counted", "%d bad of %d since %s; %s of the time are covered", b.Bad, b.Total, b.From.UTC().Format("2006-01-02 15:04 UTC"), or(b.Coverage, "0%"))
	}
	if i := s.Incident; i != nil {
		row("Incident", "%s (%s) fires, opened %s ago, at its worst %s", clean(i.Tier), clean(i.Severity), age(now.Sub(i.Opened.Time)), clean(i.Peak))
	}
	for _, b := range s.Burns {
		row("Burn "+clean(b.Window), "%s; %d bad of %d", or(b.Rate, "no events"), b.Bad, b.Total)
	}
	for _, c := range s.Conditions {
		row(clean(c.Type), "%s for %s, %s", c.Status, age(now.Sub(c.LastTransitionTime.Time)), strings.TrimSuffix(clean(c.Reason)+": "+clean(c.Message), ": "))
	}
	return w.Flush()
}

// sloLook is how often a watch looks: statuses are written once a minute at most.
const sloLook = 5 * time.Second

// sloChanges writes a line for each change, until ctx ends. name "" means all.
func (f *clusterFlags) sloChanges(ctx context.Context, cluster ClusterState, namespace, name string, last []v1alpha1.Objective) error {
	line := func(o *v1alpha1.Objective) string {
		return o.Namespace + "/" + o.Name + "  " + sloState(o, f.now()) + "  " + budgetBar(o.Status.Budget) + "  " + burnWords(o.Status.Burns)
	}
	known := map[string]string{}
	for i := range last {
		known[last[i].Namespace+"/"+last[i].Name] = line(&last[i])
	}
	tick := time.NewTicker(sloLook)
	defer tick.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		all, err := cluster.SLOs(ctx, namespace)
		if failures++; err != nil && failures > 5 {
			return err
		}
		if err != nil {
			continue
		}
		failures = 0
		seen := map[string]bool{}
		for i := range all {
			k, now := all[i].Namespace+"/"+all[i].Name, line(&all[i])
			if seen[k] = true; known[k] != now && (name == "" || name == all[i].Name) {
				fmt.Fprintln(f.streams.Out, f.now().Format(time.TimeOnly)+"  "+now)
			}
			known[k] = now
		}
		for k := range known {
			if seen[k] {
				continue
			}
			delete(known, k)
			if name == "" || k == namespace+"/"+name {
				fmt.Fprintln(f.streams.Out, f.now().Format(time.TimeOnly)+"  "+k+"  deleted")
			}
		}
	}
}
