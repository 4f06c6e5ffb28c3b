package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	forgeapi "github.com/autoecoops/autoecoops/adapter/forge"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
)

// statuses sets commit statuses from what the engine says of its releases, and
// from the verdicts on what other tools apply. It stands around deliver.Releases
// and beside deliver.Tracer, never fails either, and works in the background; of
// one status only the newest state counts.
type statuses struct {
	deliver.Releases
	app func(deliver.AppKey) *v1alpha1.Application
	// open reaches the forge that an application names.
	open    func(ctx context.Context, app *v1alpha1.Application) (forgeapi.Forge, error)
	release func(ctx context.Context, namespace, name string) (*v1alpha1.Release, error)
	// wake is told of an application whose verdict was set.
	wake func(deliver.AppKey)
	log  *slog.Logger
	// now and after are the clock.
	now   func() time.Time
	after func(time.Duration) <-chan time.Time

	mu sync.Mutex
	// known are releases by name and by trace, the newest of each application.
	known map[deliver.AppKey]released
	// traces finds the application of a trace.
	traces map[string]deliver.AppKey
	due    map[statusKey]dueStatus
	// verdicts are the newest of each application that another tool manages.
	verdicts map[deliver.AppKey]verdict
	signal   chan struct{}
}

// released is a release that was made.
type released struct{ name, revision, trace string }

// statusKey is one status of one commit; the commit is "" while only its
// release is known, the release where there is none.
type statusKey struct {
	app                       deliver.AppKey
	release, commit, category string
}

// dueStatus is a status to be set.
type dueStatus struct {
	line forge.Status
	// failures in a row, and when it is tried again.
	failures int
	next     time.Time
}

// verdict is a status that is set sooner or later.
type verdict struct {
	key  statusKey
	line forge.Status
	// at is when it was set.
	at time.Time
}

// maxStatuses bounds what waits for a forge.
const maxStatuses = 1024

func newStatuses(inner deliver.Releases, log *slog.Logger, wake func(deliver.AppKey)) *statuses {
	return &statuses{
		Releases: inner, log: log, wake: wake, now: time.Now, after: time.After, known: map[deliver.AppKey]released{}, traces: map[string]deliver.AppKey{},
		due: map[statusKey]dueStatus{}, verdicts: map[deliver.AppKey]verdict{}, signal: make(chan struct{}, 1),
	}
}

// Create implements deliver.Releases.
func (s *statuses) Create(ctx context.Context, r *v1alpha1.Release) error {
	if err := s.Releases.Create(ctx, r); err != nil {
		return err
	}
	k := deliver.AppKey{Namespace: r.Namespace, Name: r.Spec.Application}
	s.mu.Lock()
	delete(s.traces, s.known[k].trace)
	s.known[k] = released{r.Name, r.Spec.Revision, r.Annotations[v1alpha1.AnnotationTraceID]}
	s.traces[s.known[k].trace] = k
	s.mu.Unlock()
	s.say(k, r.Name, &v1alpha1.ReleaseStatus{Phase: v1alpha1.PhaseApplying})
	return nil
}

// SetStatus implements deliver.Releases.
func (s *statuses) SetStatus(ctx context.Context, app deliver.AppKey, name string, change func(*v1alpha1.ReleaseStatus)) error {
	var said v1alpha1.ReleaseStatus
	err := s.Releases.SetStatus(ctx, app, name, func(st *v1alpha1.ReleaseStatus) {
		change(st)
		said = *st
	})
	if err == nil {
		s.say(app, name, &said)
	}
	return err
}

// Span implements deliver.Tracer: the gate's verdict is a status of its own.
func (s *statuses) Span(x deliver.Span) {
	if x.Name != deliver.SpanGate {
		return
	}
	s.mu.Lock()
	k, known := s.traces[x.Trace]
	r := s.known[k]
	s.mu.Unlock()
	if known {
		s.put(statusKey{k, r.name, r.revision, "gate"}, forge.GateStatus(k.Name, k.Namespace, x.Failed != "", x.Failed))
	}
}

// report has what the gate said of a revision that another tool applies set
// beside it, and returns when that was done: the zero time if it was not yet. It
// is tried until it is done, or another verdict takes its place.
func (s *statuses) report(k deliver.AppKey, g *v1alpha1.Judged) time.Time {
	if app := s.app(k); app == nil || app.Spec.Rollback.PullRequest == nil {
		return time.Time{}
	}
	now := verdict{key: statusKey{k, "", g.Revision, "gate"}, line: lineOf(k, g)}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.verdicts[k]
	_, waits := s.due[now.key]
	switch same := old.key == now.key && old.line == now.line; {
	case same && (waits || !old.at.IsZero()):
		return old.at
	case old.key != now.key:
		delete(s.due, old.key)
	}
	s.verdicts[k] = now
	s.queue(now.key, now.line)
	return time.Time{}
}

// lineOf is a verdict as a status.
func lineOf(k deliver.AppKey, g *v1alpha1.Judged) forge.Status {
	switch {
	case g.Verdict == v1alpha1.VerdictPassed:
		return forge.GateStatus(k.Name, k.Namespace, false, "")
	case g.Verdict == v1alpha1.VerdictRefused && len(g.Findings) > 0:
		f := g.Findings[0]
		return forge.GateStatus(k.Name, k.Namespace, true, fmt.Sprintf("%s:%d: %s (%s)", f.File, f.Line, f.Message, f.Check))
	case g.Verdict == v1alpha1.VerdictRefused:
		return forge.GateStatus(k.Name, k.Namespace, true, g.Message)
	}
	return forge.UnjudgedStatus(k.Name, k.Namespace, g.Message)
}

