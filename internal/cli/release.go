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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

func newRelease(b Backend, s *Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "release",
		Short: "Releases: how each revision fared",
		Example: `  aeo release list -A
  aeo release get shop-3f2a91c0-4c1d0e -n shop     why it was refused or failed
  aeo release retry shop-3f2a91c0-4c1d0e -n shop   try the revision again`,
	}
	flags := func() *clusterFlags { return &clusterFlags{backend: b, streams: s, now: time.Now} }
	c.AddCommand(newReleaseList(flags()), newReleaseGet(flags()), newReleaseRetry(flags()))
	return c
}

func newReleaseList(f *clusterFlags) *cobra.Command {
	app := ""
	c := &cobra.Command{
		Use: "list", Short: "List releases, the newest first", Args: cobra.NoArgs,
		Example: `  aeo release list -n shop
  aeo release list -A --app shop -o json`,
		RunE: func(c *cobra.Command, _ []string) error { return f.releases(c.Context(), app) },
	}
	f.add(c, listFormats)
	f.addAll(c)
	c.Flags().StringVar(&app, "app", "", "only those of the application `NAME`")
	return c
}

func newAppHistory(f *clusterFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "history NAME", Short: "List the releases of an application, the newest first", Args: oneName,
		Example: `  aeo app history shop -n shop
  aeo app history shop -n shop -o wide     with commit, author and reason`,
		RunE: func(c *cobra.Command, args []string) error {
			cluster, namespace, err := f.open()
			if err != nil {
				return err
			}
			if _, _, err := find(c.Context(), cluster, namespace, args[0]); err != nil {
				return err
			}
			return f.releases(c.Context(), args[0])
		},
	}
	f.add(c, listFormats)
	return c
}

