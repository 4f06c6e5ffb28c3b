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
	"github.com/autoecoops/autoecoops/ops"
)

// ObjectTrace is where one managed object comes from, and how it is.
type ObjectTrace struct {
	Object ops.Ref `json:"object"`
	// Exists tells whether it is in the cluster; Unknown says why that could
	// not be found out.
	Exists        bool   `json:"exists"`
	Unknown       string `json:"unknown,omitempty"`
	Health        string `json:"health,omitempty"`
	HealthMessage string `json:"healthMessage,omitempty"`
	// Written is file:line in the revision that the cluster is at; LineUnknown
	// says why it is not known.
	Written     string `json:"written,omitempty"`
	LineUnknown string `json:"writtenUnknown,omitempty"`
	// Applied is when an apply of the operator last changed it, to the second;
	// zero if none did.
	Applied time.Time `json:"applied,omitzero"`
}

// appTrace is the way of a release from its commit to its health.
type appTrace struct {
	Application string `json:"application"`
	Source      string `json:"source"`
	// Revision is what the cluster is at, "" if nothing was applied yet. It may
	// be newer than the release's, if what came after it changed nothing.
	Revision string `json:"revision,omitempty"`
	// Release is nil if there is none.
	Release *v1alpha1.Release `json:"release,omitempty"`
	TraceID string            `json:"traceId,omitempty"`
	Steps   []traceStep       `json:"steps"`
	// Object and ChangedBy are about the one object that was asked for.
	Object *ObjectTrace `json:"object,omitempty"`
	// ChangedBy is the release that last changed the object; ChangedUnknown
	// says why there is none to name.
	ChangedBy      string `json:"changedBy,omitempty"`
	ChangedUnknown string `json:"changedUnknown,omitempty"`
}

// traceStep is one moment of a release; At is zero if it did not come, or was
// not noted.
type traceStep struct {
	Name string    `json:"step"`
	At   time.Time `json:"at,omitzero"`
	// After is how long after the step before that is known, in nanoseconds.
	After time.Duration `json:"afterNanoseconds,omitempty"`
	Text  string        `json:"text,omitempty"`
}

func newAppTrace(f *clusterFlags) *cobra.Command {
	c := &cobra.Command{
		Use: "trace NAME [KIND/NAME]", Short: "Show the way from commit to healthy, of the application or one object",
		Long: `Show how the revision in the cluster, or the one on its way there, came from its
commit to being healthy, with times and the id of its trace. For one object of
the application also the file and line that it is written in, and which release
changed it last.

Nothing in the cluster says at which line an object is written: the revision is
fetched and rendered once more. What was not recorded is said to be so.`,
		Example: `  aeo app trace shop -n shop
  aeo app trace shop -n shop deployment/cart
  aeo app trace shop -n shop configmap/prod/settings     with its namespace`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 2 {
				return nil
			}
			return fault.New(fault.Invalid, "read the command line", "", fmt.Sprintf("%s takes a NAME and perhaps KIND/NAME, not %d words", c.CommandPath(), len(args)), "see `"+c.CommandPath()+" --help`")
		},
		RunE: func(c *cobra.Command, args []string) error {
			cluster, namespace, err := f.open()
			if err != nil {
				return err
			}
			app, _, err := find(c.Context(), cluster, namespace, args[0])
			if err != nil {
				return err
			}
			t, err := trace(c.Context(), cluster, app, args[1:])
			if err != nil {
				return err
			}
			if f.output != "table" {
				return structured(f.streams.Out, f.output, t)
			}
			return writeTo("", f.streams.Out, func(w io.Writer) error { return t.write(w) })
		},
	}
	f.add(c, "table, json, yaml")
	return c
}

