package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Releases implements deliver.Releases. A release is written for the first time
// when it ends or has been under way for settleTime: most are over sooner, and
// then take one write. Where much is applied, one that went well waits until that
// is done, or for busyTime, or until its application's status is written. Until
// then a crash loses nothing that matters: it is in the ledger, and is made again
// under the same name.
type Releases struct {
	Client *Client
	// Keep is how many releases of an application that ended are kept.
	Keep int

	mu sync.Mutex
	// unwritten are the releases that no write was made of yet.
	unwritten map[objectName]*unwritten
	// ended counts the releases of an application that ended since they were
	// last listed.
	ended map[deliver.AppKey]int
}

// objectName is where an object of a known kind is.
type objectName struct{ namespace, name string }

// unwritten is a release that is still to be made.
type unwritten struct {
	release *v1alpha1.Release
	timer   *time.Timer
	// since is when it was to be made.
	since time.Time
	// exists tells that it was made, and that only its status waits.
	exists bool
	// writing is closed when the write under way is over, nil if there is none.
	writing chan struct{}
}

// How long the first write of a release waits for more to tell, and how long if
// calls that matter more have to wait.
const (
	settleTime = 2 * time.Second
	busyTime   = time.Minute
)

// reportQuery are the parameters of a write of a resource of our own: nobody
// reads the warnings about unknown fields, which cost the API server a second
// decoding.
func reportQuery() url.Values {
	return url.Values{"fieldManager": {"aeod"}, "fieldValidation": {"Ignore"}}
}

func releasePath(namespace, name string) string {
	r := resource{deliver.GVK{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: v1alpha1.ReleaseKind}, v1alpha1.ReleaseResource, true, true}
	return r.path(namespace, name)
}

// Create implements deliver.Releases.
func (r *Releases) Create(ctx context.Context, rel *v1alpha1.Release) error {
	rel = rel.DeepCopy()
	rel.TypeMeta = typeMeta(v1alpha1.ReleaseKind)
	k := objectName{rel.Namespace, rel.Name}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unwritten == nil {
		r.unwritten = map[objectName]*unwritten{}
	}
	if r.unwritten[k] != nil {
		return nil
	}
	later := context.WithoutCancel(ctx)
	r.unwritten[k] = &unwritten{release: rel, timer: time.AfterFunc(settleTime, func() { r.show(later, k) }), since: time.Now()}
	return nil
}

// show writes a release that is under way for long enough.
func (r *Releases) show(ctx context.Context, k objectName) {
	u, err := r.take(ctx, k)
	if u == nil || err != nil {
		return
	}
	if time.Since(u.since) < busyTime && r.Client.limit.busy() {
		r.giveBack(k, u, u, settleTime)
		return
	}
	if r.write(ctx, u) != nil {
		r.giveBack(k, u, u, 5*settleTime)
		return
	}
	r.forget(k, u)
}

// Flush writes the releases of an application that ended and wait to be told:
// what its status refers to is to be there.
func (r *Releases) Flush(ctx context.Context, app deliver.AppKey) error {
	r.mu.Lock()
	var names []objectName
	for k, u := range r.unwritten {
		if k.namespace == app.Namespace && u.release.Spec.Application == app.Name && ended(u.release.Status.Phase) {
			names = append(names, k)
		}
	}
	r.mu.Unlock()
	for _, k := range names {
		u, err := r.take(ctx, k)
		if err != nil {
			return err
		}
		if u == nil {
			continue
		}
		if err := r.write(ctx, u); err != nil {
			r.giveBack(k, u, u, 5*settleTime)
			return err
		}
		r.forget(k, u)
	}
	return nil
}

