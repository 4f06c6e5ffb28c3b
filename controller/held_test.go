package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

func TestHeld(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	k := deliver.AppKey{Namespace: "shop", Name: "orders"}
	applying := &v1alpha1.ApplicationStatus{Active: &v1alpha1.ActiveRelease{Name: "r1", Phase: v1alpha1.PhaseApplying}}
	observing := &v1alpha1.ApplicationStatus{Active: &v1alpha1.ActiveRelease{Name: "r1", Phase: v1alpha1.PhaseObserving}}
	watching := &v1alpha1.ApplicationStatus{Active: &v1alpha1.ActiveRelease{Name: "r1", Phase: v1alpha1.PhaseWatching}}
	app := func(st v1alpha1.ApplicationStatus) *v1alpha1.Application {
		return &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Name, UID: "u1"}, Status: st}
	}

	t.Run("waits while a release is under way, half a second in all", func(t *testing.T) {
		var h held
		stored := app(v1alpha1.ApplicationStatus{})
		if wait := h.put(k, stored, applying, at, false); wait != holdTime {
			t.Fatalf("waits %s", wait)
		}
		if got := h.over(k, stored); got.Status.Active == nil || got.Status.Active.Phase != v1alpha1.PhaseApplying || stored.Status.Active != nil {
			t.Fatalf("over: %+v, stored %+v", got.Status, stored.Status)
		}
		if wait := h.put(k, stored, observing, at.Add(holdTime-time.Millisecond), false); wait != time.Millisecond {
			t.Fatalf("the second waits %s", wait)
		}
		if wait := h.put(k, stored, observing, at.Add(holdTime), false); wait != 0 {
			t.Fatalf("the third waits %s", wait)
		}
		// Until somebody says that it was written it is still what is in force.
		if got := h.over(k, stored); got.Status.Active.Phase != v1alpha1.PhaseObserving {
			t.Fatalf("after a failed write: %+v", got.Status)
		}
		h.drop(k)
		if got := h.over(k, stored); got != stored {
			t.Fatal("dropped, and still there")
		}
	})
	t.Run("a mere move waits the longer the more wait", func(t *testing.T) {
		var h held
		at1, at2 := &v1alpha1.ApplicationStatus{Sync: &v1alpha1.Revision{Revision: "r1", Digest: "d"}, LastGood: &v1alpha1.Revision{Revision: "r1"}}, &v1alpha1.ApplicationStatus{Sync: &v1alpha1.Revision{Revision: "r2", Digest: "d"}, LastGood: &v1alpha1.Revision{Revision: "r2"}}
		if wait := h.put(k, app(*at1), at2, at, false); wait != moveTime {
			t.Errorf("the first waits %s", wait)
		}
		other := deliver.AppKey{Namespace: "shop", Name: "web"}
		if wait := h.put(other, app(*at1), at2, at, false); wait != moveTime+moveSpread {
			t.Errorf("the second waits %s", wait)
		}
		changed := at2.DeepCopy()
		changed.Sync.Digest = "e"
		if wait := h.put(k, app(*at1), changed, at, false); wait != 0 {
			t.Errorf("a change waits %s", wait)
		}
		sick := at2.DeepCopy()
		sick.Health.Status = "failed"
		if wait := h.put(k, app(*at1), sick, at, false); wait != 0 {
			t.Errorf("ill health waits %s", wait)
		}
	})
	t.Run("what ended is due at once", func(t *testing.T) {
		var h held
		stored := app(*applying)
		for _, st := range []*v1alpha1.ApplicationStatus{watching, {}, {Health: v1alpha1.HealthStatus{Status: "healthy"}}} {
			if wait := h.put(k, stored, st, at, false); wait != 0 {
				t.Errorf("%+v waits %s", st, wait)
			}
		}
	})
	t.Run("a deleted application's is due at once", func(t *testing.T) {
		var h held
		gone := app(v1alpha1.ApplicationStatus{})
		now := metav1.NewTime(at)
		gone.DeletionTimestamp = &now
		if wait := h.put(k, gone, applying, at, false); wait != 0 {
			t.Errorf("waits %s", wait)
		}
	})
	t.Run("what another wrote, or another application of the name, is in force", func(t *testing.T) {
		for name, other := range map[string]*v1alpha1.Application{
			"written": app(*watching),
			"anew":    {ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Name, UID: "u2"}},
		} {
			var h held
			h.put(k, app(v1alpha1.ApplicationStatus{}), applying, at, false)
			if got := h.over(k, other); got != other {
				t.Errorf("%s: %+v", name, got.Status)
			}
			if len(h.by) != 0 {
				t.Errorf("%s: still held", name)
			}
		}
	})
	t.Run("back to what is written", func(t *testing.T) {
		var h held
		stored := app(v1alpha1.ApplicationStatus{})
		h.put(k, stored, applying, at, false)
		if wait := h.put(k, stored, &v1alpha1.ApplicationStatus{}, at, false); wait != 0 || len(h.by) != 0 {
			t.Errorf("waits %s, holds %d", wait, len(h.by))
		}
	})
}

