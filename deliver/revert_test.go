package deliver_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// forge answers as it is told and remembers what it was asked.
type forge struct {
	asked  []deliver.Reversion
	answer deliver.Reverted
	// before is called at each question.
	before func()
}

func (f *forge) Revert(_ *v1alpha1.Application, r deliver.Reversion) deliver.Reverted {
	if f.before != nil {
		f.before()
	}
	if !slices.Contains(f.asked, r) {
		f.asked = append(f.asked, r)
	}
	return f.answer
}

// failing brings an application to a release that fails.
func failing(t *testing.T) (*world, *forge) {
	w := newWorld(t)
	f := &forge{}
	w.engine.Forge = f
	w.app.Spec.Rollback.PullRequest = &v1alpha1.RevertRequest{Forge: "github", Repository: "team/shop", Secret: v1alpha1.LocalReference{Name: "forge"}}
	w.push("r1", &commit{objects: []map[string]any{object("Deployment", "web", "1")}})
	w.settle()
	w.push("r2", &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "2")}})
	return w, f
}

func (w *world) actions(phase ops.Phase) (n int, last ops.Record) {
	for _, r := range w.records {
		if r.Action == "deliver.revert-request" && r.Phase == phase {
			n, last = n+1, r
		}
	}
	return n, last
}

func TestRevertIsRequestedOnce(t *testing.T) {
	w, f := failing(t)
	f.before = func() {
		if n, _ := w.actions(ops.PhaseIntent); n == 0 {
			t.Error("asked without an intent in the ledger")
		}
	}
	w.settle()
	w.mustBeReadyAt("r1") // the rollback does not wait for the forge
	if len(f.asked) != 1 || f.asked[0].Bad != "r2" || f.asked[0].Good != "r1" || !f.asked[0].RolledBack || !strings.Contains(f.asked[0].Reason, "not healthy within") {
		t.Fatalf("asked for %+v", f.asked)
	}
	if n, _ := w.actions(ops.PhaseOutcome); n != 0 {
		t.Error("an outcome without an answer")
	}
	f.answer = deliver.Reverted{Done: true, Address: "https://forge/1"}
	w.settle()
	release := w.app.Status.Quarantine[0].Release
	if got := w.releases[release].PullRequest; got != "https://forge/1" {
		t.Errorf("the release says %q", got)
	}
	// Neither a restart nor a commit that renders to the same asks again.
	f.before = func() { t.Error("asked again") }
	w.start()
	w.engine.Forge = f
	w.settle()
	w.push("r3", w.commits["r2"])
	w.settle()
	if n, r := w.actions(ops.PhaseOutcome); n != 1 || r.Details["address"] != "https://forge/1" || r.TraceID == "" {
		t.Errorf("%d outcomes, %+v", n, r)
	}
	if w.app.Status.Sync.Revision != "r1" {
		t.Errorf("the cluster is at %s", w.app.Status.Sync.Revision)
	}
}

func (w *world) mustBeReadyAt(rev string) {
	w.t.Helper()
	if s := w.app.Status.Sync; s == nil || s.Revision != rev {
		w.t.Errorf("the cluster is at %+v, want %s", s, rev)
	}
}

func TestRevertThatCannotBe(t *testing.T) {
	w, f := failing(t)
	blocked := fault.New(fault.Blocked, "revert", "r2", "changed again: a.yaml", "revert by hand")
	f.answer = deliver.Reverted{Done: true, Err: fault.New(fault.Unavailable, "ask", "forge", "down", "")}
	w.settle()
	w.mustBeReadyAt("r1")
	release := w.app.Status.Quarantine[0].Release
	if c := w.releases[release].Conditions; len(c) != 1 || c[0].Type != "RevertRequested" || c[0].Status != "False" || !strings.Contains(c[0].Message, "down") {
		t.Errorf("the release says %+v", c)
	}
	for _, c := range w.app.Status.Conditions {
		if strings.Contains(c.Message, "forge") {
			t.Errorf("the forge spoils %+v", c)
		}
	}
	f.answer = deliver.Reverted{Done: true, Err: blocked, Final: true}
	w.settle()
	if n, r := w.actions(ops.PhaseOutcome); n != 1 || r.Decision == nil || r.Decision.Verdict != "refused" {
		t.Errorf("%d outcomes, %+v", n, r)
	}
	f.before = func() { t.Error("asked again after a final answer") }
	w.settle()
}

func TestRevertWaitsForTheLedger(t *testing.T) {
	w, f := failing(t)
	for range 300 {
		again, _ := w.reconcile()
		w.now = w.now.Add(max(again, time.Second))
		if len(w.app.Status.Quarantine) > 0 {
			break
		}
	}
	if len(f.asked) != 1 {
		t.Fatalf("asked %d times", len(f.asked))
	}
	f.answer = deliver.Reverted{Done: true, Address: "https://forge/1"}
	w.full = true
	w.reconcile()
	if n, _ := w.actions(ops.PhaseOutcome); n != 0 || w.app.Status.Handled["revert-request/"+w.app.Status.Quarantine[0].Release] != "" {
		t.Error("the answer was taken although it could not be recorded")
	}
	w.full = false
	w.settle()
	if n, _ := w.actions(ops.PhaseOutcome); n != 1 {
		t.Errorf("%d outcomes", n)
	}
}

func TestRevertIsNotForWhatGitLeftBehind(t *testing.T) {
	w, f := failing(t)
	w.engine.Forge = nil
	w.settle()
	w.push("r3", &commit{objects: []map[string]any{object("Deployment", "web", "3")}})
	w.settle()
	w.engine.Forge = f
	w.settle()
	w.mustBeReadyAt("r3")
	if len(f.asked) != 0 {
		t.Errorf("asked for %+v", f.asked)
	}
}
