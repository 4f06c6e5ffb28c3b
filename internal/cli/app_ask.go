package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
)

// settle is how long a source that was asked about may stay silent before a
// sync takes it that there is nothing new: the operator answers a request only
// where there is something to do.
const settle = 5 * time.Second

// asking is a request to the operator and how its answer is awaited.
type asking struct {
	*clusterFlags
	wait    bool
	timeout time.Duration
}

func (a *asking) flags(c *cobra.Command) {
	a.add(c, "")
	c.Flags().BoolVar(&a.wait, "wait", a.streams.OutTerminal, "wait for the result (default: on a terminal)")
	c.Flags().DurationVar(&a.timeout, "timeout", 10*time.Minute, "wait at most this long")
}

// request is one annotation that asks the operator for something.
type request struct {
	annotation, value string
	// target is the revision that the cluster is to arrive at, "" for the
	// source's.
	target string
	// confirmed is the revision whose deletions are allowed with it, "" for none.
	confirmed string
}

// subject says what is asked for, of which application.
func (r request) subject(app *v1alpha1.Application) string {
	what := "a sync"
	switch r.annotation {
	case v1alpha1.AnnotationRollback:
		what = "a rollback"
	case v1alpha1.AnnotationRetry:
		what = "another try"
	}
	return what + " of application " + app.Namespace + "/" + app.Name
}

// progress is where a request stands.
type progress uint8

const (
	pending progress = iota
	arrived
	refused
)

// judge tells how far a request came. silent means that the operator had its
// time to say something.
func (r request) judge(app *v1alpha1.Application, silent bool) progress {
	st := &app.Status
	if st.Handled[r.annotation] != r.value && !silent {
		return pending
	}
	if a := st.Active; a != nil && (a.Phase == v1alpha1.PhaseApplying || a.Phase == v1alpha1.PhaseObserving) {
		return pending
	}
	target := r.target
	if target == "" && st.Source != nil {
		target = st.Source.Revision
	}
	there := st.Sync != nil && target != "" && strings.HasPrefix(st.Sync.Revision, target)
	switch {
	case app.Spec.Suspend:
		return refused
	case there && st.Health.Status == string(health.Healthy) && st.ObservedGeneration == app.Generation:
		return arrived
	case r.annotation == v1alpha1.AnnotationRollback:
		return pending // that the newest revision is held back is what was asked for
	case r.target != "" && slices.ContainsFunc(st.Quarantine, func(q v1alpha1.Quarantined) bool { return strings.HasPrefix(q.Revision, r.target) }):
		return refused
	case condition(app, v1alpha1.ConditionStalled).Status == "True":
		return refused
	}
	return pending
}

// stamp makes a value that no request before had.
func (a *asking) stamp() string { return a.now().UTC().Format("2006-01-02T15:04:05.000000Z") }

// ask writes a request, and waits for the answer if that is wanted.
func (a *asking) ask(ctx context.Context, c Cluster, app *v1alpha1.Application, version string, r request) error {
	if app.Spec.Suspend {
		return fault.New(fault.Blocked, "ask for", r.subject(app), "the application is suspended", fmt.Sprintf("aeo app resume %s -n %s", app.Name, app.Namespace))
	}
	if app.Spec.Observe != nil {
		return fault.New(fault.Blocked, "ask for", r.subject(app), "the application is managed by another tool and only observed here", "ask that tool")
	}
	annotations := map[string]any{r.annotation: r.value, v1alpha1.AnnotationRequestedBy: c.Person(ctx)}
	if r.confirmed != "" {
		annotations[v1alpha1.AnnotationConfirmPrune] = r.confirmed
	}
	k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
	if _, err := c.Change(ctx, k, map[string]any{"metadata": map[string]any{"annotations": annotations}}); err != nil {
		return err
	}
	if !a.wait {
		_, err := fmt.Fprintf(a.streams.Out, "asked; `aeo app get %s -n %s --watch` shows what becomes of it\n", app.Name, app.Namespace)
		return err
	}
	return a.follow(ctx, c, k, version, r)
}

// follow waits until a request came to its end.
func (a *asking) follow(ctx context.Context, c ClusterState, k deliver.AppKey, version string, r request) error {
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	var last *v1alpha1.Application
	result, shown := pending, ""
	var silent atomic.Bool
	look := func(app *v1alpha1.Application, deleted bool) bool {
		if app.Name != k.Name {
			return false
		}
		if deleted {
			result, last = refused, app
			return true
		}
		last = app
		if line := phaseLine(app); a.streams.ErrTerminal && line != shown {
			shown = line
			fmt.Fprintln(a.streams.Err, line)
		}
		result = r.judge(app, silent.Load())
		return result != pending
	}
	// A first, short watch gives the operator its time; what is still quiet
	// then is judged by what its status says.
	first, stop := context.WithTimeout(limited, settle)
	err := c.Watch(first, k.Namespace, version, look)
	stop()
	if result == pending && limited.Err() == nil && first.Err() != nil {
		silent.Store(r.annotation == v1alpha1.AnnotationSync)
		err = a.rest(limited, c, k, look)
	}
	switch {
	case result == arrived:
		_, err := fmt.Fprintf(a.streams.Out, "%s is at revision %s and healthy\n", k, shortOf(last.Status.Sync))
		return err
	case result == refused:
		fmt.Fprintf(a.streams.Out, "%s is at revision %s: %s\n", k, shortOf(last.Status.Sync), reasonOf(last))
		return answer{1}
	case ctx.Err() == nil && limited.Err() != nil:
		why := "the operator did not act on it"
		if last != nil {
			why = reasonOf(last)
		}
		return fault.New(fault.TimedOut, "wait for", k.String(), "after "+a.timeout.String()+": "+why, fmt.Sprintf("it goes on without this command; look with `aeo app get %s -n %s`", k.Name, k.Namespace))
	}
	return err
}

