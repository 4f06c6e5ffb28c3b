package controller

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// place is a source whose answer a test sets.
type place struct {
	mu       sync.Mutex
	revision string
	err      error
}

func (p *place) set(revision string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revision, p.err = revision, err
}

func (p *place) Resolve(context.Context, *v1alpha1.Application, time.Duration) (string, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.revision, "", p.err
}

func (p *place) Fetch(context.Context, *v1alpha1.Application, string) (deliver.Tree, error) {
	return nil, errors.New("not asked here")
}
func (p *place) Keep(context.Context, *v1alpha1.Application, string, string) error { return nil }
func (p *place) Forget(deliver.AppKey)                                             {}

// TestWhoAsksHearsOfAnAnswer has a person ask for a sync where there is nothing
// new: the application hears of it, and no other that follows the source.
func TestWhoAsksHearsOfAnAnswer(t *testing.T) {
	woken := make(chan deliver.AppKey, 10)
	p := &place{}
	p.set("one", nil)
	s := &Sources{Remote: p, Wake: func(k deliver.AppKey) { woken <- k }, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	app := func(name, request string) *v1alpha1.Application {
		a := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, Annotations: map[string]string{v1alpha1.AnnotationSync: request}}}
		a.Spec.Source = &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: "https://git.example.com/a"}}
		return a
	}
	look := func(name, request string) {
		t.Helper()
		if _, _, err := s.Head(app(name, request)); err != nil && request != "when down" {
			t.Fatal(err)
		}
	}
	ask := func(want ...string) {
		t.Helper()
		s.ask(t.Context(), keyOf(app("a", "")))
		got := []string{}
		for len(woken) > 0 {
			got = append(got, (<-woken).Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%v are woken, not %v", got, want)
		}
	}
	look("a", "")
	look("b", "")
	ask("a", "b")
	ask()
	look("a", "1")
	ask("a")
	ask()
	look("a", "1")
	ask()
	// While the source is down nobody is told the same again; then they are.
	look("b", "2")
	p.set("", fault.New(fault.Unavailable, "reach", "x", "it is down", ""))
	ask("a", "b")
	look("b", "when down")
	ask()
	p.set("one", nil)
	ask("a", "b")
	ask()
}

// TestSourcesTellWhatChanges has those who follow a source hear of a revision,
// of an error, of another error, and of the end of it; and of nothing else.
func TestSourcesTellWhatChanges(t *testing.T) {
	down := fault.New(fault.Unavailable, "reach", "x", "it is down", "")
	gone := fault.New(fault.NotFound, "reach", "x", "it is gone", "")
	woken := make(chan deliver.AppKey, 10)
	p := &place{}
	p.set("one", nil)
	s := &Sources{Remote: p, Wake: func(k deliver.AppKey) { woken <- k }, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "a"}}
	app.Spec.Source = &v1alpha1.Source{OCI: &v1alpha1.OCISource{URL: "oci://registry.example.com/a", Interval: &metav1.Duration{Duration: time.Hour}}}
	if _, ok, err := s.Head(app); ok || err != nil {
		t.Fatal(ok, err)
	}
	key := keyOf(app)
	for i, x := range []struct {
		revision string
		err      error
		told     bool
	}{
		{"one", nil, true}, {"one", nil, false}, {"", down, true}, {"", down, false}, {"", gone, true},
		{"one", nil, true}, {"two", nil, true}, {"two", nil, false},
	} {
		p.set(x.revision, x.err)
		s.ask(t.Context(), key)
		select {
		case <-woken:
			if !x.told {
				t.Errorf("%d: told of nothing new", i)
			}
		default:
			if x.told {
				t.Errorf("%d: not told", i)
			}
		}
		head, ok, err := s.Head(app)
		if !errors.Is(err, x.err) || !ok || x.err == nil && head.Revision != x.revision || head.Revision == "" {
			t.Errorf("%d: %+v %v %v", i, head, ok, err)
		}
	}
}
