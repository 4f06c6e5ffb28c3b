package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// releaseServer keeps releases as an API server does, as far as the program
// uses one.
type releaseServer struct {
	mu       sync.Mutex
	releases map[string]*v1alpha1.Release
	calls    []string
	refuse   int
	changed  chan struct{}
	serial   int
	// hold is waited for before a release is made, and arrived says that one is to be.
	hold, arrived chan struct{}
}

func (s *releaseServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.hold != nil && r.Method == http.MethodPost {
		close(s.arrived)
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}()
	s.calls = append(s.calls, r.Method)
	answer := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v) // the client notices
	}
	status := func(code int, reason metav1.StatusReason) {
		answer(code, metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: reason, Code: int32(code)})
	}
	name := path.Base(r.URL.Path)
	if s.refuse > 0 {
		s.refuse--
		status(http.StatusInternalServerError, metav1.StatusReasonInternalError)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		status(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		return
	}
	switch r.Method {
	case http.MethodPost:
		var rel v1alpha1.Release
		if err := json.Unmarshal(body, &rel); err != nil {
			status(http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		if s.releases[rel.Name] != nil {
			status(http.StatusConflict, metav1.StatusReasonAlreadyExists)
			return
		}
		s.serial++
		rel.ResourceVersion = fmt.Sprint(s.serial)
		rel.CreationTimestamp = metav1.NewTime(time.Unix(int64(s.serial), 0))
		s.releases[rel.Name] = &rel
		answer(http.StatusCreated, rel)
	case http.MethodPatch:
		if s.releases[name] == nil {
			status(http.StatusNotFound, metav1.StatusReasonNotFound)
			return
		}
		if err := json.Unmarshal(body, s.releases[name]); err != nil {
			status(http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		answer(http.StatusOK, s.releases[name])
	case http.MethodDelete:
		delete(s.releases, name)
		answer(http.StatusOK, metav1.Status{Status: "Success"})
	case http.MethodGet:
		var list v1alpha1.ReleaseList
		for _, rel := range s.releases {
			list.Items = append(list.Items, *rel)
		}
		answer(http.StatusOK, list)
	}
}

func (s *releaseServer) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, " ")
}

func (s *releaseServer) phase(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.releases[name] == nil {
		return "absent"
	}
	return s.releases[name].Status.Phase
}

func newReleaseServer(t *testing.T, keep int) (*releaseServer, *Releases) {
	t.Helper()
	s := &releaseServer{releases: map[string]*v1alpha1.Release{}, changed: make(chan struct{}, 1)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client, err := New(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, &Releases{Client: client, Keep: keep}
}

func release(name string) *v1alpha1.Release {
	return &v1alpha1.Release{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: v1alpha1.ReleaseSpec{Application: "orders", Revision: "abc"}}
}

var orders = deliver.AppKey{Namespace: "shop", Name: "orders"}

func phase(p string) func(*v1alpha1.ReleaseStatus) {
	return func(s *v1alpha1.ReleaseStatus) { s.Phase = p }
}

func TestReleasesThatAreOverSoonTakeOneWrite(t *testing.T) {
	s, r := newReleaseServer(t, 10)
	ctx := context.Background()
	rel := release("one")
	if err := r.Create(ctx, rel); err != nil {
		t.Fatal(err)
	}
	if err := r.Create(ctx, rel); err != nil { // as after a pass that failed
		t.Fatal(err)
	}
	if got, err := r.Get(ctx, "shop", "one"); err != nil || got.Spec.Revision != "abc" {
		t.Fatalf("unwritten: %v, %v", got, err)
	}
	if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseWatching)); err != nil {
		t.Fatal(err)
	}
	if got := s.said(); got != "" {
		t.Fatalf("wrote before there was much to tell: %s", got)
	}
	if err := r.SetStatus(ctx, orders, "one", func(st *v1alpha1.ReleaseStatus) { st.Phase, st.Message = v1alpha1.PhaseGood, "healthy" }); err != nil {
		t.Fatal(err)
	}
	if got := s.said(); got != "POST" || s.phase("one") != v1alpha1.PhaseGood {
		t.Fatalf("%s, %s", got, s.phase("one"))
	}
}

func TestReleasesThatTakeLongerAreShown(t *testing.T) {
	s, r := newReleaseServer(t, 10)
	s.refuse = 1 // the first try fails, and is made again
	if err := r.Create(context.Background(), release("slow")); err != nil {
		t.Fatal(err)
	}
	s.eventually(t, "slow", "")
	if err := r.SetStatus(context.Background(), orders, "slow", phase(v1alpha1.PhaseFailed)); err != nil {
		t.Fatal(err)
	}
	if got := s.said(); got != "POST POST PATCH" || s.phase("slow") != v1alpha1.PhaseFailed {
		t.Fatalf("%s, %s", got, s.phase("slow"))
	}
}

func TestAnEndThatCannotBeWrittenIsAnError(t *testing.T) {
	s, r := newReleaseServer(t, 10)
	ctx := context.Background()
	if err := r.Create(ctx, release("one")); err != nil {
		t.Fatal(err)
	}
	s.refuse = 1
	if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseGood)); err == nil {
		t.Fatal("no error")
	}
	if got, err := r.Get(ctx, "shop", "one"); err != nil || got.Status.Phase != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseGood)); err != nil || s.phase("one") != v1alpha1.PhaseGood {
		t.Fatalf("%v, %s", err, s.phase("one"))
	}
}

