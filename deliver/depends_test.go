package deliver_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// waitFor has the application of a world wait for others.
func (w *world) waitFor(names ...string) {
	for _, name := range names {
		w.app.Spec.DependsOn = append(w.app.Spec.DependsOn, v1alpha1.Dependency{ObjectReference: v1alpha1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.ApplicationKind, Name: name}})
		k := deliver.Key{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.ApplicationKind, Namespace: web.Namespace, Name: name}
		w.objects[k] = &stored{Live: deliver.Live{Key: k}}
	}
}

func named(name string) deliver.AppKey { return deliver.AppKey{Namespace: web.Namespace, Name: name} }

// TestACircleOfDependencies says who waits for whom, and lets go when it is open.
func TestACircleOfDependencies(t *testing.T) {
	w := newWorld(t)
	w.unready = "progressing"
	w.waitFor("db", "cache")
	w.dependsOn = map[deliver.AppKey][]deliver.AppKey{
		named("db"):    {named("cloud"), named("queue")},
		named("queue"): {named("db"), named("web")}, // a circle beside ours, and ours
		named("cache"): {named("cloud")},
	}
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.reconcile()
	c, stalled := w.condition(v1alpha1.ConditionSynced), w.condition(v1alpha1.ConditionStalled)
	if !strings.Contains(c.Message, "shop/web waits for shop/db waits for shop/queue waits for shop/web") || c.Reason != "Invalid" || stalled.Status != metav1.ConditionTrue || w.mutations > 0 {
		t.Errorf("%+v %+v", c, stalled)
	}
	delete(w.dependsOn, named("queue"))
	if again, _ := w.reconcile(); again <= 0 {
		t.Error("it is not looked at again")
	}
	if c := w.condition(v1alpha1.ConditionSynced); !strings.Contains(c.Message, "waits for Application db: progressing") {
		t.Errorf("%+v", c)
	}
	// Whoever is ready is not waited for, circle or not.
	w.unready = ""
	w.dependsOn[named("db")] = []deliver.AppKey{named("web")}
	w.settle()
	w.mustBeReady("r1")
}

func TestDependedApps(t *testing.T) {
	w := newWorld(t)
	w.waitFor("db")
	w.app.Spec.DependsOn = append(w.app.Spec.DependsOn,
		v1alpha1.Dependency{ObjectReference: v1alpha1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Name: "c"}},
		v1alpha1.Dependency{ObjectReference: v1alpha1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.ApplicationKind, Namespace: "other", Name: "x"}})
	got := deliver.DependedApps(w.app)
	if len(got) != 2 || got[0] != named("db") || got[1] != (deliver.AppKey{Namespace: "other", Name: "x"}) {
		t.Errorf("%v", got)
	}
}

// TestAnExpressionThatCannotBeRead holds what is new, and keeps what is there.
func TestAnExpressionThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	w.mustBeReady("r1")
	w.misread = fault.New(fault.Invalid, "read", "spec.health.expressions[0].healthy", "a bracket is missing", "")
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "2")}})
	w.app.Generation++
	w.reconcile()
	c, stalled := w.condition(v1alpha1.ConditionSynced), w.condition(v1alpha1.ConditionStalled)
	if !strings.Contains(c.Message, "a bracket is missing") || stalled.Status != metav1.ConditionTrue || w.app.Status.Sync.Revision != "r1" {
		t.Errorf("%+v %+v", c, stalled)
	}
	// Drift is still repaired.
	a := deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	delete(w.objects, a)
	w.reconcile()
	if w.objects[a] == nil {
		t.Error("what was deleted by hand stays so")
	}
	w.misread = nil
	w.settle()
	w.mustBeReady("r2")
}
