package gitops

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

func lower(s string) string                { return strings.ToLower(s) }
func replaceAll(s, old, new string) string { return strings.ReplaceAll(s, old, new) }

// contextOf is for clean-up, when the test's own context has ended.
func contextOf(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "example.com/web:VERSION", envFrom: [{configMapRef: {name: CONFIG}}]}]
`

func deployment(version, config string) string {
	return strings.NewReplacer("VERSION", version, "CONFIG", config).Replace(web)
}

// policies has what an Application's settings promise.
func policies() []scenario {
	all := []scenario{
		{name: "most objects left Git", quick: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Sync.MaxDeletePercent = nil },
			run: func(w *world) {
				next := files{"a.yaml": configMap("a", "2")}
				w.commit(next)
				w.condition("Synced", "False", ".", "left Git, more than 50 %")
				w.equal(base().with(next))
				w.alive(base().with(next))
				w.annotate(v1alpha1.AnnotationConfirmPrune, w.repo.head())
				w.judge(next)
			}},
		{name: "pruning is off", quick: true,
			tune: func(a *v1alpha1.Application) { off := false; a.Spec.Sync.Prune = &off },
			run: func(w *world) {
				w.commit(base().with(files{"b.yaml": ""}))
				w.refused(base(), "Synced", "False", ".", "pruning is off")
			}},
		{name: "an object is never pruned", quick: true,
			first: base().with(files{"n.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {autoecoops.io/prune: never}}\n"}),
			run: func(w *world) {
				w.stay["ConfigMap/kept"] = true
				w.commit(base())
				w.judge(base())
				if w.live(obj("v1", "ConfigMap", w.ns, "kept")) == nil {
					w.Error("it was pruned")
				}
			}},
		{name: "manual sync", quick: true, tune: func(a *v1alpha1.Application) { a.Spec.Sync.Manual = true }, raw: true,
			before: func(w *world) { w.asked = 100 },
			run: func(w *world) {
				w.condition("Synced", "False", "Held", "waits for")
				w.equal(files{})
				w.poke()
				w.judge(base())
				next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": ""})
				w.repo.commit(next)
				w.learn(next)
				w.equal(base())
				w.poke()
				w.judge(next)
			}},
		{name: "variables are filled in", quick: true, raw: true, first: files{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {value: \"${WORD}\"}\n"},
			tune: func(a *v1alpha1.Application) {
				a.Spec.Substitute = &v1alpha1.Substitution{Variables: map[string]string{"WORD": "filled"}}
			},
			run: func(w *world) {
				w.judge(files{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {value: filled}\n"})
				w.merge(map[string]any{"spec": map[string]any{"substitute": map[string]any{"variables": map[string]any{"WORD": "other"}}}})
				w.judge(files{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {value: other}\n"})
			}},
		{name: "a variable is missing", quick: true, raw: true, first: files{"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {value: \"${WORD}\"}\n"},
			tune: func(a *v1alpha1.Application) { a.Spec.Substitute = &v1alpha1.Substitution{} },
			run: func(w *world) {
				w.condition("Ready", "False", ".", "WORD")
				w.equal(files{})
			}},
		{name: "the gate refuses a commit", quick: true, first: base(),
			tune: func(a *v1alpha1.Application) { a.Spec.Gate.FailOn = "high" },
			run: func(w *world) {
				w.repo.commit(base().with(files{"p.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: p, image: \"example.com/p:1\", securityContext: {privileged: true}}]}\n"}))
				w.poke()
				w.refused(base(), "Synced", "False", "Held", "quarantined .refused.")
				w.commit(base().with(files{"a.yaml": configMap("a", "2")}))
				w.judge(base().with(files{"a.yaml": configMap("a", "2")}))
			}},
		{name: "depends on an object", quick: true, raw: true,
			tune: func(a *v1alpha1.Application) {
				a.Spec.DependsOn = []v1alpha1.Dependency{{ObjectReference: v1alpha1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: a.Spec.Namespace, Name: "dep"}, Ready: "object.data.done == 'yes'"}}
			},
			run: func(w *world) {
				w.condition("Synced", "False", ".", "waits for ConfigMap dep")
				w.equal(files{})
				o := obj("v1", "ConfigMap", w.ns, "dep")
				o.Object["data"] = map[string]any{"done": "yes"}
				w.create(w.T, resources["ConfigMap"], w.ns, o)
				w.judge(base())
			}},
		{name: "applications wait for each other", quick: true, raw: true,
			tune: func(a *v1alpha1.Application) {
				a.Spec.DependsOn = []v1alpha1.Dependency{{ObjectReference: v1alpha1.ObjectReference{APIVersion: "autoecoops.io/v1alpha1", Kind: "Application", Name: "b-" + a.Name}}}
			},
			run: func(w *world) {
				w.grantAll() // to read the other
				w.condition("Synced", "False", "Progressing", "waits for Application b-.*: it does not exist")
				other := obj("autoecoops.io/v1alpha1", "Application", w.home, "b-"+w.ns)
				other.Object["spec"] = map[string]any{
					"namespace": w.ns, "source": map[string]any{"git": map[string]any{"url": w.repo.url()}, "path": "elsewhere"},
					"dependsOn": []any{map[string]any{"apiVersion": "autoecoops.io/v1alpha1", "kind": "Application", "name": w.ns}},
				}
				w.create(w.T, resources["Application"], w.home, other)
				w.condition("Stalled", "True", "Invalid", "they wait for each other: ")
				w.equal(files{})
				if err := w.client.Resource(resources["Application"]).Namespace(w.home).Delete(w.Context(), "b-"+w.ns, metav1.DeleteOptions{}); err != nil {
					w.Fatal(err)
				}
				w.merge(map[string]any{"spec": map[string]any{"dependsOn": nil}})
				w.judge(base())
			}},
		{name: "an expression that cannot be read, in the watch time", quick: true, raw: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Health.Watch = &metav1.Duration{Duration: 3 * time.Second} },
			run: func(w *world) {
				w.equal(base())
				w.merge(map[string]any{"spec": map[string]any{"health": map[string]any{"expressions": []any{map[string]any{"kind": "ConfigMap", "healthy": "object.data.("}}}}})
				w.condition("Stalled", "True", "ExpressionInvalid", "spec.health.expressions.0..healthy .ConfigMap.: ")
				w.merge(map[string]any{"spec": map[string]any{"health": map[string]any{"expressions": []any{map[string]any{"kind": "ConfigMap", "healthy": "true"}}}}})
				w.judge(base())
			}},
		{name: "times that are none", quick: true, raw: true,
			run: func(w *world) {
				w.judge(base())
				for _, spec := range []map[string]any{
					{"health": map[string]any{"deadline": "-5m"}}, {"health": map[string]any{"deadline": "0s"}},
					{"health": map[string]any{"watch": "-1s"}}, {"health": map[string]any{"watch": "soon"}},
					{"source": map[string]any{"git": map[string]any{"interval": "0s"}}},
				} {
					text, err := json.Marshal(map[string]any{"spec": spec})
					if err != nil {
						w.Fatal(err)
					}
					if _, err := w.client.Resource(resources["Application"]).Namespace(w.home).Patch(w.Context(), w.ns, types.MergePatchType, text, metav1.PatchOptions{}); err == nil {
						w.Errorf("%s is taken", text)
					}
				}
			}},
		{name: "a workload's replicas belong to an autoscaler", quick: true, first: files{
			"d.yaml": deployment("1", "c"), "c.yaml": configMap("c", "1"),
			"h.yaml": "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec: {minReplicas: 1, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}\n"}, raw: true,
			run: func(w *world) {
				await(w.T, scenarioTime, "the Deployment is there", func() string {
					if w.live(obj("apps/v1", "Deployment", w.ns, "web")) == nil {
						return "it is not"
					}
					return ""
				})
				_, err := w.client.Resource(resources["Deployment"]).Namespace(w.ns).Patch(w.Context(), "web", "application/merge-patch+json", []byte(`{"spec":{"replicas":3}}`), metav1.PatchOptions{FieldManager: "kube-controller-manager"}, "scale")
				if err != nil {
					w.Fatal(err)
				}
				next := files{"d.yaml": strings.Replace(deployment("2", "c"), "  replicas: 1\n", "", 1), "c.yaml": configMap("c", "2"), "h.yaml": w.repo.now["h.yaml"]}
				w.repo.commit(next.with(files{"d.yaml": deployment("2", "c")}))
				w.poke()
				w.equal(next)
				if n, _, _ := nestedInt(w.live(obj("apps/v1", "Deployment", w.ns, "web")).Object, "spec", "replicas"); n != 3 {
					w.Errorf("the autoscaler's 3 replicas became %d", n)
				}
				w.accounted()
			}},
		{name: "a bad release is taken back", quick: true, first: files{"d.yaml": deployment("1", "c"), "c.yaml": configMap("c", "1")},
			tune: func(a *v1alpha1.Application) { a.Spec.Health.Deadline = &metav1.Duration{Duration: 6 * time.Second} },
			run: func(w *world) {
				good := files{"d.yaml": deployment("1", "c"), "c.yaml": configMap("c", "1")}
				// No node has so much memory: the pod is never scheduled.
				bad := strings.Replace(deployment("2", "c"), "name: web, image", "name: web, resources: {requests: {memory: 900Ti}}, image", 1)
				w.repo.commit(good.with(files{"d.yaml": bad}))
				w.poke()
				w.condition("Synced", "False", "Held", "quarantined .failed.")
				await(w.T, scenarioTime, "the release that puts it back is over", func() string {
					app, err := w.status()
					if err != nil || app.Status.Active != nil {
						return "not yet"
					}
					return ""
				})
				w.refused(good, "Stalled", "True", ".", "quarantined")
				w.annotate(v1alpha1.AnnotationRetry, w.repo.head())
				await(w.T, scenarioTime, "it is tried again", func() string {
					app, err := w.status()
					if err != nil || app.Status.Handled[v1alpha1.AnnotationRetry] == "" {
						return "not yet"
					}
					return ""
				})
				w.condition("Synced", "False", "Held", "quarantined .failed.")
				next := good.with(files{"c.yaml": configMap("c", "2")})
				w.commit(next)
				w.judge(next)
			}},
		{name: "generated configuration stays while a pod uses it", quick: true, first: files{"d.yaml": deployment("1", "c-1"), "c.yaml": configMap("c-1", "1")},
			run: func(w *world) {
				next := files{"d.yaml": deployment("1", "c-2"), "c.yaml": configMap("c-2", "1")}
				w.commit(next)
				w.judge(next)
			}},
		{name: "a claim left Git", quick: true, first: base().with(files{"p.yaml": "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\nspec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}\n"}), raw: true,
			tune: func(a *v1alpha1.Application) {
				a.Spec.Health.Expressions = []v1alpha1.HealthExpression{{Kind: "PersistentVolumeClaim", Healthy: "true"}}
			},
			run: func(w *world) {
				w.synced()
				w.note()
				w.stay["PersistentVolumeClaim/p"] = true
				w.commit(base())
				w.condition("Synced", "False", ".", "its data may go with it")
				if w.live(obj("v1", "PersistentVolumeClaim", w.ns, "p")) == nil {
					w.Error("the claim was deleted")
				}
				w.equal(base())
				w.alive(base())
				w.accounted()
			}},
		{name: "waves and hooks", quick: true, first: files{
			"a.yaml": strings.Replace(configMap("a", "1"), "{name: a}", "{name: a, annotations: {autoecoops.io/wave: \"2\"}}", 1),
			"b.yaml": strings.Replace(configMap("b", "1"), "{name: b}", "{name: b, annotations: {autoecoops.io/wave: \"1\"}}", 1),
		}, raw: true, run: func(w *world) {
			w.synced()
			a, b := w.live(obj("v1", "ConfigMap", w.ns, "a")), w.live(obj("v1", "ConfigMap", w.ns, "b"))
			if a == nil || b == nil || version(w.T, a.GetResourceVersion()) < version(w.T, b.GetResourceVersion()) {
				w.Error("wave 2 came before wave 1")
			}
			w.accounted()
		}},
	}
	for _, onDelete := range []string{"delete", "keep"} {
		all = append(all, scenario{name: "Application deleted: " + onDelete, quick: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Sync.OnDelete = onDelete },
			run: func(w *world) {
				w.accounted()
				if err := w.client.Resource(resources["Application"]).Namespace(w.home).Delete(w.Context(), w.ns, metav1.DeleteOptions{}); err != nil {
					w.Fatal(err)
				}
				await(w.T, scenarioTime, "the Application is gone", func() string {
					if w.live(obj("autoecoops.io/v1alpha1", "Application", w.home, w.ns)) != nil {
						return "it is there"
					}
					return ""
				})
				if onDelete == "keep" {
					w.equal(base())
					w.alive(base())
				} else {
					w.equal(files{})
				}
				w.alive(files{})
				w.accounted()
			}})
	}
	return all
}

func version(t *testing.T, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func nestedInt(o map[string]any, path ...string) (int64, bool, error) {
	var v any = o
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	n, ok := v.(int64)
	return n, ok, nil
}
