package cli

import (
	"context"
	"encoding/json"
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

// clean makes text from a cluster fit for one line of a terminal: whoever may
// write an object must not be able to write to the screen.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unseen(r):
			return '?'
		}
		return r
	}, text)
}

func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return clean(text)
}

func condition(app *v1alpha1.Application, typ string) metav1.Condition {
	for _, c := range app.Status.Conditions {
		if c.Type == typ {
			return c
		}
	}
	return metav1.Condition{Type: typ, Status: metav1.ConditionUnknown}
}

func shortOf(r *v1alpha1.Revision) string {
	if r == nil || r.Revision == "" {
		return "-"
	}
	return clean(deliver.Short(r.Revision))
}

// age writes a duration as people say it: the two largest units.
func age(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// structured writes what is not a table: a single object, or a List of many.
func structured(w io.Writer, format string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err == nil && format == "yaml" {
		text, err = visibleYAML(text)
	}
	if err != nil {
		return fault.Wrap(fault.Internal, "write", format, err, "report this")
	}
	if format == "json" {
		text = visible(text)
	}
	return writeTo("", w, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n", strings.TrimRight(string(text), "\n"))
		return err
	})
}

const listFormats = "table, wide, json, yaml, name"

func newAppList(f *clusterFlags) *cobra.Command {
	watch := false
	c := &cobra.Command{
		Use: "list", Short: "List applications with their health and revision", Args: cobra.NoArgs,
		Example: `  aeo app list                of the context's namespace
  aeo app list -A -o wide     of all, with source, last good and posture
  aeo app list -A --watch     and a line for each change, as it happens`,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.list(c.Context(), watch)
		},
	}
	f.add(c, listFormats)
	f.addAll(c)
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on with a line for each change")
	return c
}

func (f *clusterFlags) list(ctx context.Context, watch bool) error {
	cluster, namespace, err := f.open()
	if err != nil {
		return err
	}
	apps, version, err := cluster.Applications(ctx, namespace)
	if err != nil {
		return err
	}
	switch f.output {
	case "json", "yaml":
		if apps == nil {
			apps = []v1alpha1.Application{}
		}
		return structured(f.streams.Out, f.output, v1alpha1.ApplicationList{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ApplicationList"}, Items: apps})
	case "name":
		for _, app := range apps {
			fmt.Fprintf(f.streams.Out, "application.autoecoops.io/%s\n", app.Name)
		}
		return nil
	}
	if len(apps) == 0 {
		fmt.Fprintln(f.streams.Err, "no applications in "+or(namespace, "any namespace"))
	} else if err := f.table(apps); err != nil {
		return err
	}
	if !watch {
		return nil
	}
	return cluster.Watch(ctx, namespace, version, func(app *v1alpha1.Application, deleted bool) bool {
		fmt.Fprintln(f.streams.Out, changeLine(f.now(), app, deleted))
		return false
	})
}

func (f *clusterFlags) table(apps []v1alpha1.Application) error {
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	wide := f.output == "wide"
	head := "NAME\tREADY\tSYNCED\tHEALTH\tREVISION\tRELEASE\tAGE"
	// Only what another tool manages can be in the cluster against the gate.
	observes := slices.ContainsFunc(apps, func(app v1alpha1.Application) bool { return app.Spec.Observe != nil })
	if observes {
		head += "\tGATED"
	}
	if wide {
		head += "\tLAST GOOD\tSOURCE\tFINDINGS"
	}
	if f.all {
		head = "NAMESPACE\t" + head
	}
	fmt.Fprintln(w, head+"\tMESSAGE")
	for i := range apps {
		app := &apps[i]
		ready := condition(app, v1alpha1.ConditionReady)
		row := []string{app.Name, string(ready.Status), string(condition(app, v1alpha1.ConditionSynced).Status), or(app.Status.Health.Status, "unknown"), inCluster(app), stage(app), age(f.now().Sub(app.CreationTimestamp.Time))}
		if observes {
			row = append(row, gated(app))
		}
		if wide {
			row = append(row, shortOf(app.Status.LastGood), SourceOf(app), posture(app.Status.Posture))
		}
		if f.all {
			row = append([]string{app.Namespace}, row...)
		}
		message := clean(ready.Message)
		if !wide {
			message = cut(message, 60)
		}
		fmt.Fprintln(w, strings.Join(append(row, message), "\t"))
	}
	return w.Flush()
}

// inCluster is the revision that the cluster is at.
func inCluster(app *v1alpha1.Application) string {
	if app.Spec.Observe == nil {
		return shortOf(app.Status.Sync)
	}
	if o := app.Status.Observed; o != nil {
		return or(deliver.Short(o.Revision), "-")
	}
	return "-"
}

// gated says whether the newest revision of an observed application passes.
func gated(app *v1alpha1.Application) string {
	if app.Spec.Observe == nil {
		return "-"
	}
	return string(condition(app, v1alpha1.ConditionGated).Status)
}

// stage says where the application stands, in a word.
func stage(app *v1alpha1.Application) string {
	switch {
	case app.DeletionTimestamp != nil:
		return "deleting"
	case app.Spec.Suspend:
		return "suspended"
	case app.Status.Active != nil:
		return strings.ToLower(or(app.Status.Active.Phase, "active"))
	}
	return "-"
}

// SourceOf says in a line where an application comes from, without credentials.
func SourceOf(app *v1alpha1.Application) string {
	switch s := app.Spec.Source; {
	case app.Spec.Observe != nil:
		return "observes " + app.Spec.Observe.Kind + " " + clean(app.Spec.Observe.Name)
	case s == nil:
		return "-"
	case s.Git != nil:
		at := s.Git.Branch + s.Git.Tag + s.Git.Semver + deliver.Short(s.Git.Commit)
		return clean(publicURL(s.Git.URL) + "//" + s.Path + "@" + or(at, "HEAD"))
	case s.OCI != nil:
		at := s.OCI.Tag + s.OCI.Semver + deliver.Short(s.OCI.Digest)
		return clean(publicURL(s.OCI.URL) + "//" + s.Path + "@" + or(at, "latest"))
	}
	return "-"
}

// publicURL leaves the name and password of an address out.
func publicURL(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + host[strings.LastIndex(host, "@")+1:] + "/" + path
}

func posture(p *v1alpha1.Posture) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%d critical, %d high, %d medium, %d low, %d unknown", p.Critical, p.High, p.Medium, p.Low, p.Unknown)
}

func changeLine(now time.Time, app *v1alpha1.Application, deleted bool) string {
	ready := condition(app, v1alpha1.ConditionReady)
	what := stage(app)
	if deleted {
		what = "deleted"
	}
	return fmt.Sprintf("%s %s/%s %s health=%s revision=%s release=%s %s", now.UTC().Format("15:04:05.000"), app.Namespace, app.Name,
		"ready="+string(ready.Status), or(app.Status.Health.Status, "unknown"), inCluster(app), what, clean(ready.Message))
}
