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

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

func newAppGet(f *clusterFlags) *cobra.Command {
	watch := false
	c := &cobra.Command{
		Use: "get NAME", Short: "Show one application in full", Args: oneName,
		Example: `  aeo app get shop -n shop
  aeo app get shop -n shop --watch     redrawn when it changes
  aeo app get shop -n shop -o yaml`,
		RunE: func(c *cobra.Command, args []string) error { return f.get(c.Context(), args[0], watch) },
	}
	f.add(c, "table, json, yaml, name")
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on: redraw at each change, or a line for each if this is no terminal")
	return c
}

func (f *clusterFlags) get(ctx context.Context, name string, watch bool) error {
	cluster, namespace, err := f.open()
	if err != nil {
		return err
	}
	app, version, err := find(ctx, cluster, namespace, name)
	if err != nil {
		return err
	}
	switch f.output {
	case "json", "yaml":
		return structured(f.streams.Out, f.output, app)
	case "name":
		_, err := fmt.Fprintf(f.streams.Out, "application.autoecoops.io/%s\n", app.Name)
		return err
	}
	if err := writeTo("", f.streams.Out, func(w io.Writer) error { return describe(w, app, f.now()) }); err != nil || !watch {
		return err
	}
	return cluster.Watch(ctx, namespace, version, func(now *v1alpha1.Application, deleted bool) bool {
		switch {
		case now.Name != name:
			return false
		case !f.streams.OutTerminal || deleted:
			fmt.Fprintln(f.streams.Out, changeLine(f.now(), now, deleted))
		default:
			fmt.Fprint(f.streams.Out, "\x1b[H\x1b[2J")
			err = describe(f.streams.Out, now, f.now())
		}
		return deleted || err != nil
	})
}

// describe writes an application for people.
func describe(out io.Writer, app *v1alpha1.Application, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	st := &app.Status
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("Application", "%s/%s", app.Namespace, app.Name)
	row("Source", "%s at %s", SourceOf(app), shortOf(st.Source))
	if app.Spec.Observe != nil {
		row("Cluster", "%s", observedLine(st.Observed, now))
	} else {
		row("Cluster", "%s%s", shortOf(st.Sync), since(st.Sync, now))
		row("Last good", "%s%s", shortOf(st.LastGood), since(st.LastGood, now))
	}
	row("Health", "%s", strings.TrimSpace(or(st.Health.Status, "unknown")+" "+clean(st.Health.Message)))
	if app.Spec.Suspend {
		row("Suspended", "yes; `aeo app resume %s -n %s` goes on", app.Name, app.Namespace)
	}
	if a := st.Active; a != nil {
		row("Release", "%s: %s, revision %s, by %s%s", clean(a.Name), strings.ToLower(clean(a.Phase)), clean(deliver.Short(a.Revision)), or(a.Trigger, "unknown"), moments(a))
	}
	row("Findings", "%s", posture(st.Posture))
	for _, c := range st.Conditions {
		row(c.Type, "%s for %s, %s", c.Status, age(now.Sub(c.LastTransitionTime.Time)), strings.TrimSuffix(clean(c.Reason)+": "+clean(c.Message), ": "))
	}
	if g := st.Gate; g != nil {
		for _, f := range g.Findings {
			row("Finding", "%s", findingLine(f))
		}
	}
	for _, q := range st.Quarantine {
		row("Quarantined", "%s (%s, %s ago): %s", clean(deliver.Short(q.Revision)), clean(q.Reason), age(now.Sub(q.Time.Time)), clean(q.Message))
	}
	for _, d := range st.Drift {
		row("Drift", "%s", clean(d))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return tree(out, st.Inventory)
}

// observedLine says what another tool says, and how long ago it looked.
func observedLine(o *v1alpha1.ObservedStatus, now time.Time) string {
	if o == nil {
		return "nothing is known of what is observed"
	}
	line := or(deliver.Short(o.Revision), "-") + ", says " + clean(o.Tool)
	if o.Attempted != "" {
		line += "; " + clean(deliver.Short(o.Attempted)) + " was tried"
	}
	if o.VerifiedAt == nil {
		return line + "; it does not say when it compared"
	}
	return line + "; compared " + age(now.Sub(o.VerifiedAt.Time)) + " ago"
}

func findingLine(f v1alpha1.Finding) string {
	line := fmt.Sprintf("%s:%d: %s (%s, %s)", clean(f.File), f.Line, clean(f.Message), clean(f.Severity), clean(f.Check))
	if f.Fix != "" {
		line += "; " + clean(f.Fix)
	}
	return line
}

func since(r *v1alpha1.Revision, now time.Time) string {
	if r == nil || r.Time == nil {
		return ""
	}
	return ", " + age(now.Sub(r.Time.Time)) + " ago"
}

func moments(a *v1alpha1.ActiveRelease) string {
	var b strings.Builder
	if a.Seen != nil && a.Applied != nil {
		b.WriteString(", applied after " + a.Applied.Sub(a.Seen.Time).Round(time.Millisecond).String())
	}
	if a.Applied != nil && a.Healthy != nil {
		b.WriteString(", healthy " + a.Healthy.Sub(a.Applied.Time).Round(time.Millisecond).String() + " later")
	}
	return b.String()
}

// tree writes the inventory by namespace and kind.
func tree(w io.Writer, inventory []v1alpha1.InventoryEntry) error {
	lines := make([]string, 0, len(inventory))
	heads := map[string][]string{}
	for _, entry := range inventory {
		_, k, err := deliver.ParseID(entry.ID)
		if err != nil {
			k = deliver.Key{Kind: "unreadable", Name: entry.ID}
		}
		line := clean(k.Kind + "/" + k.Name)
		switch {
		case entry.Prune != nil:
			line += " (no longer in Git)"
		case entry.UID == "":
			line += " (not applied yet)"
		}
		head := "namespace " + clean(k.Namespace)
		if k.Namespace == "" {
			head = "cluster"
		}
		heads[head] = append(heads[head], line)
	}
	lines = append(lines, fmt.Sprintf("Objects: %d", len(inventory)))
	names := make([]string, 0, len(heads))
	for head := range heads {
		names = append(names, head)
	}
	slices.Sort(names)
	for _, head := range names {
		lines = append(lines, "  "+head)
		slices.Sort(heads[head])
		for _, line := range heads[head] {
			lines = append(lines, "    "+line)
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}
