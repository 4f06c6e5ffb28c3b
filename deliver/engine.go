package deliver

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// Ports are what the engine needs of the world.
type Ports struct {
	Cluster  Cluster
	View     View
	Sources  Sources
	Renderer Renderer
	Gate     Gate
	Journal  Journal
	Releases Releases
	Witness  Witness
	Forge    Forge
	Apps     Apps
	// Inspector may be nil: then postures are those of the revisions.
	Inspector Inspector
}

// Engine reconciles applications. It is safe for concurrent use, one call at a
// time for each application.
type Engine struct {
	Ports
	Digester *Digester
	// DefaultAccount is the service account of applications that name none.
	DefaultAccount string
	// Doctor reads the expressions of applications.
	Doctor Doctor
	// Parallel bounds the calls in flight for one step of one application.
	Parallel int
	Now      func() time.Time
	Log      *slog.Logger
	// Observer is told what happened, for metrics and events; may be nil.
	Observer Observer
	// Tracer is told what took how long; may be nil.
	Tracer Tracer

	mu     sync.Mutex
	memory map[AppKey]*memory
}

// Observer is told what the engine did.
type Observer interface {
	// Event is something a person wants to read beside the application.
	Event(app *v1alpha1.Application, warning bool, reason, message string)
	// Verified tells that the cluster was seen to equal Git.
	Verified(app AppKey, at time.Time)
	// Drift counts objects that differed; healed of them were repaired.
	Drift(app AppKey, found, healed int)
	// Finished tells about a release that ended.
	Finished(app AppKey, phase string, t v1alpha1.Timings, trigger string)
}

// memory is what is remembered of an application between reconciles. All of it
// can be found out again.
type memory struct {
	// want is what was rendered last, nil after a restart.
	want *want
	// step is the next step of the release that is being applied.
	step    int
	release string
	// heals counts repairs of objects that don't last.
	heals map[Key]*heal
	// lost is when health was lost in the watch time.
	lost time.Time
	// failures in a row, for the delay of the next try; retreats those of rollbacks.
	failures, retreats int
	// following tells that the pods of unhealthy workloads are watched.
	following bool
	// request is the newest request for a sync, requested when it was seen.
	request   string
	requested time.Time
	// contested are the objects that other applications had in the last pass;
	// guarded by the engine's mutex, and never changed.
	contested map[Key]bool
	// blind is since when a watch that is needed has not seen its objects.
	blind time.Time
	// begun is when the release in flight began to be applied, as far as known.
	begun     time.Time
	reverting reverting
	inspected inspected
}

// want is the desired state of an application.
type want struct {
	revision, settings, digest string
	commit                     *v1alpha1.CommitInfo
	posture                    *v1alpha1.Posture
	steps                      []Step
	objects                    map[Key]*Object
	// hooked tells that there are hooks, whose names differ from release to
	// release.
	hooked    bool
	onFailure []*Object
	// seen, rendered and judged are moments on the way, zero for what was not
	// done.
	seen, rendered, judged time.Time
	// laps are what preparing it took, until a release tells of it.
	laps []lap
}

type heal struct {
	times int
	last  time.Time
}

// Outcome is what a reconcile leaves behind.
type Outcome struct {
	// Status is the new status.
	Status *v1alpha1.ApplicationStatus
	// Again is when to reconcile if nothing happens before, 0 for never.
	Again time.Duration
	// RemoveFinalizer tells that everything is done for a deleted application.
	RemoveFinalizer bool
}

// Forget drops what is remembered of an application that is gone.
func (e *Engine) Forget(app AppKey) {
	e.mu.Lock()
	delete(e.memory, app)
	e.mu.Unlock()
	e.Witness.Forget(app)
}

func (e *Engine) remembered(app AppKey) *memory {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.memory == nil {
		e.memory = map[AppKey]*memory{}
	}
	m := e.memory[app]
	if m == nil {
		m = &memory{heals: map[Key]*heal{}}
		e.memory[app] = m
	}
	return m
}

// Wants tells whether an application's newest render contains an object; known
// is false if nothing was rendered since the start.
func (e *Engine) Wants(app AppKey, k Key) (wanted, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.memory[app]
	if m == nil || m.want == nil {
		return false, false
	}
	_, wanted = m.want.objects[k]
	return wanted, true
}

// pass is one reconcile of one application.
type pass struct {
	*Engine
	app *v1alpha1.Application
	key AppKey
	st  *v1alpha1.ApplicationStatus
	mem *memory
	now time.Time

	settings string
	choice   Choice
	head     Head
	headErr  error
	// index finds inventory entries; nil when the inventory was replaced.
	index map[Key]int

	found
}

