package deliver

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/ops"
)

// steady keeps what is applied as it should be: it repairs drift, follows the
// release in flight, and deletes what left Git.
func (p *pass) steady(ctx context.Context) {
	if p.st.Sync == nil && len(p.st.Inventory) == 0 {
		p.st.Health = v1alpha1.HealthStatus{Status: string(health.Unknown), Message: "nothing was applied yet"}
		return
	}
	applying := p.st.Active != nil && p.st.Active.Phase == v1alpha1.PhaseApplying
	if !applying {
		p.adopt()
		p.repair(ctx)
	}
	if !applying {
		p.inspect(ctx)
	}
	unhealthy := p.sumHealth()
	if p.st.Active != nil && !applying {
		p.follow(ctx, unhealthy)
	}
	if !applying {
		// What a release replaces is deleted when it has proved to be good: until
		// then it may be taken back.
		proved := p.st.Active == nil && p.st.Sync != nil && !quarantinedRevision(p.st, p.st.Sync.Revision, p.settings)
		p.prune(ctx, proved && len(unhealthy) == 0)
	}
	if len(p.st.Quarantine) > 0 {
		p.revert(ctx, p.st.Quarantine[0])
	}
	if w := p.mem.want; w != nil && !applying && (len(w.onFailure) == 0 || p.st.Active == nil) && p.st.Sync != nil && w.digest == p.st.Sync.Digest {
		p.shed(w)
	}
	sortInventory(p.st.Inventory)
	p.index = nil
}

// adopt takes objects into the inventory that carry our labels and fields but
// are not in it: the operator stopped between applying and recording them.
func (p *pass) adopt() {
	for _, live := range p.View.Owned(p.key) {
		if live.Owned == "" || live.Dependent || p.inventory(live.Key) != nil {
			continue
		}
		g := GVK{live.Group, live.Version, live.Kind}
		p.index[live.Key] = len(p.st.Inventory)
		p.st.Inventory = append(p.st.Inventory, v1alpha1.InventoryEntry{ID: ID(g, live.Namespace, live.Name), UID: live.UID, Live: live.Owned})
	}
}

// wanted tells whether an inventory entry is part of the applied revision. What
// was rendered since the start knows; before that the marks do.
func (p *pass) wanted(e v1alpha1.InventoryEntry, k Key) bool {
	if w := p.mem.want; w != nil && p.st.Sync != nil && w.digest == p.st.Sync.Digest {
		_, ok := w.objects[k]
		return ok
	}
	return e.Prune == nil && e.Desired != ""
}

// repair finds objects that differ from what was applied and applies them
// again.
func (p *pass) repair(ctx context.Context) {
	p.st.Drift = nil
	if p.st.Sync == nil {
		return // no revision was applied whole: there is nothing to go by
	}
	var differ []Key
	for _, e := range p.st.Inventory {
		_, k, err := ParseID(e.ID)
		if err != nil || !p.wanted(e, k) {
			continue
		}
		if owner, taken := p.taken(k); taken {
			p.fail(p.contest(k, owner))
			continue
		}
		if why := p.differs(e, k); why != "" {
			differ = append(differ, k)
			p.drift = append(p.drift, k.String()+" "+why)
		}
	}
	if len(differ) == 0 {
		p.calm()
		return
	}
	if p.app.Spec.Sync.DriftMode == "report" {
		p.st.Drift = p.drift[:min(len(p.drift), 100)]
		p.report(len(differ), 0)
		return
	}
	w, err := p.prepare(ctx, p.st.Sync.Revision)
	if err != nil {
		p.fail(err)
		p.report(len(differ), 0)
		return
	}
	var again []*Object
	for _, k := range differ {
		o := w.objects[k]
		if o == nil {
			continue // not part of the render any more: pruning's affair
		}
		if left := p.tired(k); left > 0 {
			p.wait(left)
			continue
		}
		again = append(again, o)
	}
	errs := p.applyAll(ctx, "repair", again)
	for _, err := range errs {
		p.fail(err)
	}
	p.report(len(differ), len(again)-len(errs))
	if len(errs) == 0 && len(again) == len(differ) {
		p.event(false, "Repaired", p.drift[0]+more(len(p.drift)-1)+": repaired")
		p.drift = nil
	}
}

func (p *pass) report(found, healed int) {
	if p.Observer != nil {
		p.Observer.Drift(p.key, found, healed)
	}
}

// differs says how a live object differs from what was applied, "" if it does
// not or if that is not known yet.
func (p *pass) differs(e v1alpha1.InventoryEntry, k Key) string {
	live, known := p.View.Object(k)
	switch {
	case !known && !p.View.Synced(k.GroupKind()):
		return ""
	case !known:
		return "was deleted"
	case live.Terminating:
		return ""
	case live.App != p.key && live.App != (AppKey{}):
		return "was taken over by " + live.App.String()
	case live.UID != e.UID:
		return "was made anew"
	case live.Owned == "":
		return "lost our fields"
	case live.Owned != e.Live:
		return "was changed"
	case live.Foreign && !p.ignores(k):
		return "was added to by hand"
	}
	return ""
}

