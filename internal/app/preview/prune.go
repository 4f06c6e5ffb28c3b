package preview

import (
	"context"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/diff"
	"github.com/autoecoops/autoecoops/ops"
)

// snapshot implements deliver.View with what was just read.
type snapshot map[deliver.Key]deliver.Live

// Namespaced implements deliver.View; a plan of deletions does not ask.
func (snapshot) Namespaced(context.Context, deliver.GVK) (bool, error) { return true, nil }

// Watch implements deliver.View.
func (snapshot) Watch(context.Context, deliver.GVK) error { return nil }

// Synced implements deliver.View: what is not here is not there.
func (snapshot) Synced(deliver.GroupKind) bool { return true }

// Object implements deliver.View.
func (s snapshot) Object(k deliver.Key) (deliver.Live, bool) { l, ok := s[k]; return l, ok }

// Owned implements deliver.View; a plan of deletions goes by the inventory.
func (snapshot) Owned(deliver.AppKey) []deliver.Live { return nil }

// pruned tells what becomes of the objects that were applied and that the
// revision no longer has: it asks the operator's own plan.
func (t *trial) pruned(ctx context.Context, objects []*deliver.Object, revision string) ([]diff.ObjectDiff, error) {
	desired := map[deliver.Key]bool{}
	for _, o := range objects {
		desired[o.Key] = true
	}
	seen := snapshot{}
	var inventory []v1alpha1.InventoryEntry
	var out []diff.ObjectDiff
	for _, e := range t.app.Status.Inventory {
		g, k, err := deliver.ParseID(e.ID)
		if err != nil || desired[k] {
			inventory = append(inventory, e)
			continue
		}
		body, err := t.cluster.Get(ctx, t.as, g, k)
		if err != nil && !absent(err) {
			d, err := t.failed(&deliver.Object{Key: k, Version: g.Version}, nil, err, "get")
			if err != nil {
				return nil, err
			}
			d.Action, d.Note = diff.Unknown, "it is no longer rendered; "+d.Note
			out = append(out, d)
			continue
		}
		if err == nil {
			live, _ := t.digester.Distil(body, t.doctor.Evaluate(body))
			if live.Hook {
				continue // an earlier release's Job is cleared away, and no news
			}
			seen[k] = live
			if live.Keep && live.App == t.key {
				out = append(out, diff.ObjectDiff{Object: refOf(g, k), Action: diff.None, Note: "it is no longer rendered and stays: " + v1alpha1.AnnotationPrune + ": never"})
			}
		}
		// As if it had been marked long ago.
		since := v1alpha1.InventoryEntry{ID: e.ID, UID: e.UID, Prune: metaTime(t.Now().Add(-time.Hour))}
		inventory = append(inventory, since)
	}
	return append(out, t.plan(inventory, desired, len(objects), seen, revision)...), nil
}

// plan compares what the operator would delete by itself with what it would
// delete once a person confirms.
func (t *trial) plan(inventory []v1alpha1.InventoryEntry, desired map[deliver.Key]bool, objects int, seen snapshot, revision string) (out []diff.ObjectDiff) {
	p := deliver.Pruning{
		App: t.key, Inventory: inventory, Desired: func(k deliver.Key) bool { return desired[k] }, Objects: objects, Policy: &t.app.Spec.Sync,
		Confirmed: revision != "" && t.app.Annotations[v1alpha1.AnnotationConfirmPrune] == revision, Healthy: true,
		Settled: func(time.Time) bool { return true }, Now: t.Now(), View: seen,
		Claims: func(deliver.Key) []deliver.AppKey { return nil },
	}
	plan := deliver.PlanPrune(p)
	p.Confirmed = true
	deletes := func(plan deliver.PrunePlan, k deliver.Key) bool {
		return slices.ContainsFunc(plan.Delete, func(d deliver.Deletion) bool { return d.Key == k })
	}
	confirmed := deliver.PlanPrune(p)
	for _, e := range plan.Inventory {
		g, k, err := deliver.ParseID(e.ID)
		if err != nil || e.Prune == nil {
			continue
		}
		d := diff.ObjectDiff{Object: refOf(g, k), Action: diff.Delete}
		switch {
		case deletes(plan, k):
		case deletes(confirmed, k):
			d.Note = "only after somebody confirms: " + or(plan.Blocked, "this kind takes other things with it")
		case seen[k].Terminating:
			d.Note = "it is being deleted already"
		default:
			d.Action, d.Note = diff.None, "it is no longer rendered and stays: "+or(plan.Blocked, "pruning is off")
		}
		out = append(out, d)
	}
	return out
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func refOf(g deliver.GVK, k deliver.Key) ops.Ref {
	return ops.Ref{APIVersion: g.APIVersion(), Kind: k.Kind, Namespace: k.Namespace, Name: k.Name}
}