// eventually waits until a release is in a phase.
func (s *releaseServer) eventually(t *testing.T, name, want string) {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for s.phase(name) != want {
		select {
		case <-s.changed:
		case <-late.C:
			t.Fatalf("%s is %s, not %s", name, s.phase(name), want)
		}
	}
}

func TestAnEndIsNotOvertakenByTheReleaseItself(t *testing.T) {
	s, r := newReleaseServer(t, 10)
	s.hold, s.arrived = make(chan struct{}), make(chan struct{})
	ctx := context.Background()
	if err := r.Create(ctx, release("one")); err != nil {
		t.Fatal(err)
	}
	<-s.arrived // it is being shown
	if got, err := r.Get(ctx, "shop", "one"); err != nil || got.Spec.Revision != "abc" {
		t.Fatalf("while it is written: %+v, %v", got, err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if err := r.SetStatus(short, orders, "one", phase(v1alpha1.PhaseFailed)); err == nil {
		t.Fatal("said something of a release that is not made yet")
	}
	failed := make(chan error)
	go func() { failed <- r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseFailed)) }()
	close(s.hold)
	if err := <-failed; err != nil || s.phase("one") != v1alpha1.PhaseFailed || s.said() != "POST PATCH" {
		t.Fatalf("%v, %s, %s", err, s.phase("one"), s.said())
	}
}

func TestABadEndIsToldAsSoonAsItCanBe(t *testing.T) {
	for _, made := range []bool{false, true} {
		t.Run(fmt.Sprintf("made before %t", made), func(t *testing.T) {
			t.Parallel()
			s, r := newReleaseServer(t, 10)
			ctx := context.Background()
			if made {
				s.releases["one"] = release("one")
			} else if err := r.Create(ctx, release("one")); err != nil {
				t.Fatal(err)
			}
			s.refuse = 1
			if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseFailed)); err == nil {
				t.Fatal("no error")
			}
			// Nobody asks again: the way back does not wait for the record.
			if err := r.SetStatus(ctx, orders, "another", phase(v1alpha1.PhaseGood)); err != nil {
				t.Fatal(err)
			}
			s.eventually(t, "one", v1alpha1.PhaseFailed)
		})
	}
}

func TestAGoodEndThatCannotBeWrittenIsAskedForAgain(t *testing.T) {
	s, r := newReleaseServer(t, 10)
	ctx := context.Background()
	s.releases["one"] = release("one")
	s.refuse = 1
	if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseGood)); err == nil {
		t.Fatal("no error")
	}
	if len(r.unwritten) != 0 {
		t.Fatalf("kept: %v", r.unwritten)
	}
}

func TestAReleaseOfBeforeARestartGetsItsStatus(t *testing.T) {
	s, r := newReleaseServer(t, 10)
	ctx := context.Background()
	s.releases["one"] = release("one")
	if err := r.Create(ctx, release("one")); err != nil {
		t.Fatal(err)
	}
	if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseSuperseded)); err != nil {
		t.Fatal(err)
	}
	if got := s.said(); got != "POST PATCH" || s.phase("one") != v1alpha1.PhaseSuperseded {
		t.Fatalf("%s, %s", got, s.phase("one"))
	}
	if err := r.SetStatus(ctx, orders, "deleted by hand", phase(v1alpha1.PhaseGood)); err != nil {
		t.Fatalf("a release that is gone: %v", err)
	}
}