// take returns a release that nobody else writes until it is given back or
// forgotten, nil if it was written. It waits for a write under way: what is said
// of a release that is just being made must not get there before it.
func (r *Releases) take(ctx context.Context, k objectName) (*unwritten, error) {
	for {
		r.mu.Lock()
		u := r.unwritten[k]
		if u == nil || u.writing == nil {
			if u != nil {
				u.timer.Stop()
				u.writing = make(chan struct{})
			}
			r.mu.Unlock()
			return u, nil
		}
		over := u.writing
		r.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// giveBack keeps a release that was taken, as it is by now, for another try.
func (r *Releases) giveBack(k objectName, taken, next *unwritten, after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(taken.writing)
	taken.writing = nil
	if r.unwritten[k] == taken { // else its application was forgotten
		r.unwritten[k] = next
		next.timer.Reset(after)
	}
}

// forget lets go of a release that was taken and is written.
func (r *Releases) forget(k objectName, taken *unwritten) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(taken.writing)
	if r.unwritten[k] == taken {
		delete(r.unwritten, k)
	}
}

// write makes a release as it is now. One that exists gets its status.
func (r *Releases) write(ctx context.Context, u *unwritten) error {
	rel := u.release
	if u.exists {
		return r.patch(ctx, rel.Namespace, rel.Name, &rel.Status)
	}
	text, err := json.Marshal(rel)
	if err != nil {
		return fault.Wrap(fault.Internal, "write release", rel.Name, err, "")
	}
	_, err = r.Client.do(ctx, request{verb: http.MethodPost, path: releasePath(rel.Namespace, ""), body: text, query: reportQuery(), report: true})
	f := classify(err, "create release", rel.Name, false)
	if f == nil || fault.KindOf(f) != fault.Conflict {
		return f
	}
	if rel.Status.Phase == "" || rel.Status.Phase == v1alpha1.PhaseApplying {
		return nil // nothing that was not written before the last start
	}
	return r.patch(ctx, rel.Namespace, rel.Name, &rel.Status)
}

// patch adds to the status of a release. One that somebody deleted has none.
func (r *Releases) patch(ctx context.Context, namespace, name string, status *v1alpha1.ReleaseStatus) error {
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return fault.Wrap(fault.Internal, "write the status of release", name, err, "")
	}
	_, err = r.Client.do(ctx, request{
		verb: http.MethodPatch, path: releasePath(namespace, name), body: patch,
		patch: types.MergePatchType, query: reportQuery(), report: true,
	})
	f := classify(err, "write the status of release", name, false)
	if f != nil && fault.KindOf(f) == fault.NotFound {
		return nil
	}
	return f
}

// Get reads a release.
func (r *Releases) Get(ctx context.Context, namespace, name string) (*v1alpha1.Release, error) {
	r.mu.Lock()
	u := r.unwritten[objectName{namespace, name}]
	r.mu.Unlock()
	if u != nil && !u.exists {
		return u.release, nil
	}
	text, err := r.Client.do(ctx, request{verb: http.MethodGet, path: releasePath(namespace, name)})
	if err != nil {
		return nil, classify(err, "read release", name, false)
	}
	var rel v1alpha1.Release
	if err := json.Unmarshal(text, &rel); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read release", name, err, "")
	}
	return &rel, nil
}

// List reads the releases of an application, or of all if name is "", the
// newest first.
func (r *Releases) List(ctx context.Context, app deliver.AppKey) ([]v1alpha1.Release, error) {
	query := url.Values{}
	if app.Name != "" {
		query.Set("labelSelector", v1alpha1.LabelApplication+"="+app.Name)
	}
	text, err := r.Client.do(ctx, request{verb: http.MethodGet, path: releasePath(app.Namespace, ""), query: query})
	if err != nil {
		return nil, classify(err, "list releases of", releasesOf(app), false)
	}
	if !isList(text) {
		return nil, fault.Wrap(fault.Unavailable, "read releases of", releasesOf(app), errNoList, "")
	}
	var list v1alpha1.ReleaseList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read releases of", releasesOf(app), err, "")
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.Release) int { return newestFirst(a, b) })
	return list.Items, nil
}

// releasesOf says in words whose releases are listed.
func releasesOf(app deliver.AppKey) string {
	switch {
	case app.Name != "":
		return "application " + app.String()
	case app.Namespace != "":
		return "namespace " + app.Namespace
	}
	return "all namespaces"
}

