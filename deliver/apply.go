package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// applySteps applies the steps of a release that are open. finished is false
// while a step waits for what came before; nothing blocks meanwhile.
func (p *pass) applySteps(ctx context.Context, w *want) (finished bool, err error) {
	for p.mem.step < len(w.steps) {
		step := w.steps[p.mem.step]
		if p.mem.step > 0 {
			if open, why := p.open(w.steps[p.mem.step-1], step); !open {
				p.waiting = why
				return false, p.failedHook(w.steps[p.mem.step-1])
			}
		}
		start := p.Now()
		errs := p.applyAll(ctx, step.Stage.String(), p.changed(step.Objects))
		p.traceStage(step, start, errs)
		if len(errs) > 0 {
			return false, joined("apply "+step.Stage.String(), errs)
		}
		p.mem.step++
	}
	if n := len(w.steps); n > 0 && (w.steps[n-1].Stage == StageAfter || w.steps[n-1].Stage == StageBefore) {
		if ok, why := p.allHealthy(w.steps[n-1:]); !ok {
			p.waiting = why
			return false, p.failedHook(w.steps[n-1])
		}
	}
	return true, nil
}

// open tells whether the objects of a step are far enough for the next one.
func (p *pass) open(before, next Step) (open bool, why string) {
	sameStage := before.Stage == next.Stage
	switch {
	case next.Stage == StageAfter:
		return p.allHealthy(p.mem.want.steps[:p.mem.step])
	case sameStage, before.Stage <= StageNamespaces, before.Stage == StageBefore:
		return p.allHealthy([]Step{before})
	}
	return true, ""
}

// failedHook returns why a hook of a step failed for good, nil if none did.
func (p *pass) failedHook(s Step) error {
	for _, o := range s.Objects {
		live, known := p.View.Object(o.Key)
		if known && o.Annotation(v1alpha1.AnnotationHook) != "" && live.UID != "" && live.Health.Status == health.Failed {
			return fault.New(fault.Blocked, "run the hook", o.Key.String(), cmpText(live.Health.Message, "it failed"), "look at its logs; mend it in Git, or say `aeo release retry`")
		}
	}
	return nil
}

func (p *pass) allHealthy(steps []Step) (ok bool, why string) {
	for _, s := range steps {
		for _, o := range s.Objects {
			live, known := p.View.Object(o.Key)
			if known && !live.Terminating && live.Health.Status == health.Healthy {
				continue
			}
			return false, fmt.Sprintf("waits for %s: %s", o.Key, cmpText(live.Health.Message, "it is not ready"))
		}
	}
	return true, ""
}

// changed leaves out the objects whose desired state was applied and still
// stands as it was.
func (p *pass) changed(objects []*Object) []*Object {
	var out []*Object
	for _, o := range objects {
		entry := p.inventory(o.Key)
		if entry != nil && entry.Desired == o.Digest && entry.ID == o.ID() {
			if live, known := p.View.Object(o.Key); known && live.UID == entry.UID && live.Owned == entry.Live && (!live.Foreign || p.ignores(o.Key)) && live.App == p.key {
				continue
			}
		}
		out = append(out, o)
	}
	return out
}

func (p *pass) inventory(k Key) *v1alpha1.InventoryEntry {
	if p.index == nil {
		p.index = make(map[Key]int, len(p.st.Inventory))
		for i, e := range p.st.Inventory {
			if _, key, err := ParseID(e.ID); err == nil {
				p.index[key] = i
			}
		}
	}
	i, ok := p.index[k]
	if !ok {
		return nil
	}
	return &p.st.Inventory[i]
}

// keep records an applied object.
func (p *pass) keep(o *Object, live Live) {
	e := p.inventory(o.Key)
	if e == nil {
		p.index[o.Key] = len(p.st.Inventory)
		p.st.Inventory = append(p.st.Inventory, v1alpha1.InventoryEntry{})
		e = &p.st.Inventory[len(p.st.Inventory)-1]
	}
	*e = v1alpha1.InventoryEntry{ID: o.ID(), UID: live.UID, Desired: o.Digest, Live: live.Owned}
}

// result is what became of one object.
type result struct {
	object *Object
	before string
	live   Live
	err    error
}

// applyAll applies objects side by side, with an intent in the ledger before
// and the outcome after. The objects that were applied are in the inventory
// whatever happened to the others.
func (p *pass) applyAll(ctx context.Context, stage string, objects []*Object) []error {
	if len(objects) == 0 {
		return nil
	}
	var errs []error
	results := make([]result, 0, len(objects))
	for _, o := range objects {
		if owner, taken := p.taken(o.Key); taken {
			errs = append(errs, p.contest(o.Key, owner))
			continue
		}
		results = append(results, result{object: o, before: p.liveDigest(o.Key)})
	}
	if len(results) == 0 {
		return errs
	}
	if err := p.record(ctx, p.applyEntries(ops.PhaseIntent, stage, results)...); err != nil {
		return append(errs, err)
	}
	for _, r := range results {
		if err := p.View.Watch(ctx, r.object.GVK()); err != nil && fault.KindOf(err) != fault.NotFound {
			return append(errs, err)
		}
	}
	p.each(len(results), func(i int) {
		results[i].live, results[i].err = p.applyOne(ctx, results[i].object)
	})
	for _, r := range results {
		if r.err != nil {
			errs = append(errs, r.err)
			continue
		}
		p.keep(r.object, r.live)
	}
	if err := p.record(ctx, p.applyEntries(ops.PhaseOutcome, stage, results)...); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// each runs f for 0 to n-1, a bounded number at a time.
func (p *pass) each(n int, f func(int)) {
	if n == 1 || p.Parallel <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, p.Parallel)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}