// trace gathers what is recorded of an application's release, and of an object.
func trace(ctx context.Context, c Cluster, app *v1alpha1.Application, object []string) (*appTrace, error) {
	all, err := c.Releases(ctx, app.Namespace)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r v1alpha1.Release) bool { return r.Spec.Application != app.Name })
	all = withActive(app, all)
	t := &appTrace{Application: app.Namespace + "/" + app.Name, Source: SourceOf(app)}
	if app.Status.Sync != nil {
		t.Revision = app.Status.Sync.Revision
	}
	t.Release = current(app, all)
	if r := t.Release; r != nil {
		t.TraceID = r.Annotations[v1alpha1.AnnotationTraceID]
	}
	t.Steps = chain(app, t.Release)
	if len(object) == 0 {
		return t, nil
	}
	g, k, err := managed(app, object[0])
	if err != nil {
		return nil, err
	}
	if t.Object, err = c.Object(ctx, app, g, k); err != nil {
		return nil, err
	}
	t.ChangedBy, t.ChangedUnknown = changedBy(t.Object, all)
	return t, nil
}

// withActive adds the release in flight if its object is still to be made, as it
// is in its first seconds.
func withActive(app *v1alpha1.Application, all []v1alpha1.Release) []v1alpha1.Release {
	a := app.Status.Active
	if a == nil || slices.ContainsFunc(all, func(r v1alpha1.Release) bool { return r.Name == a.Name }) {
		return all
	}
	r := v1alpha1.Release{Spec: v1alpha1.ReleaseSpec{Application: app.Name, Revision: a.Revision, Trigger: a.Trigger}}
	r.Namespace, r.Name = app.Namespace, a.Name
	r.Annotations = map[string]string{v1alpha1.AnnotationTraceID: deliver.TraceID(app, a.Name)}
	r.Status = v1alpha1.ReleaseStatus{Phase: a.Phase, Timings: v1alpha1.Timings{Seen: a.Seen, Started: a.Seen, Applied: a.Applied, Healthy: a.Healthy}}
	return append([]v1alpha1.Release{r}, all...)
}

// current is the release on its way, or else the one that the cluster is at.
func current(app *v1alpha1.Application, all []v1alpha1.Release) *v1alpha1.Release {
	for _, name := range []string{activeName(app), syncName(app)} {
		for i := range all {
			if name != "" && all[i].Name == name {
				return &all[i]
			}
		}
	}
	return nil
}

func activeName(app *v1alpha1.Application) string {
	if app.Status.Active == nil {
		return ""
	}
	return app.Status.Active.Name
}

func syncName(app *v1alpha1.Application) string {
	if app.Status.Sync == nil {
		return ""
	}
	return app.Status.Sync.Release
}

// chain lists every moment of a release. While it is on its way, the
// application's status knows more than the release's own.
func chain(app *v1alpha1.Application, r *v1alpha1.Release) []traceStep {
	if r == nil {
		return nil
	}
	times, phase := r.Status.Timings, r.Status.Phase
	if a := app.Status.Active; a != nil && a.Name == r.Name {
		times.Seen, times.Applied, times.Healthy = first(times.Seen, a.Seen), first(times.Applied, a.Applied), first(times.Healthy, a.Healthy)
		phase = a.Phase
	}
	commit := r.Spec.Commit
	if commit == nil {
		commit = &v1alpha1.CommitInfo{}
	}
	if times.Committed == nil && commit.Time != nil {
		at := metav1.NewMicroTime(commit.Time.Time)
		times.Committed = &at
	}
	by := commit.Subject
	if commit.Author != "" {
		by += ", " + commit.Author
	}
	steps := []struct {
		name, text string
		at         *metav1.MicroTime
	}{
		{"committed", by, times.Committed}, {"seen", "by the operator, " + r.Spec.Trigger, times.Seen},
		{"rendered", "", times.Rendered}, {"gated", "", times.Gated},
		{"applied", "", times.Applied}, {"healthy", "", times.Healthy}, {"ended", strings.ToLower(phase), times.Finished},
	}
	var out []traceStep
	var last time.Time
	for _, s := range steps {
		step := traceStep{Name: s.name, Text: s.text}
		if s.at == nil {
			step.Text = absent(s.name, phase)
		} else {
			step.At = s.at.Time
			if !last.IsZero() {
				step.After = step.At.Sub(last)
			}
			last = step.At
		}
		out = append(out, step)
	}
	return out
}

