package daemon

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
)

var (
	goodCommit = strings.Repeat("a", 40)
	badCommit  = strings.Repeat("b", 40)
)

// github is a forge with two commits of one file. What is made there is kept.
type github struct {
	*httptest.Server
	mu       sync.Mutex
	down     bool
	made     map[string]bool
	pulls    []map[string]any
	statuses []map[string]any
	changed  chan struct{}
}

func newGithub(t *testing.T) *github {
	g := &github{made: map[string]bool{}, changed: make(chan struct{}, 1000)}
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *github) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() { g.changed <- struct{}{} }()
	path := strings.TrimPrefix(r.URL.Path, "/repos/team/shop")
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	var out any = map[string]any{"sha": "made", "tree": map[string]any{"sha": "tree"}, "default_branch": "main", "number": 1, "html_url": g.URL + "/pull/1"}
	switch {
	case g.down:
		w.WriteHeader(http.StatusBadGateway)
		return
	case r.Header.Get("Authorization") != "Bearer t0ken":
		w.WriteHeader(http.StatusUnauthorized)
		return
	case path == "/branches/main":
		out = map[string]any{"commit": map[string]any{"sha": badCommit}}
	case strings.HasPrefix(path, "/branches/"):
		w.WriteHeader(http.StatusNotFound)
		return
	case path == "/git/trees/"+goodCommit, path == "/git/trees/"+badCommit:
		out = map[string]any{"tree": []map[string]any{{"path": "web.yaml", "mode": "100644", "type": "blob", "sha": path}}}
	case path == "/pulls" && r.Method == http.MethodGet:
		out = g.pulls
	case path == "/pulls":
		g.pulls = append(g.pulls, map[string]any{"html_url": g.URL + "/pull/1", "body": in["body"], "title": in["title"]})
	case strings.HasPrefix(path, "/statuses/"):
		in["commit"] = strings.TrimPrefix(path, "/statuses/")
		g.statuses = append(g.statuses, in)
	}
	_ = json.NewEncoder(w).Encode(out)
}

// last returns the newest status of a context.
func (g *github) last(context, commit string) map[string]any {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.statuses) - 1; i >= 0; i-- {
		if g.statuses[i]["context"] == context && g.statuses[i]["commit"] == commit {
			return g.statuses[i]
		}
	}
	return nil
}

func shop(url string) *v1alpha1.Application {
	app := &v1alpha1.Application{}
	app.Namespace, app.Name = "prod", "shop"
	app.Spec.Source = &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: "https://git.example/team/shop"}}
	app.Spec.Rollback.PullRequest = &v1alpha1.RevertRequest{Forge: "github", URL: url, Repository: "team/shop", Secret: v1alpha1.LocalReference{Name: "forge"}}
	app.Status.Quarantine = []v1alpha1.Quarantined{{Revision: badCommit, Release: "shop-1"}}
	return app
}

