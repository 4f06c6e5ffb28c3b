package deliver_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// world is everything around the engine, in memory: a cluster that applies, a
// source with commits, a ledger that insists on intents. It can fail at any
// call, and stop the engine as a crash would.
type world struct {
	t   *testing.T
	now time.Time

	// changed is what the newest release says that it changes.
	changed []string

	// the cluster
	objects map[deliver.Key]*stored
	serial  int
	// limited watches don't know a kind.
	blind map[deliver.GroupKind]bool

	// the source
	commits map[string]*commit
	fetched map[string]int
	kept    []string
	// gone sources have only what was kept.
	gone bool
	head string
	down bool

	// the custom resources
	app      *v1alpha1.Application
	releases map[string]*v1alpha1.ReleaseStatus

	// the ledger
	records []ops.Record
	full    bool

	// faults: failAt and crashAt count down at every mutating call.
	failAt, crashAt int
	failKind        fault.Kind
	// failCode is the injected fault's code; forbidden fails every call with it.
	failCode  string
	forbidden bool
	mutations int
	deletions []deliver.Key
	// mayDelete judges every deletion.
	mayDelete func(deliver.Key) string

	// claims are those of other applications.
	claims map[deliver.Key][]deliver.AppKey

	// jobs is the health of Jobs, "" for healthy.
	jobs health.Status

	// spy sees every object that is applied.
	spy func(*deliver.Object)

	// dependsOn is what other applications wait for, unready why what this one waits
	// for is not ready, misread what is wrong with its expressions.
	dependsOn map[deliver.AppKey][]deliver.AppKey
	unready   string
	misread   error

	engine   *deliver.Engine
	digester *deliver.Digester
}

type stored struct {
	deliver.Live
	digest string
	value  string
}

// commit is a revision: objects by name, and what is wrong with it.
type commit struct {
	objects []map[string]any
	// broken cannot be rendered, refused does not pass the gate, crashing never
	// becomes healthy.
	broken, refused, crashing bool
	// unread is why it cannot be fetched.
	unread error
}

// crash is what a fault of crashAt panics with.
type crash struct{}

var web = deliver.AppKey{Namespace: "shop", Name: "web"}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), objects: map[deliver.Key]*stored{}, commits: map[string]*commit{}, fetched: map[string]int{},
		releases: map[string]*v1alpha1.ReleaseStatus{}, blind: map[deliver.GroupKind]bool{}, digester: &deliver.Digester{Key: make([]byte, 32)},
	}
	w.app = &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: web.Namespace, Name: web.Name, UID: "app-uid", Generation: 1}}
	w.app.Spec.Source = &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: "https://git.example/shop"}}
	w.start()
	return w
}

// start begins with an engine that remembers nothing.
func (w *world) start() {
	w.engine = &deliver.Engine{
		Digester: w.digester, Parallel: 1, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		Doctor: w,
		Ports:  deliver.Ports{Cluster: w, View: view{w}, Sources: source{w}, Renderer: source{w}, Gate: source{w}, Journal: w, Releases: w, Witness: witness{w}, Apps: w},
	}
}

// reconcile runs the engine once; it reports whether the engine was stopped by
// a crash.
func (w *world) reconcile() (again time.Duration, crashed bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(crash); !ok {
				panic(p)
			}
			crashed = true
			w.start()
		}
	}()
	out, err := w.engine.Reconcile(context.Background(), w.app.DeepCopy())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range deliver.Moves(&w.app.Status, out.Status) {
		if err := (source{w}).Keep(context.Background(), w.app, m.Revision, m.Instead); err != nil {
			w.t.Fatal(err)
		}
	}
	w.app.Status = *out.Status
	return out.Again, false
}

// settle reconciles, letting time pass, until nothing more is to be done.
func (w *world) settle() {
	w.t.Helper()
	quiet := 0
	for range 1000 {
		before := w.app.Status.DeepCopy()
		n := w.mutations
		again, crashed := w.reconcile()
		w.now = w.now.Add(max(min(again, 10*time.Minute), time.Second))
		if !crashed && n == w.mutations && w.app.Status.Active == nil && equalStatus(before, &w.app.Status) {
			if quiet++; quiet > 3 {
				return
			}
			continue
		}
		quiet = 0
	}
	w.t.Fatalf("never comes to rest: %+v", w.app.Status.Conditions)
}

func equalStatus(a, b *v1alpha1.ApplicationStatus) bool {
	return fmt.Sprintf("%+v %+v %+v %v", a.Sync, a.Active, a.Health, len(a.Inventory)) == fmt.Sprintf("%+v %+v %+v %v", b.Sync, b.Active, b.Health, len(b.Inventory))
}

// push makes a commit the head.
func (w *world) push(rev string, c *commit) {
	w.commits[rev] = c
	w.head = rev
}

