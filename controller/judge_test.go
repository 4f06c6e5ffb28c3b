package controller

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// bench is everything around a Judge, in memory: a source, a renderer, a gate
// and a ledger whose answers a test sets.
type bench struct {
	place
	now                              time.Time
	files                            fstest.MapFS
	bodies                           []map[string]any
	judgement                        deliver.Judgement
	fetch, render, gate, inputs, log error
	places                           string
	renders                          int
	app                              *v1alpha1.Application
	records                          []ops.Record
	told                             []string
	// unreported forges take no statuses.
	unreported      bool
	repository      map[string]any
	repositoryKnown bool
	repositoryErr   error
	judge           *Judge
	woken           chan deliver.AppKey
}

// treeOf is a tree of files.
type treeOf struct{ fstest.MapFS }

func (treeOf) ID(string) string             { return "" }
func (treeOf) Commit() *v1alpha1.CommitInfo { return nil }

func (b *bench) Fetch(_ context.Context, app *v1alpha1.Application, _ string) (deliver.Tree, error) {
	b.app = app
	return treeOf{b.files}, b.fetch
}

func (b *bench) Render(context.Context, *v1alpha1.Application, deliver.Tree) (*deliver.Rendered, error) {
	b.renders++
	return &deliver.Rendered{Bodies: b.bodies}, b.render
}
func (b *bench) Same(deliver.AppKey, deliver.Tree) bool { return false }
func (b *bench) Inputs(context.Context, *v1alpha1.Application) (string, error) {
	return "", b.inputs
}

func (b *bench) Judge(_ context.Context, _ *v1alpha1.Application, _ deliver.Tree, _ *deliver.Rendered, objects []*deliver.Object) (*deliver.Judgement, error) {
	b.places = ""
	for _, o := range objects {
		b.places += o.Namespace + " "
	}
	j := b.judgement
	return &j, b.gate
}

func (b *bench) Append(_ context.Context, records ...ops.Record) error {
	if b.log == nil {
		b.records = append(b.records, records...)
	}
	return b.log
}

func newBench(t *testing.T) *bench {
	b := &bench{
		now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), files: fstest.MapFS{"web.yaml": {}}, woken: make(chan deliver.AppKey, 100),
		bodies: []map[string]any{{"metadata": map[string]any{"namespace": "prod"}}},
	}
	b.start(t)
	return b
}

// start begins with a Judge that remembers nothing, as after a restart.
func (b *bench) start(t *testing.T) {
	s := &Sources{Remote: b, Wake: func(k deliver.AppKey) { b.woken <- k }, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.now }}
	b.judge = &Judge{
		Sources: s, Renderer: b, Gate: b, Journal: b, Digester: &deliver.Digester{Key: make([]byte, 32)}, Now: s.Now,
		Repository: func(_ deliver.AppKey, g deliver.GVK, k deliver.Key) (map[string]any, bool, error) {
			if g != gitRepository || k.Namespace != "shop" || k.Name != "repo" {
				t.Errorf("looks at %v %v", g, k)
			}
			return b.repository, b.repositoryKnown, b.repositoryErr
		},
		Report: func(_ deliver.AppKey, g *v1alpha1.Judged) time.Time {
			b.told = append(b.told, g.Revision+" "+g.Verdict)
			if b.unreported {
				return time.Time{}
			}
			return b.now
		},
	}
}

// at has the source answer.
func (b *bench) at(t *testing.T, app *v1alpha1.Application, body map[string]any, revision string, err error) {
	t.Helper()
	b.set(revision, err)
	o, _, why, oops := b.judge.origin(app, body)
	if oops != nil || why != "" {
		t.Fatal(oops, why)
	}
	managed := o.Managed(app)
	if _, _, err := b.judge.Sources.Head(managed); err != nil && b.judge.Sources.entries[keyOf(managed)] == nil {
		t.Fatal(err)
	}
	b.judge.Sources.ask(t.Context(), keyOf(managed))
}

func observing() (*v1alpha1.Application, map[string]any) {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u"}}
	r := ref("argoproj.io/v1alpha1", "Application", "")
	app.Spec.Observe = &r
	return app, map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": "web", "namespace": "shop"},
		"spec": map[string]any{
			"source":      map[string]any{"repoURL": "https://git.example.com/a/b", "targetRevision": "main"},
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "prod"},
		},
	}
}