func TestSooner(t *testing.T) {
	for _, c := range []struct{ a, b, want time.Duration }{{0, 0, 0}, {0, 1, 1}, {1, 0, 1}, {2, 1, 1}, {1, 2, 1}} {
		if got := sooner(c.a, c.b); got != c.want {
			t.Errorf("sooner(%d, %d) = %d", c.a, c.b, got)
		}
	}
}

func TestHeldWhileMuchIsApplied(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	k := deliver.AppKey{Namespace: "shop", Name: "orders"}
	stored := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Name, UID: "u1"}}
	ready := func(status metav1.ConditionStatus) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status}}
	}
	good := &v1alpha1.ApplicationStatus{Conditions: ready(metav1.ConditionTrue), LastGood: &v1alpha1.Revision{Revision: "r1"}}
	for name, c := range map[string]struct {
		status *v1alpha1.ApplicationStatus
		waits  bool
	}{
		"went well":       {good, true},
		"under way":       {&v1alpha1.ApplicationStatus{Active: &v1alpha1.ActiveRelease{Phase: v1alpha1.PhaseApplying}}, true},
		"is watched":      {&v1alpha1.ApplicationStatus{Conditions: ready(metav1.ConditionTrue), Active: &v1alpha1.ActiveRelease{Phase: v1alpha1.PhaseWatching}}, false},
		"not ready":       {&v1alpha1.ApplicationStatus{Conditions: ready(metav1.ConditionFalse)}, false},
		"not known":       {&v1alpha1.ApplicationStatus{Conditions: ready(metav1.ConditionUnknown)}, false},
		"put out of use":  {&v1alpha1.ApplicationStatus{Conditions: ready(metav1.ConditionTrue), Quarantine: []v1alpha1.Quarantined{{Revision: "r2"}}}, false},
		"nothing is told": {&v1alpha1.ApplicationStatus{LastGood: &v1alpha1.Revision{Revision: "r1"}}, false},
	} {
		var h held
		if wait := h.put(k, stored, c.status, at, true); wait > 0 != c.waits {
			t.Errorf("%s: waits %s", name, wait)
		}
	}
	t.Run("but not for ever", func(t *testing.T) {
		var h held
		if wait := h.put(k, stored, good, at, true); wait != busyStep+busySpread {
			t.Fatalf("waits %s", wait)
		}
		if wait := h.put(k, stored, good, at.Add(busyTime-time.Millisecond), true); wait != time.Millisecond {
			t.Fatalf("at the end it waits %s", wait)
		}
		if wait := h.put(k, stored, good, at.Add(busyTime), true); wait != 0 {
			t.Fatalf("afterwards it waits %s", wait)
		}
	})
	t.Run("nor once it is quiet", func(t *testing.T) {
		var h held
		h.put(k, stored, good, at, true)
		if wait := h.put(k, stored, good, at.Add(time.Second), false); wait != 0 {
			t.Fatalf("waits %s", wait)
		}
	})
}
