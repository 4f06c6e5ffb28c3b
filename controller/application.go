package controller

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Store keeps the Applications.
type Store interface {
	Get(deliver.AppKey) *v1alpha1.Application
	All() []*v1alpha1.Application
	// SetStatus writes a status for the resource version of app.
	SetStatus(ctx context.Context, app *v1alpha1.Application, status *v1alpha1.ApplicationStatus) error
	SetFinalizer(ctx context.Context, app *v1alpha1.Application, present bool) error
	Synced() bool
}

// Reconciler is the engine.
type Reconciler interface {
	Reconcile(ctx context.Context, app *v1alpha1.Application) (deliver.Outcome, error)
	Forget(app deliver.AppKey)
	// Wants tells whether the newest render of an application has an object.
	Wants(app deliver.AppKey, k deliver.Key) (wanted, known bool)
}

// Watcher reads the status of an application that another tool manages.
type Watcher interface {
	Observe(ctx context.Context, app *v1alpha1.Application) (deliver.Outcome, error)
}

// Applications reconciles Applications, several at a time, each by one worker.
type Applications struct {
	Store    Store
	Engine   Reconciler
	Observer Watcher
	Sources  *Sources
	Workers  int
	Log      *slog.Logger
	// Took is told how long a reconcile took; may be nil.
	Took func(time.Duration)
	// Busy tells whether so much is being changed that statuses which tell of
	// nothing bad should wait; nil is never.
	Busy func() bool
	// Before is called before a status is written, with what it may refer to;
	// may be nil.
	Before func(context.Context, deliver.AppKey) error

	queue  workqueue.TypedRateLimitingInterface[deliver.AppKey]
	once   sync.Once
	active atomic.Bool

	claims claims
	held   held
}

func (c *Applications) init() {
	c.once.Do(func() {
		limits := workqueue.NewTypedItemExponentialFailureRateLimiter[deliver.AppKey](50*time.Millisecond, time.Minute)
		c.queue = workqueue.NewTypedRateLimitingQueue(limits)
	})
}

// Wake asks for a look at an application; the empty key for one at all.
func (c *Applications) Wake(k deliver.AppKey) {
	c.init()
	if k == (deliver.AppKey{}) {
		for _, app := range c.Store.All() {
			c.queue.Add(deliver.AppKey{Namespace: app.Namespace, Name: app.Name})
		}
		return
	}
	c.queue.Add(k)
}

// Depth is the number of applications that wait for a worker.
func (c *Applications) Depth() int {
	c.init()
	return c.queue.Len()
}

