package deliver_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
)

func annotated(o map[string]any, kv ...string) map[string]any {
	o = maps.Clone(o)
	meta := maps.Clone(o["metadata"].(map[string]any))
	a := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		a[kv[i]] = kv[i+1]
	}
	meta["annotations"] = a
	o["metadata"] = meta
	return o
}

func job(name, hook string) map[string]any {
	o := annotated(object("Job", name, ""), v1alpha1.AnnotationHook, hook)
	o["apiVersion"] = "batch/v1"
	return o
}

func TestDeletedApplicationTakesItsObjectsAlong(t *testing.T) {
	for _, mode := range []string{"delete", "keep"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			w.app.Spec.Sync.OnDelete = mode
			w.push("r1", &commit{objects: []map[string]any{object("Namespace", "n", ""), object("ConfigMap", "a", "1"), object("Deployment", "web", "1")}})
			w.settle()
			at := metav1.NewTime(w.now)
			w.app.DeletionTimestamp = &at
			done := false
			for range 30 {
				out, err := w.engine.Reconcile(t.Context(), w.app.DeepCopy())
				if err != nil {
					t.Fatal(err)
				}
				w.app.Status, done = *out.Status, out.RemoveFinalizer
				if done {
					break
				}
				w.now = w.now.Add(max(out.Again, time.Second))
			}
			if !done {
				t.Fatal("never done")
			}
			if left := w.has(); (left == "") != (mode == "delete") {
				t.Errorf("left: %q", left)
			}
			if order := w.deletions; mode == "delete" && (order[0].Kind != "Deployment" || order[2].Kind != "Namespace") {
				t.Errorf("order: %v", order)
			}
		})
	}
}

func TestHooksRunOnceForEachRelease(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{objects: []map[string]any{job("migrate", "before"), object("Deployment", "web", "1"), job("smoke", "after"), job("alarm", "on-failure")}})
	w.settle()
	w.mustBeReady("r1")
	first := w.has()
	if !strings.Contains(first, "Job/migrate-") || !strings.Contains(first, "Job/smoke-") || strings.Contains(first, "alarm") {
		t.Fatal(first)
	}
	w.push("r2", &commit{objects: []map[string]any{job("migrate", "before"), object("Deployment", "web", "2"), job("smoke", "after"), job("alarm", "on-failure")}})
	w.settle()
	w.mustBeReady("r2")
	if second := w.has(); second == first || strings.Count(second, "migrate-") != 1 {
		t.Errorf("hooks of the second release: %s", second)
	}
	w.push("r3", &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "3"), job("alarm", "on-failure")}})
	for range 300 {
		again, _ := w.reconcile()
		w.now = w.now.Add(max(again, time.Second))
		if len(w.app.Status.Quarantine) > 0 {
			break
		}
	}
	if !strings.Contains(w.has(), "Job/alarm-") {
		t.Errorf("the hook for failures did not run: %s", w.has())
	}
}

func TestAfterHookWaitsForHealth(t *testing.T) {
	w := newWorld(t)
	w.push("r1", &commit{crashing: true, objects: []map[string]any{object("Deployment", "web", "1"), job("smoke", "after")}})
	w.reconcile()
	if got := w.has(); got != "Deployment/web" {
		t.Fatalf("applied: %s", got)
	}
	if c := w.condition(v1alpha1.ConditionSynced); !strings.Contains(c.Message, "waits for Deployment.apps shop/web") {
		t.Errorf("%+v", c)
	}
	for _, s := range w.objects {
		s.Health.Status = health.Healthy
	}
	w.settle()
	if got := w.has(); !strings.Contains(got, "Job/smoke-") {
		t.Error(got)
	}
}

func TestWrongHooks(t *testing.T) {
	for why, o := range map[string]map[string]any{
		"only a Job can be a hook": annotated(object("ConfigMap", "a", "1"), v1alpha1.AnnotationHook, "before"),
		"unknown hook":             job("x", "whenever"),
	} {
		w := newWorld(t)
		w.push("r1", &commit{objects: []map[string]any{o}})
		w.settle()
		if c := w.condition(v1alpha1.ConditionReady); !strings.Contains(c.Message, why) {
			t.Errorf("%q: %+v", why, c)
		}
	}
}

func TestUnusableObjectsAreRefused(t *testing.T) {
	twice := object("ConfigMap", "a", "1")
	for why, objects := range map[string][]map[string]any{
		"without a name":      {{"apiVersion": "v1", "kind": "ConfigMap"}},
		"generateName":        {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "x-"}}},
		"without apiVersion":  {{"kind": "ConfigMap", "metadata": map[string]any{"name": "x"}}},
		"rendered twice":      {twice, twice},
		"item 0 is no object": {{"apiVersion": "v1", "kind": "List", "items": []any{"x"}}},
		"encrypted with SOPS": {{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "x"}, "sops": map[string]any{"mac": "ENC[x]", "version": "3.9.0"}}},
		`its wave is "soon"`:  {annotated(object("ConfigMap", "a", "1"), v1alpha1.AnnotationWave, "soon")},
		"2 problems":          {{"apiVersion": "v1", "kind": "ConfigMap"}, {"kind": "X"}},
	} {
		w := newWorld(t)
		w.push("r1", &commit{objects: objects})
		w.settle()
		if c := w.condition(v1alpha1.ConditionReady); c.Status != metav1.ConditionFalse || !strings.Contains(c.Message, why) || w.mutations > 0 {
			t.Errorf("%q: %d calls, %+v", why, w.mutations, c)
		}
	}
}