// found is what a pass comes upon and leaves for the conditions to tell.
type found struct {
	// problem is why the pass could not do all of its work.
	problem error
	// waiting is what the pass waits for, in words; held tells that a person has
	// to allow it.
	waiting string
	held    bool
	// again is when to look again if nothing happens before, 0 for never.
	again time.Duration
	// drift are the objects that differ, and how; contested those that other
	// applications have.
	drift     []string
	contested map[Key]bool
}

// Reconcile looks at an application, takes the next steps and returns its new
// status. It returns an error only if ctx ended: every other failure is part of
// the status.
func (e *Engine) Reconcile(ctx context.Context, app *v1alpha1.Application) (Outcome, error) {
	p := &pass{Engine: e, app: app, key: AppKey{app.Namespace, app.Name}, st: app.Status.DeepCopy(), now: e.Now()}
	p.mem = e.remembered(p.key)
	defer p.rememberContests()
	switch {
	case app.DeletionTimestamp != nil:
		done := p.remove(ctx)
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		p.conclude()
		return Outcome{Status: p.st, Again: p.again, RemoveFinalizer: done}, nil
	case app.Spec.Suspend:
		p.suspended()
		return Outcome{Status: p.st}, nil
	}
	p.watchInventory(ctx)
	if err := p.settle(ctx); err != nil {
		p.fail(err)
	} else {
		p.work(ctx)
	}
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	p.conclude()
	return Outcome{Status: p.st, Again: p.again}, nil
}

// settle finds out what is asked for and where the source is.
func (p *pass) settle(ctx context.Context) error {
	var known bool
	p.head, known, p.headErr = p.Sources.Head(p.app)
	inputs, err := p.Renderer.Inputs(ctx, p.app)
	if err != nil {
		return err
	}
	p.settings = p.settingsDigest(inputs)
	p.requests()
	head := ""
	if known {
		head = p.head.Revision
		if p.st.Source == nil || p.st.Source.Revision != head {
			seen := metav1.NewTime(p.head.Seen)
			p.st.Source = &v1alpha1.Revision{Revision: head, Ref: p.head.Ref, Time: &seen}
		}
	}
	p.reconsider(head)
	p.choice = Choose(&p.app.Spec, p.st, head, p.settings, p.syncAsked())
	return nil
}

// work takes the next steps.
func (p *pass) work(ctx context.Context) {
	if err := p.Doctor.Check(p.app); err != nil {
		// What is told by an expression that cannot be read is not known: nothing new
		// is begun, and what is there is kept as it is.
		p.fail(err)
		p.steady(ctx)
		return
	}
	c := p.choice
	if c.Revision == "" {
		if p.headErr != nil {
			p.fail(p.headErr)
		}
		p.steady(ctx)
		return
	}
	synced := p.st.Sync != nil && p.st.Sync.Revision == c.Revision && p.st.Sync.Settings == p.settings
	applying := p.st.Active != nil && p.st.Active.Phase == v1alpha1.PhaseApplying
	if !synced || applying {
		if done, err := p.advance(ctx); err != nil {
			p.fail(err)
			p.giveUp(ctx, err)
		} else if done {
			p.mem.failures = 0
		} else if p.waiting != "" {
			p.giveUp(ctx, fault.New(fault.Unavailable, "apply", Short(c.Revision), p.waiting, ""))
		}
	} else if p.syncAsked() {
		p.done(v1alpha1.AnnotationSync) // there is nothing new
	}
	p.steady(ctx)
}

// settingsDigest is the digest of what shapes the objects and their release
// besides the revision.
func (p *pass) settingsDigest(inputs string) string {
	s := p.app.Spec.DeepCopy()
	if s.Source != nil && s.Source.Git != nil {
		g := s.Source.Git
		g.Branch, g.Tag, g.Semver, g.Commit, g.Interval, g.Secret = "", "", "", "", nil, nil
	}
	if s.Source != nil && s.Source.OCI != nil {
		o := s.Source.OCI
		o.Tag, o.Semver, o.Digest, o.Interval, o.Secret = "", "", "", nil, nil
	}
	parts := []any{inputs, s.Namespace, s.ServiceAccountName, valueOf(s.Source), valueOf(s.Gate), valueOf(s.Ignore), valueOf(s.Health), valueOf(s.Substitute), valueOf(s.Decryption), valueOf(s.DependsOn)}
	if s.Sync.AllowEmpty {
		parts = append(parts, "empty")
	}
	return p.Digester.Value(parts)
}

// syncAsked tells whether somebody asked for a sync, and the source has been
// asked since: what it said before may be old.
func (p *pass) syncAsked() bool {
	if !p.asked(v1alpha1.AnnotationSync) {
		return false
	}
	if value := p.app.Annotations[v1alpha1.AnnotationSync]; p.mem.request != value {
		p.mem.request, p.mem.requested = value, p.now
	}
	return !p.head.Checked.Before(p.mem.requested)
}

