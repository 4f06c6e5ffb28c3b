package deliver

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
)

// pruneGrace is how long an object stays marked before it is deleted: time for
// another application to claim it.
const pruneGrace = 3 * time.Second

// markStep is how exactly a mark's time is kept: it may be so much too early.
const markStep = time.Second

// Pruning is what decides on the deletion of objects that left Git.
type Pruning struct {
	App AppKey
	// Revision is the one by which is deleted; a person confirms it.
	Revision string
	// Inventory are the recorded objects; Desired tells which of them a complete
	// render of a known commit contains.
	Inventory []v1alpha1.InventoryEntry
	Desired   func(Key) bool
	// Objects is the number of desired objects.
	Objects int
	Policy  *v1alpha1.SyncPolicy
	// Confirmed tells that a person allowed this revision's deletions.
	Confirmed bool
	// Healthy tells that what replaces the objects is healthy, and proved to be good; Settled
	// that, since a time, all other applications have made their claims.
	Healthy bool
	Settled func(since time.Time) bool
	Now     time.Time
	View    View
	Claims  func(Key) []AppKey
}

// confirm is the command by which a person allows the deletions.
func (p *Pruning) confirm() string {
	return fmt.Sprintf("aeo app sync %s -n %s --confirm-prune %s", p.App.Name, p.App.Namespace, p.Revision)
}

// Deletion is one object to delete.
type Deletion struct {
	GVK GVK
	Key Key
	UID string
}

// PrunePlan is what is to be done.
type PrunePlan struct {
	// Inventory is the inventory with marks set and gone or handed-over objects
	// left out.
	Inventory []v1alpha1.InventoryEntry
	Delete    []Deletion
	// Pending is the number of objects that wait for their deletion.
	Pending int
	// Blocked says why nothing is deleted until a person acts, "" if nothing is
	// in the way.
	Blocked string
	// Wait is when to look again, 0 if only an event can change the plan.
	Wait time.Duration
}

// guarded kinds take other things with them when they are deleted.
var guarded = map[GroupKind]string{
	{"apiextensions.k8s.io", "CustomResourceDefinition"}: "all its custom resources go with it",
	{"", "Namespace"}:             "everything in it goes with it",
	{"", "PersistentVolumeClaim"}: "its data may go with it",
	{"", "PersistentVolume"}:      "its data may go with it",
}

// PlanPrune decides what is deleted, in two phases: an object that left Git is
// marked first, and deleted when the grace time passed, what replaced it is
// healthy and every other application had its chance to claim it.
func PlanPrune(p Pruning) PrunePlan {
	var plan PrunePlan
	enabled := p.Policy.Prune == nil || *p.Policy.Prune
	held := ""
	for _, entry := range p.Inventory {
		g, key, err := ParseID(entry.ID)
		if err != nil {
			continue // not ours: nobody can say which object that is
		}
		if p.Desired(key) {
			entry.Prune = nil
			plan.Inventory = append(plan.Inventory, entry)
			continue
		}
		live, known := p.View.Object(key)
		if !known && p.View.Synced(key.GroupKind()) || known && !stillOurs(p.App, entry, live) {
			continue // gone, made anew by somebody, or handed over
		}
		if live.Keep {
			continue
		}
		if entry.Prune == nil {
			now := metav1.NewTime(p.Now)
			entry.Prune = &now
		}
		plan.Inventory = append(plan.Inventory, entry)
		plan.Pending++
		running := live.Hook && live.Health.Status == health.Progressing
		switch ripe, why := p.ripe(key, entry, known && !live.Terminating && !running); {
		case !enabled:
			held = "pruning is off"
		case !ripe:
			if why != "" {
				held = why
			}
		default:
			plan.Delete = append(plan.Delete, Deletion{g, key, live.UID})
		}
	}
	plan.limit(p)
	if plan.Blocked == "" && len(plan.Delete) == 0 {
		plan.Blocked = held
	}
	if plan.Pending > 0 && plan.Blocked == "" && p.Healthy {
		plan.Wait = pruneGrace
	}
	return plan
}

// stillOurs tells whether a live object is the one that was applied. An entry
// without a UID was being applied when the operator stopped.
func stillOurs(app AppKey, entry v1alpha1.InventoryEntry, live Live) bool {
	return live.App == app && (entry.UID == live.UID || entry.UID == "" && live.Owned != "")
}

// ripe tells whether a marked object may be deleted now, and if a person has to
// act before it may, why.
func (p *Pruning) ripe(k Key, entry v1alpha1.InventoryEntry, deletable bool) (ok bool, why string) {
	switch {
	case !deletable, p.Now.Sub(entry.Prune.Time) < pruneGrace, !p.Healthy, !p.Settled(entry.Prune.Add(markStep)):
		return false, ""
	case guarded[k.GroupKind()] != "" && !p.Confirmed:
		return false, fmt.Sprintf("%s left Git but %s: confirm with `%s`", k, guarded[k.GroupKind()], p.confirm())
	}
	for _, claimer := range p.Claims(k) {
		if claimer != p.App {
			return false, ""
		}
	}
	return true, ""
}

// limit holds the plan back if it deletes more than is allowed.
func (plan *PrunePlan) limit(p Pruning) {
	n := plan.Pending
	if len(plan.Delete) == 0 || p.Confirmed {
		return
	}
	if p.Objects == 0 && !p.Policy.AllowEmpty {
		plan.Blocked = fmt.Sprintf("the revision has no objects, and all %d would be deleted: set sync.allowEmpty or confirm with `%s`", n, p.confirm())
		plan.Delete = nil
		return
	}
	percent := 50
	if p.Policy.MaxDeletePercent != nil {
		percent = int(*p.Policy.MaxDeletePercent)
	}
	total := len(plan.Inventory)
	if n*100 > percent*total && (n > 1 || percent == 0 || total == 1) {
		if p.Objects == 0 && p.Policy.AllowEmpty {
			return
		}
		plan.Blocked = fmt.Sprintf("%d of %d objects left Git, more than %d %%: confirm with `%s`", n, total, percent, p.confirm())
		plan.Delete = nil
	}
}
