package kube

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
)

// View implements deliver.View: for every kind that was applied one watch of
// the objects that carry our label, of which it keeps a deliver.Live each.
type View struct {
	client   *Client
	digester *deliver.Digester
	health   func(map[string]any) health.Health
	// changed is told which applications an event concerns.
	changed func(deliver.AppKey)
	// ctx ends the watches; they belong to the View, not to a call.
	stop    context.CancelFunc
	start   func(*kindWatch)
	running sync.WaitGroup

	mu      sync.RWMutex
	objects map[deliver.Key]*deliver.Live
	byApp   map[deliver.AppKey]map[deliver.Key]bool
	kinds   map[deliver.GroupKind]*kindWatch
	names   map[string]string
}

// NewView returns an empty view. Close ends its watches.
func NewView(client *Client, d *deliver.Digester, h func(map[string]any) health.Health, changed func(deliver.AppKey)) *View {
	ctx, stop := context.WithCancel(context.Background())
	v := &View{
		client: client, digester: d, health: h, changed: changed, stop: stop,
		objects: map[deliver.Key]*deliver.Live{}, byApp: map[deliver.AppKey]map[deliver.Key]bool{},
		kinds: map[deliver.GroupKind]*kindWatch{}, names: map[string]string{},
	}
	v.start = func(w *kindWatch) { v.running.Go(func() { w.run(ctx) }) }
	return v
}

// Close ends all watches and waits for them.
func (v *View) Close() {
	v.stop()
	v.running.Wait()
}

// Namespaced implements deliver.View.
func (v *View) Namespaced(ctx context.Context, g deliver.GVK) (bool, error) {
	r, err := v.client.found.resource(ctx, g)
	return r.namespaced, err
}

// Watch implements deliver.View. It returns at once; Synced tells when the
// objects have been seen.
func (v *View) Watch(ctx context.Context, g deliver.GVK) error {
	gk := g.GroupKind()
	v.mu.RLock()
	w := v.kinds[gk]
	v.mu.RUnlock()
	if w != nil {
		return nil
	}
	r, err := v.client.found.resource(ctx, g)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kinds[gk] != nil {
		return nil
	}
	w = &kindWatch{view: v, resource: r}
	v.kinds[gk] = w
	v.start(w)
	return nil
}

// Synced implements deliver.View.
func (v *View) Synced(g deliver.GroupKind) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	w := v.kinds[g]
	return w != nil && w.synced
}

// Object implements deliver.View.
func (v *View) Object(k deliver.Key) (deliver.Live, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if l := v.objects[k]; l != nil {
		return *l, true
	}
	return deliver.Live{}, false
}

// Owned implements deliver.View.
func (v *View) Owned(app deliver.AppKey) []deliver.Live {
	v.mu.RLock()
	defer v.mu.RUnlock()
	out := make([]deliver.Live, 0, len(v.byApp[app]))
	for k := range v.byApp[app] {
		out = append(out, *v.objects[k])
	}
	return out
}

// Alive returns when the watches of these kinds last gave a sign of life, the
// oldest; zero if one is not synced.
func (v *View) Alive(kinds []deliver.GroupKind) time.Time {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var oldest time.Time
	for _, g := range kinds {
		w := v.kinds[g]
		if w == nil || !w.synced {
			return time.Time{}
		}
		if oldest.IsZero() || w.alive.Before(oldest) {
			oldest = w.alive
		}
	}
	return oldest
}

// Refresh has the objects of these kinds looked at again: how their health is
// told has changed.
func (v *View) Refresh(kinds []deliver.GroupKind) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, g := range kinds {
		if w := v.kinds[g]; w != nil && w.again != nil {
			w.again()
		}
	}
}

// Size returns the number of objects and watches.
func (v *View) Size() (objects, watches int) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.objects), len(v.kinds)
}

// intern makes equal strings one. The lock is held.
func (v *View) intern(s string) string {
	if t, ok := v.names[s]; ok {
		return t
	}
	v.names[s] = s
	return s
}

// show puts what the API server answered to an apply into the view, unless a
// newer event came first.
func (v *View) show(l deliver.Live) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old := v.objects[l.Key]; old != nil && newer(old.ResourceVersion, l.ResourceVersion) {
		return
	}
	w := v.kinds[l.GroupKind()]
	if w == nil || l.App == (deliver.AppKey{}) || w.synced && !newer(l.ResourceVersion, w.version) {
		return // what the watch has seen already it knows better
	}
	v.put(l)
}