// Repairs of one object that follow each other within calmAfter are a fight:
// after freeRepairs they are spaced out.
const (
	freeRepairs = 5
	calmAfter   = 10 * time.Minute
)

// tired returns how long to wait before an object is repaired again.
func (p *pass) tired(k Key) time.Duration {
	h := p.mem.heals[k]
	if h == nil {
		h = &heal{}
		p.mem.heals[k] = h
	}
	if p.now.Sub(h.last) > calmAfter {
		h.times = 0
	}
	if h.times >= freeRepairs {
		if left := h.last.Add(backoff(h.times - freeRepairs + 1)).Sub(p.now); left > 0 {
			p.waiting = k.String() + " is changed by somebody again and again"
			return left
		}
	}
	h.times++
	h.last = p.now
	return 0
}

// calm forgets repairs that lasted.
func (p *pass) calm() {
	for k, h := range p.mem.heals {
		if p.now.Sub(h.last) > calmAfter {
			delete(p.mem.heals, k)
		}
	}
}

// sumHealth sums up the health of the wanted objects and returns the unhealthy.
func (p *pass) sumHealth() []Live {
	var all []health.Health
	var unhealthy []Live
	for _, e := range p.st.Inventory {
		_, k, err := ParseID(e.ID)
		if err != nil || !p.wanted(e, k) {
			continue
		}
		live, known := p.View.Object(k)
		h := live.Health
		switch {
		case !known && !p.View.Synced(k.GroupKind()):
			h = health.Health{Status: health.Unknown, Message: "not seen yet"}
		case !known:
			h = health.Health{Status: health.Failed, Message: "does not exist"}
		case live.Terminating:
			h = health.Health{Status: health.Terminating, Message: "is being deleted"}
		default:
			if owner, taken := p.taken(k); taken {
				h = health.Health{Status: health.Failed, Message: "application " + owner.String() + " has it"}
			}
		}
		if h.Status != health.Healthy && h.Status != health.Suspended {
			live.Key, live.Health = k, h
			unhealthy = append(unhealthy, live)
			h.Message = k.String() + ": " + h.Message
		}
		all = append(all, h)
	}
	sum := health.Aggregate(all)
	p.st.Health = v1alpha1.HealthStatus{Status: string(sum.Status), Message: sum.Message}
	return unhealthy
}

func (p *pass) deadline() time.Duration {
	if d := p.app.Spec.Health.Deadline; d != nil {
		return d.Duration
	}
	return DefaultDeadline
}

func (p *pass) watchTime() time.Duration {
	if d := p.app.Spec.Health.Watch; d != nil {
		return d.Duration
	}
	return DefaultWatch
}

// follow moves the release in flight on.
func (p *pass) follow(ctx context.Context, unhealthy []Live) {
	a := p.st.Active
	j := Journey{Phase: a.Phase, Deadline: p.deadline(), Watch: p.watchTime(), Now: p.now, Healthful: len(unhealthy) == 0 && p.viewSynced()}
	j.Applied, j.Healthy = timeOf(a.Applied), timeOf(a.Healthy)
	var seen Report
	if j.Healthful {
		p.mem.lost = time.Time{}
		p.unfollow()
	} else {
		if p.mem.lost.IsZero() {
			p.mem.lost = p.now
		}
		if left := p.mem.lost.Add(lookAfter).Sub(p.now); left > 0 {
			p.wait(left) // most workloads are ready before anybody has to look
		} else {
			p.lookCloser(unhealthy)
		}
		seen = p.Witness.Look(p.key, unhealthy, began(a))
		j.Definite, j.Cause = seen.Definite, cmpText(seen.Message, p.st.Health.Message)
	}
	j.Lost = p.mem.lost
	j.Unknown = onlyUnknown(unhealthy)
	c := Progress(j)
	switch {
	case c.Phase == v1alpha1.PhaseFailed:
		p.reject(ctx, a, c.Reason, p.Witness.Evidence(ctx, p.key, unhealthy, began(a)))
		return
	case c.Phase == v1alpha1.PhaseGood:
		p.good(ctx, a)
		return
	case c.Phase == v1alpha1.PhaseWatching && a.Phase != c.Phase:
		now := metav1.NewMicroTime(p.Now())
		a.Phase, a.Healthy = c.Phase, &now
		p.phase(ctx, a, "the objects are healthy; they are watched for "+p.watchTime().String())
	case !j.Healthful && a.Phase == v1alpha1.PhaseObserving:
		p.waiting = "waits for health: " + j.Cause
		if j.Unknown {
			p.waiting += "; say in spec.health.expressions how it is told"
		}
	}
	p.wait(c.Wait)
}

// began is from when on pods are a release's own. The API server counts whole
// seconds: those of the second in which a rollback began are of what it takes
// back.
func began(a *v1alpha1.ActiveRelease) time.Time {
	since := timeOf(a.Seen).Truncate(time.Second)
	if a.Trigger == TriggerRollback {
		since = since.Add(time.Second)
	}
	return since
}

