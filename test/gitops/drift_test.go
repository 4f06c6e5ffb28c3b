package gitops

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
)

// without waits until an object lacks a field.
func (w *world) without(kind, name string, path ...string) {
	w.Helper()
	await(w.T, scenarioTime, fmt.Sprintf("%s %s lacks %v", kind, name, path), func() string {
		o := w.live(obj("", kind, "", name))
		if o == nil {
			return "it does not exist"
		}
		if v, found, err := unstructured.NestedFieldNoCopy(o.Object, path...); found || err != nil {
			return fmt.Sprintf("it is %v (%v)", v, err)
		}
		return ""
	})
}

// drift is a change by hand that has to be undone.
type drift struct {
	name string
	make func(w *world)
}

func driftKinds() []drift {
	return []drift{
		{"edit", func(w *world) { w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`) }},
		{"delete", func(w *world) { w.remove("ConfigMap", "a") }},
		{"field removed", func(w *world) { w.edit("ConfigMap", "a", `{"data":{"other":null}}`) }},
		{"label lost", func(w *world) {
			w.edit("ConfigMap", "a", `{"metadata":{"labels":{"`+v1alpha1.LabelApplication+`":null}}}`)
		}},
		{"all labels lost", func(w *world) { w.edit("ConfigMap", "a", `{"metadata":{"labels":null}}`) }},
		{"service port", func(w *world) { w.edit("Service", "s", `{"spec":{"ports":[{"name":"http","port":81}]}}`) }},
		{"secret", func(w *world) { w.edit("Secret", "k", `{"stringData":{"word":"by hand"}}`) }},
		{"made anew", func(w *world) {
			w.remove("ConfigMap", "a")
			o := obj("v1", "ConfigMap", w.ns, "a")
			o.Object["data"] = map[string]any{"value": "somebody's"}
			_, err := w.client.Resource(resources["ConfigMap"]).Namespace(w.ns).Create(w.Context(), o, metav1.CreateOptions{})
			if err != nil {
				w.Logf("the operator was faster: %v", err)
			}
		}},
		{"several", func(w *world) {
			for _, n := range []string{"a", "b", "c"} {
				w.edit("ConfigMap", n, `{"data":{"value":"by hand"}}`)
			}
			w.remove("Service", "s")
		}},
	}
}

// posture waits until the application's posture is as wanted.
func (w *world) posture(wanted func(v1alpha1.Posture) bool) (p v1alpha1.Posture) {
	w.Helper()
	await(w.T, time.Minute, "the posture", func() string {
		app, err := w.status()
		switch {
		case err != nil:
			return err.Error()
		case app.Status.Posture == nil:
			return "there is none"
		case !wanted(*app.Status.Posture):
			return fmt.Sprintf("%+v", *app.Status.Posture)
		}
		p = *app.Status.Posture
		return ""
	})
	return p
}

// healed checks that labels are back, besides what equal compares.
func (w *world) healed() {
	w.Helper()
	await(w.T, scenarioTime, "the labels are back", func() string {
		o := w.live(obj("v1", "ConfigMap", "", "a"))
		if o == nil || o.GetLabels()[v1alpha1.LabelApplication] != w.ns {
			return "they are not"
		}
		return ""
	})
}

// drifts has every kind of drift, quietly and while writes fail.
func drifts() []scenario {
	var all []scenario
	for i, d := range driftKinds() {
		all = append(all, scenario{name: "drift: " + d.name, quick: true, run: func(w *world) {
			d.make(w)
			w.equal(base())
			w.healed()
			w.judge(base())
		}})
		for j, f := range faults() {
			if (i+j)%3 != 0 {
				continue
			}
			all = append(all, scenario{name: "drift: " + d.name + ", repair fails: " + f.name, run: func(w *world) {
				w.proxy.Add(faultproxy.Rule{Match: faultproxy.Match{Verbs: []string{"patch"}, Path: w.objects().Path}, Times: 2, Fault: f.fault})
				d.make(w)
				w.equal(base())
				w.healed()
				w.judge(base())
			}})
		}
	}
	return append(all,
		scenario{name: "drift: only reported", quick: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Sync.DriftMode = "report" },
			run: func(w *world) {
				w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`)
				w.refused(base().with(files{"a.yaml": configMap("a", "by hand")}), "Synced", "False", "Drifted", "ConfigMap .*a was changed")
			}},
		scenario{name: "drift: only reported, and the posture follows", quick: true,
			first: base().with(files{"web.yaml": deployment("1", "a")}),
			tune: func(a *v1alpha1.Application) {
				a.Spec.Sync.DriftMode = "report"
				a.Spec.Health.Expressions = []v1alpha1.HealthExpression{{Group: "apps", Kind: "Deployment", Healthy: "true"}}
			},
			run: func(w *world) {
				w.synced()
				before := w.posture(func(v1alpha1.Posture) bool { return true })
				w.edit("Deployment", "web", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.com/web:1","securityContext":{"privileged":true}}]}}}}`)
				w.posture(func(p v1alpha1.Posture) bool { return p.Critical > before.Critical })
				w.edit("Deployment", "web", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.com/web:1","securityContext":null,"envFrom":[{"configMapRef":{"name":"a"}}]}]}}}}`)
				w.posture(func(p v1alpha1.Posture) bool { return p.Critical == before.Critical && p.High <= before.High })
				w.accounted()
			}},
		scenario{name: "drift: ignored field", quick: true,
			tune: func(a *v1alpha1.Application) {
				a.Spec.Ignore = []v1alpha1.IgnoreRule{{Kind: "ConfigMap", Name: "a", Fields: []string{"/data/value"}}}
			},
			first: base().with(files{"a.yaml": configMap("a", "1")}), raw: true,
			run: func(w *world) {
				w.synced()
				w.edit("ConfigMap", "a", `{"data":{"value":"theirs"}}`)
				next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": configMap("b", "2")})
				w.commit(next)
				w.judge(next.with(files{"a.yaml": configMap("a", "theirs")}))
			}},
		scenario{name: "drift: suspended", quick: true, run: func(w *world) {
			w.merge(map[string]any{"spec": map[string]any{"suspend": true}})
			w.condition("Ready", "Unknown", "Suspended", "suspended")
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`)
			w.commit(base().with(files{"b.yaml": configMap("b", "2")}))
			w.refused(base().with(files{"a.yaml": configMap("a", "by hand")}), "Stalled", "True", "Suspended", "until spec.suspend")
			w.merge(map[string]any{"spec": map[string]any{"suspend": false}})
			w.judge(base().with(files{"b.yaml": configMap("b", "2")}))
		}},
		scenario{name: "drift: another tool applies the same fields", quick: true, run: func(w *world) {
			o := obj("v1", "ConfigMap", w.ns, "a")
			o.Object["data"] = map[string]any{"value": "theirs"}
			_, err := w.client.Resource(resources["ConfigMap"]).Namespace(w.ns).Apply(w.Context(), "a", o, metav1.ApplyOptions{FieldManager: "other-tool", Force: true})
			if err != nil {
				w.Fatal(err)
			}
			w.equal(base())
			w.judge(base())
		}},
	)
}
