package controller

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Remote reaches the places where revisions are.
type Remote interface {
	// Resolve asks which revision an application's source means now. An answer
	// that is at most maxAge old may be used again.
	Resolve(ctx context.Context, app *v1alpha1.Application, maxAge time.Duration) (revision, ref string, err error)
	// Fetch returns a revision's content.
	Fetch(ctx context.Context, app *v1alpha1.Application, revision string) (deliver.Tree, error)
	// Keep holds a revision for a rollback, in the place of another if that is
	// not "".
	Keep(ctx context.Context, app *v1alpha1.Application, revision, instead string) error
	// Forget lets go of what was held for an application.
	Forget(app deliver.AppKey)
}

// DefaultInterval is how often a source is asked that nobody tells about.
const DefaultInterval = 3 * time.Minute

// Sources knows where every source is: it asks each one once for all
// applications on it, when a clock or a webhook says so. It implements
// deliver.Sources.
type Sources struct {
	Remote Remote
	// Wake is called for every application whose source moved.
	Wake func(deliver.AppKey)
	// Workers bounds the sources that are asked at the same time.
	Workers int
	Log     *slog.Logger
	Now     func() time.Time
	// Asked is told how an inquiry went; may be nil.
	Asked func(took time.Duration, err error)

	once  sync.Once
	queue workqueue.TypedDelayingInterface[string]

	mu      sync.Mutex
	entries map[string]*source
	byApp   map[deliver.AppKey]string
}

// source is one place and ref, with those who follow it.
type source struct {
	apps     map[deliver.AppKey]*v1alpha1.Application
	head     deliver.Head
	err      error
	failures int
	requests map[deliver.AppKey]string
	// askers are those who asked for an inquiry since the last one began: they
	// are told of the answer even if it is the same as before.
	askers map[deliver.AppKey]bool
	// poked is when somebody said that the source moved.
	poked time.Time
	// asked is when the last inquiry began.
	asked time.Time
}

func (s *Sources) init() {
	s.once.Do(func() {
		s.queue = workqueue.NewTypedDelayingQueue[string]()
		s.entries, s.byApp = map[string]*source{}, map[deliver.AppKey]string{}
	})
}

