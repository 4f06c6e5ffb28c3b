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

// statuses sets commit statuses from what the engine says of its releases. It
// stands around deliver.Releases and beside deliver.Tracer, never fails either,
// and works in the background; of one status only the newest state counts.
type statuses struct {
	deliver.Releases
	app func(deliver.AppKey) *v1alpha1.Application
	// open reaches the forge that an application names.
	open    func(ctx context.Context, app *v1alpha1.Application) (forgeapi.Forge, error)
	release func(ctx context.Context, namespace, name string) (*v1alpha1.Release, error)
	log     *slog.Logger
	pause   func(ctx context.Context, d time.Duration)

	mu sync.Mutex
	// known are releases by name and by trace, the newest of each application.
	known map[deliver.AppKey]released
	// traces finds the application of a trace.
	traces map[string]deliver.AppKey
	due    map[statusKey]forge.Status
	signal chan struct{}
}

// released is a release that was made.
type released struct{ name, revision, trace string }

// statusKey is one status of one commit; the commit is "" while only its
// release is known.
type statusKey struct {
	app                       deliver.AppKey
	release, commit, category string
}

// maxStatuses bounds what waits for a forge.
const maxStatuses = 1024

func newStatuses(inner deliver.Releases, log *slog.Logger) *statuses {
	return &statuses{
		Releases: inner, log: log, pause: pauseFor, known: map[deliver.AppKey]released{}, traces: map[string]deliver.AppKey{},
		due: map[statusKey]forge.Status{}, signal: make(chan struct{}, 1),
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

// judged notes what the gate said of a revision that another tool applies.
func (s *statuses) judged(k deliver.AppKey, g *v1alpha1.Judged) {
	line := forge.UnjudgedStatus(k.Name, k.Namespace, g.Message)
	switch {
	case g.Verdict == v1alpha1.VerdictPassed:
		line = forge.GateStatus(k.Name, k.Namespace, false, "")
	case g.Verdict == v1alpha1.VerdictRefused && len(g.Findings) > 0:
		f := g.Findings[0]
		line = forge.GateStatus(k.Name, k.Namespace, true, fmt.Sprintf("%s:%d: %s (%s)", f.File, f.Line, f.Message, f.Check))
	case g.Verdict == v1alpha1.VerdictRefused:
		line = forge.GateStatus(k.Name, k.Namespace, true, g.Message)
	}
	s.put(statusKey{k, "", g.Revision, "gate"}, line)
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
	if _, waits := s.due[k]; waits || len(s.due) < maxStatuses {
		s.due[k] = line
	}
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// Run sets statuses until ctx ends.
func (s *statuses) Run(ctx context.Context) {
	for {
		k, line, ok := s.take()
		if ok {
			s.set(ctx, k, line)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.signal:
		}
	}
}

func (s *statuses) take() (statusKey, forge.Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, line := range s.due {
		delete(s.due, k)
		return k, line, true
	}
	return statusKey{}, forge.Status{}, false
}

// tries of one status; then it is left out: people look elsewhere too.
const statusTries = 5

// set sets one status.
func (s *statuses) set(ctx context.Context, k statusKey, line forge.Status) {
	var err error
	for try := range statusTries {
		if try > 0 {
			s.pause(ctx, time.Second<<(2*try))
		}
		if ctx.Err() != nil || s.overtaken(k) {
			return
		}
		err = s.once(ctx, k, line)
		if err == nil || fault.KindOf(err) != fault.Unavailable {
			break
		}
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("a commit status could not be set", "application", k.app.String(), "release", k.release, "error", err.Error())
	}
}

// overtaken tells whether a newer state of the same status waits.
func (s *statuses) overtaken(k statusKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, newer := s.due[k]
	return newer
}

func (s *statuses) once(ctx context.Context, k statusKey, line forge.Status) error {
	app := s.app(k.app)
	if app == nil || app.Spec.Rollback.PullRequest == nil {
		return nil
	}
	commit := k.commit
	if commit == "" { // the release was made before the last start
		r, err := s.release(ctx, k.app.Namespace, k.release)
		if err != nil {
			return err
		}
		commit = r.Spec.Revision
	}
	if !isCommit(commit) {
		return nil
	}
	repo, err := s.open(ctx, app)
	if err != nil {
		return err
	}
	return repo.SetStatus(ctx, commit, line)
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
	s.mu.Unlock()
}
