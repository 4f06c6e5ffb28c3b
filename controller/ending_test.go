package controller

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// shelf keeps one application and notes the statuses that are written.
type shelf struct {
	app      *v1alpha1.Application
	statuses []*v1alpha1.ApplicationStatus
}

func (s *shelf) Get(deliver.AppKey) *v1alpha1.Application { return s.app }
func (s *shelf) All() []*v1alpha1.Application             { return []*v1alpha1.Application{s.app} }
func (s *shelf) Synced() bool                             { return true }
func (s *shelf) SetStatus(_ context.Context, _ *v1alpha1.Application, status *v1alpha1.ApplicationStatus) error {
	s.statuses = append(s.statuses, status)
	return nil
}
func (s *shelf) SetFinalizer(context.Context, *v1alpha1.Application, bool) error { return nil }

// stopped is an engine that is told to end in the middle of a reconcile, and
// takes that for a failure.
type stopped struct{ stop context.CancelFunc }

func (e stopped) Reconcile(_ context.Context, app *v1alpha1.Application) (deliver.Outcome, error) {
	e.stop()
	status := app.Status.DeepCopy()
	status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionSynced, Status: metav1.ConditionFalse, Reason: "Unavailable", Message: "terminated signal received"}}
	return deliver.Outcome{Status: status, Again: time.Minute}, nil
}
func (stopped) Forget(deliver.AppKey)                                       {}
func (stopped) Wants(deliver.AppKey, deliver.Key) (wanted bool, known bool) { return false, false }

// TestEndingIsNoFailure has the program end while a source is asked and while an
// application is reconciled: no log says that anything failed, and no status.
func TestEndingIsNoFailure(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	woken := 0
	p := &place{}
	s := &Sources{Remote: p, Wake: func(deliver.AppKey) { woken++ }, Log: logger, Now: time.Now, Asked: func(_ time.Duration, err error) {
		if err != nil {
			t.Error("it is counted as a failure")
		}
	}}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "a", Finalizers: []string{v1alpha1.Finalizer}}}
	app.Spec.Source = &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: "https://git.example.com/a"}}
	if _, _, err := s.Head(app); err != nil {
		t.Fatal(err)
	}
	kept := &shelf{app: app}
	a := &Applications{Store: kept, Engine: stopped{stop}, Sources: s, Log: logger}
	a.Wake(deliver.AppKey{Namespace: "n", Name: "a"})
	a.next(ctx)
	if len(kept.statuses) != 0 {
		t.Errorf("written: %+v", kept.statuses)
	}
	p.set("", fault.Wrap(fault.Unavailable, "ask", "x", context.Canceled, ""))
	s.ask(ctx, keyOf(app))
	if _, _, err := s.Head(app); err != nil || woken != 0 || log.Len() != 0 {
		t.Errorf("%v, %d woken, %s", err, woken, log.String())
	}
}

// TestSeverity has what is tried again and may pass be a warning, and what needs
// a person an error.
func TestSeverity(t *testing.T) {
	for kind, want := range map[fault.Kind]string{
		fault.Unavailable: "WARN", fault.TimedOut: "WARN", fault.Conflict: "WARN", fault.Denied: "ERROR", fault.NotFound: "ERROR", fault.Invalid: "ERROR",
	} {
		var log bytes.Buffer
		p := &place{}
		p.set("", fault.New(kind, "ask", "x", "why", ""))
		s := &Sources{Remote: p, Wake: func(deliver.AppKey) {}, Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: time.Now}
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "a"}}
		app.Spec.Source = &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: "https://git.example.com/a"}}
		if _, _, err := s.Head(app); err != nil {
			t.Fatal(err)
		}
		s.ask(t.Context(), keyOf(app))
		if !strings.Contains(log.String(), `"level":"`+want+`"`) {
			t.Errorf("%s: %s", kind, log.String())
		}
	}
}