// newer compares resource versions, which are decimal numbers in every API
// server that keeps its objects in etcd.
func newer(a, b string) bool {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	return errX == nil && errY == nil && x > y
}

// put stores an object. The lock is held.
func (v *View) put(l deliver.Live) (old *deliver.Live) {
	l.Namespace, l.App.Namespace, l.App.Name = v.intern(l.Namespace), v.intern(l.App.Namespace), v.intern(l.App.Name)
	l.Group, l.Kind, l.Version = v.intern(l.Group), v.intern(l.Kind), v.intern(l.Version)
	if len(l.Health.Message) > maxHealthMessage {
		l.Health.Message = l.Health.Message[:maxHealthMessage]
	}
	l.Health.Message, l.Health.Reason = v.internShort(l.Health.Message), v.internShort(l.Health.Reason)
	old = v.objects[l.Key]
	if old != nil && old.App != l.App {
		v.drop(old)
	}
	v.objects[l.Key] = &l
	set := v.byApp[l.App]
	if set == nil {
		set = map[deliver.Key]bool{}
		v.byApp[l.App] = set
	}
	set[l.Key] = true
	return old
}

// maxHealthMessage keeps an object of the view under 1 KiB.
const maxHealthMessage = 256

// internShort interns what few different values are expected of.
func (v *View) internShort(s string) string {
	if len(v.names) > 1<<16 {
		return s
	}
	return v.intern(s)
}

func (v *View) drop(l *deliver.Live) {
	delete(v.objects, l.Key)
	if set := v.byApp[l.App]; set != nil {
		delete(set, l.Key)
		if len(set) == 0 {
			delete(v.byApp, l.App)
		}
	}
}

// event takes a change from a watch and wakes whom it concerns.
func (v *View) event(l deliver.Live) {
	v.mu.Lock()
	if old := v.objects[l.Key]; old != nil && newer(old.ResourceVersion, l.ResourceVersion) {
		v.mu.Unlock()
		return
	}
	old := v.put(l)
	v.mu.Unlock()
	switch {
	case old == nil:
		v.changed(l.App)
	case old.App != l.App:
		v.changed(old.App)
		v.changed(l.App)
	case differs(*old, l):
		v.changed(l.App)
	}
}

// differs tells whether a change matters to an application.
func differs(a, b deliver.Live) bool {
	a.ResourceVersion, b.ResourceVersion = "", ""
	return a != b
}

// gone takes a deletion, or the loss of our label.
func (v *View) gone(k deliver.Key, version string) {
	v.mu.Lock()
	old := v.objects[k]
	if old == nil || newer(old.ResourceVersion, version) {
		v.mu.Unlock()
		return
	}
	v.drop(old)
	v.mu.Unlock()
	v.changed(old.App)
}

// replaced takes a whole list: what is not in it is gone. The events that it
// stands for were missed.
func (v *View) replaced(w *kindWatch, listed map[deliver.Key]bool, version string) {
	v.mu.Lock()
	wake := map[deliver.AppKey]bool{}
	for k, l := range v.objects {
		if k.GroupKind() == w.GroupKind() && !listed[k] && !newer(l.ResourceVersion, version) {
			wake[l.App] = true
			v.drop(l)
		}
	}
	first := !w.synced
	w.synced, w.alive, w.version = true, time.Now(), version
	if first {
		for app := range v.byApp {
			wake[app] = true
		}
	}
	v.mu.Unlock()
	for app := range wake {
		v.changed(app)
	}
	if first {
		v.changed(deliver.AppKey{})
	}
}

// unserved notes that a kind is not served (any more): its objects are neither
// known to be there nor known to be gone.
func (v *View) unserved(w *kindWatch) {
	v.mu.Lock()
	wake := map[deliver.AppKey]bool{}
	for k, l := range v.objects {
		if k.GroupKind() == w.GroupKind() {
			wake[l.App] = true
			v.drop(l)
		}
	}
	w.synced = false
	v.mu.Unlock()
	v.client.found.forget(w.GVK)
	for app := range wake {
		v.changed(app)
	}
}

func (v *View) touch(w *kindWatch, version string) {
	v.mu.Lock()
	w.alive, w.version = time.Now(), version
	v.mu.Unlock()
}

var _ deliver.View = (*View)(nil)

// notServed tells whether an error says that a kind is not there.
func notServed(err error) bool { return err != nil && fault.KindOf(err) == fault.NotFound }