func first(a, b *metav1.MicroTime) *metav1.MicroTime {
	if a != nil {
		return a
	}
	return b
}

// absent says why there is no time of a step.
func absent(step, phase string) string {
	refused := phase == v1alpha1.PhaseRefused
	open := phase == v1alpha1.PhaseApplying || phase == v1alpha1.PhaseObserving || phase == v1alpha1.PhaseWatching
	switch {
	case step == "ended" && open:
		return "not yet: " + strings.ToLower(phase)
	case step == "applied" && refused, step == "healthy" && refused:
		return "never: it was refused"
	case (step == "applied" || step == "healthy") && open:
		return "not yet"
	case step == "applied", step == "healthy":
		return "never, or not recorded"
	case step == "gated" && !refused:
		return "not asked: the objects were judged before"
	case step == "rendered" && refused:
		return "never: it was refused"
	}
	return "not recorded"
}

// managed finds an object of an application by KIND/NAME or KIND/NAMESPACE/NAME.
func managed(app *v1alpha1.Application, text string) (deliver.GVK, deliver.Key, error) {
	parts := strings.Split(text, "/")
	var found, names []string
	for _, e := range app.Status.Inventory {
		_, k, err := deliver.ParseID(e.ID)
		if err != nil {
			continue
		}
		names = append(names, k.Kind+"/"+k.Name)
		same := sameKind(parts[0], k.Kind) && parts[len(parts)-1] == k.Name
		if same && (len(parts) == 2 || len(parts) == 3 && parts[1] == k.Namespace) {
			found = append(found, e.ID)
		}
	}
	const op = "find object"
	whose := "application " + app.Namespace + "/" + app.Name
	switch {
	case len(parts) < 2 || len(parts) > 3:
		return deliver.GVK{}, deliver.Key{}, fault.New(fault.Invalid, op, text, "this is not KIND/NAME", "write deployment/cart, or deployment/shop/cart with its namespace")
	case len(found) > 1:
		return deliver.GVK{}, deliver.Key{}, fault.New(fault.Invalid, op, text, fmt.Sprintf("%d objects of %s have this kind and name", len(found), whose), "write KIND/NAMESPACE/NAME")
	case len(found) == 0:
		hint := fmt.Sprintf("`aeo app get %s -n %s` lists its objects", app.Name, app.Namespace)
		if near := nearest(text, names, 3); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, ", ") + "? " + hint
		}
		return deliver.GVK{}, deliver.Key{}, fault.New(fault.NotFound, op, text, whose+" has no such object", hint)
	}
	return deliver.ParseID(found[0])
}

// shortKinds are what kubectl calls the kinds of most inventories.
var shortKinds = map[string]string{
	"cm": "configmap", "cj": "cronjob", "deploy": "deployment", "ds": "daemonset", "hpa": "horizontalpodautoscaler", "ing": "ingress",
	"netpol": "networkpolicy", "ns": "namespace", "pdb": "poddisruptionbudget", "po": "pod", "pvc": "persistentvolumeclaim",
	"sa": "serviceaccount", "sts": "statefulset", "svc": "service",
}

// sameKind tells whether what a person calls a kind, perhaps in the plural and
// with its group, is that kind.
func sameKind(said, kind string) bool {
	said, _, _ = strings.Cut(strings.ToLower(said), ".")
	if long := shortKinds[said]; long != "" {
		said = long
	}
	kind = strings.ToLower(kind)
	plural := kind + "s"
	switch {
	case strings.HasSuffix(kind, "y"):
		plural = strings.TrimSuffix(kind, "y") + "ies"
	case strings.HasSuffix(kind, "s"):
		plural = kind + "es"
	}
	return said == kind || said == plural
}