func TestListsAreTakenApart(t *testing.T) {
	w := newWorld(t)
	inner := map[string]any{"apiVersion": "v1", "kind": "ConfigMapList", "items": []any{object("ConfigMap", "b", "1")}}
	w.push("r1", &commit{objects: []map[string]any{{"apiVersion": "v1", "kind": "List", "items": []any{object("ConfigMap", "a", "1"), inner}}}})
	w.settle()
	if got := w.has(); got != "ConfigMap/a ConfigMap/b" {
		t.Error(got)
	}
}

func TestAnApplicationCannotWaitForItself(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.DependsOn = []v1alpha1.Dependency{{ObjectReference: v1alpha1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.ApplicationKind, Name: web.Name}}}
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	for range 3 {
		w.reconcile()
	}
	if c, s := w.condition(v1alpha1.ConditionSynced), w.condition(v1alpha1.ConditionStalled); !strings.Contains(c.Message, "depends on itself") || s.Status != metav1.ConditionTrue || w.mutations > 0 {
		t.Errorf("%+v %+v", c, s)
	}
}

func TestDependenciesHoldARelease(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.DependsOn = []v1alpha1.Dependency{{ObjectReference: v1alpha1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Name: "base"}}}
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	for range 3 {
		w.reconcile()
	}
	if c := w.condition(v1alpha1.ConditionSynced); w.has() != "" || !strings.Contains(c.Message, "waits for ConfigMap base: it does not exist") {
		t.Fatalf("%s, %+v", w.has(), c)
	}
	base := deliver.Key{Kind: "ConfigMap", Namespace: "shop", Name: "base"}
	w.objects[base] = &stored{Live: deliver.Live{Key: base}}
	w.unready = "not ready: 1 of 2"
	w.reconcile()
	if c := w.condition(v1alpha1.ConditionSynced); !strings.Contains(c.Message, w.unready) {
		t.Errorf("%+v", c)
	}
	w.unready = ""
	w.settle()
	w.mustBeReady("r1")
	w.app.Spec.DependsOn[0].Kind = "Unknown"
	w.push("r2", &commit{objects: []map[string]any{object("ConfigMap", "a", "2")}})
	w.reconcile()
	if c := w.condition(v1alpha1.ConditionSynced); !strings.Contains(c.Message, "not served") {
		t.Errorf("%+v", c)
	}
	w.app.Spec.DependsOn[0].APIVersion = ""
	w.reconcile()
	if c := w.condition(v1alpha1.ConditionSynced); !strings.Contains(c.Message, "apiVersion or kind is missing") {
		t.Errorf("%+v", c)
	}
}

func TestSuspendedDoesNothing(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.Suspend = true
	w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
	w.reconcile()
	if w.mutations != 0 || w.condition(v1alpha1.ConditionReady).Reason != "Suspended" {
		t.Errorf("%d calls, %+v", w.mutations, w.condition(v1alpha1.ConditionReady))
	}
}

func TestImmutableFieldNeedsAWaiver(t *testing.T) {
	for name, c := range map[string]struct {
		object    map[string]any
		recreated bool
	}{
		"no waiver":     {object("Deployment", "web", "2"), false},
		"waiver":        {annotated(object("Deployment", "web", "2"), v1alpha1.AnnotationRecreate, "allowed"), true},
		"never a claim": {annotated(object("PersistentVolumeClaim", "web", "2"), v1alpha1.AnnotationRecreate, "allowed"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first := maps.Clone(c.object)
			first["data"] = map[string]any{"value": "1"}
			w.push("r1", &commit{objects: []map[string]any{first}})
			w.settle()
			var uid string
			for _, s := range w.objects {
				uid = s.UID
			}
			w.failAt, w.failKind = 1, fault.Blocked
			// The call that deletes is announced with those that apply.
			w.mayDelete = nil
			w.push("r2", &commit{objects: []map[string]any{c.object}})
			w.reconcile()
			recreated := len(w.deletions) == 1
			for _, s := range w.objects {
				recreated = recreated && s.UID != uid
			}
			if recreated != c.recreated {
				t.Errorf("recreated: %v", recreated)
			}
			if !c.recreated && !slices.ContainsFunc(w.app.Status.Quarantine, func(q v1alpha1.Quarantined) bool { return q.Revision == "r2" }) {
				t.Errorf("%+v", w.app.Status.Quarantine)
			}
		})
	}
}

