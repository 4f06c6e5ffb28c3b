package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

func TestRequestJudge(t *testing.T) {
	app := func(handled, source, sync, health string, change func(*v1alpha1.Application)) *v1alpha1.Application {
		a := &v1alpha1.Application{Status: v1alpha1.ApplicationStatus{
			Handled: map[string]string{v1alpha1.AnnotationSync: handled, v1alpha1.AnnotationRollback: handled, v1alpha1.AnnotationRetry: handled},
			Source:  &v1alpha1.Revision{Revision: source}, Sync: &v1alpha1.Revision{Revision: sync}, Health: v1alpha1.HealthStatus{Status: health},
		}}
		if change != nil {
			change(a)
		}
		return a
	}
	stalled := func(a *v1alpha1.Application) {
		a.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Status: "True"}}
	}
	held := func(a *v1alpha1.Application) { a.Status.Quarantine = []v1alpha1.Quarantined{{Revision: "b"}} }
	phase := func(p string) func(*v1alpha1.Application) {
		return func(a *v1alpha1.Application) { a.Status.Active = &v1alpha1.ActiveRelease{Phase: p} }
	}
	sync := request{annotation: v1alpha1.AnnotationSync, value: "1"}
	back := request{annotation: v1alpha1.AnnotationRollback, value: "1", target: "a"}
	retry := request{annotation: v1alpha1.AnnotationRetry, value: "1", target: "b"}
	for name, c := range map[string]struct {
		r      request
		app    *v1alpha1.Application
		silent bool
		want   progress
	}{
		"not seen yet":             {sync, app("", "b", "b", "healthy", nil), false, pending},
		"nothing new":              {sync, app("", "b", "b", "healthy", nil), true, arrived},
		"done":                     {sync, app("1", "b", "b", "healthy", nil), false, arrived},
		"applied and observed":     {sync, app("1", "b", "b", "healthy", phase(v1alpha1.PhaseObserving)), false, pending},
		"applying":                 {sync, app("1", "b", "a", "healthy", phase(v1alpha1.PhaseApplying)), true, pending},
		"watched":                  {sync, app("1", "b", "b", "healthy", phase(v1alpha1.PhaseWatching)), false, arrived},
		"health unknown":           {sync, app("1", "b", "b", "unknown", nil), true, pending},
		"status of older settings": {sync, app("1", "b", "b", "healthy", func(a *v1alpha1.Application) { a.Generation = 2 }), false, pending},
		"source unknown":           {sync, app("1", "", "", "healthy", nil), true, pending},
		"stalled":                  {sync, app("1", "b", "a", "healthy", stalled), false, refused},
		"suspended":                {sync, app("1", "b", "b", "healthy", func(a *v1alpha1.Application) { a.Spec.Suspend = true }), false, refused},
		"back":                     {back, app("1", "b", "a", "healthy", stalled), false, arrived},
		"not back yet":             {back, app("1", "b", "b", "healthy", stalled), false, pending},
		"retried":                  {retry, app("1", "b", "b", "healthy", nil), false, arrived},
		"failed again":             {retry, app("1", "b", "a", "healthy", held), false, refused},
		"being retried":            {retry, app("1", "b", "a", "healthy", phase(v1alpha1.PhaseApplying)), false, pending},
	} {
		if got := c.r.judge(c.app, c.silent); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestGoBackTo(t *testing.T) {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "s"}}
	app.Status.Sync = &v1alpha1.Revision{Revision: "cc33"}
	release := func(app, revision, phase string) v1alpha1.Release {
		return v1alpha1.Release{Spec: v1alpha1.ReleaseSpec{Application: app, Revision: revision}, Status: v1alpha1.ReleaseStatus{Phase: phase}}
	}
	all := []v1alpha1.Release{
		release("shop", "cc33", "Good"), release("shop", "bb22", "Failed"), release("other", "dd44", "Good"),
		release("shop", "ab99", "Good"), release("shop", "ab11", "Good"), release("shop", "ee55", "Refused"),
	}
	full := strings.Repeat("f", 40)
	for asked, want := range map[string]string{"": "ab99", "bb": "bb22", "ab1": "ab11", full: full} {
		if got, err := goBackTo(app, all, asked); got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", asked, got, err, want)
		}
	}
	for asked, want := range map[string]fault.Kind{"ab": fault.Invalid, "dd": fault.NotFound, "ee": fault.NotFound} {
		if got, err := goBackTo(app, all, asked); fault.KindOf(err) != want || err == nil {
			t.Errorf("%q: %q, %v", asked, got, err)
		}
	}
	// Back at ab99 from cc33: the next one back is ab11, not forward.
	app.Status.Sync.Revision = "ab99"
	app.Status.Quarantine = []v1alpha1.Quarantined{{Revision: "cc33", Reason: deliver.QuarantineRolledBack}}
	if got, err := goBackTo(app, all, ""); got != "ab11" || err != nil {
		t.Errorf("back once more: %q, %v", got, err)
	}
	if got, err := goBackTo(app, all, "cc"); got != "cc33" || err != nil {
		t.Errorf("forward as asked: %q, %v", got, err)
	}
	app.Status.Sync.Revision, app.Status.Quarantine = "cc33", nil
	if got, err := goBackTo(app, all[:1], ""); fault.KindOf(err) != fault.NotFound {
		t.Errorf("there is nothing to go back to, but: %q, %v", got, err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"shop", "shop-eu", "billing", "web"}
	for name, want := range map[string][]string{"shpo": nil, "shp": {"shop"}, "shop": {"shop", "shop-eu"}, "bilinng": {"billing"}, "zzz": nil, "": nil} {
		if got := nearest(name, names, 3); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance is %d", d)
	}
}