// Run works until ctx ends; it returns when all workers are done.
func (c *Applications) Run(ctx context.Context) {
	c.init()
	c.active.Store(true)
	var wg sync.WaitGroup
	for range max(1, c.Workers) {
		wg.Go(func() {
			for c.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	c.active.Store(false)
	c.queue.ShutDown()
	wg.Wait()
}

func (c *Applications) next(ctx context.Context) bool {
	k, stop := c.queue.Get()
	if stop {
		return false
	}
	defer c.queue.Done(k)
	if ctx.Err() != nil {
		return false
	}
	began := time.Now()
	again, err := c.reconcile(ctx, k)
	if c.Took != nil {
		c.Took(time.Since(began))
	}
	switch {
	case err != nil && ctx.Err() == nil:
		if fault.KindOf(err) != fault.Conflict {
			c.Log.Warn("the status could not be written", "application", k.String(), "error", err.Error())
		}
		c.queue.AddRateLimited(k)
	case again > 0:
		c.queue.Forget(k)
		c.queue.AddAfter(k, again)
	default:
		c.queue.Forget(k)
	}
	return true
}

func (c *Applications) reconcile(ctx context.Context, k deliver.AppKey) (time.Duration, error) {
	app := c.Store.Get(k)
	if app == nil {
		c.Engine.Forget(k)
		c.Sources.Forget(k)
		c.claims.set(k, nil, true)
		c.held.drop(k)
		return 0, nil
	}
	if app.Spec.Observe != nil {
		return c.conclude(ctx, app, c.Observer.Observe)
	}
	if app.DeletionTimestamp == nil && !hasFinalizer(app) {
		if err := c.Store.SetFinalizer(ctx, app, true); err != nil {
			return 0, err
		}
		if app = c.Store.Get(k); app == nil {
			return 0, nil
		}
	}
	if app.DeletionTimestamp != nil && !hasFinalizer(app) {
		return 0, nil
	}
	return c.conclude(ctx, app, c.Engine.Reconcile)
}

func hasFinalizer(app *v1alpha1.Application) bool {
	for _, f := range app.Finalizers {
		if f == v1alpha1.Finalizer {
			return true
		}
	}
	return false
}

// conclude reconciles and writes what came of it, if anything did.
func (c *Applications) conclude(ctx context.Context, stored *v1alpha1.Application, f func(context.Context, *v1alpha1.Application) (deliver.Outcome, error)) (time.Duration, error) {
	k := deliver.AppKey{Namespace: stored.Namespace, Name: stored.Name}
	app := c.held.over(k, stored)
	began := time.Now()
	out, err := f(ctx, app)
	if err == nil {
		err = ctx.Err() // what came of it may only tell that we are ending
	}
	if err != nil {
		return 0, err
	}
	c.claims.set(k, out.Status, false)
	if seen := (&v1alpha1.Application{ObjectMeta: app.ObjectMeta, Spec: app.Spec, Status: *out.Status}); !c.Sources.Behind(seen) {
		c.claims.look(k, began)
	}
	if wait := c.held.put(k, stored, out.Status, time.Now(), c.Busy != nil && c.Busy()); wait > 0 {
		return sooner(out.Again, wait), nil
	}
	if !reflect.DeepEqual(&stored.Status, out.Status) {
		c.keep(ctx, stored, out.Status)
		if c.Before != nil {
			if err := c.Before(ctx, k); err != nil {
				return 0, err
			}
		}
		if err := c.Store.SetStatus(ctx, stored, out.Status); err != nil {
			return 0, err
		}
	}
	c.held.drop(k)
	if out.RemoveFinalizer {
		if app = c.Store.Get(k); app != nil {
			return 0, c.Store.SetFinalizer(ctx, app, false)
		}
	}
	return out.Again, nil
}

// keep has the revisions kept that a status is about to name.
func (c *Applications) keep(ctx context.Context, stored *v1alpha1.Application, status *v1alpha1.ApplicationStatus) {
	for _, m := range deliver.Moves(&stored.Status, status) {
		if err := c.Sources.Keep(ctx, stored, m.Revision, m.Instead); err != nil {
			c.Log.Warn("the revision could not be kept for a rollback", "application", stored.Namespace+"/"+stored.Name, "revision", m.Revision, "error", err.Error())
		}
	}
}

// Settled implements deliver.Apps: every application but one has looked at its
// present spec and source at some time since then, or cannot. That all are up
// to date at one moment may never come where somebody always commits.
func (c *Applications) Settled(but deliver.AppKey, since time.Time) bool {
	if !c.Store.Synced() {
		return false
	}
	for _, app := range c.Store.All() {
		k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
		if k == but || app.Spec.Suspend || app.Spec.Observe != nil || app.DeletionTimestamp != nil {
			continue
		}
		if !c.claims.lookedAt(k).After(since) && c.Sources.Behind(app) {
			return false
		}
	}
	return true
}

// Claims implements deliver.Apps.
func (c *Applications) Claims(k deliver.Key) []deliver.AppKey {
	return slices.DeleteFunc(c.claims.of(k), func(owner deliver.AppKey) bool {
		wanted, known := c.Engine.Wants(owner, k)
		return known && !wanted
	})
}

// DependsOn implements deliver.Apps.
func (c *Applications) DependsOn(k deliver.AppKey) []deliver.AppKey {
	app := c.Store.Get(k)
	if app == nil {
		return nil
	}
	return deliver.DependedApps(app)
}

// claims is an index of which applications have an object in their inventory,
// and not marked for deletion.
type claims struct {
	mu    sync.Mutex
	byKey map[deliver.Key][]deliver.AppKey
	byApp map[deliver.AppKey][]deliver.Key
	// looked is when each application last began a look at its spec and source
	// that was seen through.
	looked map[deliver.AppKey]time.Time
}

func (c *claims) look(app deliver.AppKey, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked == nil {
		c.looked = map[deliver.AppKey]time.Time{}
	}
	c.looked[app] = at
}

func (c *claims) lookedAt(app deliver.AppKey) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looked[app]
}

func (c *claims) of(k deliver.Key) []deliver.AppKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]deliver.AppKey(nil), c.byKey[k]...)
}

// set replaces an application's claims.
func (c *claims) set(app deliver.AppKey, st *v1alpha1.ApplicationStatus, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil {
		c.byKey, c.byApp = map[deliver.Key][]deliver.AppKey{}, map[deliver.AppKey][]deliver.Key{}
	}
	for _, k := range c.byApp[app] {
		owners := c.byKey[k]
		for i, o := range owners {
			if o == app {
				owners = append(owners[:i:i], owners[i+1:]...)
				break
			}
		}
		if len(owners) == 0 {
			delete(c.byKey, k)
		} else {
			c.byKey[k] = owners
		}
	}
	delete(c.byApp, app)
	if gone {
		delete(c.looked, app)
	}
	if gone || st == nil {
		return
	}
	var keys []deliver.Key
	for _, e := range st.Inventory {
		_, k, err := deliver.ParseID(e.ID)
		if err != nil || e.Prune != nil {
			continue
		}
		keys = append(keys, k)
		c.byKey[k] = append(c.byKey[k], app)
	}
	c.byApp[app] = keys
}