// mutate counts a mutating call, and fails or crashes if it is time to.
func (w *world) mutate(verb string, k deliver.Key) error {
	w.t.Helper()
	if !w.intended(verb, k) {
		w.t.Errorf("%s of %s without an intent in the ledger", verb, k)
	}
	w.mutations++
	if w.crashAt--; w.crashAt == 0 {
		panic(crash{})
	}
	if w.failAt--; w.failAt == 0 {
		return &fault.Error{Kind: w.failKind, Op: verb, Subject: k.String(), Public: "injected", Code: w.failCode}
	}
	if w.forbidden {
		return &fault.Error{Kind: fault.Denied, Op: verb, Subject: k.String(), Public: "injected", Code: w.failCode}
	}
	return nil
}

// intended tells whether the newest records of the ledger announce a call.
func (w *world) intended(verb string, k deliver.Key) bool {
	for _, r := range slices.Backward(w.records) {
		if r.Action != "deliver."+verb && r.Action != "deliver.apply" || r.Phase != ops.PhaseIntent {
			continue
		}
		for _, e := range r.Effects {
			if e.Kind == k.Kind && e.Namespace == k.Namespace && e.Name == k.Name {
				return true
			}
		}
		return false
	}
	return false
}

func (w *world) Apply(_ context.Context, as deliver.Identity, o *deliver.Object, dryRun bool) (deliver.Live, error) {
	if as != (deliver.Identity{Namespace: "shop", ServiceAccount: "default"}) {
		w.t.Errorf("written as %s", as)
	}
	if err := w.mutate("apply", o.Key); err != nil {
		return deliver.Live{}, err
	}
	if w.spy != nil {
		w.spy(o)
	}
	s := w.objects[o.Key]
	if s == nil {
		w.serial++
		s = &stored{Live: deliver.Live{Key: o.Key, Version: o.Version, UID: fmt.Sprint("uid-", w.serial)}}
		w.objects[o.Key] = s
	}
	w.serial++
	s.ResourceVersion = fmt.Sprint(w.serial)
	s.App = deliver.OwnerOf(o.Body)
	s.digest = w.digester.Object(o.Body)
	if data, _ := o.Body["data"].(map[string]any); data != nil {
		s.value, _ = data["value"].(string)
	}
	s.Owned = "live-" + s.digest
	s.Health = health.Health{Status: health.Healthy}
	if o.Kind == "Job" && w.jobs != "" {
		s.Health = health.Health{Status: w.jobs, Message: "the Job " + string(w.jobs)}
	}
	if spec, _ := o.Body["spec"].(map[string]any); spec["crash"] == true {
		s.Health = health.Health{Status: health.Progressing, Message: "crashes"}
	}
	return s.Live, nil
}

func (w *world) Release(context.Context, deliver.Identity, *deliver.Object) error { return nil }

func (w *world) Disown(_ context.Context, _ deliver.Identity, o *deliver.Object) error {
	if s := w.objects[o.Key]; s != nil {
		s.Foreign = false
	}
	return nil
}

func (w *world) Delete(_ context.Context, _ deliver.Identity, _ deliver.GVK, k deliver.Key, uid string) error {
	if err := w.mutate("delete", k); err != nil {
		return err
	}
	s := w.objects[k]
	if s == nil {
		return nil
	}
	if s.UID != uid {
		return fault.New(fault.Conflict, "delete", k.String(), "another object", "")
	}
	if w.mayDelete != nil {
		if why := w.mayDelete(k); why != "" {
			w.t.Errorf("deletes %s: %s", k, why)
		}
	}
	w.deletions = append(w.deletions, k)
	delete(w.objects, k)
	return nil
}

func (w *world) Get(_ context.Context, _ deliver.Identity, _ deliver.GVK, k deliver.Key) (map[string]any, error) {
	if w.objects[k] == nil {
		return nil, fault.New(fault.NotFound, "read", k.String(), "", "")
	}
	return map[string]any{}, nil
}

func (w *world) Append(_ context.Context, records ...ops.Record) error {
	if w.full {
		return fault.New(fault.Unavailable, "append", "", "disk full", "")
	}
	w.records = append(w.records, records...)
	return nil
}

func (w *world) Create(_ context.Context, r *v1alpha1.Release) error {
	if w.releases[r.Name] == nil {
		w.releases[r.Name] = &v1alpha1.ReleaseStatus{}
		w.changed = r.Spec.Changed
	}
	return nil
}

func (w *world) SetStatus(_ context.Context, _ deliver.AppKey, name string, change func(*v1alpha1.ReleaseStatus)) error {
	if w.releases[name] == nil {
		w.t.Errorf("status of a release %s that was never made", name)
		return nil
	}
	change(w.releases[name])
	return nil
}

func (w *world) Settled(deliver.AppKey, time.Time) bool { return true }

func (w *world) DependsOn(k deliver.AppKey) []deliver.AppKey { return w.dependsOn[k] }

func (w *world) Check(*v1alpha1.Application) error { return w.misread }