func newestFirst(a, b v1alpha1.Release) int {
	if c := b.CreationTimestamp.Compare(a.CreationTimestamp.Time); c != 0 {
		return c
	}
	if newer(a.ResourceVersion, b.ResourceVersion) {
		return -1
	}
	return 1
}

// SetStatus implements deliver.Releases. How a release ended is written before
// it returns. If that fails, that it is good is asked for again, as long as it is;
// anything else stays true, and is written as soon as it can be.
func (r *Releases) SetStatus(ctx context.Context, app deliver.AppKey, name string, change func(*v1alpha1.ReleaseStatus)) error {
	k := objectName{app.Namespace, name}
	u, err := r.take(ctx, k)
	if err != nil {
		return err
	}
	made := u == nil
	if made {
		u = r.written(ctx, app, k)
	}
	next := &unwritten{release: u.release.DeepCopy(), timer: u.timer, since: u.since, exists: u.exists}
	change(&next.release.Status)
	phase := next.release.Status.Phase
	switch {
	case !ended(phase) && !u.exists:
		r.giveBack(k, u, next, max(time.Millisecond, settleTime-time.Since(u.since)))
		return nil
	case phase == v1alpha1.PhaseGood && !u.exists && r.Client.limit.busy():
		r.giveBack(k, u, next, settleTime)
		return r.prune(ctx, app)
	}
	if err := r.write(ctx, next); err != nil {
		switch {
		case phase != v1alpha1.PhaseGood:
			r.giveBack(k, u, next, 5*settleTime)
		case made:
			r.forget(k, u)
		default:
			r.giveBack(k, u, u, 5*settleTime)
		}
		return err
	}
	r.forget(k, u)
	if ended(phase) {
		return r.prune(ctx, app)
	}
	return nil
}

// written has the status of a release that was made be the next thing to write.
func (r *Releases) written(ctx context.Context, app deliver.AppKey, k objectName) *unwritten {
	rel := &v1alpha1.Release{Spec: v1alpha1.ReleaseSpec{Application: app.Name}}
	rel.Namespace, rel.Name = k.namespace, k.name
	later := context.WithoutCancel(ctx)
	u := &unwritten{release: rel, timer: time.AfterFunc(time.Hour, func() { r.show(later, k) }), since: time.Now(), exists: true, writing: make(chan struct{})}
	u.timer.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unwritten == nil {
		r.unwritten = map[objectName]*unwritten{}
	}
	r.unwritten[k] = u
	return u
}

func ended(phase string) bool {
	switch phase {
	case v1alpha1.PhaseGood, v1alpha1.PhaseFailed, v1alpha1.PhaseRefused, v1alpha1.PhaseSuperseded:
		return true
	}
	return false
}

// Forget drops what is kept of an application that is gone.
func (r *Releases) Forget(app deliver.AppKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ended, app)
	for k, u := range r.unwritten {
		if k.namespace == app.Namespace && u.release.Spec.Application == app.Name {
			u.timer.Stop()
			delete(r.unwritten, k)
		}
	}
}

// due tells whether there may be releases beyond Keep, without asking the API
// server: there are up to half as many more until then.
func (r *Releases) due(app deliver.AppKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended = map[deliver.AppKey]int{}
	}
	r.ended[app]++
	if r.ended[app] <= r.Keep/2 {
		return false
	}
	delete(r.ended, app)
	return true
}

// prune deletes the oldest releases that ended, beyond Keep. They stay in the
// ledger.
func (r *Releases) prune(ctx context.Context, app deliver.AppKey) error {
	if r.Keep <= 0 || !r.due(app) {
		return nil
	}
	all, err := r.List(ctx, app)
	if err != nil {
		return err
	}
	for _, rel := range all[min(r.Keep, len(all)):] {
		if !ended(rel.Status.Phase) {
			continue
		}
		_, err := r.Client.do(ctx, request{verb: http.MethodDelete, path: releasePath(rel.Namespace, rel.Name)})
		if f := classify(err, "delete release", rel.Name, false); f != nil && fault.KindOf(f) != fault.NotFound {
			return f
		}
	}
	return nil
}