// rest watches on from a new list.
func (a *asking) rest(ctx context.Context, c ClusterState, k deliver.AppKey, look func(*v1alpha1.Application, bool) bool) error {
	app, version, err := find(ctx, c, k.Namespace, k.Name)
	if err != nil || look(app, false) {
		return err
	}
	return c.Watch(ctx, k.Namespace, version, look)
}

func phaseLine(app *v1alpha1.Application) string {
	return fmt.Sprintf("revision %s, release %s, health %s", shortOf(app.Status.Sync), stage(app), or(app.Status.Health.Status, "unknown"))
}

// reasonOf says what keeps an application from being as it should.
func reasonOf(app *v1alpha1.Application) string {
	for _, typ := range []string{v1alpha1.ConditionStalled, v1alpha1.ConditionReady} {
		if c := condition(app, typ); c.Message != "" {
			return clean(c.Message)
		}
	}
	return "its status says nothing yet"
}

func newAppRollback(f *clusterFlags) *cobra.Command {
	a := &asking{clusterFlags: f}
	revision := ""
	c := &cobra.Command{
		Use: "rollback NAME", Short: "Go back to an earlier revision", Args: oneName,
		Long: `Go back to an earlier revision: the one before the present, among those that
were good and that nobody went back from, or the one given. The revision in Git is quarantined meanwhile; a
new commit ends that, and so does aeo release retry.`,
		Example: `  aeo app rollback shop -n shop
  aeo app rollback shop -n shop --to 3f2a91c0`,
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("to") && revision == "" {
				return fault.New(fault.Invalid, "read the command line", "--to", "it names no revision", "leave it out to go back by one, or see `aeo app history "+args[0]+"`")
			}
			cluster, namespace, err := f.open()
			if err != nil {
				return err
			}
			app, version, err := find(c.Context(), cluster, namespace, args[0])
			if err != nil {
				return err
			}
			releases, err := cluster.Releases(c.Context(), namespace)
			if err != nil {
				return err
			}
			to, err := goBackTo(app, releases, revision)
			if err != nil {
				return err
			}
			return a.ask(c.Context(), cluster, app, version, request{annotation: v1alpha1.AnnotationRollback, value: to + "@" + a.stamp(), target: to})
		},
	}
	a.flags(c)
	c.Flags().StringVar(&revision, "to", "", "the `REVISION`, or the beginning of it")
	return c
}

// goBackTo chooses the revision of a rollback: the newest good one that is not
// the present and that nobody went back from, or the only one that begins as
// asked.
func goBackTo(app *v1alpha1.Application, releases []v1alpha1.Release, asked string) (string, error) {
	present := ""
	if app.Status.Sync != nil {
		present = app.Status.Sync.Revision
	}
	var known []string
	add := func(revision string) {
		if revision != "" && !slices.Contains(known, revision) {
			known = append(known, revision)
		}
	}
	if good := app.Status.LastGood; good != nil && good.Revision != present {
		add(good.Revision)
	}
	for i := range releases {
		r := &releases[i]
		if r.Spec.Application == app.Name && (r.Status.Phase == v1alpha1.PhaseGood || asked != "" && r.Status.Phase != v1alpha1.PhaseRefused) {
			add(r.Spec.Revision)
		}
	}
	matches := slices.DeleteFunc(slices.Clone(known), func(revision string) bool {
		return asked == "" && (revision == present || goneBackFrom(app, revision)) || !strings.HasPrefix(revision, asked)
	})
	hint := fmt.Sprintf("aeo app history %s -n %s", app.Name, app.Namespace)
	switch {
	case len(matches) == 1 || asked == "" && len(matches) > 0:
		return matches[0], nil
	case len(matches) > 1:
		return "", fault.New(fault.Invalid, "go back to", asked, "several revisions begin with that", "write more of it; "+hint)
	case asked != "" && len(asked) >= 40:
		return asked, nil
	}
	return "", fault.New(fault.NotFound, "go back to", or(asked, "an earlier revision"), "no release of "+app.Name+" that could be put back has it", hint+" shows what there is; a revision in full is tried even if it is not there")
}

// goneBackFrom tells whether a revision failed or was taken back: going back twice
// is not to go forward again.
func goneBackFrom(app *v1alpha1.Application, revision string) bool {
	return slices.ContainsFunc(app.Status.Quarantine, func(q v1alpha1.Quarantined) bool { return q.Revision == revision })
}

func newAppSuspend(f *clusterFlags, suspend bool) *cobra.Command {
	use, short, done := "suspend", "Stop everything for an application", "suspended: nothing is synced, healed or rolled back until `aeo app resume`"
	if !suspend {
		use, short, done = "resume", "Go on with a suspended application", "resumed"
	}
	c := &cobra.Command{
		Use: use + " NAME", Short: short, Args: oneName,
		Example: "  aeo app " + use + " shop -n shop",
		RunE: func(c *cobra.Command, args []string) error {
			cluster, namespace, err := f.open()
			if err != nil {
				return err
			}
			app, _, err := find(c.Context(), cluster, namespace, args[0])
			if err != nil {
				return err
			}
			k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
			if app.Spec.Suspend == suspend {
				_, err := fmt.Fprintf(f.streams.Out, "%s is so already\n", k)
				return err
			}
			change := map[string]any{
				"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationRequestedBy: cluster.Person(c.Context())}},
				"spec":     map[string]any{"suspend": suspend},
			}
			if _, err := cluster.Change(c.Context(), k, change); err != nil {
				return err
			}
			_, err = fmt.Fprintf(f.streams.Out, "%s is %s\n", k, done)
			return err
		},
	}
	f.add(c, "")
	return c
}
