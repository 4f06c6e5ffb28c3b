package gitops

import (
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

const widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: NAMEs.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: NAMEs, singular: NAME, kind: KIND, listKind: KINDList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// definition is a CustomResourceDefinition of a kind, and an object of it.
func definition(kind string) files {
	name := lower(kind)
	replace := func(s string) string { return replaceAll(replaceAll(s, "NAME", name), "KIND", kind) }
	return files{"crd.yaml": replace(widgets), "x.yaml": replace("apiVersion: example.com/v1\nkind: KIND\nmetadata: {name: one}\nspec: {size: 3}\n")}
}

// refusing makes a policy that refuses ConfigMaps of the namespace whose value
// is "forbidden".
func (w *world) refusing() {
	w.Helper()
	name := w.ns + "-refuse"
	var spec map[string]any
	text := `{"failurePolicy":"Fail","matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["configmaps"]}],"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"` + w.ns + `"}}},"validations":[{"expression":"!has(object.data) || !('value' in object.data) || object.data.value != 'forbidden'","message":"the policy of the house forbids it"}]}`
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		w.Fatal(err)
	}
	p := obj("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "", name)
	p.Object["spec"] = spec
	w.create(w.T, resources["ValidatingAdmissionPolicy"], "", p)
	b := obj("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "", name)
	b.Object["spec"] = map[string]any{"policyName": name, "validationActions": []any{"Deny"}}
	w.create(w.T, resources["ValidatingAdmissionPolicyBinding"], "", b)
	w.Cleanup(func() {
		for _, k := range []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"} {
			if err := w.client.Resource(resources[k]).Delete(contextOf(w.T), name, metav1.DeleteOptions{}); err != nil {
				w.Errorf("delete the policy: %v", err)
			}
		}
	})
	// The policy is in force a moment after it was made.
	probe := obj("v1", "ConfigMap", w.ns, "probe")
	probe.Object["data"] = map[string]any{"value": "forbidden"}
	await(w.T, scenarioTime, "the policy is in force", func() string {
		_, err := w.client.Resource(resources["ConfigMap"]).Namespace(w.ns).Create(w.Context(), probe, metav1.CreateOptions{DryRun: []string{"All"}})
		if err == nil {
			return "it is not"
		}
		return ""
	})
}

// admissions has the API server refuse what Git wants.
func admissions() []scenario {
	return []scenario{
		{name: "admission policy refuses a change", quick: true, run: func(w *world) {
			w.refusing()
			w.commit(base().with(files{"a.yaml": configMap("a", "forbidden")}))
			w.refused(base(), "Synced", "False", ".", "policy of the house")
			next := base().with(files{"a.yaml": configMap("a", "2")})
			w.commit(next)
			w.judge(next)
		}},
		{name: "admission policy refuses a repair", run: func(w *world) {
			w.edit("ConfigMap", "a", `{"data":{"other":null}}`)
			w.equal(base())
			w.refusing()
			w.judge(base())
		}},
		{name: "quota exceeded", quick: true, raw: true,
			before: func(w *world) {
				q := obj("v1", "ResourceQuota", w.ns, "q")
				q.Object["spec"] = map[string]any{"hard": map[string]any{"services": "0"}}
				w.create(w.T, resources["ResourceQuota"], w.ns, q)
				await(w.T, scenarioTime, "the quota is in force", func() string {
					s := obj("v1", "Service", w.ns, "probe")
					s.Object["spec"] = map[string]any{"ports": []any{map[string]any{"port": int64(80)}}}
					_, err := w.client.Resource(resources["Service"]).Namespace(w.ns).Create(w.Context(), s, metav1.CreateOptions{DryRun: []string{"All"}})
					if err == nil {
						return "it is not"
					}
					return ""
				})
			},
			run: func(w *world) {
				w.condition("Synced", "False", ".", "exceeded quota")
				if err := w.client.Resource(resources["ResourceQuota"]).Namespace(w.ns).Delete(w.Context(), "q", metav1.DeleteOptions{}); err != nil {
					w.Fatal(err)
				}
				w.judge(base())
			}},
		{name: "namespace missing, then made", quick: true, raw: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Namespace = a.Name + "-late" },
			before: func(w *world) {
				w.grantAll()
			},
			run: func(w *world) {
				w.condition("Synced", "False", ".", "late")
				w.create(w.T, resources["Namespace"], "", obj("v1", "Namespace", "", w.ns+"-late"))
				w.synced()
				w.accounted()
			}},
		{name: "namespace terminating", quick: true, run: func(w *world) {
			// A finalizer keeps an object, and so the namespace, for a while.
			o := obj("v1", "ConfigMap", w.ns, "holds")
			o.SetFinalizers([]string{"example.com/hold"})
			w.create(w.T, resources["ConfigMap"], w.ns, o)
			if err := w.client.Resource(resources["Namespace"]).Delete(w.Context(), w.ns, metav1.DeleteOptions{}); err != nil {
				w.Fatal(err)
			}
			w.condition("Ready", "False", ".", "(terminated|terminating|being deleted|does not exist|not found)")
			w.edit("ConfigMap", "holds", `{"metadata":{"finalizers":null}}`)
			w.accounted()
		}},
		{name: "definition and its object in one commit", quick: true, before: func(w *world) { w.grantAll() }, first: base().with(definition("Widget")), raw: true, run: func(w *world) {
			w.judge(base().with(definition("Widget")))
		}},
		{name: "definition deleted behind us", quick: true, before: func(w *world) { w.grantAll() }, first: base().with(definition("Gadget")), run: func(w *world) {
			if err := w.client.Resource(resources["CustomResourceDefinition"]).Delete(w.Context(), "gadgets.example.com", metav1.DeleteOptions{}); err != nil {
				w.Fatal(err)
			}
			w.remade["CustomResourceDefinition/gadgets.example.com"], w.remade["Gadget/one"] = true, true
			w.equal(base().with(definition("Gadget")))
			w.judge(base().with(definition("Gadget")))
		}},
		{name: "definition left Git", quick: true, before: func(w *world) { w.grantAll() }, first: base().with(definition("Gizmo")), run: func(w *world) {
			w.commit(base())
			w.stay["CustomResourceDefinition/gizmos.example.com"] = true
			w.condition("Synced", "False", ".", "confirm")
			if w.live(obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "gizmos.example.com")) == nil {
				w.Error("the definition was deleted without anybody's word")
			}
			w.annotate(v1alpha1.AnnotationConfirmPrune, w.repo.head())
			delete(w.stay, "CustomResourceDefinition/gizmos.example.com")
			w.judge(base())
		}},
		{name: "rights withdrawn midway", quick: true, run: func(w *world) {
			if err := w.client.Resource(resources["RoleBinding"]).Namespace(w.ns).Delete(w.Context(), w.ns, metav1.DeleteOptions{}); err != nil {
				w.Fatal(err)
			}
			next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": ""})
			w.commit(next)
			w.condition("Synced", "False", "RightsMissing", "(cannot|forbidden)")
			w.grant()
			w.judge(next) // by itself: nobody has to say that it is to be tried again
		}},
		{name: "rights withdrawn, and not given back in time", tune: func(a *v1alpha1.Application) {
			a.Spec.Health.Deadline = &metav1.Duration{Duration: 5 * time.Second}
		}, run: func(w *world) {
			if err := w.client.Resource(resources["RoleBinding"]).Namespace(w.ns).Delete(w.Context(), w.ns, metav1.DeleteOptions{}); err != nil {
				w.Fatal(err)
			}
			next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": ""})
			w.commit(next)
			w.refused(base(), "Synced", "False", ".", "not applied within 5s.*cannot")
			w.grant()
			// What ran out of time is not tried again by itself: a person says so.
			w.annotate(v1alpha1.AnnotationRetry, w.repo.head())
			w.judge(next)
		}},
		{name: "rights withdrawn, then drift", run: func(w *world) {
			if err := w.client.Resource(resources["RoleBinding"]).Namespace(w.ns).Delete(w.Context(), w.ns, metav1.DeleteOptions{}); err != nil {
				w.Fatal(err)
			}
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`)
			w.condition("Synced", "False", ".", "(cannot|forbidden)")
			w.grant()
			w.poke()
			w.judge(base())
		}},
		{name: "no rights from the beginning", quick: true, raw: true,
			tune: func(a *v1alpha1.Application) { a.Spec.ServiceAccountName = "nobody" },
			run: func(w *world) {
				w.condition("Synced", "False", ".", "(cannot|forbidden)")
				w.equal(files{})
				w.accounted()
			}},
		{name: "immutable field", quick: true, first: base().with(files{"n.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\nimmutable: true\ndata: {value: \"1\"}\n"}), run: func(w *world) {
			old := base().with(files{"n.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\nimmutable: true\ndata: {value: \"1\"}\n"})
			w.commit(base().with(files{"n.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\nimmutable: true\ndata: {value: \"2\"}\n"}))
			w.refused(old, "Synced", "False", ".", "immutable")
			next := base().with(files{"n.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {autoecoops.io/recreate: allowed}}\nimmutable: true\ndata: {value: \"2\"}\n"})
			w.remade["ConfigMap/kept"] = true
			w.commit(next)
			w.judge(next)
		}},
	}
}