// keyOf identifies a source: applications in one namespace with the same place,
// ref and credentials share it.
func keyOf(app *v1alpha1.Application) string {
	src := app.Spec.Source.DeepCopy()
	src.Path, src.Helm = "", nil
	if src.Git != nil {
		src.Git.Interval, src.Git.Verify = nil, nil
		if src.Git.Secret == nil {
			return marshal(src)
		}
	}
	if src.OCI != nil {
		src.OCI.Interval = nil
		if src.OCI.Secret == nil {
			return marshal(src)
		}
	}
	return app.Namespace + " " + marshal(src)
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// follow makes sure that an application's source is asked.
func (s *Sources) follow(app *v1alpha1.Application) *source {
	s.init()
	k := deliver.AppKey{Namespace: app.Namespace, Name: app.Name}
	key := keyOf(app)
	if old, ok := s.byApp[k]; ok && old != key {
		s.leave(k, old)
	}
	e := s.entries[key]
	if e == nil {
		e = &source{apps: map[deliver.AppKey]*v1alpha1.Application{}, requests: map[deliver.AppKey]string{}, askers: map[deliver.AppKey]bool{}}
		s.entries[key] = e
		s.queue.Add(key)
	}
	// What was asked for before the source was first seen needs no new inquiry.
	request := app.Annotations[v1alpha1.AnnotationSync]
	if _, known := e.apps[k]; known && e.requests[k] != request {
		e.poked = s.Now()
		e.askers[k] = true
		s.queue.Add(key)
	}
	e.apps[k], s.byApp[k] = app, key
	e.requests[k] = request
	return e
}

func (s *Sources) leave(k deliver.AppKey, key string) {
	if e := s.entries[key]; e != nil {
		delete(e.apps, k)
		delete(e.requests, k)
		delete(e.askers, k)
		if len(e.apps) == 0 {
			delete(s.entries, key)
		}
	}
	delete(s.byApp, k)
}

// Forget drops an application.
func (s *Sources) Forget(k deliver.AppKey) {
	s.init()
	s.mu.Lock()
	if key, ok := s.byApp[k]; ok {
		s.leave(k, key)
	}
	s.mu.Unlock()
	s.Remote.Forget(k)
}

// Head implements deliver.Sources.
func (s *Sources) Head(app *v1alpha1.Application) (deliver.Head, bool, error) {
	if app.Spec.Source == nil {
		return deliver.Head{}, false, fault.New(fault.Invalid, "read the source of", app.Name, "it has none", "set spec.source")
	}
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.follow(app)
	return e.head, e.head.Revision != "", e.err
}

// Behind tells whether an application has not yet looked at where its source
// is, although it could.
func (s *Sources) Behind(app *v1alpha1.Application) bool {
	if app.Status.ObservedGeneration != app.Generation {
		return true
	}
	if app.Spec.Source == nil {
		return false
	}
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[keyOf(app)]
	if e == nil || e.head.Revision == "" {
		return e == nil || e.err == nil // one that cannot be reached holds nobody up
	}
	return app.Status.Source == nil || app.Status.Source.Revision != e.head.Revision
}

// Fetch implements deliver.Sources.
func (s *Sources) Fetch(ctx context.Context, app *v1alpha1.Application, revision string) (deliver.Tree, error) {
	return s.Remote.Fetch(ctx, app, revision)
}

// Keep implements deliver.Sources.
func (s *Sources) Keep(ctx context.Context, app *v1alpha1.Application, revision, instead string) error {
	return s.Remote.Keep(ctx, app, revision, instead)
}

// Poke has the sources asked at once that match, and tells how many do.
func (s *Sources) Poke(match func(*v1alpha1.Source) bool) int {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, e := range s.entries {
		for _, app := range e.apps {
			if match(app.Spec.Source) {
				e.poked = s.Now()
				s.queue.Add(key)
				n++
			}
			break // all applications of an entry have the same source
		}
	}
	return n
}

// Run asks until ctx ends.
func (s *Sources) Run(ctx context.Context) {
	s.init()
	var wg sync.WaitGroup
	for range max(1, s.Workers) {
		wg.Go(func() {
			for {
				key, stop := s.queue.Get()
				if stop {
					return
				}
				if ctx.Err() == nil {
					s.ask(ctx, key)
				}
				s.queue.Done(key)
			}
		})
	}
	<-ctx.Done()
	s.queue.ShutDown()
	wg.Wait()
}

// ask asks one source and wakes its followers if it moved.
func (s *Sources) ask(ctx context.Context, key string) {
	s.mu.Lock()
	e := s.entries[key]
	var app *v1alpha1.Application
	if e != nil {
		for _, a := range e.apps {
			app = a
			break
		}
	}
	var maxAge time.Duration
	var askers map[deliver.AppKey]bool
	now := s.Now()
	if e != nil {
		askers, e.askers = e.askers, map[deliver.AppKey]bool{}
		if e.poked.IsZero() || e.asked.After(e.poked) {
			// Nobody said that it moved: another ref of the same repository may
			// have been asked just now.
			maxAge = min(interval(app)/4, 10*time.Second)
		}
		e.asked = now
	}
	s.mu.Unlock()
	if app == nil {
		return
	}
	revision, ref, err := s.Remote.Resolve(ctx, app, maxAge)
	if err != nil && ctx.Err() != nil {
		return // we are ending: that says nothing about the source
	}
	if s.Asked != nil {
		s.Asked(s.Now().Sub(now), err)
	}
	s.answer(key, e, inquiry{revision: revision, ref: ref, err: err, asked: now, askers: askers})
}

// inquiry is what came of asking a source.
type inquiry struct {
	revision, ref string
	err           error
	// asked is when it began, askers who asked for it.
	asked  time.Time
	askers map[deliver.AppKey]bool
}

func (s *Sources) answer(key string, e *source, q inquiry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[key] != e {
		return
	}
	changed := said(q.err) != said(e.err)
	next := interval(anyOf(e.apps))
	if q.err != nil {
		e.failures++
		next = min(next, time.Second<<min(e.failures, 8))
		s.Log.Log(context.Background(), severity(q.err), "the source does not answer", "source", key, "error", q.err.Error())
		maps.Copy(e.askers, q.askers) // they wait on for an answer
	} else {
		e.failures = 0
		if e.head.Revision != q.revision {
			changed = true
			e.head.Seen = s.Now()
		}
		e.head.Revision, e.head.Ref, e.head.Checked = q.revision, q.ref, q.asked
	}
	e.err = q.err
	// A tenth of jitter spreads sources that began together.
	s.queue.AddAfter(key, next-next/20+time.Duration(rand.Int64N(int64(next/10)+1)))
	switch {
	case changed:
		for k := range e.apps {
			s.Wake(k)
		}
	case q.err == nil:
		for k := range q.askers {
			s.Wake(k)
		}
	}
}

// severity is how loud a failed inquiry is told: one that may succeed by itself
// is tried again, anything else needs a person.
func severity(err error) slog.Level {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.TimedOut, fault.Conflict:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// said is what a condition says of an error, "" if there is none: those who
// follow a source hear of it when that changes.
func said(err error) string {
	if err == nil {
		return ""
	}
	return deliver.Public(err)
}

func anyOf(apps map[deliver.AppKey]*v1alpha1.Application) *v1alpha1.Application {
	for _, a := range apps {
		return a
	}
	return nil
}

// interval is how often a source is asked.
func interval(app *v1alpha1.Application) time.Duration {
	if app == nil || app.Spec.Source == nil {
		return DefaultInterval
	}
	switch {
	case app.Spec.Source.Git != nil && app.Spec.Source.Git.Interval != nil:
		return max(app.Spec.Source.Git.Interval.Duration, time.Second)
	case app.Spec.Source.OCI != nil && app.Spec.Source.OCI.Interval != nil:
		return max(app.Spec.Source.OCI.Interval.Duration, time.Second)
	}
	return DefaultInterval
}

// Checked returns when an application's source last answered.
func (s *Sources) Checked(k deliver.AppKey) time.Time {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[s.byApp[k]]; e != nil {
		return e.head.Checked
	}
	return time.Time{}
}
