package deliver_test

import (
	"context"
	"errors"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// inspector counts what the objects hold in the world's cluster.
type inspector struct {
	*world
	looks int
	fails bool
}

// Inspect implements deliver.Inspector: an object edited to be privileged is a
// critical finding.
func (i *inspector) Inspect(_ context.Context, _ *v1alpha1.Application, as deliver.Identity, refs []deliver.InventoryRef) (*v1alpha1.Posture, error) {
	i.looks++
	if i.fails {
		return nil, errors.New("the API server is away")
	}
	if as.Namespace != "shop" || as.ServiceAccount != "default" {
		i.t.Errorf("looks as %v", as)
	}
	p := &v1alpha1.Posture{}
	for _, r := range refs {
		if s := i.objects[r.Key]; s != nil && s.Owned == "privileged" {
			p.Critical++
		}
	}
	return p, nil
}

func TestPostureFollowsWhatIsLeftToDiffer(t *testing.T) {
	begin := func(t *testing.T) (*world, *inspector, *stored) {
		w := newWorld(t)
		i := &inspector{world: w}
		w.engine.Inspector = i
		w.app.Spec.Sync.DriftMode = "report"
		w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1"), object("ConfigMap", "b", "1")}})
		w.settle()
		if i.looks != 0 || w.app.Status.Posture == nil || w.app.Status.Posture.Critical != 0 {
			t.Fatalf("%d looks at what is as Git says, %+v", i.looks, w.app.Status.Posture)
		}
		return w, i, w.objects[deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}]
	}
	privileged := func(s *stored) (undo func()) {
		was := s.Owned
		s.Owned = "privileged"
		return func() { s.Owned = was }
	}
	t.Run("judged once while it differs, and that of the revision afterwards", func(t *testing.T) {
		w, i, a := begin(t)
		undo := privileged(a)
		w.settle()
		if i.looks != 1 || w.app.Status.Posture.Critical != 1 {
			t.Fatalf("%d looks, %+v", i.looks, w.app.Status.Posture)
		}
		undo()
		w.settle()
		if i.looks != 1 || w.app.Status.Posture.Critical != 0 {
			t.Fatalf("after it was undone: %d looks, %+v", i.looks, w.app.Status.Posture)
		}
	})
	t.Run("judged again when it changes again, but not at once", func(t *testing.T) {
		w, i, a := begin(t)
		privileged(a)
		w.reconcile()
		a.ResourceVersion = "another"
		if again, _ := w.reconcile(); i.looks != 1 || again <= 0 || again > deliver.InspectEvery {
			t.Fatalf("%d looks, again in %s", i.looks, again)
		}
		w.now = w.now.Add(deliver.InspectEvery)
		if w.reconcile(); i.looks != 2 {
			t.Fatalf("%d looks", i.looks)
		}
	})
	t.Run("what an earlier run of the program saw does not stay", func(t *testing.T) {
		w, _, a := begin(t)
		undo := privileged(a)
		w.settle()
		w.start()
		again := &inspector{world: w}
		w.engine.Inspector = again
		undo()
		w.settle()
		if w.app.Status.Posture == nil || w.app.Status.Posture.Critical != 0 || again.looks > 1 {
			t.Fatalf("%d looks, %+v", again.looks, w.app.Status.Posture)
		}
	})
	t.Run("no posture rather than an old one where it cannot be judged", func(t *testing.T) {
		w, i, a := begin(t)
		i.fails = true
		privileged(a)
		if again, _ := w.reconcile(); w.app.Status.Posture != nil || again <= 0 {
			t.Fatalf("%+v, again in %s", w.app.Status.Posture, again)
		}
		i.fails = false
		w.settle()
		if w.app.Status.Posture == nil || w.app.Status.Posture.Critical != 1 {
			t.Fatalf("afterwards: %+v", w.app.Status.Posture)
		}
	})
	t.Run("what is repaired is not judged", func(t *testing.T) {
		w, i, a := begin(t)
		w.app.Spec.Sync.DriftMode = ""
		privileged(a)
		w.settle()
		if i.looks != 0 || a.Owned == "privileged" {
			t.Fatalf("%d looks, %+v", i.looks, a)
		}
	})
}