// started runs something until the test ends.
func started(t *testing.T, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// within waits for a condition that is looked at after each event.
func within(t *testing.T, events <-chan struct{}, what string, ok func() bool) {
	t.Helper()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for !ok() {
		select {
		case <-events:
		case <-late.C:
			t.Fatal("never: " + what)
		}
	}
}

func secretOf(token string) func(context.Context, string, string) (map[string][]byte, error) {
	return func(_ context.Context, namespace, name string) (map[string][]byte, error) {
		if namespace != "prod" || name != "forge" {
			return nil, fault.New(fault.NotFound, "read secret", name, "not there", "")
		}
		return map[string][]byte{"token": []byte(token)}, nil
	}
}

func testForges(t *testing.T, app *v1alpha1.Application) (f *forges, woken chan struct{}) {
	woken = make(chan struct{}, 1000)
	f = newForges(true, slog.New(slog.DiscardHandler), func(deliver.AppKey) { woken <- struct{}{} })
	f.app = func(deliver.AppKey) *v1alpha1.Application { return app }
	f.secret = secretOf("t0ken")
	f.release = func(context.Context, string, string) (*v1alpha1.Release, error) {
		r := &v1alpha1.Release{Status: v1alpha1.ReleaseStatus{Evidence: []v1alpha1.Evidence{{Kind: "event", Text: "Back-off restarting"}}}}
		r.Name = "shop-1"
		return r, nil
	}
	f.scope = func(context.Context, *v1alpha1.Application, string) (forge.Scope, error) { return forge.Scope{}, nil }
	return f, woken
}

var reversion = deliver.Reversion{Bad: badCommit, Good: goodCommit, Release: "shop-1", Reason: "crash loop", RolledBack: true}

func TestForgesOpenOneRequest(t *testing.T) {
	g := newGithub(t)
	g.down = true
	app := shop(g.URL)
	f, woken := testForges(t, app)
	pauses := make(chan struct{})
	f.pause = func(ctx context.Context, _ time.Duration) {
		select {
		case pauses <- struct{}{}:
		case <-ctx.Done():
		}
	}
	if a := f.Revert(app, reversion); a.Done {
		t.Fatalf("an answer before the forge was asked: %+v", a)
	}
	started(t, f.Run)
	<-woken
	if a := f.Revert(app, reversion); !a.Done || a.Final || fault.KindOf(a.Err) != fault.Unavailable {
		t.Fatalf("the forge is down: %+v", a)
	}
	g.mu.Lock()
	g.down = false
	g.mu.Unlock()
	<-pauses // the next try
	<-woken
	a := f.Revert(app, reversion)
	if a.Address != g.URL+"/pull/1" || a.Err != nil {
		t.Fatalf("%+v", a)
	}
	g.mu.Lock()
	body, _ := g.pulls[0]["body"].(string)
	g.mu.Unlock()
	if !strings.Contains(body, "crash loop") || !strings.Contains(body, "Back-off restarting") {
		t.Errorf("the body:\n%s", body)
	}
	// Asked again, as after a restart, it is the same.
	f.Revert(app, reversion)
	<-woken
	if again := f.Revert(app, reversion); again.Address != a.Address || len(g.pulls) != 1 {
		t.Errorf("asked again: %+v, %d requests", again, len(g.pulls))
	}
}

func TestForgesGiveUp(t *testing.T) {
	g := newGithub(t)
	for name, c := range map[string]struct {
		change func(*forges, *v1alpha1.Application)
		kind   fault.Kind
		final  bool
	}{
		"no secret":   {func(f *forges, a *v1alpha1.Application) { a.Spec.Rollback.PullRequest.Secret.Name = "other" }, fault.NotFound, false},
		"wrong token": {func(f *forges, a *v1alpha1.Application) { f.secret = secretOf("other") }, fault.Denied, false},
		"no git":      {func(f *forges, a *v1alpha1.Application) { a.Spec.Source.Git = nil }, fault.Blocked, true},
		"no scope": {func(f *forges, a *v1alpha1.Application) {
			f.scope = func(context.Context, *v1alpha1.Application, string) (forge.Scope, error) {
				return forge.Scope{}, fault.New(fault.Unavailable, "fetch", "", "down", "")
			}
		}, fault.Unavailable, false},
	} {
		app := shop(g.URL)
		f, woken := testForges(t, app)
		f.pause = func(ctx context.Context, _ time.Duration) { <-ctx.Done() }
		c.change(f, app)
		f.Revert(app, reversion)
		started(t, f.Run)
		<-woken
		if a := f.Revert(app, reversion); !a.Done || fault.KindOf(a.Err) != c.kind || a.Final != c.final || strings.Contains(a.Err.Error(), "t0ken") {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestForgesForgetWhatNobodyWants(t *testing.T) {
	g := newGithub(t)
	g.down = true
	app := shop(g.URL)
	f, woken := testForges(t, app)
	var mu sync.Mutex
	f.app = func(deliver.AppKey) *v1alpha1.Application { mu.Lock(); defer mu.Unlock(); return app.DeepCopy() }
	done := make(chan struct{}, 1)
	f.pause = func(context.Context, time.Duration) {
		mu.Lock()
		app.Status.Quarantine = nil
		mu.Unlock()
		done <- struct{}{}
	}
	f.Revert(app, reversion)
	started(t, f.Run)
	<-woken
	<-done
	within(t, tick(t), "the job ends", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.jobs) == 0 && len(f.wants) == 0 })
}

// tick is for conditions that nothing tells of.
func tick(t *testing.T) <-chan struct{} {
	c := make(chan struct{})
	ticker := time.NewTicker(2 * time.Millisecond)
	stop := make(chan struct{})
	t.Cleanup(func() { ticker.Stop(); close(stop) })
	go func() {
		for {
			select {
			case <-ticker.C:
				select {
				case c <- struct{}{}:
				case <-stop:
					return
				}
			case <-stop:
				return
			}
		}
	}()
	return c
}

// kept keeps releases as the cluster does.
type kept map[string]*v1alpha1.Release

func (k kept) Create(_ context.Context, r *v1alpha1.Release) error { k[r.Name] = r; return nil }
func (k kept) SetStatus(_ context.Context, _ deliver.AppKey, name string, change func(*v1alpha1.ReleaseStatus)) error {
	if k[name] == nil {
		return fault.New(fault.NotFound, "write", name, "none", "")
	}
	change(&k[name].Status)
	return nil
}

func release(name, revision string) *v1alpha1.Release {
	r := &v1alpha1.Release{Spec: v1alpha1.ReleaseSpec{Application: "shop", Revision: revision}}
	r.Namespace, r.Name = "prod", name
	r.Annotations = map[string]string{v1alpha1.AnnotationTraceID: "trace of " + name}
	return r
}

func TestStatuses(t *testing.T) {
	g := newGithub(t)
	app := shop(g.URL)
	f, _ := testForges(t, app)
	releases := kept{}
	s := newStatuses(releases, slog.New(slog.DiscardHandler), func(deliver.AppKey) {})
	s.app, s.open = f.app, f.open
	s.release = func(_ context.Context, _, name string) (*v1alpha1.Release, error) { return releases[name], nil }
	started(t, s.Run)
	k := deliver.AppKey{Namespace: "prod", Name: "shop"}
	phase := func(name, phase, message string) {
		t.Helper()
		if err := s.SetStatus(t.Context(), k, name, func(st *v1alpha1.ReleaseStatus) { st.Phase, st.Message = phase, message }); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(context, commit, state, says string) {
		t.Helper()
		within(t, g.changed, context+" "+state, func() bool {
			last := g.last(context, commit)
			return last["state"] == state && strings.Contains(last["description"].(string), says)
		})
	}
	if err := s.Create(t.Context(), release("shop-1", badCommit)); err != nil {
		t.Fatal(err)
	}
	expect("aeo/prod/shop", badCommit, "pending", "applied")
	s.Span(deliver.Span{Trace: "trace of shop-1", Name: deliver.SpanFetch})
	s.Span(deliver.Span{Trace: "trace of another", Name: deliver.SpanGate})
	s.Span(deliver.Span{Trace: "trace of shop-1", Name: deliver.SpanGate})
	expect("aeo/gate/prod/shop", badCommit, "success", "passes")
	phase("shop-1", v1alpha1.PhaseFailed, "crash loop")
	expect("aeo/prod/shop", badCommit, "failure", "crash loop")
	other := strings.Repeat("c", 40)
	if err := s.Create(t.Context(), release("shop-2", other)); err != nil {
		t.Fatal(err)
	}
	s.Span(deliver.Span{Trace: "trace of shop-2", Name: deliver.SpanGate, Failed: "web.yaml:7: privileged"})
	phase("shop-2", v1alpha1.PhaseRefused, "web.yaml:7: privileged")
	expect("aeo/gate/prod/shop", other, "failure", "web.yaml:7")
	expect("aeo/prod/shop", other, "failure", "refused")
	// A release from before the last start is found.
	s.forget(k)
	phase("shop-1", v1alpha1.PhaseSuperseded, "")
	expect("aeo/prod/shop", badCommit, "error", "another")
	// What is said of no phase, of no commit or where no forge is named is not told.
	before := len(g.statuses)
	phase("shop-1", "", "")
	_ = s.Create(t.Context(), release("shop-3", "sha256:1"))
	app.Spec.Rollback.PullRequest = nil
	phase("shop-2", v1alpha1.PhaseGood, "")
	within(t, tick(t), "nothing waits", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.due) == 0 })
	if len(g.statuses) != before {
		t.Errorf("told: %v", g.statuses[before:])
	}
	if err := s.SetStatus(t.Context(), k, "none", func(*v1alpha1.ReleaseStatus) {}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}

func TestPatience(t *testing.T) {
	for _, c := range []struct {
		kind fault.Kind
		try  int
		want time.Duration
	}{{fault.Unavailable, 0, 10 * time.Second}, {fault.Unavailable, 3, 80 * time.Second}, {fault.Conflict, 50, 15 * time.Minute}, {fault.Denied, 0, 15 * time.Minute}, {fault.NotFound, 0, 15 * time.Minute}} {
		if got := patience(fault.New(c.kind, "", "", "", ""), c.try); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