func TestAFolderWithoutManifestsIsNoSuccess(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.Source.Path = "shpo"
	w.push("r1", &commit{})
	w.settle()
	if c := w.condition(v1alpha1.ConditionSynced); c.Status != metav1.ConditionFalse || !strings.Contains(c.Message, "no manifests in folder shpo") {
		t.Errorf("%+v", c)
	}
	w.app.Spec.Sync.AllowEmpty = true
	w.app.Generation++
	w.settle()
	if c := w.condition(v1alpha1.ConditionSynced); c.Status != metav1.ConditionTrue {
		t.Errorf("%+v", c)
	}
}

func TestMissingRightsAreWaitedFor(t *testing.T) {
	objects := []map[string]any{object("ConfigMap", "a", "2"), object("ConfigMap", "b", "2")}
	begin := func(t *testing.T, code string) *world {
		w := newWorld(t)
		w.push("r1", &commit{objects: []map[string]any{object("ConfigMap", "a", "1")}})
		w.settle()
		w.failCode, w.forbidden = code, true
		w.push("r2", &commit{objects: objects})
		w.reconcile()
		return w
	}
	quarantined := func(w *world) bool {
		return slices.ContainsFunc(w.app.Status.Quarantine, func(q v1alpha1.Quarantined) bool { return q.Revision == "r2" })
	}
	t.Run("granted in time", func(t *testing.T) {
		w := begin(t, deliver.CodeRightsMissing)
		if c := w.condition(v1alpha1.ConditionSynced); quarantined(w) || c.Status != metav1.ConditionFalse || w.app.Status.Active == nil {
			t.Fatalf("%+v, %+v", w.app.Status.Quarantine, c)
		}
		w.forbidden = false
		w.settle()
		if w.app.Status.Sync.Revision != "r2" || w.condition(v1alpha1.ConditionReady).Status != metav1.ConditionTrue {
			t.Errorf("%+v", w.app.Status)
		}
	})
	t.Run("never granted", func(t *testing.T) {
		w := begin(t, deliver.CodeRightsMissing)
		for range 60 {
			again, _ := w.reconcile()
			w.now = w.now.Add(max(again, time.Second))
			if quarantined(w) {
				break
			}
		}
		if took := w.now.Sub(w.app.Status.Quarantine[0].Time.Time); !quarantined(w) || took > time.Minute || !strings.Contains(w.app.Status.Quarantine[0].Message, "`aeo release retry "+w.app.Status.Quarantine[0].Release+" -n shop` tries it again") {
			t.Errorf("%+v", w.app.Status.Quarantine)
		}
	})
	t.Run("a policy is not waited for", func(t *testing.T) {
		if w := begin(t, ""); !quarantined(w) {
			t.Errorf("%+v", w.app.Status)
		}
	})
}

func TestIgnoredFieldsAreNotApplied(t *testing.T) {
	w := newWorld(t)
	w.app.Spec.Ignore = []v1alpha1.IgnoreRule{
		{Kind: "ConfigMap", Fields: []string{"/data/value", "/data/a~1b", "/list/*/x", "/list/0/y", "relative"}},
		{Kind: "Secret", Fields: []string{"/data"}}, {Group: "apps", Fields: []string{"/data"}}, {Namespace: "other", Fields: []string{"/data"}}, {Name: "other", Fields: []string{"/data"}},
	}
	body := object("ConfigMap", "a", "1")
	body["data"] = map[string]any{"value": "1", "a/b": "1", "kept": "1"}
	body["list"] = []any{map[string]any{"x": 1, "y": 2}, map[string]any{"x": 1, "y": 3}}
	w.push("r1", &commit{objects: []map[string]any{body}})
	var applied map[string]any
	w.spy = func(o *deliver.Object) { applied = o.Body }
	w.settle()
	want := map[string]any{"kept": "1"}
	if got := applied["data"].(map[string]any); !maps.EqualFunc(got, want, func(a, b any) bool { return a == b }) {
		t.Errorf("%v", got)
	}
	list := applied["list"].([]any)
	if len(list[0].(map[string]any)) != 0 || list[1].(map[string]any)["y"] != 3 {
		t.Errorf("%v", list)
	}
}

func TestReplicasOfAScalerAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	web := object("Deployment", "web", "1")
	web["spec"] = map[string]any{"replicas": int64(3), "x": "y"}
	scaler := map[string]any{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}
	keda := map[string]any{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{"scaleTargetRef": map[string]any{"name": "web"}}}
	var replicas []any
	w.spy = func(o *deliver.Object) {
		if o.Kind == "Deployment" {
			replicas = append(replicas, o.Body["spec"].(map[string]any)["replicas"])
		}
	}
	for i, c := range []*commit{{objects: []map[string]any{web}}, {objects: []map[string]any{web, scaler}}, {objects: []map[string]any{web, keda}}} {
		w.push(string(rune('a'+i)), c)
		w.settle()
	}
	if len(replicas) != 2 || replicas[0] != int64(3) || replicas[1] != nil {
		t.Errorf("%v", replicas)
	}
}