// requests acts on the annotations by which people ask for things.
func (p *pass) requests() {
	if p.asked(v1alpha1.AnnotationRetry) {
		full := p.resolveQuarantined(p.requested(v1alpha1.AnnotationRetry))
		if LiftQuarantine(p.st, full) {
			p.event(false, "Retry", "revision "+Short(full)+" is tried again"+p.by())
			p.tryAnew(full)
		}
		p.handled(v1alpha1.AnnotationRetry)
	}
	if !p.asked(v1alpha1.AnnotationRollback) || p.head.Revision == "" {
		return
	}
	rev := p.requested(v1alpha1.AnnotationRollback)
	p.handled(v1alpha1.AnnotationRollback)
	if p.head.Revision != rev {
		if s := p.st.Sync; s != nil && s.Revision != rev && s.Revision != p.head.Revision {
			p.goneBackFrom(s.Revision, rev) // a rollback's own; it would stay
		}
		p.goneBackFrom(p.head.Revision, rev)
	}
	LiftQuarantine(p.st, rev)
	if p.st.LastGood == nil || p.st.LastGood.Revision != rev {
		p.st.LastGood = &v1alpha1.Revision{Revision: rev}
	}
	if p.st.Sync != nil && p.st.Sync.Revision == p.head.Revision {
		p.st.Sync.Settings = "" // no longer what is wanted
	}
	p.event(false, "Rollback", "going back to revision "+Short(rev)+p.by())
}

// tryAnew makes a revision that was given up a release again, also if it is what is
// applied.
func (p *pass) tryAnew(revision string) {
	p.forgetWant()
	if p.st.Sync != nil && p.st.Sync.Revision == revision {
		p.st.Sync.Settings = "" // no longer what is wanted
	}
}

// goneBackFrom quarantines a revision that a person wants no longer.
func (p *pass) goneBackFrom(revision, to string) {
	AddQuarantine(p.st, v1alpha1.Quarantined{
		Revision: revision, Settings: p.settings, Reason: QuarantineRolledBack,
		Message: "a person went back to " + Short(to) + p.by(), Time: metav1.NewTime(p.now),
	})
}

// requested is the revision that a request names: what follows an @ only makes
// the same request a new one.
func (p *pass) requested(annotation string) string {
	rev, _, _ := strings.Cut(p.app.Annotations[annotation], "@")
	return rev
}

// resolveQuarantined completes an abbreviated revision.
func (p *pass) resolveQuarantined(rev string) string {
	for _, q := range p.st.Quarantine {
		if strings.HasPrefix(q.Revision, rev) {
			return q.Revision
		}
	}
	return rev
}

func (p *pass) by() string {
	if who := p.app.Annotations[v1alpha1.AnnotationRequestedBy]; who != "" {
		return " (asked for by " + who + ")"
	}
	return ""
}

// asked tells whether a request annotation has a value that was not acted on.
func (p *pass) asked(annotation string) bool {
	v := p.app.Annotations[annotation]
	return v != "" && p.st.Handled[annotation] != v
}

func (p *pass) handled(annotation string) {
	if p.st.Handled == nil {
		p.st.Handled = map[string]string{}
	}
	p.st.Handled[annotation] = p.app.Annotations[annotation]
}

func (p *pass) forgetWant() {
	p.remember(nil)
	p.mem.release = ""
}

// watchInventory makes sure that what was applied is watched, also after a
// restart.
func (p *pass) watchInventory(ctx context.Context) {
	seen := map[GroupKind]bool{}
	for _, entry := range p.st.Inventory {
		g, _, err := ParseID(entry.ID)
		if err != nil || seen[g.GroupKind()] {
			continue
		}
		seen[g.GroupKind()] = true
		if err := p.View.Watch(ctx, g); err != nil && fault.KindOf(err) != fault.NotFound {
			p.fail(err)
		}
	}
}

func (p *pass) identity() Identity {
	sa := p.app.Spec.ServiceAccountName
	if sa == "" {
		sa = p.DefaultAccount
	}
	if sa == "" {
		sa = "default"
	}
	return Identity{p.app.Namespace, sa}
}

func (p *pass) event(warning bool, reason, message string) {
	if p.Observer != nil {
		p.Observer.Event(p.app, warning, reason, message)
	}
}

// fail notes a problem; the worst stays.
func (p *pass) fail(err error) {
	if p.problem == nil || fault.KindOf(p.problem) == fault.Unavailable && fault.KindOf(err) != fault.Unavailable {
		p.problem = err
	}
}

// wait asks for another pass after d, or earlier if one was asked for.
func (p *pass) wait(d time.Duration) {
	if d > 0 && (p.again == 0 || d < p.again) {
		p.again = d
	}
}

// backoff is the delay before a failed application is tried again.
func backoff(failures int) time.Duration {
	return min(time.Second<<min(failures, 9), 5*time.Minute)
}
