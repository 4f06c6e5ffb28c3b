package deliver_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

func (w *world) condition(typ string) metav1.Condition {
	for _, c := range w.app.Status.Conditions {
		if c.Type == typ {
			return c
		}
	}
	return metav1.Condition{}
}

func (w *world) mustBeReady(rev string) {
	w.t.Helper()
	if c := w.condition(v1alpha1.ConditionReady); c.Status != metav1.ConditionTrue {
		w.t.Fatalf("not ready: %s %s", c.Reason, c.Message)
	}
	if w.app.Status.Sync.Revision != rev || w.app.Status.LastGood.Revision != rev {
		w.t.Fatalf("at %+v, last good %+v, want %s", w.app.Status.Sync, w.app.Status.LastGood, rev)
	}
}

// has lists the live objects as Kind/name.
func (w *world) has() string {
	var out []string
	for k := range w.objects {
		out = append(out, k.Kind+"/"+k.Name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestReleaseGoesWell(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("Deployment", "web", "1")}})
	w.settle()
	w.mustBeReady("r1")
	if got := w.has(); got != "ConfigMap/a Deployment/web" {
		t.Error(got)
	}
	if p := w.phases(); !slices.Equal(p, []string{v1alpha1.PhaseGood}) {
		t.Error(p)
	}
	n := w.mutations
	w.settle()
	if w.mutations != n {
		t.Error("an unchanged application costs calls")
	}
	w.start() // nor does a restart
	w.settle()
	if w.mutations != n {
		t.Error("a restart costs calls")
	}
}

func TestNewRevisionAppliesOnlyWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1")}})
	w.settle()
	if w.changed != nil {
		t.Errorf("the first release changes %v", w.changed)
	}
	n := w.mutations
	w.objects[deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}].App = deliver.AppKey{} // an edit is none of the release's
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "2")}})
	w.settle()
	if len(w.changed) != 1 || w.changed[0] != "v1/ConfigMap/shop/b" && w.changed[0] != "/v1/ConfigMap/shop/b" {
		t.Errorf("the second release changes %v", w.changed)
	}
	n++
	w.mustBeReady("r2")
	if w.mutations != n+1 {
		t.Errorf("%d calls for one changed object", w.mutations-n)
	}
}

func TestDriftIsRepaired(t *testing.T) {
	for name, drift := range map[string]func(*stored){
		"edited":      func(s *stored) { s.Owned = "edited" },
		"lost fields": func(s *stored) { s.Owned = "" },
		"added to":    func(s *stored) { s.Foreign = true },
		"label lost":  func(s *stored) { s.App = deliver.AppKey{} },
		"made anew":   func(s *stored) { s.UID = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
			w.settle()
			s := w.objects[deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}]
			drift(s)
			w.settle()
			w.mustBeReady("r1")
			if s.Owned != "live-"+s.digest || s.Foreign || s.App != web {
				t.Errorf("not repaired: %+v", s)
			}
		})
	}
}

func TestDriftIsReportedOnly(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.Sync.DriftMode = "report"
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	n := w.mutations
	w.objects[deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}].Owned = "edited"
	w.settle()
	if w.mutations != n || len(w.app.Status.Drift) != 1 || w.condition(v1alpha1.ConditionSynced).Reason != "Drifted" {
		t.Errorf("%d calls, %v, %+v", w.mutations-n, w.app.Status.Drift, w.condition(v1alpha1.ConditionSynced))
	}
}

func TestFightIsSpacedOut(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	n := w.mutations
	for range 600 { // ten minutes of somebody's editing once a second
		w.objects[deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}].Owned = "edited"
		w.reconcile()
		w.now = w.now.Add(time.Second)
	}
	if got := w.mutations - n; got > 20 || got < 5 {
		t.Errorf("%d repairs in ten minutes", got)
	}
}

func TestWhatLeftGitIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1"), object("ConfigMap", "c", "1")}})
	w.settle()
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "c", "1")}})
	w.settle()
	w.mustBeReady("r2")
	if got := w.has(); got != "ConfigMap/a ConfigMap/c" {
		t.Error(got)
	}
}