func TestOldReleasesGo(t *testing.T) {
	s, r := newReleaseServer(t, 4)
	ctx := context.Background()
	for i := range 30 {
		name := fmt.Sprintf("r%02d", i)
		if err := r.Create(ctx, release(name)); err != nil {
			t.Fatal(err)
		}
		if err := r.SetStatus(ctx, orders, name, phase(v1alpha1.PhaseGood)); err != nil {
			t.Fatal(err)
		}
		if n := len(s.releases); n > 4+4/2+1 {
			t.Fatalf("%d releases after %s", n, name)
		}
	}
	var left []string
	for name := range s.releases {
		left = append(left, name)
	}
	slices.Sort(left)
	if !slices.Contains(left, "r29") || slices.Contains(left, "r22") {
		t.Errorf("left: %v", left)
	}
	if lists := strings.Count(s.said(), "GET"); lists != 10 {
		t.Errorf("listed %d times", lists)
	}
}

func TestForgottenReleasesAreNotWritten(t *testing.T) {
	s, r := newReleaseServer(t, 4)
	if err := r.Create(context.Background(), release("one")); err != nil {
		t.Fatal(err)
	}
	r.Forget(orders)
	if len(r.unwritten) != 0 || s.said() != "" {
		t.Errorf("%d unwritten, %s", len(r.unwritten), s.said())
	}
}

func TestAGoodEndWaitsWhileMuchIsApplied(t *testing.T) {
	ctx := context.Background()
	begin := func(t *testing.T) (*releaseServer, *Releases) {
		s, r := newReleaseServer(t, 10)
		for range manyCalls {
			if err := r.Client.limit.acquire(ctx, false); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Create(ctx, release("one")); err != nil {
			t.Fatal(err)
		}
		return s, r
	}
	t.Run("until the status that refers to it is written", func(t *testing.T) {
		s, r := begin(t)
		if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseGood)); err != nil || s.said() != "" {
			t.Fatalf("%v, wrote %q", err, s.said())
		}
		if got, err := r.Get(ctx, "shop", "one"); err != nil || got.Status.Phase != v1alpha1.PhaseGood {
			t.Fatalf("unwritten: %+v, %v", got, err)
		}
		if err := r.Flush(ctx, deliver.AppKey{Namespace: "shop", Name: "web"}); err != nil || s.said() != "" {
			t.Fatalf("another's: %v, wrote %q", err, s.said())
		}
		s.refuse = 1
		if err := r.Flush(ctx, orders); err == nil {
			t.Fatal("no error, though it is not written")
		}
		if err := r.Flush(ctx, orders); err != nil || s.said() != "POST POST" || s.phase("one") != v1alpha1.PhaseGood {
			t.Fatalf("%v, %q, %s", err, s.said(), s.phase("one"))
		}
		if err := r.Flush(ctx, orders); err != nil || s.said() != "POST POST" {
			t.Fatalf("twice: %v, %q", err, s.said())
		}
	})
	t.Run("or until it is quiet", func(t *testing.T) {
		s, r := begin(t)
		if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseGood)); err != nil {
			t.Fatal(err)
		}
		for range manyCalls {
			r.Client.limit.release(http.StatusOK, time.Millisecond, nil, false)
		}
		s.eventually(t, "one", v1alpha1.PhaseGood)
	})
	t.Run("a bad end does not", func(t *testing.T) {
		s, r := begin(t)
		if err := r.SetStatus(ctx, orders, "one", phase(v1alpha1.PhaseFailed)); err != nil || s.said() != "POST" {
			t.Fatalf("%v, wrote %q", err, s.said())
		}
	})
}

// TestWhatIsNoListIsNotEmpty has an answer that holds no list be an error wherever a list
// is read: nothing must not be taken for none.
func TestWhatIsNoListIsNotEmpty(t *testing.T) {
	for _, text := range []string{`{"status":"ok"}`, `null`, `[]`, `{"kind":"Status","status":"Failure"}`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, text) // the client notices
		}))
		client, err := New(&rest.Config{Host: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		ctx, desk := t.Context(), Desk{client}
		_, releases := desk.Releases(ctx, "shop")
		_, _, applications := desk.Applications(ctx, "shop")
		_, objectives := desk.SLOs(ctx, "shop")
		_, told := NewEvents(client, "test").Told(ctx, "shop")
		for what, err := range map[string]error{"releases": releases, "applications": applications, "objectives": objectives, "told": told} {
			if err == nil {
				t.Errorf("%s of %s are none", what, text)
			}
		}
		server.Close()
	}
}