func (p *pass) liveDigest(k Key) string {
	if live, ok := p.View.Object(k); ok {
		return live.Owned
	}
	return ""
}

// applyOne applies one object.
func (p *pass) applyOne(ctx context.Context, o *Object) (Live, error) {
	live, known := p.View.Object(o.Key)
	if known && live.Terminating {
		return Live{}, fault.New(fault.Unavailable, "apply", o.Key.String(), "it is being deleted", "wait, or look at its finalizers")
	}
	body := o
	if known && live.Scaled && hasReplicas(o) {
		body = withoutReplicas(o)
	}
	if to := leftTo(p.app, o.Key); known && len(to) > 0 {
		now, err := p.Cluster.Get(ctx, p.identity(), o.GVK(), o.Key)
		if err != nil {
			return Live{}, err
		}
		body = leave(body, now, to)
	}
	if known && live.Replicas && !hasReplicas(body) {
		// An apply without them would scale the workload to one.
		if err := p.Cluster.Release(ctx, p.identity(), o); err != nil {
			return Live{}, err
		}
	}
	if known && live.Foreign && !p.ignores(o.Key) {
		if err := p.Cluster.Disown(ctx, p.identity(), o); err != nil {
			return Live{}, err
		}
	}
	out, err := p.Cluster.Apply(ctx, p.identity(), body, false)
	if fault.KindOf(err) != fault.Blocked || err == nil {
		return out, err
	}
	return p.recreate(ctx, o, live, err)
}

// recreate deletes an object and makes it anew where an immutable field is to
// change and a waiver in Git allows it.
func (p *pass) recreate(ctx context.Context, o *Object, live Live, why error) (Live, error) {
	if o.Annotation(v1alpha1.AnnotationRecreate) != "allowed" {
		return Live{}, why
	}
	if neverRecreated[o.GroupKind()] {
		return Live{}, fault.Wrap(fault.Blocked, "apply", o.Key.String(), why, "a "+o.Kind+" is never deleted to be made anew: give the new one another name and move over")
	}
	if live.UID == "" {
		return Live{}, why
	}
	if err := p.Cluster.Delete(ctx, p.identity(), o.GVK(), o.Key, live.UID); err != nil {
		return Live{}, err
	}
	return p.Cluster.Apply(ctx, p.identity(), o, false)
}

var neverRecreated = map[GroupKind]bool{
	{"apiextensions.k8s.io", "CustomResourceDefinition"}: true,
	{"", "Namespace"}:             true,
	{"", "PersistentVolumeClaim"}: true,
	{"", "PersistentVolume"}:      true,
	{"apps", "StatefulSet"}:       true,
}

func hasReplicas(o *Object) bool {
	spec, _ := o.Body["spec"].(map[string]any)
	_, ok := spec["replicas"]
	return ok
}

// withoutReplicas leaves the replicas to the autoscaler that sets them. The
// digest stays: it is that of what Git has.
func withoutReplicas(o *Object) *Object {
	c := *o
	c.Body = cleaned(o.Body)
	dropField(c.Body, "spec", "replicas")
	return &c
}

// applyEntries describe a set of objects for the ledger.
func (p *pass) applyEntries(phase ops.Phase, stage string, results []result) []*entry {
	e := p.entry("deliver.apply", phase, p.activeName()).with("stage", stage)
	if p.st.Active != nil {
		e.with("revision", p.st.Active.Revision)
	} else if p.st.Sync != nil {
		e.with("revision", p.st.Sync.Revision)
	}
	effects := make([]ops.Effect, len(results))
	for i, r := range results {
		effects[i] = ops.Effect{Target: ops.Target{Ref: r.object.Ref(), UID: r.live.UID}, Before: r.before, After: r.live.Owned}
		switch {
		case phase != ops.PhaseOutcome:
		case r.err != nil:
			effects[i].Result, effects[i].Message = "failed", Public(r.err)
		case r.before == "":
			effects[i].Result = "created"
		case r.before == r.live.Owned:
			effects[i].Result = "unchanged"
		default:
			effects[i].Result = "configured"
		}
	}
	return e.effects(effects)
}

func (p *pass) activeName() string {
	switch {
	case p.st.Active != nil:
		return p.st.Active.Name
	case p.st.Sync != nil:
		return p.st.Sync.Release
	}
	return ""
}

// sortInventory keeps the status the same from pass to pass.
func sortInventory(list []v1alpha1.InventoryEntry) {
	slices.SortFunc(list, func(a, b v1alpha1.InventoryEntry) int { return strings.Compare(a.ID, b.ID) })
}
