package daemon

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	forgeapi "github.com/autoecoops/autoecoops/adapter/forge"
	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
)

// forges implements deliver.Forge: it works in the background, so that nothing
// about the cluster waits for a forge.
type forges struct {
	// app returns an application as it is now, nil if there is none.
	app     func(deliver.AppKey) *v1alpha1.Application
	secret  func(ctx context.Context, namespace, name string) (map[string][]byte, error)
	release func(ctx context.Context, namespace, name string) (*v1alpha1.Release, error)
	// scope says what an application is made of.
	scope     func(ctx context.Context, app *v1alpha1.Application, good string) (forge.Scope, error)
	wake      func(deliver.AppKey)
	allowHTTP bool
	log       *slog.Logger
	// pause waits between tries.
	pause func(ctx context.Context, d time.Duration)

	mu    sync.Mutex
	jobs  map[revertKey]*deliver.Reverted
	queue chan revertKey
	wants map[revertKey]deliver.Reversion
}

// revertKey is one release that failed.
type revertKey struct {
	app     deliver.AppKey
	release string
}

// maxReverts bounds the reverts that wait; what is beyond is asked for again.
const maxReverts = 256

func newForges(allowHTTP bool, log *slog.Logger, wake func(deliver.AppKey)) *forges {
	return &forges{
		allowHTTP: allowHTTP, log: log, wake: wake, pause: pauseFor,
		jobs: map[revertKey]*deliver.Reverted{}, wants: map[revertKey]deliver.Reversion{}, queue: make(chan revertKey, maxReverts),
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Revert implements deliver.Forge.
func (f *forges) Revert(app *v1alpha1.Application, r deliver.Reversion) deliver.Reverted {
	k := revertKey{deliver.AppKey{Namespace: app.Namespace, Name: app.Name}, r.Release}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wants[k] = r
	if answer, known := f.jobs[k]; known {
		out := *answer
		if out.Done && (out.Err == nil || out.Final) {
			delete(f.jobs, k)
			delete(f.wants, k)
		}
		return out
	}
	select {
	case f.queue <- k:
		f.jobs[k] = &deliver.Reverted{}
	default:
	}
	return deliver.Reverted{}
}

// Run works until ctx ends.
func (f *forges) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, 2)
	for {
		select {
		case <-ctx.Done():
			return
		case k := <-f.queue:
			wg.Go(func() { f.work(ctx, k, slots) })
		}
	}
}

// work tries until there is an answer that lasts, or nobody wants one any more.
func (f *forges) work(ctx context.Context, k revertKey, slots chan struct{}) {
	for try := 0; ctx.Err() == nil; try++ {
		app := f.app(k.app)
		if app == nil || app.Spec.Rollback.PullRequest == nil || !quarantined(app, k.release) && try > 0 {
			break
		}
		slots <- struct{}{}
		address, err := f.revert(ctx, app, k)
		<-slots
		if ctx.Err() != nil {
			return
		}
		answer := deliver.Reverted{Done: true, Address: address, Err: err, Final: fault.KindOf(err) == fault.Blocked && err != nil}
		f.mu.Lock()
		f.jobs[k] = &answer
		f.mu.Unlock()
		f.wake(k.app)
		if err == nil || answer.Final {
			return
		}
		f.log.Warn("no pull request could be opened", "application", k.app.String(), "release", k.release, "error", err.Error())
		f.pause(ctx, patience(err, try))
	}
	f.mu.Lock()
	delete(f.jobs, k)
	delete(f.wants, k)
	f.mu.Unlock()
}

func quarantined(app *v1alpha1.Application, release string) bool {
	return slices.ContainsFunc(app.Status.Quarantine, func(q v1alpha1.Quarantined) bool { return q.Release == release })
}

// patience is how long to wait after a failure: what a person has to mend is
// looked at seldom.
func patience(err error, try int) time.Duration {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Conflict, fault.TimedOut:
		return min(10*time.Second<<min(try, 10), 15*time.Minute)
	}
	return 15 * time.Minute
}

// revert opens one pull request.
func (f *forges) revert(ctx context.Context, app *v1alpha1.Application, k revertKey) (string, error) {
	f.mu.Lock()
	r := f.wants[k]
	f.mu.Unlock()
	repo, err := f.open(ctx, app)
	if err != nil {
		return "", err
	}
	if app.Spec.Source == nil || app.Spec.Source.Git == nil {
		return "", fault.New(fault.Blocked, "revert", deliver.Short(r.Bad), "the source is no Git repository", "remove spec.rollback.pullRequest")
	}
	scope, err := f.scope(ctx, app, r.Good)
	if err != nil {
		return "", err
	}
	account := forge.Account{Bad: r.Bad, Good: r.Good, Reason: r.Reason, RolledBack: r.RolledBack}
	if rel, err := f.release(ctx, k.app.Namespace, k.release); err == nil {
		account.Release = rel // without it there is less to tell
	}
	return forge.Revert(ctx, repo, forge.Reversion{
		Bad: r.Bad, Good: r.Good, Base: app.Spec.Source.Git.Branch, Branch: forge.Branch(app, r.Bad), Scope: scope,
		Title: forge.Title(app, r.Bad), Body: forge.Body(app, account),
	})
}

// open reaches the forge that an application names.
func (f *forges) open(ctx context.Context, app *v1alpha1.Application) (forgeapi.Forge, error) {
	c := app.Spec.Rollback.PullRequest
	data, err := f.secret(ctx, app.Namespace, c.Secret.Name)
	if err != nil {
		return nil, fault.Wrap(fault.KindOf(err), "read the token of the forge in secret", c.Secret.Name, err, "create it in namespace "+app.Namespace+" with the key token")
	}
	return forgeapi.New(c.Forge, forgeapi.Options{URL: c.URL, Repository: c.Repository, Token: string(data["token"]), CA: data["ca.crt"], AllowHTTP: f.allowHTTP})
}

// forging is what has to do with forges and other tools: it works in the
// background.
type forging struct {
	forges   *forges
	statuses *statuses
	// objects are those of other tools that are observed, repositories where
	// some of them come from.
	objects, repositories *kube.Objects
	judge                 *controller.Judge
}

// Run works until ctx ends.
func (f *forging) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { f.forges.Run(ctx) })
	wg.Go(func() { f.statuses.Run(ctx) })
	wg.Wait()
}

// newForging wires the forges. The daemon's store and sources are made later.
func (d *daemon) newForging(releases *kube.Releases, secret func(context.Context, string, string) (map[string][]byte, error), renderer *delivery.Renderer) *forging {
	lookup := func(k deliver.AppKey) *v1alpha1.Application { return d.store.Get(k) }
	f := newForges(d.opts.Allow.HTTP, d.log, func(k deliver.AppKey) { d.apps.Wake(k) })
	f.app, f.secret, f.release = lookup, secret, releases.Get
	f.scope = func(ctx context.Context, app *v1alpha1.Application, good string) (forge.Scope, error) {
		k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
		read, known := renderer.Reads(k)
		if !known { // nothing was rendered since the start
			tree, err := d.sources.Fetch(ctx, app, good)
			if err != nil {
				return forge.Scope{}, err
			}
			if _, err := renderer.Render(ctx, app, tree); err != nil {
				return forge.Scope{}, err
			}
			read, _ = renderer.Reads(k)
		}
		return forge.ScopeOf(app.Spec.Source, read), nil
	}
	s := newStatuses(releases, d.log, f.wake)
	s.app, s.open, s.release = lookup, f.open, releases.Get
	return &forging{forges: f, statuses: s}
}