func TestNothingIsDeletedByMistake(t *testing.T) {
	for name, c := range map[string]*commit{
		"empty":        {},
		"most gone":    {objects: []map[string]any{object("ConfigMap", "a", "1")}},
		"broken":       {broken: true},
		"refused":      {refused: true, objects: []map[string]any{object("ConfigMap", "a", "1")}},
		"unknown kind": {objects: []map[string]any{object("Unknown", "x", "1")}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1"), object("ConfigMap", "c", "1"), object("ConfigMap", "d", "1")}})
			w.settle()
			w.push("r2", c)
			w.settle()
			if got := w.has(); got != "ConfigMap/a ConfigMap/b ConfigMap/c ConfigMap/d" {
				t.Errorf("left: %s", got)
			}
			if ready := w.condition(v1alpha1.ConditionReady); ready.Status == metav1.ConditionTrue || ready.Message == "" {
				t.Errorf("nobody is told: %+v", ready)
			}
		})
	}
	t.Run("confirmed", func(t *testing.T) {
		w := newWorld(t)
		w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1"), object("ConfigMap", "c", "1")}})
		w.settle()
		w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
		w.settle()
		w.app.Annotations = map[string]string{v1alpha1.AnnotationConfirmPrune: "r2"}
		w.settle()
		if got := w.has(); got != "ConfigMap/a" {
			t.Error(got)
		}
	})
}

func TestSourceDownHealsOn(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	w.down = true
	delete(w.objects, deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"})
	w.settle()
	if got := w.has(); got != "ConfigMap/a" {
		t.Errorf("left: %q", got)
	}
	if c := w.condition(v1alpha1.ConditionSynced); c.Status != metav1.ConditionUnknown || c.Reason != "SourceUnavailable" {
		t.Errorf("%+v", c)
	}
}

// TestARevisionThatChangesNothingIsKept has a commit change nothing before the
// source goes away: what is lost is repaired after a restart, a bad revision goes
// back, and what is kept does not grow by such commits.
func TestARevisionThatChangesNothingIsKept(t *testing.T) {
	w := newWorld(t)
	same := func(value string) *commit {
		return &commit{objects: []map[string]any{object("ConfigMap", "a", value), object("Deployment", "web", value)}}
	}
	w.push("r1", same("1"))
	w.settle()
	w.push("r2", same("2"))
	w.settle()
	for _, rev := range []string{"r3", "r4", "r5"} {
		w.push(rev, same("2"))
		w.settle()
		w.mustBeReady(rev)
	}
	if !slices.Equal(w.kept, []string{"r1", "r5"}) {
		t.Fatalf("kept are %v", w.kept)
	}
	w.down, w.gone = true, true
	w.start()
	delete(w.objects, deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"})
	w.settle()
	if got := w.has(); got != "ConfigMap/a Deployment/web" {
		t.Errorf("left: %s", got)
	}
	w.down, w.gone = false, false
	bad := same("3")
	bad.crashing = true
	w.push("r6", bad)
	for w.app.Status.Active == nil || w.app.Status.Active.Phase == v1alpha1.PhaseApplying {
		w.reconcile()
		w.now = w.now.Add(time.Second)
	}
	w.gone = true
	w.start()
	w.settle()
	if s := w.app.Status; s.Sync.Revision != "r5" || s.LastGood.Revision != "r5" || len(s.Quarantine) != 1 || s.Health.Status != "healthy" {
		t.Errorf("%+v, %+v, %+v, %+v", s.Sync, s.LastGood, s.Quarantine, s.Health)
	}
}

// TestWhatCannotBeTakenIsNotTriedAgain has a revision that cannot be taken: once
// that is known it is not fetched until a person asks for it or Git moves. What is out of reach
// is tried again, and nothing is held against the revision.
func TestWhatCannotBeTakenIsNotTriedAgain(t *testing.T) {
	bad := func(k fault.Kind) error { return fault.New(k, "unpack artifact", "r2", "it is larger than 1 MiB", "") }
	for name, c := range map[string]struct {
		err     error
		refused bool
	}{
		"unfit":               {bad(fault.Invalid), true},
		"not signed":          {bad(fault.Denied), true},
		"credentials refused": {deliver.Unreached{Err: bad(fault.Denied)}, false},
		"Secret is no key":    {deliver.Unreached{Err: bad(fault.Invalid)}, false},
		"down":                {bad(fault.Unavailable), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
			w.settle()
			w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "2")}, unread: c.err})
			tries := func() int {
				for range 10 {
					w.reconcile()
					w.now = w.now.Add(10 * time.Minute)
				}
				return w.fetched["r2"]
			}
			before := tries()
			again := tries() - before
			if c := w.condition(v1alpha1.ConditionSynced); c.Status != metav1.ConditionFalse || !strings.Contains(c.Message, "larger than 1 MiB") {
				t.Errorf("%+v", c)
			}
			q := w.app.Status.Quarantine
			if refused := len(q) == 1 && q[0].Revision == "r2"; refused != c.refused || refused != (again == 0) {
				t.Fatalf("fetched %d times, then %d times, %+v", before, again, q)
			}
			// A restart remembers, and a person is obeyed: once.
			w.start()
			w.app.Annotations = map[string]string{v1alpha1.AnnotationRetry: "r2"}
			asked := tries() - before
			if more := tries() - before - asked; c.refused && (asked == 0 || more != 0) {
				t.Errorf("fetched %d times after a retry, then %d times", asked, more)
			}
			w.commits["r2"].unread = nil
			w.app.Annotations[v1alpha1.AnnotationRetry] = "r2@again"
			w.settle()
			w.mustBeReady("r2")
		})
	}
}