// say notes a release's phase.
func (s *statuses) say(k deliver.AppKey, release string, st *v1alpha1.ReleaseStatus) {
	line, ok := forge.ReleaseStatus(k.Name, k.Namespace, st)
	if !ok {
		return
	}
	s.mu.Lock()
	commit := ""
	if r := s.known[k]; r.name == release {
		commit = r.revision
	}
	s.mu.Unlock()
	s.put(statusKey{k, release, commit, "release"}, line)
	if st.Phase == v1alpha1.PhaseRefused {
		s.put(statusKey{k, release, commit, "gate"}, forge.GateStatus(k.Name, k.Namespace, true, st.Message))
	}
}

// put notes that a status is due, where a forge is configured.
func (s *statuses) put(k statusKey, line forge.Status) {
	if app := s.app(k.app); app == nil || app.Spec.Rollback.PullRequest == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, waits := s.due[k]; waits || len(s.due) < maxStatuses {
		s.queue(k, line)
	}
}

// queue notes a status; s.mu is held. While a forge does not answer, a newer
// state waits as long as the one before would have.
func (s *statuses) queue(k statusKey, line forge.Status) {
	d := s.due[k]
	d.line, d.failures = line, 0
	s.due[k] = d
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// Run sets statuses until ctx ends.
func (s *statuses) Run(ctx context.Context) {
	for ctx.Err() == nil {
		k, d, wait := s.take()
		if wait == 0 {
			s.set(ctx, k, d)
			continue
		}
		var later <-chan time.Time
		if wait > 0 {
			later = s.after(wait)
		}
		select {
		case <-ctx.Done():
		case <-s.signal:
		case <-later:
		}
	}
}

// take returns the status that is due first and how long it is until then,
// something negative if there is none.
func (s *statuses) take() (k statusKey, d dueStatus, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait = -1
	now := s.now()
	for key, x := range s.due {
		if left := max(0, x.next.Sub(now)); wait < 0 || left < wait {
			k, d, wait = key, x, left
		}
		if wait == 0 {
			break
		}
	}
	return k, d, wait
}

// statusTries is how often the status of a release is tried; then it is left
// out: people look elsewhere too.
const statusTries = 5

// set sets one status, or notes when to try it again.
func (s *statuses) set(ctx context.Context, k statusKey, d dueStatus) {
	sent, err := s.once(ctx, k, d.line)
	if ctx.Err() != nil {
		return
	}
	again := s.conclude(k, d, sent, err)
	switch {
	case err != nil:
		s.log.Warn("a commit status could not be set", "application", k.app.String(), "release", k.release, "commit", k.commit, "again", again.String(), "error", err.Error())
	case sent && k.release == "":
		s.wake(k.app)
	}
}

// conclude notes what came of setting a status, unless a newer state took its
// place meanwhile, and returns when it is tried again, 0 for never.
func (s *statuses) conclude(k statusKey, d dueStatus, sent bool, err error) (again time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, waits := s.due[k]
	same := waits && now.line == d.line
	switch {
	case err == nil:
		if v, ok := s.verdicts[k.app]; ok && sent && same && v.key == k && v.line == d.line {
			v.at = s.now()
			s.verdicts[k.app] = v
		}
	case k.release == "": // that is the word on a commit: it has to come
		again = patience(err, d.failures)
	case d.failures+1 < statusTries && fault.KindOf(err) == fault.Unavailable:
		again = time.Second << (2 * (d.failures + 1))
	}
	switch {
	case !waits:
	case again > 0 || !same:
		if again > 0 {
			now.next = s.now().Add(again)
		}
		if same {
			now.failures++
		}
		s.due[k] = now
	default:
		delete(s.due, k)
	}
	return again
}

// once sets one status, if there is still where to.
func (s *statuses) once(ctx context.Context, k statusKey, line forge.Status) (sent bool, err error) {
	app := s.app(k.app)
	if app == nil || app.Spec.Rollback.PullRequest == nil {
		return false, nil
	}
	commit := k.commit
	if commit == "" { // the release was made before the last start
		r, err := s.release(ctx, k.app.Namespace, k.release)
		if err != nil {
			return false, err
		}
		commit = r.Spec.Revision
	}
	if !isCommit(commit) {
		return false, nil
	}
	repo, err := s.open(ctx, app)
	if err != nil {
		return false, err
	}
	return true, repo.SetStatus(ctx, commit, line)
}

// isCommit tells a commit id from an artifact's digest.
func isCommit(revision string) bool {
	if len(revision) != 40 && len(revision) != 64 {
		return false
	}
	for _, c := range revision {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// forget drops what is known of an application.
func (s *statuses) forget(k deliver.AppKey) {
	s.mu.Lock()
	delete(s.traces, s.known[k].trace)
	delete(s.known, k)
	delete(s.due, s.verdicts[k].key)
	delete(s.verdicts, k)
	s.mu.Unlock()
}
