package deliver_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

var (
	api      = deliver.AppKey{Namespace: "shop", Name: "api"}
	contestA = deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}
)

// takes gives an object to another application that wants it.
func (w *world) takes(k deliver.Key, by deliver.AppKey) {
	s := w.objects[k]
	if s == nil {
		s = &stored{Live: deliver.Live{Key: k, Version: "v1", UID: "uid-theirs"}}
		w.objects[k] = s
	}
	s.App, s.Owned = by, "live-theirs"
	w.claims = map[deliver.Key][]deliver.AppKey{k: {web, by}}
}

func (w *world) mustBeContested(t *testing.T) {
	t.Helper()
	synced, stalled := w.condition(v1alpha1.ConditionSynced), w.condition(v1alpha1.ConditionStalled)
	if synced.Status != metav1.ConditionFalse || synced.Reason != deliver.CodeContested || !strings.Contains(synced.Message, "application shop/api has it") {
		t.Errorf("Synced: %+v", synced)
	}
	if stalled.Status != metav1.ConditionTrue {
		t.Errorf("Stalled: %+v", stalled)
	}
	if got := w.objects[contestA].App; got != api {
		t.Errorf("%s has it", got)
	}
}

// TestTheHolderKeepsAnObject has two applications apply one object at once: the
// last one has it, and the other neither takes it back nor calls itself good.
func TestTheHolderKeepsAnObject(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1")}})
	if w.reconcile(); w.objects[contestA] == nil || w.objects[contestA].App != web {
		t.Fatal("nothing was applied")
	}
	w.takes(contestA, api)
	calls, records := w.mutations, len(w.records)
	w.settle()
	if w.mutations != calls {
		t.Errorf("%d calls change what another application has", w.mutations-calls)
	}
	if phases := w.phases(); len(phases) != 1 || phases[0] != v1alpha1.PhaseFailed {
		t.Errorf("the releases are %v", phases)
	}
	w.mustBeContested(t)
	w.now = w.now.Add(24 * time.Hour)
	w.settle()
	if n := len(w.records) - records; n > 2 {
		t.Errorf("the ledger grew by %d entries", n)
	}
	w.claims = nil // the other gives it up
	w.settle()
	if got := w.objects[contestA].App; got != web {
		t.Errorf("given up, %s has it", got)
	}
	w.mustBeReady("r1")
	if len(w.app.Status.Quarantine) > 0 {
		t.Errorf("the quarantine stays: %+v", w.app.Status.Quarantine)
	}
}

// TestAnObjectThatWasTakenLater is taken while the application is steady.
func TestAnObjectThatWasTakenLater(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1")}})
	w.settle()
	w.mustBeReady("r1")
	w.takes(contestA, api)
	calls, records := w.mutations, len(w.records)
	w.settle()
	w.mustBeContested(t)
	if h := w.condition(v1alpha1.ConditionHealthy); h.Status != metav1.ConditionFalse {
		t.Errorf("Healthy: %+v", h)
	}
	delete(w.objects, deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "b"})
	w.settle()
	if w.mutations != calls+1 || len(w.records) != records+2 {
		t.Errorf("%d calls, %d entries; the other object is to be repaired", w.mutations-calls, len(w.records)-records)
	}
	w.claims = nil
	w.settle()
	w.mustBeReady("r1")
}

// TestWhatIsWaitedForIsNotDeleted has an application give up an object for
// which another one waits.
func TestWhatIsWaitedForIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1")}})
	w.settle()
	w.claims = map[deliver.Key][]deliver.AppKey{contestA: {web}}
	other := w.app.DeepCopy()
	other.Name, other.UID, other.Status = "api", "other-uid", v1alpha1.ApplicationStatus{}
	next := func() {
		out, err := w.engine.Reconcile(t.Context(), other.DeepCopy())
		if err != nil {
			t.Fatal(err)
		}
		other.Status = *out.Status
	}
	next()
	if w.objects[contestA].App != web {
		t.Fatal("it was taken from its owner")
	}
	for range 20 { // it waits on after it gave up
		w.now = w.now.Add(time.Minute)
		next()
	}
	if q := other.Status.Quarantine; len(q) != 1 || q[0].Reason != deliver.QuarantineContested {
		t.Fatalf("in quarantine: %+v", q)
	}
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "b", "1")}})
	w.claims = nil
	w.mayDelete = func(k deliver.Key) string { return "another application waits for it" }
	w.settle()
	if w.objects[contestA] == nil {
		t.Fatal("it is gone")
	}
	w.push("r3", w.commits["r1"])
	for range 5 {
		next()
	}
	if w.objects[contestA].App != api {
		t.Error("who waited did not get it")
	}
}