func TestRefusedRevisionIsRememberedWithItsLine(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	w.push("r2", &commit{refused: true, objects: []map[string]any{object("ConfigMap", "a", "2")}})
	n := w.mutations
	w.settle()
	if w.mutations != n {
		t.Error("a refused revision was applied")
	}
	q := w.app.Status.Quarantine
	if len(q) != 1 || q[0].Reason != deliver.QuarantineRefused || !strings.Contains(q[0].Message, "web.yaml:7") {
		t.Fatalf("%+v", q)
	}
	if r := w.releases[q[0].Release]; r.Phase != v1alpha1.PhaseRefused || len(r.Findings) != 1 {
		t.Errorf("%+v", r)
	}
	if w.condition(v1alpha1.ConditionStalled).Status != metav1.ConditionTrue {
		t.Error("not stalled")
	}
	w.push("r3", &commit{objects: []map[string]any{object("ConfigMap", "a", "3")}})
	w.settle()
	w.mustBeReady("r3")
}

func TestFailedReleaseIsRolledBack(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("Deployment", "web", "1"), object("ConfigMap", "a", "1")}})
	w.settle()
	w.push("r2", &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "2"), object("ConfigMap", "new", "1")}})
	w.settle()
	st := w.app.Status
	if st.Sync.Revision != "r1" || st.LastGood.Revision != "r1" || st.Health.Status != "healthy" {
		t.Fatalf("at %+v, last good %+v, %+v", st.Sync, st.LastGood, st.Health)
	}
	if got := w.has(); got != "ConfigMap/a Deployment/web" {
		t.Error(got)
	}
	if len(st.Quarantine) != 1 || st.Quarantine[0].Revision != "r2" || st.Quarantine[0].Reason != deliver.QuarantineFailed {
		t.Fatalf("%+v", st.Quarantine)
	}
	failed := w.releases[st.Quarantine[0].Release]
	if failed.Phase != v1alpha1.PhaseFailed || failed.RolledBackTo != "r1" || len(failed.Evidence) == 0 {
		t.Errorf("%+v", failed)
	}
	// It is not tried again, whatever passes.
	n := w.mutations
	w.start()
	w.now = w.now.Add(time.Hour)
	w.settle()
	if w.mutations != n {
		t.Error("a failed revision is tried again")
	}
	// A person may ask for it.
	w.commits["r2"].crashing = false
	w.app.Annotations = map[string]string{v1alpha1.AnnotationRetry: "r2@1"}
	w.settle()
	w.mustBeReady("r2")
}

func TestRollbackThatDoesNotRecoverCondemnsNothing(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("Deployment", "web", "1")}})
	w.settle()
	w.push("r2", &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "2")}})
	for range 100 {
		if q := w.app.Status.Quarantine; len(q) > 0 && w.app.Status.Active == nil && w.app.Status.Sync.Revision == "r1" {
			break
		}
		if w.app.Status.Sync.Revision == "r1" && len(w.app.Status.Quarantine) > 0 {
			for _, s := range w.objects { // the node is broken, say: r1 does not come up either
				s.Health = health.Health{Status: health.Progressing, Message: "no node"}
			}
		}
		again, _ := w.reconcile()
		w.now = w.now.Add(max(again, time.Second))
	}
	if held, _ := deliver.Quarantine(&w.app.Status, "r1", "", w.app.Status.Quarantine[0].Settings); held.Revision == "r1" {
		t.Fatalf("what was good is in quarantine: %+v", held)
	}
	if w.app.Status.Sync.Revision != "r1" || w.condition(v1alpha1.ConditionReady).Status == metav1.ConditionTrue {
		t.Errorf("at %+v, %+v", w.app.Status.Sync, w.condition(v1alpha1.ConditionReady))
	}
}