// changedBy finds the release in whose time an object was last changed by an
// apply.
func changedBy(o *ObjectTrace, all []v1alpha1.Release) (name, unknown string) {
	switch {
	case o.Unknown != "":
		return "", "unknown: the object cannot be read"
	case o.Applied.IsZero():
		return "", "the API server notes no apply of the operator on it"
	}
	oldest := time.Time{}
	for i := range all {
		r := &all[i]
		begin := r.CreationTimestamp.Time
		if at := r.Status.Timings.Started; at != nil {
			begin = at.Time // the object is made later
		}
		if oldest.IsZero() || begin.Before(oldest) {
			oldest = begin
		}
		end := r.Status.Timings.Applied
		if end == nil {
			end = r.Status.Timings.Finished
		}
		// The API server notes whole seconds.
		if !o.Applied.Before(begin.Truncate(time.Second)) && (end == nil || !o.Applied.After(end.Time)) && r.Status.Phase != v1alpha1.PhaseRefused {
			return fmt.Sprintf("release %s, revision %s", clean(r.Name), clean(deliver.Short(r.Spec.Revision))), ""
		}
	}
	if o.Applied.Before(oldest.Truncate(time.Second)) || oldest.IsZero() {
		return "", "it is older than the releases that are kept; the ledger has it (aeo audit log)"
	}
	return "", "outside of any release: drift that was repaired, or a change of what the operator owns"
}

// since says how a release's revision relates to what the cluster is at.
func (t *appTrace) since() string {
	switch at := clean(deliver.Short(t.Revision)); {
	case t.Revision == t.Release.Spec.Revision:
		return ""
	case t.Revision == "":
		return "; nothing was applied yet"
	case t.Release.Status.Phase == v1alpha1.PhaseGood || t.Release.Status.Phase == v1alpha1.PhaseWatching:
		return "; the cluster is at " + at + ", which changed none of its objects since"
	default:
		return "; the cluster is at " + at
	}
}

func (t *appTrace) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("Application", "%s", t.Application)
	row("Source", "%s", t.Source)
	if o := t.Object; o != nil {
		row("Object", "%s", clean(o.Object.String()))
		switch {
		case o.Written != "":
			row("Written at", "%s, revision %s", clean(o.Written), clean(deliver.Short(t.Revision)))
		default:
			row("Written at", "unknown: %s", clean(o.LineUnknown))
		}
		switch {
		case o.Unknown != "":
			row("Health", "unknown: %s", clean(o.Unknown))
		case !o.Exists:
			row("Health", "it is not in the cluster")
		default:
			row("Health", "%s", strings.TrimSpace(or(o.Health, "unknown")+" "+clean(o.HealthMessage)))
		}
		changed := t.ChangedBy
		if changed == "" {
			changed = t.ChangedUnknown
		}
		if !o.Applied.IsZero() {
			changed = o.Applied.UTC().Format("2006-01-02 15:04:05 UTC") + ", " + changed
		}
		row("Last changed", "%s", changed)
	}
	if r := t.Release; r != nil {
		row("Release", "%s", clean(r.Name))
		row("Revision", "%s%s", clean(r.Spec.Revision), t.since())
		row("Trace id", "%s", or(t.TraceID, "not recorded"))
	} else {
		row("Release", "none is recorded")
	}
	if err := w.Flush(); err != nil || len(t.Steps) == 0 {
		return err
	}
	fmt.Fprintln(out)
	fmt.Fprintln(w, "STEP\tAT\tAFTER\t")
	for _, s := range t.Steps {
		at, after := "-", "-"
		if !s.At.IsZero() {
			at = s.At.UTC().Format("2006-01-02 15:04:05.000 UTC")
		}
		if s.After != 0 {
			after = "+" + s.After.Round(time.Millisecond).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, at, after, clean(s.Text))
	}
	return w.Flush()
}