// TestWhatLeftGitIsDeletedWhenTheReleaseIsGood fails a release in its watch
// time: nothing is gone then that has to be put back.
func TestWhatLeftGitIsDeletedWhenTheReleaseIsGood(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1"), object("Deployment", "web", "1")}})
	w.settle()
	w.mustBeReady("r1")
	w.mayDelete = func(deliver.Key) string {
		for _, phase := range w.phases() {
			if phase != v1alpha1.PhaseGood && phase != v1alpha1.PhaseFailed {
				return "a release is " + phase
			}
		}
		return ""
	}
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "b", "1"), object("Deployment", "web", "2")}})
	for range 30 {
		w.reconcile()
		w.now = w.now.Add(time.Second)
	}
	if a := w.app.Status.Active; a == nil || a.Phase != v1alpha1.PhaseWatching {
		t.Fatalf("the release is %+v", a)
	}
	if c := w.condition(v1alpha1.ConditionSynced); !strings.Contains(c.Message, "when the release is good") {
		t.Errorf("nobody is told: %+v", c)
	}
	before := w.commits["r2"]
	w.objects[deliver.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}].Health.Status = "Failed"
	w.settle()
	w.mustBeReadyAt("r1")
	if len(w.deletions) > 0 || w.objects[contestA] == nil {
		t.Errorf("deleted %v", w.deletions)
	}
	w.push("r3", &commit{objects: append(before.objects[:1:1], object("Deployment", "web", "3"))})
	w.settle()
	w.mustBeReady("r3")
	if got := w.has(); got != "ConfigMap/b Deployment/web" {
		t.Error(got)
	}
}

// TestAnEmptyRevisionIsHeld until a person allows it, and is not called good.
func TestAnEmptyRevisionIsHeld(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1")}})
	w.settle()
	w.push("r2", &commit{})
	w.settle()
	if s, g := w.app.Status.Sync.Revision, w.app.Status.LastGood.Revision; s != "r1" || g != "r1" || len(w.releases) != 1 {
		t.Errorf("at %s, %s is good, %d releases", s, g, len(w.releases))
	}
	synced, stalled := w.condition(v1alpha1.ConditionSynced), w.condition(v1alpha1.ConditionStalled)
	if synced.Reason != "DeletionHeld" || !strings.Contains(synced.Message, "--confirm-prune r2") || stalled.Status != metav1.ConditionTrue {
		t.Errorf("%+v %+v", synced, stalled)
	}
	w.app.Annotations = map[string]string{v1alpha1.AnnotationConfirmPrune: "r2"}
	w.settle()
	if got := w.has(); got != "" {
		t.Errorf("left: %s", got)
	}
	if g := w.app.Status.LastGood.Revision; g != "r2" {
		t.Errorf("%s is good", g)
	}
}

// TestAHeldDeletionIsStalled until a person allows it.
func TestAHeldDeletionIsStalled(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1"), object("ConfigMap", "c", "1")}})
	w.settle()
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	synced, stalled := w.condition(v1alpha1.ConditionSynced), w.condition(v1alpha1.ConditionStalled)
	if synced.Reason != "DeletionHeld" || stalled.Status != metav1.ConditionTrue || !strings.Contains(stalled.Message, "--confirm-prune r2") {
		t.Errorf("%+v %+v", synced, stalled)
	}
}