func TestSameObjectsFromAnotherCommitAreQuarantinedToo(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("Deployment", "web", "1")}})
	w.settle()
	bad := &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "2")}}
	w.push("r2", bad)
	w.settle()
	n := w.mutations
	w.push("r3", bad)
	w.settle()
	if w.mutations != n || w.app.Status.Sync.Revision != "r1" || len(w.app.Status.Quarantine) != 2 {
		t.Errorf("%d calls, at %+v, %+v", w.mutations-n, w.app.Status.Sync, w.app.Status.Quarantine)
	}
}

func TestFirstReleaseFailsAndStaysQuarantined(t *testing.T) {
	w := newWorld(t)
	bad := &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "1")}}
	w.push("r1", bad)
	w.settle()
	w.push("r2", bad)
	w.settle()
	if c := w.condition(v1alpha1.ConditionReady); c.Status == metav1.ConditionTrue || len(w.app.Status.Quarantine) != 2 || w.app.Status.Sync.Revision != "r1" {
		t.Errorf("at %+v, %+v, %+v", w.app.Status.Sync, c, w.app.Status.Quarantine)
	}
	w.push("r3", &commit{objects: []map[string]any{object("Deployment", "web", "2")}})
	w.settle()
	w.mustBeReady("r3")
}

func TestRollbackByAPerson(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "2")}})
	w.settle()
	w.app.Annotations = map[string]string{v1alpha1.AnnotationRollback: "r1@1"}
	w.settle()
	if w.app.Status.Sync.Revision != "r1" {
		t.Fatalf("at %+v", w.app.Status.Sync)
	}
	w.push("r3", &commit{objects: []map[string]any{object("ConfigMap", "a", "3")}})
	w.settle()
	w.mustBeReady("r3")
}

// TestRollbackTwice goes back once more, and forward when that is asked for.
func TestRollbackTwice(t *testing.T) {
	w := newWorld(t)
	for _, rev := range []string{"r1", "r2", "r3"} {
		w.push(rev, &commit{objects: []map[string]any{object("ConfigMap", "a", rev)}})
		w.settle()
	}
	for i, to := range []string{"r2", "r1", "r3"} {
		asked := w.now
		w.app.Annotations = map[string]string{v1alpha1.AnnotationRollback: fmt.Sprintf("%s@%d", to, i)}
		w.settle()
		if got := w.app.Status.Sync.Revision; got != to {
			t.Fatalf("at %s, asked for %s", got, to)
		}
		status := w.releases[w.app.Status.Sync.Release]
		if status.Phase != v1alpha1.PhaseGood || status.Timings.Seen.Time.Before(asked) {
			t.Errorf("back at %s: %s, seen %s, asked for at %s", to, status.Phase, status.Timings.Seen, asked)
		}
	}
	w.mustBeReady("r3")
}

func TestManualSyncWaits(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.Sync.Manual = true
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	if w.has() != "" {
		t.Fatal("applied without being asked")
	}
	w.app.Annotations = map[string]string{v1alpha1.AnnotationSync: "1"}
	w.settle()
	w.mustBeReady("r1")
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "2")}})
	w.settle()
	if w.app.Status.Sync.Revision != "r1" || w.condition(v1alpha1.ConditionSynced).Reason != "Held" {
		t.Errorf("at %+v, %+v", w.app.Status.Sync, w.condition(v1alpha1.ConditionSynced))
	}
}

func TestSyncRequestWithoutNewsIsSpent(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.Sync.Manual = true
	w.app.Annotations = map[string]string{v1alpha1.AnnotationSync: "1"}
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	w.app.Annotations[v1alpha1.AnnotationSync] = "2" // nothing is new
	w.settle()
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "2")}})
	w.settle()
	if w.app.Status.Sync.Revision != "r1" {
		t.Error("an old request lets a new commit through")
	}
}

func TestWhatPeopleAddToIgnoredObjectsStays(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.Ignore = []v1alpha1.IgnoreRule{{Kind: "ConfigMap", Fields: []string{"/data/other"}}}
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	n := w.mutations
	w.objects[deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}].Foreign = true
	w.settle()
	if w.mutations != n {
		t.Error("taken away")
	}
	w.mustBeReady("r1")
}

func TestFullLedgerStopsEverything(t *testing.T) {
	w := newWorld(t)
	w.full = true
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	for range 5 {
		w.reconcile()
		w.now = w.now.Add(time.Minute)
	}
	if w.mutations != 0 || w.condition(v1alpha1.ConditionSynced).Reason != "LedgerUnavailable" {
		t.Errorf("%d calls, %+v", w.mutations, w.condition(v1alpha1.ConditionSynced))
	}
	w.full = false
	w.settle()
	w.mustBeReady("r1")
}

