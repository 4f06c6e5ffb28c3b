package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/ops"
)

// deleteAll deletes the objects of the last stage among list: those of the
// stage before follow when these are gone, so that nothing is pulled from under
// another. The ledger has the intent before and the outcome after.
func (p *pass) deleteAll(ctx context.Context, list []Deletion) {
	ready := p.deletable(ctx, list)
	if len(ready) == 0 {
		return
	}
	if err := p.record(ctx, p.deleteEntries(ops.PhaseIntent, ready, nil)...); err != nil {
		p.fail(err)
		return
	}
	errs := make([]error, len(ready))
	p.each(len(ready), func(i int) {
		errs[i] = p.Cluster.Delete(ctx, p.identity(), ready[i].GVK, ready[i].Key, ready[i].UID)
	})
	for _, err := range errs {
		if err != nil {
			p.fail(err)
		}
	}
	if err := p.record(ctx, p.deleteEntries(ops.PhaseOutcome, ready, errs)...); err != nil {
		p.fail(err)
	}
	p.wait(2 * time.Second)
}

// deletable returns the objects of the last stage that nothing uses.
func (p *pass) deletable(ctx context.Context, list []Deletion) []Deletion {
	if len(list) == 0 {
		return nil
	}
	byKey := make(map[Key]Deletion, len(list))
	keys := make([]Key, len(list))
	for i, d := range list {
		byKey[d.Key], keys[i] = d, d.Key
	}
	keys = DeletionOrder(keys)
	var ready []Deletion
	for _, k := range keys {
		if stageOfKey(k) != stageOfKey(keys[0]) {
			break
		}
		switch used, err := p.inUse(ctx, k); {
		case err != nil:
			p.fail(err)
		case used != "":
			p.waiting = "keeps " + k.String() + " while " + used + " uses it"
			p.wait(10 * time.Second)
		default:
			ready = append(ready, byKey[k])
		}
	}
	return ready
}

// inUse names a running pod that reads a ConfigMap or Secret which left Git: a
// rollout that replaces generated configuration still needs the old one.
func (p *pass) inUse(ctx context.Context, k Key) (string, error) {
	if k.GroupKind() != (GroupKind{"", "ConfigMap"}) && k.GroupKind() != (GroupKind{"", "Secret"}) {
		return "", nil
	}
	return p.Witness.UserOf(ctx, k)
}

func (p *pass) deleteEntries(phase ops.Phase, list []Deletion, errs []error) []*entry {
	e := p.entry("deliver.delete", phase, p.activeName())
	if p.st.Sync != nil {
		e.with("revision", p.st.Sync.Revision)
	}
	effects := make([]ops.Effect, len(list))
	for i, d := range list {
		ref := ops.Ref{APIVersion: d.GVK.APIVersion(), Kind: d.Key.Kind, Namespace: d.Key.Namespace, Name: d.Key.Name}
		effects[i] = ops.Effect{Target: ops.Target{Ref: ref, UID: d.UID}, Before: p.liveDigest(d.Key)}
		if errs == nil {
			continue
		}
		effects[i].Result = "deleted"
		if errs[i] != nil {
			effects[i].Result, effects[i].Message = "failed", Public(errs[i])
		}
	}
	return e.effects(effects)
}

// settledSince tells whether every other application had its chance to claim
// what is marked since then.
func (p *pass) settledSince(since time.Time) bool { return p.Apps.Settled(p.key, since) }

// remove takes a deleted application's objects away, or lets them be, and
// reports whether that is finished.
func (p *pass) remove(ctx context.Context) (done bool) {
	p.watchInventory(ctx)
	if p.app.Spec.Sync.OnDelete == "keep" || len(p.st.Inventory) == 0 && len(p.View.Owned(p.key)) == 0 {
		if err := p.record(ctx, p.entry("deliver.remove", ops.PhaseEvent, p.app.Name).with("objects", "kept: "+itoa(len(p.st.Inventory)))); err != nil {
			p.fail(err)
			return false
		}
		return true
	}
	if !p.viewSynced() {
		p.waiting = "waits until the objects have been seen"
		p.wait(time.Second)
		return false
	}
	p.adopt()
	policy := v1alpha1.SyncPolicy{AllowEmpty: true}
	plan := PlanPrune(Pruning{
		App: p.key, Inventory: p.st.Inventory, Desired: func(Key) bool { return false }, Policy: &policy,
		// Deleting the Application is the confirmation.
		Confirmed: true, Healthy: true, Settled: p.settledSince, Now: p.now, View: p.View, Claims: p.claims,
	})
	p.st.Inventory, p.index = plan.Inventory, nil
	if len(plan.Inventory) == 0 {
		return true
	}
	p.waiting = fmt.Sprintf("%d objects are being deleted", len(plan.Inventory))
	p.wait(max(plan.Wait, time.Second))
	p.deleteAll(ctx, plan.Delete)
	return false
}
