package controller

import (
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// How long a status waits to be written.
const (
	// holdTime is for the next one to come, while a release is under way: most
	// are over within it, and then take one write.
	holdTime = 500 * time.Millisecond
	// moveTime is for what matters more, where all that a commit changed is its
	// own name. Each status that waits already adds moveSpread: a commit that
	// hundreds of applications follow is told bit by bit.
	moveTime   = time.Second
	moveSpread = 50 * time.Millisecond
	// busyTime is how long one that tells of nothing bad waits at most while so
	// much is applied that the API server has enough to do. It is looked at again
	// each busyStep, and busySpread for each other one that waits.
	busyTime   = 30 * time.Second
	busyStep   = time.Second
	busySpread = 10 * time.Millisecond
)

// held keeps statuses that are not written yet, because another will follow
// soon or because the write failed. A crash loses nothing by it: what they tell
// is found again in the cluster and under the same names.
type held struct {
	mu sync.Mutex
	by map[deliver.AppKey]heldStatus
}

// heldStatus is a status to be written over base.
type heldStatus struct {
	uid          types.UID
	base, status *v1alpha1.ApplicationStatus
	// since is from when on it waits, spread what that of a move adds.
	since  time.Time
	spread time.Duration
}

// over returns the application with the status that is held for it, or as it is
// if none is. What somebody else wrote meanwhile is in force.
func (h *held) over(k deliver.AppKey, app *v1alpha1.Application) *v1alpha1.Application {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.by[k]
	if !ok {
		return app
	}
	if s.uid != app.UID || !reflect.DeepEqual(s.base, &app.Status) {
		delete(h.by, k)
		return app
	}
	out := *app
	out.Status = *s.status
	return &out
}

// put keeps the status that a reconcile of app made, and returns how long its
// write is to wait; 0 means that it is due. busy tells that the API server has
// enough to do that matters more.
func (h *held) put(k deliver.AppKey, app *v1alpha1.Application, status *v1alpha1.ApplicationStatus, now time.Time, busy bool) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reflect.DeepEqual(&app.Status, status) {
		delete(h.by, k)
		return 0
	}
	s, again := h.by[k]
	if !again {
		s = heldStatus{uid: app.UID, base: &app.Status, since: now, spread: time.Duration(len(h.by)) * moveSpread}
	}
	s.status = status
	if h.by == nil {
		h.by = map[deliver.AppKey]heldStatus{}
	}
	h.by[k] = s
	if app.DeletionTimestamp != nil {
		return 0
	}
	var wait time.Duration
	if busy && (underWay(status) || wentWell(&app.Status, status)) {
		wait = min(busyStep+time.Duration(len(h.by))*busySpread, s.since.Add(busyTime).Sub(now))
	}
	switch {
	case underWay(status):
		wait = max(wait, s.since.Add(holdTime).Sub(now))
	case onlyMoved(&app.Status, status):
		wait = max(wait, s.since.Add(moveTime+s.spread).Sub(now))
	}
	return max(0, wait)
}

// drop forgets what was written, or need not be.
func (h *held) drop(k deliver.AppKey) {
	h.mu.Lock()
	delete(h.by, k)
	h.mu.Unlock()
}

// underWay tells whether more is about to happen to an application.
func underWay(st *v1alpha1.ApplicationStatus) bool {
	return st.Active != nil && (st.Active.Phase == v1alpha1.PhaseApplying || st.Active.Phase == v1alpha1.PhaseObserving)
}

// wentWell tells whether a status has only good news.
func wentWell(old, now *v1alpha1.ApplicationStatus) bool {
	return now.Active == nil && meta.IsStatusConditionTrue(now.Conditions, v1alpha1.ConditionReady) && reflect.DeepEqual(old.Quarantine, now.Quarantine)
}

// onlyMoved tells whether a status differs only in the names of the revisions
// that the same objects come from.
func onlyMoved(old, now *v1alpha1.ApplicationStatus) bool {
	if old.Sync == nil || now.Sync == nil || old.Sync.Digest != now.Sync.Digest || now.Active != nil {
		return false
	}
	same := now.DeepCopy()
	same.Source = old.Source
	same.Sync.Revision, same.Sync.Ref = old.Sync.Revision, old.Sync.Ref
	if same.LastGood != nil && old.LastGood != nil {
		same.LastGood.Revision = old.LastGood.Revision
	}
	for i := range min(len(same.Conditions), len(old.Conditions)) {
		// They name the revision.
		same.Conditions[i].Message = old.Conditions[i].Message
	}
	return reflect.DeepEqual(old, same)
}

// sooner returns the smaller of two waiting times, of which 0 means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
