package gitops

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// others are the kinds of other tools that are observed, with any fields.
var others = map[string]schema.GroupVersionResource{
	"Application":   {Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"},
	"Kustomization": {Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Resource: "kustomizations"},
	"GitRepository": {Group: "source.toolkit.fluxcd.io", Version: "v1", Resource: "gitrepositories"},
}

// statusBoard is a forge that takes commit statuses.
type statusBoard struct {
	*httptest.Server
	mu   sync.Mutex
	all  []map[string]string
	down bool
	// asked counts the messages that it did not take.
	asked int
}

func newStatusBoard(t *testing.T) *statusBoard {
	b := &statusBoard{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		commit, ok := strings.CutPrefix(r.URL.Path, "/repos/team/shop/statuses/")
		if !ok || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		in := map[string]string{}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		in["commit"] = commit
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.down {
			b.asked++
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		b.all = append(b.all, in)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(b.Close)
	return b
}

// newest says how the newest status of a commit in a context is not as expected.
func newest(statuses []map[string]string, context, commit, state, description string) string {
	for _, s := range slices.Backward(statuses) {
		if s["context"] != context || s["commit"] != commit {
			continue
		}
		if s["state"] == state && strings.Contains(s["description"], description) {
			return ""
		}
		return fmt.Sprint(s)
	}
	return "there is none"
}

// says waits until the newest status of a commit is as expected.
func (b *statusBoard) says(t *testing.T, context, commit, state, description string) {
	t.Helper()
	await(t, scenarioTime, "status "+state+" of "+commit, func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		return newest(b.all, context, commit, state, description)
	})
}

// set has it take no statuses, or take them again.
func (b *statusBoard) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// count tells how often a status of a commit was set.
func (b *statusBoard) count(commit string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.all {
		if s["commit"] == commit {
			n++
		}
	}
	return n
}

// watched is an Application that observes, and what it observes.
type watched struct {
	*testing.T
	*suite
	name  string
	repo  *repo
	asked int
}

// observe creates the Application.
func (w *watched) observe(apiVersion, kind string, board *statusBoard) {
	w.Helper()
	forge := v1alpha1.RevertRequest{Forge: "github", URL: board.URL, Repository: "team/shop", Secret: v1alpha1.LocalReference{Name: "forge"}}
	app := &v1alpha1.Application{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoecoops.io/v1alpha1", Kind: "Application"},
		ObjectMeta: metav1.ObjectMeta{Name: w.name, Namespace: shared},
		Spec: v1alpha1.ApplicationSpec{
			Observe:  &v1alpha1.ObjectReference{APIVersion: apiVersion, Kind: kind, Name: w.name},
			Rollback: v1alpha1.RollbackPolicy{PullRequest: &forge},
		},
	}
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		w.Fatal(err)
	}
	delete(body, "status")
	w.create(w.T, resources["Application"], shared, &unstructured.Unstructured{Object: body})
}

// commit commits a file, and asks for a look at the source.
func (w *watched) commit(name, text string) string {
	w.Helper()
	commit := w.repo.commit(files{name: text})
	w.asked++
	change := `{"metadata":{"annotations":{"` + v1alpha1.AnnotationSync + `":"` + strconv.Itoa(w.asked) + `"}}}`
	if _, err := w.client.Resource(resources["Application"]).Namespace(shared).Patch(w.Context(), w.name, types.MergePatchType, []byte(change), metav1.PatchOptions{}); err != nil {
		w.Fatal(err)
	}
	return commit
}

// gated waits until the gate says something of a revision, "" for none.
func (w *watched) gated(revision, status, message string) *v1alpha1.Application {
	w.Helper()
	app := &v1alpha1.Application{}
	await(w.T, scenarioTime, "Gated="+status+" of "+w.name, func() string {
		o, err := w.client.Resource(resources["Application"]).Namespace(shared).Get(w.Context(), w.name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		app = &v1alpha1.Application{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, app); err != nil {
			return err.Error()
		}
		if revision != "" && (app.Status.Source == nil || app.Status.Source.Revision != revision) {
			return "it is at another revision: " + conditions(app)
		}
		for _, c := range app.Status.Conditions {
			if c.Type == v1alpha1.ConditionGated && string(c.Status) == status && strings.Contains(c.Message, message) {
				return ""
			}
		}
		return conditions(app)
	})
	return app
}

// reported waits until the Application says whether its verdict stands beside
// the commit.
func (w *watched) reported(commit string, is bool) {
	w.Helper()
	await(w.T, scenarioTime, fmt.Sprintf("reported: %v", is), func() string {
		o, err := w.client.Resource(resources["Application"]).Namespace(shared).Get(w.Context(), w.name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		revision, _, _ := unstructured.NestedString(o.Object, "status", "gate", "revision")
		_, found, _ := unstructured.NestedString(o.Object, "status", "gate", "reported")
		if revision != commit || found != is {
			return fmt.Sprintf("of %s: %v", revision, found)
		}
		return ""
	})
}

// raw reads an object of another tool, byte by byte.
func (w *watched) raw(kind string) string {
	w.Helper()
	o, err := w.client.Resource(others[kind]).Namespace(shared).Get(w.Context(), w.name, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	text, err := o.MarshalJSON()
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// judged counts the entries of the ledger about the Application, by verdict.
func (w *watched) judged() map[string]int {
	w.Helper()
	out := map[string]int{}
	for _, body := range bodies(w.T, w.aeod.ledger) {
		e, err := ledger.Decode(body)
		if err != nil {
			w.Fatal(err)
		}
		if e.Action == "deliver.judge" && e.Target.Name == w.name {
			out[e.Decision.Verdict]++
		}
	}
	return out
}

const privilegedPod = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: registry.example.com/web:1
      securityContext:
        privileged: true
`

// TestObserved has what Argo CD and Flux manage judged and said beside the
// commits, and nothing of theirs touched.
func TestObserved(t *testing.T) {
	s := newSuite(t)
	board := newStatusBoard(t)
	for kind, r := range others {
		s.create(t, resources["CustomResourceDefinition"], "", openKind(kind, r))
		await(t, time.Minute, r.Resource+" are served", func() string {
			_, err := s.client.Resource(r).List(t.Context(), metav1.ListOptions{})
			return said(err)
		})
	}
	secret := obj("v1", "Secret", shared, "forge")
	secret.Object["stringData"] = map[string]any{"token": "t0ken"}
	s.create(t, resources["Secret"], shared, secret)
	t.Run("Argo CD", func(t *testing.T) { observeArgo(t, s, board) })
	t.Run("Flux", func(t *testing.T) { observeFlux(t, s, board) })
	t.Run("not rendered here", func(t *testing.T) { observePlugin(t, s, board) })
	if changes, err := s.audit.changes(func(object) bool { return true }); err != nil || len(changes) > 0 {
		t.Errorf("aeod changed what is not its own: %v %+v", err, changes)
	}
}

// openKind defines a kind whose objects may have any fields.
func openKind(kind string, r schema.GroupVersionResource) *unstructured.Unstructured {
	open := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	crd := obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", r.Resource+"."+r.Group)
	crd.Object["spec"] = map[string]any{
		"group": r.Group, "scope": "Namespaced", "names": map[string]any{"plural": r.Resource, "kind": kind},
		"versions": []any{map[string]any{"name": r.Version, "served": true, "storage": true, "schema": map[string]any{
			"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{"spec": open, "status": open}},
		}}},
	}
	return crd
}

// argo makes an Argo CD Application that says that all is well.
func argo(name string, source map[string]any) *unstructured.Unstructured {
	o := obj("argoproj.io/v1alpha1", "Application", shared, name)
	o.Object["spec"] = map[string]any{"source": source, "destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": shared}}
	o.Object["status"] = map[string]any{
		"sync": map[string]any{"status": "Synced", "revision": "abc"}, "health": map[string]any{"status": "Healthy"},
		"reconciledAt": time.Now().UTC().Format(time.RFC3339),
	}
	return o
}

func observeArgo(t *testing.T, s *suite, board *statusBoard) {
	w := &watched{T: t, suite: s, name: "argo", repo: newRepo(t)}
	good := w.repo.commit(files{"app/web.yaml": configMap("web", "1")})
	s.create(t, others["Application"], shared, argo(w.name, map[string]any{"repoURL": w.repo.url(), "path": "app", "targetRevision": "main"}))
	before := w.raw("Application")
	w.observe("argoproj.io/v1alpha1", "Application", board)
	w.gated(good, "True", "passes the gate")
	board.says(t, "aeo/gate/"+shared+"/argo", good, "success", "passes")

	bad := w.commit("app/web.yaml", privilegedPod)
	app := w.gated(bad, "False", "app/web.yaml:")
	if g := app.Status.Gate; g == nil || g.Verdict != v1alpha1.VerdictRefused || len(g.Findings) == 0 || g.Findings[0].File != "app/web.yaml" || g.Findings[0].Line < 5 {
		t.Errorf("%+v", g)
	}
	if p := app.Status.Posture; p == nil || p.Critical == 0 {
		t.Errorf("%+v", p)
	}
	board.says(t, "aeo/gate/"+shared+"/argo", bad, "failure", "app/web.yaml:")

	// A verdict that the forge does not take comes to it later, also by another
	// aeod. What it took is not sent again.
	board.set(true)
	lost := w.commit("app/web.yaml", strings.Replace(privilegedPod, "web:1", "web:2", 1))
	w.gated(lost, "False", "app/web.yaml:")
	await(t, scenarioTime, "the forge refuses a status", func() string {
		board.mu.Lock()
		defer board.mu.Unlock()
		if board.asked == 0 {
			return "it was not asked"
		}
		return ""
	})
	s.aeod.kill()
	if err := s.aeod.start(); err != nil {
		t.Fatal(err)
	}
	w.reported(lost, false)
	board.set(false)
	board.says(t, "aeo/gate/"+shared+"/argo", lost, "failure", "app/web.yaml:")
	w.reported(lost, true)

	// After a restart nothing is judged or written anew, and the next revision is.
	s.aeod.kill()
	if err := s.aeod.start(); err != nil {
		t.Fatal(err)
	}
	again := w.commit("app/web.yaml", configMap("web", "2"))
	w.gated(again, "True", "passes the gate")
	board.says(t, "aeo/gate/"+shared+"/argo", again, "success", "passes")
	if got := w.judged(); got["passed"] != 2 || got["refused"] != 2 || len(got) != 2 {
		t.Errorf("the ledger tells of %v", got)
	}
	for _, commit := range []string{good, bad, lost, again} {
		if n := board.count(commit); n != 1 {
			t.Errorf("beside %s stand %d statuses", commit, n)
		}
	}
	if after := w.raw("Application"); after != before {
		t.Errorf("what Argo CD has is changed:\n%s\n%s", before, after)
	}
}

func observeFlux(t *testing.T, s *suite, board *statusBoard) {
	w := &watched{T: t, suite: s, name: "flux", repo: newRepo(t)}
	good := w.repo.commit(files{"apps/shop/web.yaml": configMap("web", "1")})
	kustomization := obj("kustomize.toolkit.fluxcd.io/v1", "Kustomization", shared, w.name)
	kustomization.Object["spec"] = map[string]any{"path": "./apps", "interval": "10m", "prune": true, "sourceRef": map[string]any{"kind": "GitRepository", "name": w.name}}
	s.create(t, others["Kustomization"], shared, kustomization)
	w.observe("kustomize.toolkit.fluxcd.io/v1", "Kustomization", board)
	w.gated("", "Unknown", "does not exist")
	repository := obj("source.toolkit.fluxcd.io/v1", "GitRepository", shared, w.name)
	repository.Object["spec"] = map[string]any{"url": w.repo.url(), "interval": "1m", "ref": map[string]any{"branch": "main"}}
	s.create(t, others["GitRepository"], shared, repository)
	before := w.raw("Kustomization") + w.raw("GitRepository")
	w.gated(good, "True", "passes the gate")
	bad := w.commit("apps/shop/web.yaml", privilegedPod)
	w.gated(bad, "False", "apps/shop/web.yaml:")
	board.says(t, "aeo/gate/"+shared+"/flux", bad, "failure", "apps/shop/web.yaml:")
	if after := w.raw("Kustomization") + w.raw("GitRepository"); after != before {
		t.Errorf("what Flux has is changed:\n%s\n%s", before, after)
	}
}

func observePlugin(t *testing.T, s *suite, board *statusBoard) {
	w := &watched{T: t, suite: s, name: "plugin", repo: newRepo(t)}
	commit := w.repo.commit(files{"web.yaml": configMap("web", "1")})
	s.create(t, others["Application"], shared, argo(w.name, map[string]any{"repoURL": w.repo.url(), "path": ".", "plugin": map[string]any{"name": "cue"}}))
	before := w.raw("Application")
	w.observe("argoproj.io/v1alpha1", "Application", board)
	app := w.gated("", "Unknown", "a plugin renders it")
	if app.Status.Source != nil || app.Status.Gate != nil || app.Status.Posture != nil {
		t.Errorf("something is known all the same: %+v", app.Status)
	}
	if got := w.judged(); len(got) != 0 {
		t.Errorf("the ledger tells of %v", got)
	}
	board.mu.Lock()
	defer board.mu.Unlock()
	for _, s := range board.all {
		if s["commit"] == commit {
			t.Errorf("beside the commit stands %v", s)
		}
	}
	if after := w.raw("Application"); after != before {
		t.Errorf("what Argo CD has is changed:\n%s\n%s", before, after)
	}
}