func (w *world) Ready(map[string]any, string) (string, error) { return w.unready, nil }
func (w *world) Claims(k deliver.Key) []deliver.AppKey        { return w.claims[k] }
func (w *world) phases() (out []string) {
	for _, r := range w.releases {
		out = append(out, r.Phase)
	}
	slices.Sort(out)
	return out
}

type view struct{ *world }

func (v view) Namespaced(_ context.Context, g deliver.GVK) (bool, error) {
	switch g.Kind {
	case "Namespace", "CustomResourceDefinition":
		return false, nil
	case "Unknown":
		return false, fault.New(fault.NotFound, "find the kind", g.Kind, "not served", "")
	}
	return true, nil
}
func (v view) Watch(context.Context, deliver.GVK) error { return nil }
func (v view) Synced(g deliver.GroupKind) bool          { return !v.blind[g] }
func (v view) Object(k deliver.Key) (deliver.Live, bool) {
	s := v.objects[k]
	if s == nil || v.blind[k.GroupKind()] || s.App == (deliver.AppKey{}) {
		return deliver.Live{}, false
	}
	return s.Live, true
}
func (v view) Owned(app deliver.AppKey) (out []deliver.Live) {
	for _, s := range v.objects {
		if s.App == app && !v.blind[s.GroupKind()] {
			out = append(out, s.Live)
		}
	}
	return out
}

type tree struct {
	fs.FS
	rev string
}

func (t tree) ID(string) string             { return t.rev }
func (t tree) Commit() *v1alpha1.CommitInfo { return &v1alpha1.CommitInfo{Subject: t.rev} }

type source struct{ *world }

func (s source) Head(*v1alpha1.Application) (deliver.Head, bool, error) {
	var err error
	if s.down {
		err = fault.New(fault.Unavailable, "ask", "source", "down", "")
	}
	return deliver.Head{Revision: s.head, Ref: "refs/heads/main", Checked: s.now, Seen: s.now}, s.head != "", err
}

func (s source) Fetch(_ context.Context, _ *v1alpha1.Application, rev string) (deliver.Tree, error) {
	s.fetched[rev]++
	if s.commits[rev] == nil || s.gone && !slices.Contains(s.kept, rev) {
		return nil, fault.New(fault.Unavailable, "fetch", rev, "gone", "")
	}
	if err := s.commits[rev].unread; err != nil {
		return nil, err
	}
	return tree{fstest.MapFS{}, rev}, nil
}

func (s source) Keep(_ context.Context, _ *v1alpha1.Application, rev, instead string) error {
	s.kept = append(slices.DeleteFunc(s.kept, func(k string) bool { return k == rev || k == instead }), rev)
	return nil
}

func (s source) Render(_ context.Context, _ *v1alpha1.Application, t deliver.Tree) (*deliver.Rendered, error) {
	c := s.commits[t.(tree).rev]
	if c.broken {
		return nil, fault.New(fault.Invalid, "render", "kustomization.yaml", "broken", "")
	}
	r := &deliver.Rendered{Handle: c}
	for _, o := range c.objects {
		o = maps.Clone(o)
		if c.crashing && o["kind"] == "Deployment" {
			o["spec"] = map[string]any{"crash": true}
		}
		r.Bodies = append(r.Bodies, o)
	}
	return r, nil
}

func (s source) Same(deliver.AppKey, deliver.Tree) bool                        { return false }
func (s source) Inputs(context.Context, *v1alpha1.Application) (string, error) { return "", nil }

func (s source) Judge(_ context.Context, _ *v1alpha1.Application, _ deliver.Tree, r *deliver.Rendered, _ []*deliver.Object) (*deliver.Judgement, error) {
	if r.Handle.(*commit).refused {
		return &deliver.Judgement{Refused: true, Reason: "web.yaml:7: privileged", Findings: []v1alpha1.Finding{{Check: "k8s-privileged-container", File: "web.yaml", Line: 7}}}, nil
	}
	return &deliver.Judgement{}, nil
}

type witness struct{ *world }

func (witness) Follow(deliver.AppKey, []deliver.Key)                {}
func (witness) Forget(deliver.AppKey)                               {}
func (witness) UserOf(context.Context, deliver.Key) (string, error) { return "", nil }
func (witness) Look(deliver.AppKey, []deliver.Live, time.Time) deliver.Report {
	return deliver.Report{}
}
func (witness) Evidence(context.Context, deliver.AppKey, []deliver.Live, time.Time) []v1alpha1.Evidence {
	return []v1alpha1.Evidence{{Kind: "log", Text: "panic: no settings"}}
}

func object(kind, name, value string) map[string]any {
	apiVersion := "v1"
	switch kind {
	case "Deployment":
		apiVersion = "apps/v1"
	case "CustomResourceDefinition":
		apiVersion = "apiextensions.k8s.io/v1"
	case "Widget":
		apiVersion = "example.com/v1"
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}, "data": map[string]any{"value": value}}
}