func TestNewerCommitPreemptsAWait(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("Deployment", "web", "1")}})
	w.settle()
	w.push("r2", &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "2")}})
	w.reconcile()
	w.now = w.now.Add(time.Second)
	w.reconcile()
	w.push("r3", &commit{objects: []map[string]any{object("Deployment", "web", "3")}})
	w.reconcile()
	if w.app.Status.Sync.Revision != "r3" {
		t.Errorf("still at %+v", w.app.Status.Sync)
	}
	w.settle()
	w.mustBeReady("r3")
	if p := w.phases(); !slices.Equal(p, []string{v1alpha1.PhaseGood, v1alpha1.PhaseGood, v1alpha1.PhaseSuperseded}) {
		t.Error(p)
	}
}

// TestNothingIsLostWhateverHappens plays random histories: commits good, bad,
// broken and empty, edits by hand, calls that fail, and crashes at any call.
// Whatever happened, in the end the cluster is as the newest good revision
// says, nothing was deleted that should live, and every call had its intent.
func TestNothingIsLostWhateverHappens(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { history(t, seed) })
	}
}

func history(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	w := newWorld(t)
	names := []string{"a", "b", "c", "d", "e", "f"}
	kinds := []string{"ConfigMap", "Deployment", "Service"}
	some := func() (out []map[string]any) {
		for i, n := range names {
			if rnd.IntN(4) > 0 {
				out = append(out, object(kinds[i%3], n, fmt.Sprint(rnd.IntN(3))))
			}
		}
		return append(out, object("ConfigMap", "always", fmt.Sprint(rnd.IntN(100))))
	}
	inRender := func(rev string, k deliver.Key) bool {
		c := w.commits[rev]
		return c != nil && slices.ContainsFunc(c.objects, func(o map[string]any) bool {
			return o["kind"] == k.Kind && o["metadata"].(map[string]any)["name"] == k.Name
		})
	}
	w.mayDelete = func(k deliver.Key) string {
		if s := w.app.Status.Sync; s != nil && inRender(s.Revision, k) && !w.commits[s.Revision].crashing {
			if a := w.app.Status.Active; a == nil || a.Revision == s.Revision {
				return "it is part of the applied revision " + s.Revision
			}
		}
		if k.Name == "always" {
			return "every revision has it"
		}
		return ""
	}
	w.push("r0", &commit{objects: some()})
	w.settle()
	for i := range 12 {
		switch rnd.IntN(9) {
		case 0, 1, 2:
			w.push(fmt.Sprintf("r%d", i+1), &commit{objects: some()})
		case 3:
			w.push(fmt.Sprintf("r%d", i+1), &commit{objects: some(), crashing: true})
		case 4:
			w.push(fmt.Sprintf("r%d", i+1), &commit{objects: some(), broken: true})
		case 5:
			w.push(fmt.Sprintf("r%d", i+1), &commit{objects: some(), refused: true})
		case 6:
			for _, s := range w.objects {
				switch rnd.IntN(6) {
				case 0:
					s.Owned = "edited"
				case 1:
					s.Foreign = true
				case 2:
					delete(w.objects, s.Key)
				}
			}
		case 7:
			w.crashAt = 1 + rnd.IntN(6)
		case 8:
			w.failAt, w.failKind = 1+rnd.IntN(6), []fault.Kind{fault.Unavailable, fault.Conflict, fault.Denied, fault.Invalid, fault.Blocked}[rnd.IntN(5)]
		}
		for range rnd.IntN(4) {
			again, _ := w.reconcile()
			w.now = w.now.Add(max(again, time.Second))
		}
	}
	w.crashAt, w.failAt, w.down = 0, 0, false
	w.push("last", &commit{objects: some()})
	w.app.Annotations = map[string]string{v1alpha1.AnnotationConfirmPrune: "last"}
	w.settle()
	w.mustBeReady("last")
	for _, o := range w.commits["last"].objects {
		k, _ := deliver.KeyOf(o)
		k.Namespace = "shop"
		s := w.objects[k]
		if s == nil || s.Owned != "live-"+s.digest || s.Foreign {
			t.Errorf("%s is not as Git says: %+v", k, s)
		}
	}
	for k := range w.objects {
		if !inRender("last", k) {
			t.Errorf("%s is not in Git", k)
		}
	}
	for i, r := range w.records {
		if r.Phase == ops.PhaseIntent && r.Action == "deliver.apply" && len(r.Effects) == 0 {
			t.Errorf("record %d announces nothing", i)
		}
	}
}
