package deliver_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
)

// TestAFailedHookFailsTheRelease, wherever it stands and whatever follows it.
func TestAFailedHookFailsTheRelease(t *testing.T) {
	for name, objects := range map[string][]map[string]any{
		"a step follows":  {object("ConfigMap", "a", "2"), job("hook", "before"), object("Deployment", "web", "2")},
		"nothing follows": {object("ConfigMap", "a", "2"), job("hook", "before")},
		"after":           {object("ConfigMap", "a", "2"), job("hook", "after")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
			w.settle()
			w.push("r2", &commit{objects: objects})
			w.jobs = health.Failed
			w.settle()
			w.mustBeReadyAt("r1")
			if phases := w.phases(); !slices.Contains(phases, v1alpha1.PhaseFailed) {
				t.Errorf("the releases are %v", phases)
			}
			if got := w.objects[contestA].value; got != "1" {
				t.Errorf("the ConfigMap says %q", got)
			}
			if q := w.app.Status.Quarantine; len(q) != 1 || !strings.Contains(q[0].Message, "hook") {
				t.Errorf("in quarantine: %+v", q)
			}
		})
	}
}

// TestAHookThatHangsFailsAtTheDeadline does so however old the revision is.
func TestAHookThatHangsFailsAtTheDeadline(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.settle()
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "2"), job("hook", "before"), object("Deployment", "web", "2")}})
	w.jobs = health.Progressing
	began := w.now
	for w.app.Status.Quarantine == nil && w.now.Sub(began) < time.Hour {
		again, _ := w.reconcile()
		w.now = w.now.Add(max(again, time.Second))
	}
	if took := w.now.Sub(began); took < 5*time.Minute || took > 6*time.Minute {
		t.Errorf("given up after %s", took)
	}
	w.settle()
	w.mustBeReadyAt("r1")
}

// TestTheSameObjectsKeepTheirHooks has commits that change nothing come while a
// hook runs and after it did: it runs once.
func TestTheSameObjectsKeepTheirHooks(t *testing.T) {
	w := newWorld(t)
	objects := []map[string]any{object("ConfigMap", "a", "1"), job("hook", "before")}
	w.push("r1", &commit{objects: objects})
	w.settle()
	first := w.has()
	for _, rev := range []string{"r2", "r3"} {
		w.push(rev, &commit{objects: objects})
		w.settle()
		w.mustBeReady(rev)
		if got := w.has(); got != first || len(w.deletions) > 0 {
			t.Errorf("%s: %s, then %s; deleted %v", rev, first, got, w.deletions)
		}
	}
}

// TestARefusedRevisionEndsTheOneBefore, which is being applied still.
func TestARefusedRevisionEndsTheOneBefore(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), job("hook", "before"), object("Deployment", "web", "1")}})
	w.jobs = health.Progressing
	w.reconcile()
	w.push("r2", &commit{refused: true, objects: []map[string]any{object("ConfigMap", "a", "2")}})
	for range 5 {
		w.reconcile()
		w.now = w.now.Add(time.Second)
	}
	if phases := w.phases(); len(phases) != 2 || phases[0] != v1alpha1.PhaseRefused || phases[1] != v1alpha1.PhaseSuperseded || w.app.Status.Active != nil {
		t.Errorf("the releases are %v, active %+v", phases, w.app.Status.Active)
	}
}