func TestClean(t *testing.T) {
	if got := clean("a\x1b[2Jb\nc\u202e\u200f\u061cd"); got != "a?[2Jb c???d" {
		t.Errorf("%q", got)
	}
	for address, want := range map[string]string{"https://me:secret@h/x": "https://h/x", "git@h:x": "git@h:x", "file:///x": "file:///x"} {
		if got := publicURL(address); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestObservedIsShown shows what another tool says, how old that is, and what
// the gate found; the list has a column for the gate only where it is needed.
func TestObservedIsShown(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	then := metav1.NewTime(now.Add(-90 * time.Second))
	app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop", CreationTimestamp: then}}
	app.Spec.Observe = &v1alpha1.ObjectReference{Kind: "Application", Name: "shop"}
	app.Status.Observed = &v1alpha1.ObservedStatus{Tool: "argocd", Revision: strings.Repeat("a", 40), Attempted: strings.Repeat("b", 40), VerifiedAt: &then}
	app.Status.Source = &v1alpha1.Revision{Revision: strings.Repeat("c", 40)}
	app.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionGated, Status: "False", Reason: "Refused", Message: "1 finding refuses it", LastTransitionTime: then}}
	app.Status.Gate = &v1alpha1.Judged{Verdict: v1alpha1.VerdictRefused, Findings: []v1alpha1.Finding{{File: "web.yaml", Line: 7, Message: "privileged\x1b[2J", Severity: "critical", Check: "k8s-x", Fix: "remove it"}}}
	managed := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "web", CreationTimestamp: then}}
	managed.Spec.Source = &v1alpha1.Source{}
	managed.Status.Sync = &v1alpha1.Revision{Revision: strings.Repeat("d", 40)}

	var out strings.Builder
	if err := describe(&out, &app, now); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"Source observes Application shop at cccccccc", "Cluster aaaaaaaa, says argocd; bbbbbbbb was tried; compared 1m30s ago",
		"Gated False for 1m30s, Refused: 1 finding refuses it", "Finding web.yaml:7: privileged?[2J (critical, k8s-x); remove it",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if strings.Contains(text, "Last good") {
		t.Error("what is good is the other tool's affair")
	}
	for o, want := range map[*v1alpha1.ObservedStatus]string{
		nil:              "nothing is known of what is observed",
		{Tool: "argocd"}: "-, says argocd; it does not say when it compared",
	} {
		if got := observedLine(o, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}

	f := &clusterFlags{streams: &Streams{}, now: func() time.Time { return now }}
	list := func(apps ...v1alpha1.Application) string {
		out.Reset()
		f.streams.Out = &out
		if err := f.table(apps); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(out.String()), " ")
	}
	if got := list(managed); strings.Contains(got, "GATED") {
		t.Error(got)
	}
	fresh := app
	fresh.Name, fresh.Status = "new", v1alpha1.ApplicationStatus{}
	got := list(managed, app, fresh)
	for _, want := range []string{"REVISION RELEASE AGE GATED MESSAGE", "web Unknown Unknown unknown dddddddd - 1m30s -", "shop Unknown Unknown unknown aaaaaaaa - 1m30s False", "new Unknown Unknown unknown - - 1m30s Unknown"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
}

// TestRollbackToNothing refuses an empty word: a variable of a script may be empty.
func TestRollbackToNothing(t *testing.T) {
	var out, errs bytes.Buffer
	s := &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}
	if code := Main(t.Context(), nil, s, Build{}, []string{"app", "rollback", "shop", "--to", ""}); code != 2 || !strings.Contains(errs.String(), "it names no revision") {
		t.Errorf("code %d: %s", code, errs.String())
	}
}
