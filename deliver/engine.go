package deliver

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
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
	// Ready says what keeps an object from being ready, "" if nothing does: by a
	// CEL expression, or by its health if that is "".
	Ready func(body map[string]any, expression string) string
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
	// failures in a row, for the delay of the next try.
	failures int
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

	// problem is why the pass could not do all of its work.
	problem error
	// waiting is what the pass waits for, in words.
	waiting string
	// held tells that a person has to allow what the pass waits for.
	held  bool
	again time.Duration
	drift []string
	// contested are objects that other applications have.
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
	p.choice = Choose(&p.app.Spec, p.st, head, p.settings, p.syncAsked())
	return nil
}

// work takes the next steps.
func (p *pass) work(ctx context.Context) {
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
			p.forgetWant()
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

// conclude writes the conditions.
func (p *pass) conclude() {
	if p.st.ObservedGeneration == 0 && p.head.Revision == "" && p.headErr == nil && p.problem == nil && p.app.DeletionTimestamp == nil {
		// The source was asked a moment ago: there is nothing to say yet.
		p.st = p.app.Status.DeepCopy()
		return
	}
	if p.blind() {
		return
	}
	p.st.ObservedGeneration = p.app.Generation
	if p.problem != nil {
		p.mem.failures++
		p.wait(backoff(p.mem.failures))
		level := slog.LevelError
		if fault.KindOf(p.problem) == fault.Unavailable {
			level = slog.LevelWarn // it is tried again by itself
		}
		p.Log.Log(context.Background(), level, "reconcile is not complete", "application", p.key.String(), "error", p.problem.Error(), "trace_id", p.activeTrace())
	} else {
		p.mem.failures = 0 // only failures in a row make the next try wait longer
	}
	p.setSynced()
	p.setHealthy()
	p.setReady()
	if p.problem == nil && p.waiting == "" && len(p.drift) == 0 && p.choice.Held == "" && p.headErr == nil && p.Observer != nil && p.st.Sync != nil && p.viewSynced() {
		p.Observer.Verified(p.key, p.now)
	}
}

// maxBlind is how long a status stays as it was while the watches begin: after
// a restart nothing is to be written that nothing new is behind.
const maxBlind = 30 * time.Second

// blind keeps the status as it was if nothing was done and the watches have not
// seen all objects yet.
func (p *pass) blind() bool {
	if p.viewSynced() || p.problem != nil || p.app.DeletionTimestamp != nil || p.app.Status.Sync == nil || p.mem.release != "" {
		p.mem.blind = time.Time{}
		return false
	}
	if p.mem.blind.IsZero() {
		p.mem.blind = p.now
	}
	left := p.mem.blind.Add(maxBlind).Sub(p.now)
	if left <= 0 {
		return false
	}
	p.st = p.app.Status.DeepCopy()
	p.wait(left)
	return true
}

func (p *pass) viewSynced() bool {
	for _, entry := range p.st.Inventory {
		if _, k, err := ParseID(entry.ID); err == nil && !p.View.Synced(k.GroupKind()) {
			return false
		}
	}
	return true
}

func (p *pass) suspended() {
	p.st.ObservedGeneration = p.app.Generation
	p.condition(v1alpha1.ConditionReady, metav1.ConditionUnknown, "Suspended", "the application is suspended: nothing is synced, healed or rolled back")
	p.condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, "Suspended", "until spec.suspend is false")
}

func (p *pass) setSynced() {
	c := v1alpha1.ConditionSynced
	switch {
	case p.app.DeletionTimestamp != nil:
		p.condition(c, metav1.ConditionFalse, "Deleting", cmpText(p.waiting, "removing the objects"))
	case p.problem != nil:
		p.condition(c, metav1.ConditionFalse, reasonOf(p.problem), Public(p.problem))
	case p.choice.Held != "" && (p.headErr == nil || p.head.Revision != ""):
		p.condition(c, metav1.ConditionFalse, "Held", p.choice.Held)
	case p.headErr != nil: // also why there is no revision to choose, after a restart
		p.condition(c, metav1.ConditionUnknown, "SourceUnavailable", Public(p.headErr))
	case p.held:
		p.condition(c, metav1.ConditionFalse, "DeletionHeld", p.waiting)
	case p.waiting != "":
		p.condition(c, metav1.ConditionFalse, "Progressing", p.waiting)
	case len(p.drift) > 0:
		p.condition(c, metav1.ConditionFalse, "Drifted", p.drift[0]+more(len(p.drift)-1))
	case p.st.Sync == nil:
		p.condition(c, metav1.ConditionUnknown, "Unknown", "nothing was synced yet")
	default:
		p.condition(c, metav1.ConditionTrue, "Synced", "the cluster is at revision "+Short(p.st.Sync.Revision))
	}
}

func (p *pass) setHealthy() {
	h := p.st.Health
	status := metav1.ConditionUnknown
	switch health.Status(h.Status) {
	case health.Healthy:
		status = metav1.ConditionTrue
	case health.Failed, health.Progressing, health.Terminating, health.Suspended:
		status = metav1.ConditionFalse
	}
	reason := "Unknown"
	if h.Status != "" {
		reason = strings.ToUpper(h.Status[:1]) + h.Status[1:]
	}
	p.condition(v1alpha1.ConditionHealthy, status, reason, h.Message)
}

func (p *pass) setReady() {
	synced, healthy := p.get(v1alpha1.ConditionSynced), p.get(v1alpha1.ConditionHealthy)
	stalled := p.choice.Stalled || p.held || len(p.contested) > 0 && p.st.Active == nil || p.problem != nil && needsPerson(fault.KindOf(p.problem))
	switch {
	case synced.Status != metav1.ConditionTrue:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionFalse, synced.Reason, synced.Message)
	case healthy.Status != metav1.ConditionTrue:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionFalse, healthy.Reason, healthy.Message)
	case p.st.Active != nil:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Watching", "revision "+Short(p.st.Active.Revision)+" is healthy and is being watched")
	default:
		p.condition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Ready", "the cluster is at revision "+Short(p.st.Sync.Revision)+" and healthy")
	}
	if stalled {
		ready := p.get(v1alpha1.ConditionReady)
		p.condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, ready.Reason, "a person or a new commit has to act: "+ready.Message)
		return
	}
	p.st.Conditions = slices.DeleteFunc(p.st.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionStalled })
}

func needsPerson(k fault.Kind) bool {
	return k == fault.Invalid || k == fault.Denied || k == fault.Blocked
}

func (p *pass) get(typ string) metav1.Condition {
	for _, c := range p.st.Conditions {
		if c.Type == typ {
			return c
		}
	}
	return metav1.Condition{}
}

// maxMessage keeps a status small: what is longer stands in the release.
const maxMessage = 1024

func (p *pass) condition(typ string, status metav1.ConditionStatus, reason, message string) {
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	c := metav1.Condition{Type: typ, Status: status, Reason: reason, Message: strings.ToValidUTF8(message, "�"), ObservedGeneration: p.app.Generation, LastTransitionTime: metav1.NewTime(p.now)}
	for i, old := range p.st.Conditions {
		if old.Type != typ {
			continue
		}
		if old.Status == status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		p.st.Conditions[i] = c
		return
	}
	p.st.Conditions = append(p.st.Conditions, c)
}

// reasonOf is a fault's kind as a condition's reason.
func reasonOf(err error) string {
	f, _ := errors.AsType[*fault.Error](err)
	if f != nil && f.Code != "" {
		return f.Code
	}
	words := strings.Fields(fault.KindOf(err).String())
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

func cmpText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return " and " + itoa(n) + " more"
}