// look looks once, and says in a line what came of it.
func (b *bench) look(t *testing.T, app *v1alpha1.Application, body map[string]any) string {
	t.Helper()
	o := &Observed{Now: b.judge.Now, Judge: b.judge, Look: func(deliver.AppKey, deliver.GVK, deliver.Key) (map[string]any, bool, error) { return body, true, nil }}
	out, err := o.Observe(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	app.Status = *out.Status
	for _, c := range app.Status.Conditions {
		if c.Type == v1alpha1.ConditionGated {
			return string(c.Status) + " " + c.Reason + ": " + c.Message
		}
	}
	return "nothing"
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestJudgeOnce judges each revision under each settings once, in the ledger
// first, and again after neither a look nor a restart.
func TestJudgeOnce(t *testing.T) {
	b := newBench(t)
	app, body := observing()
	expect(t, b.look(t, app, body), "nothing")
	b.at(t, app, body, "one", nil)
	expect(t, b.look(t, app, body), "True Passed: revision one passes the gate")
	if s := app.Status.Source; s == nil || s.Revision != "one" || app.Status.Posture == nil || app.Status.Gate.Verdict != v1alpha1.VerdictPassed {
		t.Errorf("%+v", app.Status)
	}
	if b.places != "prod " || b.app.Spec.Source.Git.Branch != "main" || b.app.UID != "u" {
		t.Errorf("judged %+v in %q", b.app.Spec, b.places)
	}
	b.judgement = deliver.Judgement{Refused: true, Findings: []v1alpha1.Finding{{File: "web.yaml", Line: 7, Message: "privileged", Severity: "critical", Check: "x"}}, Posture: v1alpha1.Posture{Critical: 1}}
	expect(t, b.look(t, app, body), "True Passed")
	b.at(t, app, body, "two", nil)
	expect(t, b.look(t, app, body), "False Refused: 1 finding refuses revision two: web.yaml:7: privileged")
	if app.Status.Posture.Critical != 1 || len(app.Status.Gate.Findings) != 1 {
		t.Errorf("%+v", app.Status)
	}
	before := app.Status.DeepCopy()
	b.start(t)
	b.at(t, app, body, "two", nil)
	expect(t, b.look(t, app, body), "False Refused")
	if b.renders != 2 || len(b.records) != 2 || strings.Join(b.told, ", ") != "one passed, two refused" {
		t.Errorf("%d renders, %d records, told %v", b.renders, len(b.records), b.told)
	}
	if marshal(before) != marshal(app.Status) {
		t.Errorf("a restart changes the status:\n%s\n%s", marshal(before), marshal(app.Status))
	}
	app.Spec.Gate.FailOn = "never"
	b.judgement = deliver.Judgement{}
	expect(t, b.look(t, app, body), "True Passed: revision two")
	r := b.records[1]
	if r.Action != "deliver.judge" || r.Phase != ops.PhaseEvent || r.Decision.Verdict != "refused" || !strings.Contains(r.Decision.Reason, "web.yaml:7") || r.Target.Name != "web" || r.Target.UID != "u" || r.Details["revision"] != "two" || r.Details["observes"] != "argoproj.io/v1alpha1 Application shop" {
		t.Errorf("%+v", r)
	}
	// A suspended application is not judged.
	app.Spec.Suspend = true
	b.at(t, app, body, "three", nil)
	if b.look(t, app, body); b.renders != 3 {
		t.Errorf("%d renders", b.renders)
	}
}

// TestVerdictsAreReportedUntilTheyAre has a forge that takes no statuses for a
// while: a verdict is reported after a restart too, and while the source is down;
// once it stands beside its commit nobody is asked again.
func TestVerdictsAreReportedUntilTheyAre(t *testing.T) {
	b := newBench(t)
	app, body := observing()
	b.look(t, app, body)
	b.unreported = true
	b.at(t, app, body, "one", nil)
	asked := func(n int) {
		t.Helper()
		b.told = nil
		b.look(t, app, body)
		if len(b.told) != n || n > 0 && b.told[0] != "one passed" {
			t.Errorf("told %v", b.told)
		}
	}
	asked(1)
	asked(1)
	b.start(t)
	b.at(t, app, body, "one", fault.New(fault.Unavailable, "reach", "x", "it is down", ""))
	asked(1)
	if app.Status.Gate.Reported != nil {
		t.Errorf("%+v", app.Status.Gate)
	}
	b.unreported, b.now = false, b.now.Add(time.Minute)
	asked(1)
	if at := app.Status.Gate.Reported; at == nil || !at.Time.Equal(b.now.Truncate(time.Second)) {
		t.Errorf("reported at %v, not %v", at, b.now)
	}
	b.now = b.now.Add(time.Hour)
	asked(0)
	b.start(t)
	b.at(t, app, body, "one", nil)
	asked(0)
	if b.renders != 1 {
		t.Errorf("%d renders", b.renders)
	}
}

// TestJudgeFailures has every failure be unknown, and tried again: with no entry
// and no message that says the same as before.
func TestJudgeFailures(t *testing.T) {
	down := fault.New(fault.Unavailable, "reach", "x", "it is down", "")
	for name, c := range map[string]struct {
		fail func(*bench)
		want string
	}{
		"fetch":      {func(b *bench) { b.fetch = down }, "Unknown Unavailable: revision one is not judged: reach x: it is down"},
		"render":     {func(b *bench) { b.render = fault.New(fault.Invalid, "render", "a", "broken", "") }, "Unknown Invalid: revision one is not judged: render a: broken"},
		"gate":       {func(b *bench) { b.gate = errors.New("secret words") }, "Unknown Internal: revision one is not judged: an internal error"},
		"misfit":     {func(b *bench) { b.files = fstest.MapFS{"web.yaml": {}, "a/b.yaml": {}} }, "Unknown NotRenderable: revision one is not judged: folders below"},
		"no objects": {func(b *bench) { b.bodies = nil }, "Unknown NotRenderable: revision one is not judged: the revision has no objects"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			app, body := observing()
			b.look(t, app, body)
			files, bodies := b.files, b.bodies
			c.fail(b)
			b.at(t, app, body, "one", nil)
			for range 3 {
				expect(t, b.look(t, app, body), c.want)
			}
			b.now = b.now.Add(6 * time.Second) // the second try
			expect(t, b.look(t, app, body), c.want)
			if len(b.records) != 1 || len(b.told) != 1 || app.Status.Posture != nil || b.records[0].Decision.Verdict != "unknown" {
				t.Errorf("%d records, told %v", len(b.records), b.told)
			}
			b.fetch, b.render, b.gate, b.files, b.bodies = nil, nil, nil, files, bodies
			expect(t, b.look(t, app, body), c.want) // it is not time yet
			b.now = b.now.Add(time.Hour)
			expect(t, b.look(t, app, body), "True Passed")
		})
	}
}

func TestJudgeWithoutALedger(t *testing.T) {
	b := newBench(t)
	app, body := observing()
	b.look(t, app, body)
	b.at(t, app, body, "one", nil)
	b.log = errors.New("disk full")
	expect(t, b.look(t, app, body), "Unknown LedgerUnavailable")
	expect(t, b.look(t, app, body), "Unknown LedgerUnavailable")
	if app.Status.Gate != nil || app.Status.Posture != nil || len(b.told) != 0 || b.renders != 1 {
		t.Errorf("%+v, told %v, %d renders", app.Status.Gate, b.told, b.renders)
	}
	b.log, b.now = nil, b.now.Add(time.Minute)
	expect(t, b.look(t, app, body), "True Passed")
}

// TestJudgeWhatIsNotThere has what cannot be known be unknown, and the verdict
// come back when it can.
func TestJudgeWhatIsNotThere(t *testing.T) {
	b := newBench(t)
	app, body := observing()
	b.look(t, app, body)
	b.at(t, app, body, "one", nil)
	expect(t, b.look(t, app, body), "True Passed")
	b.at(t, app, body, "", fault.New(fault.Denied, "reach", "x", "no credentials", ""))
	expect(t, b.look(t, app, body), "Unknown Denied: reach x: no credentials")
	b.at(t, app, body, "one", nil)
	expect(t, b.look(t, app, body), "True Passed")
	b.inputs = fault.New(fault.NotFound, "read", "x", "gone", "")
	expect(t, b.look(t, app, body), "Unknown NotFound: read x: gone")
	b.inputs = nil
	expect(t, b.look(t, app, nil), "Unknown NotFound")
	expect(t, b.look(t, app, body), "True Passed")
	if b.renders != 1 {
		t.Errorf("%d renders", b.renders)
	}
	_, other := observing()
	spec, _ := other["spec"].(map[string]any)
	spec["source"] = map[string]any{"repoURL": "https://git.example.com/a/b", "plugin": map[string]any{}}
	expect(t, b.look(t, app, other), "Unknown NotRenderable: not judged: a plugin renders it")
	if app.Status.Source != nil || app.Status.Gate != nil || app.Status.Posture != nil || len(b.judge.Sources.entries) != 0 {
		t.Errorf("%+v is left of it", app.Status)
	}
	spec["source"] = map[string]any{"repoURL": "https://git.example.com/a/b", "helm": map[string]any{"values": "a: b: c"}}
	expect(t, b.look(t, app, other), "Unknown NotRenderable: not judged: its values are no YAML")
}

func TestJudgeValues(t *testing.T) {
	b := newBench(t)
	b.files = fstest.MapFS{"Chart.yaml": {}}
	app, body := observing()
	spec, _ := body["spec"].(map[string]any)
	spec["source"] = map[string]any{"repoURL": "https://git.example.com/a/b", "helm": map[string]any{"values": "a:\n  b: 1\n"}}
	b.look(t, app, body)
	b.at(t, app, body, "one", nil)
	expect(t, b.look(t, app, body), "True Passed")
	if h := b.app.Spec.Source.Helm; h == nil || string(h.Values.Raw) != `{"a":{"b":1}}` || h.ReleaseName != "web" {
		t.Errorf("%+v", h)
	}
}

func TestJudgeFlux(t *testing.T) {
	b := newBench(t)
	app, _ := observing()
	r := ref("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "")
	app.Spec.Observe = &r
	kustomization := func(ref map[string]any, spec map[string]any) map[string]any {
		spec["sourceRef"] = ref
		return map[string]any{"apiVersion": r.APIVersion, "kind": r.Kind, "metadata": map[string]any{"name": "shop", "namespace": "shop"}, "spec": spec}
	}
	here := map[string]any{"kind": "GitRepository", "name": "repo"}
	body := kustomization(here, map[string]any{"kubeConfig": map[string]any{"secretRef": map[string]any{"name": "x"}}})
	expect(t, b.look(t, app, body), "nothing") // the cluster was not asked yet
	b.repositoryErr = fault.New(fault.NotFound, "find the kind", "GitRepository", "not served", "")
	expect(t, b.look(t, app, body), "Unknown NotFound: find the kind GitRepository: not served")
	b.repositoryErr, b.repositoryKnown = nil, true
	expect(t, b.look(t, app, body), "Unknown NotFound: read the source GitRepository.source.toolkit.fluxcd.io shop/repo: it does not exist")
	b.repository = map[string]any{"spec": map[string]any{"url": "https://git.example.com/a/b", "ignore": "/*"}}
	expect(t, b.look(t, app, body), "Unknown NotRenderable: not judged: its GitRepository leaves out files by a pattern")
	b.repository = map[string]any{"spec": map[string]any{"url": "https://git.example.com/a/b"}}
	b.look(t, app, body)
	b.at(t, app, body, "one", nil)
	expect(t, b.look(t, app, body), "True Passed")
	if b.places != "" {
		t.Errorf("what goes to another cluster is judged with what is in %q", b.places)
	}
	far := kustomization(map[string]any{"kind": "GitRepository", "name": "repo", "namespace": "flux"}, map[string]any{})
	expect(t, b.look(t, app, far), "Unknown NotRenderable: not judged: its GitRepository is in namespace flux")
	foreign := kustomization(here, map[string]any{"postBuild": map[string]any{"substituteFrom": []any{map[string]any{"kind": "Secret", "name": "s"}}}})
	if meta, ok := foreign["metadata"].(map[string]any); ok {
		meta["namespace"] = "flux"
	}
	expect(t, b.look(t, app, foreign), "Unknown NotRenderable: not judged: its variables are in another namespace")
}

// TestJudgeFollows has a webhook and a request reach what is observed.
func TestJudgeFollows(t *testing.T) {
	b := newBench(t)
	app, body := observing()
	b.look(t, app, body)
	b.at(t, app, body, "one", nil)
	if n := b.judge.Sources.Poke(func(s *v1alpha1.Source) bool { return s.Git.URL == "https://git.example.com/a/b" }); n != 1 {
		t.Errorf("%d sources are poked", n)
	}
	select {
	case k := <-b.woken:
		if k != (deliver.AppKey{Namespace: "shop", Name: "web"}) {
			t.Errorf("woke %v", k)
		}
	default:
		t.Error("nobody is woken by a new revision")
	}
}

// TestJudgeEnds ends without a word when its context does.
func TestJudgeEnds(t *testing.T) {
	for i, fail := range []func(*bench, error){func(b *bench, err error) { b.inputs = err }, func(b *bench, err error) { b.fetch = err }, func(b *bench, err error) { b.log = err }} {
		b := newBench(t)
		app, body := observing()
		b.look(t, app, body)
		b.at(t, app, body, "one", nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		fail(b, context.Canceled)
		if v, _, err := b.judge.Look(ctx, app, &app.Status, body); v != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %+v, %v", i, v, err)
		}
	}
}