func (f *clusterFlags) releases(ctx context.Context, app string) error {
	cluster, namespace, err := f.open()
	if err != nil {
		return err
	}
	all, err := cluster.Releases(ctx, namespace)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(r v1alpha1.Release) bool { return app != "" && r.Spec.Application != app })
	switch f.output {
	case "json", "yaml":
		if all == nil {
			all = []v1alpha1.Release{}
		}
		return structured(f.streams.Out, f.output, v1alpha1.ReleaseList{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ReleaseList"}, Items: all})
	case "name":
		for i := range all {
			fmt.Fprintf(f.streams.Out, "release.autoecoops.io/%s\n", all[i].Name)
		}
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(f.streams.Err, "no releases in "+or(namespace, "any namespace"))
		return nil
	}
	return f.releaseTable(all)
}

func (f *clusterFlags) releaseTable(all []v1alpha1.Release) error {
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	head := "NAME\tAPPLICATION\tREVISION\tTRIGGER\tPHASE\tTOOK\tAGE"
	if f.output == "wide" {
		head += "\tAUTHOR\tCOMMIT\tMESSAGE"
	}
	if f.all {
		head = "NAMESPACE\t" + head
	}
	fmt.Fprintln(w, head)
	for i := range all {
		r := &all[i]
		row := []string{r.Name, clean(r.Spec.Application), clean(deliver.Short(r.Spec.Revision)), clean(r.Spec.Trigger), or(r.Status.Phase, "unknown"), took(r.Status.Timings, f.now()), age(f.now().Sub(r.CreationTimestamp.Time))}
		if f.output == "wide" {
			commit := r.Spec.Commit
			if commit == nil {
				commit = &v1alpha1.CommitInfo{}
			}
			row = append(row, or(commit.Author, "-"), cut(or(commit.Subject, "-"), 60), clean(r.Status.Message))
		}
		if f.all {
			row = append([]string{r.Namespace}, row...)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// took is how long a release took from when its revision was seen to its
// health, or to its end without.
func took(t v1alpha1.Timings, now time.Time) string {
	end := t.Healthy
	if end == nil {
		end = t.Finished
	}
	switch {
	case t.Seen == nil:
		return "-"
	case end == nil:
		return age(now.Sub(t.Seen.Time)) + "…"
	}
	return end.Sub(t.Seen.Time).Round(time.Millisecond).String()
}

func newReleaseGet(f *clusterFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "get NAME", Short: "Show one release: timings, findings, evidence", Args: oneName,
		Example: `  aeo release get shop-3f2a91c0-4c1d0e -n shop
  aeo release get shop-3f2a91c0-4c1d0e -n shop -o yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			r, _, err := f.release(c.Context(), args[0])
			if err != nil {
				return err
			}
			switch f.output {
			case "json", "yaml":
				return structured(f.streams.Out, f.output, r)
			case "name":
				_, err := fmt.Fprintf(f.streams.Out, "release.autoecoops.io/%s\n", r.Name)
				return err
			}
			return writeTo("", f.streams.Out, func(w io.Writer) error { return describeRelease(w, r, f.now()) })
		},
	}
	f.add(c, "table, json, yaml, name")
	return c
}

func (f *clusterFlags) release(ctx context.Context, name string) (*v1alpha1.Release, Cluster, error) {
	cluster, namespace, err := f.open()
	if err != nil {
		return nil, nil, err
	}
	all, err := cluster.Releases(ctx, namespace)
	if err != nil {
		return nil, nil, about(err, "find release", namespace+"/"+name)
	}
	names := make([]string, len(all))
	for i := range all {
		if all[i].Name == name {
			return &all[i], cluster, nil
		}
		names[i] = all[i].Name
	}
	return nil, nil, missing("release", namespace, name, names)
}

func describeRelease(out io.Writer, r *v1alpha1.Release, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("Release", "%s/%s", r.Namespace, r.Name)
	row("Application", "%s", clean(r.Spec.Application))
	row("Revision", "%s, by %s", clean(r.Spec.Revision), or(r.Spec.Trigger, "unknown"))
	if c := r.Spec.Commit; c != nil {
		row("Commit", "%s, %s", or(c.Subject, "-"), or(c.Author, "-"))
		if c.SignedBy != "" {
			row("Signed by", "%s", clean(c.SignedBy))
		}
	}
	row("Phase", "%s", strings.TrimSpace(or(r.Status.Phase, "unknown")+" "+clean(r.Status.Reason)))
	row("Message", "%s", or(r.Status.Message, "-"))
	for _, m := range steps(r.Status.Timings) {
		row(m.name, "%s", m.text)
	}
	row("Took", "%s", took(r.Status.Timings, now))
	if r.Status.RolledBackTo != "" {
		row("Rolled back to", "%s", clean(r.Status.RolledBackTo))
	}
	if r.Status.PullRequest != "" {
		row("Pull request", "%s", clean(r.Status.PullRequest))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, x := range r.Status.Findings {
		fmt.Fprintf(out, "\n%s:%d: %s (%s, %s)\n", clean(x.File), x.Line, clean(x.Message), clean(x.Severity), clean(x.Check))
		if x.Fix != "" {
			fmt.Fprintf(out, "  fix: %s\n", clean(x.Fix))
		}
	}
	for _, e := range r.Status.Evidence {
		fmt.Fprintf(out, "\n%s of %s\n", clean(e.Kind), or(e.Object, "-"))
		for line := range strings.Lines(e.Text) {
			fmt.Fprintf(out, "  %s\n", clean(strings.TrimRight(line, "\n")))
		}
	}
	return nil
}

type moment struct{ name, text string }

// steps are the moments of a release that came, each with the time since the
// one before.
func steps(t v1alpha1.Timings) []moment {
	var out []moment
	var last *metav1.MicroTime
	for _, m := range []struct {
		name string
		at   *metav1.MicroTime
	}{{"Committed", t.Committed}, {"Seen", t.Seen}, {"Rendered", t.Rendered}, {"Gated", t.Gated}, {"Applied", t.Applied}, {"Healthy", t.Healthy}, {"Finished", t.Finished}} {
		if m.at == nil {
			continue
		}
		text := m.at.UTC().Format("2006-01-02 15:04:05.000 UTC")
		if last != nil {
			text += " (" + m.at.Sub(last.Time).Round(time.Millisecond).String() + " later)"
		}
		out, last = append(out, moment{m.name, text}), m.at
	}
	return out
}

func newReleaseRetry(f *clusterFlags) *cobra.Command {
	a := &asking{clusterFlags: f}
	c := &cobra.Command{
		Use: "retry NAME", Short: "Try the revision of a failed or refused release again", Args: oneName,
		Long: `Lift the quarantine of a release's revision, once, so that the operator tries
it again if it is what Git says.`,
		Example: `  aeo release retry shop-3f2a91c0-4c1d0e -n shop --wait`,
		RunE: func(c *cobra.Command, args []string) error {
			r, cluster, err := f.release(c.Context(), args[0])
			if err != nil {
				return err
			}
			app, version, err := find(c.Context(), cluster, r.Namespace, r.Spec.Application)
			if err != nil {
				return err
			}
			if err := mayRetry(app, r); err != nil {
				return err
			}
			return a.ask(c.Context(), cluster, app, version, request{annotation: v1alpha1.AnnotationRetry, value: r.Spec.Revision + "@" + a.stamp(), target: r.Spec.Revision})
		},
	}
	a.flags(c)
	return c
}

// mayRetry says why trying a release's revision again cannot do anything.
func mayRetry(app *v1alpha1.Application, r *v1alpha1.Release) error {
	if !slices.ContainsFunc(app.Status.Quarantine, func(q v1alpha1.Quarantined) bool { return q.Revision == r.Spec.Revision }) {
		return fault.New(fault.Blocked, "retry", r.Name, "its revision is not quarantined: nothing holds it back", "aeo app sync "+app.Name+" -n "+app.Namespace)
	}
	if app.Status.Source == nil || app.Status.Source.Revision != r.Spec.Revision {
		return fault.New(fault.Blocked, "retry", r.Name, "Git is at another revision by now ("+shortOf(app.Status.Source)+")", "only the revision in Git is tried; change Git")
	}
	return nil
}