// onlyUnknown tells whether nothing worse than not knowing is the matter.
func onlyUnknown(unhealthy []Live) bool {
	for _, l := range unhealthy {
		if l.Health.Status != health.Unknown {
			return false
		}
	}
	return len(unhealthy) > 0
}

// lookAfter is how long a workload may be unhealthy before its pods are watched.
const lookAfter = 2 * time.Second

// lookCloser has the pods of unhealthy workloads watched.
func (p *pass) lookCloser(unhealthy []Live) {
	var workloads []Key
	for _, l := range unhealthy {
		switch l.GroupKind() {
		case GroupKind{"apps", "Deployment"}, GroupKind{"apps", "StatefulSet"}, GroupKind{"apps", "DaemonSet"}, GroupKind{"apps", "ReplicaSet"}, GroupKind{"batch", "Job"}, GroupKind{"", "Pod"}:
			workloads = append(workloads, l.Key)
		}
	}
	if len(workloads) > 0 {
		p.mem.following = true
		p.Witness.Follow(p.key, workloads)
	}
}

func (p *pass) unfollow() {
	if p.mem.following {
		p.mem.following = false
		p.Witness.Forget(p.key)
	}
}

// phase writes a release's new phase.
func (p *pass) phase(ctx context.Context, a *v1alpha1.ActiveRelease, message string) {
	err := p.Releases.SetStatus(ctx, p.key, a.Name, func(s *v1alpha1.ReleaseStatus) {
		s.Phase, s.Message = a.Phase, message
		s.Timings.Seen, s.Timings.Applied, s.Timings.Healthy = a.Seen, a.Applied, a.Healthy
	})
	if err != nil {
		p.fail(err)
	}
}

// good ends a release that went well.
func (p *pass) good(ctx context.Context, a *v1alpha1.ActiveRelease) {
	rec := p.entry("deliver.release", ops.PhaseOutcome, a.Name).with("revision", a.Revision).decide("good", "healthy for the watch time").digests("", p.syncDigest())
	if err := p.record(ctx, rec); err != nil {
		p.fail(err)
		return
	}
	now := metav1.NewMicroTime(p.Now())
	if a.Healthy == nil {
		a.Healthy = &now
	}
	err := p.Releases.SetStatus(ctx, p.key, a.Name, func(s *v1alpha1.ReleaseStatus) {
		s.Phase, s.Reason, s.Message = v1alpha1.PhaseGood, "Good", "applied and healthy"
		s.Timings.Seen, s.Timings.Applied, s.Timings.Healthy, s.Timings.Finished = a.Seen, a.Applied, a.Healthy, &now
	})
	if err != nil {
		p.fail(err)
		return
	}
	p.mem.retreats = 0
	LiftQuarantine(p.st, a.Revision) // of other settings: these are in force
	if p.st.LastGood == nil || a.Trigger != TriggerRollback || p.st.LastGood.Revision == a.Revision {
		p.st.LastGood = p.st.Sync.DeepCopy()
	}
	p.finished(v1alpha1.PhaseGood, "", a, now)
	p.event(false, "Released", "revision "+Short(a.Revision)+" is good")
	p.st.Active = nil
}

func timeOf(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// prune deletes what left Git.
func (p *pass) prune(ctx context.Context, healthy bool) {
	w := p.mem.want
	if p.st.Sync == nil {
		return
	}
	if w == nil || w.digest != p.st.Sync.Digest {
		// Nothing complete is known to delete by. If something is marked, find
		// out; if not, there is nothing to do.
		if !p.marked() {
			return
		}
		var err error
		if w, err = p.prepare(ctx, p.st.Sync.Revision); err != nil {
			p.fail(err)
			return
		}
	}
	plan := PlanPrune(Pruning{
		App: p.key, Revision: p.st.Sync.Revision, Inventory: p.st.Inventory, Policy: &p.app.Spec.Sync, Objects: len(w.objects),
		Desired:   func(k Key) bool { _, ok := w.objects[k]; return ok },
		Confirmed: p.requested(v1alpha1.AnnotationConfirmPrune) == p.st.Sync.Revision,
		Healthy:   healthy, Settled: p.settledSince, Now: p.now, View: p.View, Claims: p.claims,
	})
	p.st.Inventory, p.index = plan.Inventory, nil
	switch {
	case plan.Blocked != "":
		p.waiting, p.held = plan.Blocked, true
	case plan.Pending > 0 && p.st.Active != nil:
		p.waiting = "what left Git is deleted when the release is good; objects: " + itoa(plan.Pending)
	case plan.Pending > 0:
		p.waiting = "deletes what left Git; objects: " + itoa(plan.Pending)
	}
	p.wait(plan.Wait)
	p.deleteAll(ctx, plan.Delete)
}

// marked tells whether an object of the inventory is known to have left Git.
func (p *pass) marked() bool {
	for _, e := range p.st.Inventory {
		if e.Prune != nil || e.Desired == "" {
			return true
		}
	}
	return false
}
