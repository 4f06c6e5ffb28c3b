package daemon

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/internal/app"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
)

const privileged = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example.com/web@sha256:0000000000000000000000000000000000000000000000000000000000000000
      securityContext:
        privileged: true
`

// observing is what judges an observed application, without a cluster: a real
// mirror, renderer, gate and ledger, and a forge.
type observing struct {
	*controller.Observed
	app   *v1alpha1.Application
	body  map[string]any
	woken chan struct{}
	dir   string
	t     *testing.T
}

func newObserving(t *testing.T, g *github) *observing {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	o := &observing{t: t, dir: filepath.Join(t.TempDir(), "repo"), woken: make(chan struct{}, 1000)}
	o.git("init", "-q", "-b", "main", o.dir)
	mirrors, err := gitmirror.Open(filepath.Join(t.TempDir(), "cache"), gitmirror.Options{AllowFile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mirrors.Close(); err != nil {
			t.Error(err)
		}
	})
	ledger, err := openLedger(t.Context(), Ledger{Location: filepath.Join(t.TempDir(), "ledger.db")}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ledger.close(); err != nil {
			t.Error(err)
		}
	})
	o.app = shop(g.URL)
	o.app.Spec.Source, o.app.Status = nil, v1alpha1.ApplicationStatus{}
	o.app.Spec.Observe = &v1alpha1.ObjectReference{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Name: "shop"}
	o.body = map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": "shop", "namespace": "prod"},
		"spec": map[string]any{
			"source":      map[string]any{"repoURL": "file://" + o.dir, "targetRevision": "main"},
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "prod"},
		},
	}
	f, _ := testForges(t, o.app)
	s := newStatuses(kept{}, log, func(deliver.AppKey) { o.woken <- struct{}{} })
	s.app, s.open = f.app, f.open
	started(t, s.Run)
	sources := &controller.Sources{
		Remote: &delivery.Remote{Mirrors: mirrors}, Wake: func(deliver.AppKey) { o.woken <- struct{}{} }, Workers: 1, Log: log, Now: time.Now,
	}
	started(t, sources.Run)
	charts := helm.New(helm.Options{APIVersions: app.ServedByAll()})
	digester := &deliver.Digester{Key: make([]byte, 32)}
	judge := &controller.Judge{
		Sources: sources, Journal: ledger, Digester: digester, Report: s.report, Now: time.Now,
		Renderer: delivery.NewRenderer(charts, kustomize.New(kustomize.Options{}), &delivery.Inputs{Digester: digester}),
		Gate:     &delivery.Gate{Engine: app.NewEngine(""), Choose: app.ChooseChecks, Now: time.Now},
	}
	o.Observed = &controller.Observed{Now: time.Now, Judge: judge, Look: func(deliver.AppKey, deliver.GVK, deliver.Key) (map[string]any, bool, error) { return o.body, true, nil }}
	return o
}

func (o *observing) git(args ...string) string {
	o.t.Helper()
	c := exec.Command("git", append([]string{"-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := c.CombinedOutput()
	if err != nil {
		o.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit commits a file, and pokes the source as a webhook does.
func (o *observing) commit(name, text string) string {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o644); err != nil {
		o.t.Fatal(err)
	}
	o.git("-C", o.dir, "add", "-A")
	o.git("-C", o.dir, "commit", "-q", "-m", "change")
	o.Judge.Sources.Poke(func(s *v1alpha1.Source) bool { return s.Git.URL == "file://"+o.dir })
	return o.git("-C", o.dir, "rev-parse", "HEAD")
}

// until looks each time it is woken, until the gate says something of a revision.
func (o *observing) until(revision, status, message string) {
	o.t.Helper()
	var last metav1.Condition
	events := make(chan struct{}, 1)
	events <- struct{}{}
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for {
		select {
		case <-events:
		case <-o.woken:
		case <-late.C:
			o.t.Fatalf("not %s of %s: %+v", status, revision, last)
		}
		out, err := o.Observe(o.t.Context(), o.app)
		if err != nil {
			o.t.Fatal(err)
		}
		o.app.Status = *out.Status
		for _, c := range o.app.Status.Conditions {
			if c.Type == v1alpha1.ConditionGated {
				last = c
			}
		}
		if src := o.app.Status.Source; src != nil && src.Revision == revision && string(last.Status) == status && strings.Contains(last.Message, message) {
			return
		}
	}
}

// TestObservedIsGated judges the commits of a repository that another tool
// follows, and says so beside them.
func TestObservedIsGated(t *testing.T) {
	g := newGithub(t)
	o := newObserving(t, g)
	expect := func(commit, state, says string) {
		t.Helper()
		within(t, g.changed, state, func() bool {
			last := g.last("aeo/gate/prod/shop", commit)
			description, _ := last["description"].(string)
			return last["state"] == state && strings.Contains(description, says)
		})
	}
	good := o.commit("web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n")
	o.until(good, "True", "passes the gate")
	expect(good, "success", "passes")
	bad := o.commit("web.yaml", privileged)
	o.until(bad, "False", "web.yaml:")
	expect(bad, "failure", "web.yaml:")
	if gate := o.app.Status.Gate; gate.Verdict != v1alpha1.VerdictRefused || len(gate.Findings) == 0 || gate.Findings[0].File != "web.yaml" || gate.Findings[0].Line == 0 || o.app.Status.Posture.Critical == 0 {
		t.Errorf("%+v, %+v", gate, o.app.Status.Posture)
	}
	broken := o.commit("web.yaml", "a: [")
	o.until(broken, "Unknown", "not judged")
	expect(broken, "pending", "not judged")
	chart := o.commit("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
	o.until(chart, "Unknown", "no objects")
	if err := os.Mkdir(filepath.Join(o.dir, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	template := o.commit("templates/pod.yaml", strings.Replace(privileged, "privileged: true", "privileged: {{ .Values.trusted | default false }}", 1))
	o.until(template, "True", "passes the gate")
	// The values that Argo CD has for the chart count, and are new settings.
	spec, _ := o.body["spec"].(map[string]any)
	source, _ := spec["source"].(map[string]any)
	source["helm"] = map[string]any{"values": "trusted: true\n"}
	o.woken <- struct{}{}
	o.until(template, "False", "templates/pod.yaml:")
	if !slices.ContainsFunc(o.app.Status.Gate.Findings, isPrivileged) {
		t.Errorf("%+v", o.app.Status.Gate)
	}
}

func isPrivileged(f v1alpha1.Finding) bool {
	return f.Check == "k8s-privileged-container" && f.File == "templates/pod.yaml"
}

func TestJudgedWithoutFindings(t *testing.T) {
	g := newGithub(t)
	app := shop(g.URL)
	f, _ := testForges(t, app)
	s := newStatuses(kept{}, slog.New(slog.DiscardHandler), func(deliver.AppKey) {})
	s.app, s.open = f.app, f.open
	started(t, s.Run)
	s.report(deliver.AppKey{Namespace: "prod", Name: "shop"}, &v1alpha1.Judged{Revision: badCommit, Verdict: v1alpha1.VerdictRefused, Message: "unknown counts"})
	within(t, g.changed, "failure", func() bool {
		last := g.last("aeo/gate/prod/shop", badCommit)
		return last["state"] == "failure" && last["description"] == "unknown counts"
	})
}

// clock is a time that a test sets.
type clock struct {
	mu     sync.Mutex
	at     time.Time
	timers map[time.Time][]chan time.Time
	set    chan struct{}
}

func newClock() *clock {
	return &clock{at: time.Unix(1_800_000_000, 0), timers: map[time.Time][]chan time.Time{}, set: make(chan struct{}, 1000)}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) after(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	rings, at := make(chan time.Time, 1), c.at.Add(d)
	c.timers[at] = append(c.timers[at], rings)
	c.set <- struct{}{}
	return rings
}

// waits returns when somebody waits for as long as d.
func (c *clock) waits(t *testing.T, d time.Duration) {
	t.Helper()
	within(t, c.set, "somebody waits "+d.String(), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.timers[c.at.Add(d)] != nil
	})
}

// pass lets the time pass that somebody waits for.
func (c *clock) pass(t *testing.T, d time.Duration) {
	t.Helper()
	c.waits(t, d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	for at, all := range c.timers {
		if at.After(c.at) {
			continue
		}
		for _, rings := range all {
			rings <- c.at
		}
		delete(c.timers, at)
	}
}

// TestVerdictsAreSentUntilTheForgeTakesThem has a forge that is down, then one
// that believes nobody: verdicts come to it later, each once, the newest only.
// Nobody else waits meanwhile.
func TestVerdictsAreSentUntilTheForgeTakesThem(t *testing.T) {
	down, up := newGithub(t), newGithub(t)
	down.down = true
	first, other := shop(down.URL), shop(up.URL)
	other.Name = "other"
	f, _ := testForges(t, first)
	f.app = func(k deliver.AppKey) *v1alpha1.Application {
		if k.Name == "other" {
			return other
		}
		return first
	}
	var mu sync.Mutex
	token := "t0ken"
	f.secret = func(ctx context.Context, namespace, name string) (map[string][]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		return secretOf(token)(ctx, namespace, name)
	}
	set := func(isDown bool, word string) {
		down.mu.Lock()
		down.down = isDown
		down.mu.Unlock()
		mu.Lock()
		token = word
		mu.Unlock()
	}
	woken, c := make(chan deliver.AppKey, 100), newClock()
	s := newStatuses(kept{}, slog.New(slog.DiscardHandler), func(k deliver.AppKey) { woken <- k })
	s.app, s.open, s.now, s.after = f.app, f.open, c.now, c.after
	k, k2 := deliver.AppKey{Namespace: "prod", Name: "shop"}, deliver.AppKey{Namespace: "prod", Name: "other"}
	passed := func(commit string) *v1alpha1.Judged {
		return &v1alpha1.Judged{Revision: commit, Verdict: v1alpha1.VerdictPassed}
	}
	unset := func(g *v1alpha1.Judged) {
		t.Helper()
		if at := s.report(k, g); !at.IsZero() {
			t.Errorf("%s is said to stand there since %v", g.Revision[:8], at)
		}
	}
	unset(passed(goodCommit))
	started(t, s.Run)
	c.pass(t, 10*time.Second)
	unset(passed(goodCommit)) // asked for again it is not sent more often
	c.pass(t, 20*time.Second)
	c.waits(t, 40*time.Second)
	// Another forge is not waited for.
	s.report(k2, passed(goodCommit))
	if got := <-woken; got != k2 || s.report(k2, passed(goodCommit)).IsZero() || up.last("aeo/gate/prod/other", goodCommit) == nil {
		t.Errorf("%v is woken", got)
	}
	// A newer verdict takes the place of the older, and comes at once.
	set(false, "guess")
	unset(passed(badCommit))
	c.pass(t, 15*time.Minute) // what a person has to mend is looked at seldom
	c.waits(t, 15*time.Minute)
	set(false, "t0ken")
	c.pass(t, 15*time.Minute)
	if got := <-woken; got != k {
		t.Errorf("%v is woken", got)
	}
	if at := s.report(k, passed(badCommit)); !at.Equal(c.now()) {
		t.Errorf("it stands there since %v", at)
	}
	refused := &v1alpha1.Judged{Revision: badCommit, Verdict: v1alpha1.VerdictRefused, Message: "no more"}
	unset(refused) // the same commit under other settings
	<-woken
	if last := down.last("aeo/gate/prod/shop", badCommit); last["state"] != "failure" || len(down.statuses) != 2 || down.last("aeo/gate/prod/shop", goodCommit) != nil {
		t.Errorf("%v", down.statuses)
	}
	// Where no forge is named nothing is due; when one is it is.
	pr := first.Spec.Rollback.PullRequest
	first.Spec.Rollback.PullRequest = nil
	unset(passed(goodCommit))
	if len(s.due) != 0 {
		t.Errorf("%v waits", s.due)
	}
	first.Spec.Rollback.PullRequest = pr
	unset(passed(goodCommit))
	<-woken
	s.forget(k)
	if len(s.due)+len(s.verdicts) != 1 { // that of the other application
		t.Errorf("%v, %v are left of it", s.due, s.verdicts)
	}
}

// TestStatusesOfReleasesAreGivenUp has the word on a release go unsaid after
// some tries: there will be others.
func TestStatusesOfReleasesAreGivenUp(t *testing.T) {
	g, c := newGithub(t), newClock()
	g.down = true
	f, _ := testForges(t, shop(g.URL))
	s := newStatuses(kept{}, slog.New(slog.DiscardHandler), func(deliver.AppKey) { t.Error("woken") })
	s.app, s.open, s.now, s.after = f.app, f.open, c.now, c.after
	if err := s.Create(t.Context(), release("shop-1", badCommit)); err != nil {
		t.Fatal(err)
	}
	started(t, s.Run)
	for _, wait := range []time.Duration{4, 16, 64, 256} {
		c.pass(t, wait*time.Second)
	}
	within(t, tick(t), "it is given up", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.due) == 0 })
	if err := s.Create(t.Context(), release("shop-2", "sha256:1")); err != nil { // an artifact has no statuses
		t.Fatal(err)
	}
	within(t, tick(t), "it is left out", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.due) == 0 })
	if len(g.statuses) != 0 {
		t.Errorf("%v", g.statuses)
	}
}

// TestFreshnessOfTheObserved takes the other tool's word for when it compared.
func TestFreshnessOfTheObserved(t *testing.T) {
	at := metav1.NewTime(time.Unix(1000, 0))
	app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Observe: &v1alpha1.ObjectReference{}}}
	f := &freshness{}
	if !f.at(app).IsZero() {
		t.Error("what is not synced is verified")
	}
	app.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionSynced, Status: "True"}}
	if !f.at(app).IsZero() {
		t.Error("what the tool does not say is verified")
	}
	app.Status.Observed = &v1alpha1.ObservedStatus{VerifiedAt: &at}
	if !f.at(app).Equal(at.Time) {
		t.Error(f.at(app))
	}
}
