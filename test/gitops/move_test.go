package gitops

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// follower makes a second Application on another folder of the same repository.
func (w *world) follower(name, path string) {
	w.Helper()
	late, zero, all := metav1.Duration{Duration: time.Hour}, metav1.Duration{}, int32(100)
	app := &v1alpha1.Application{
		TypeMeta: metav1.TypeMeta{APIVersion: "autoecoops.io/v1alpha1", Kind: "Application"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.home},
		Spec: v1alpha1.ApplicationSpec{
			Source:    &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: w.repo.url(), Interval: &late}, Path: path},
			Namespace: w.ns, ServiceAccountName: w.ns, Gate: v1alpha1.Gate{FailOn: "never"}, Sync: v1alpha1.SyncPolicy{MaxDeletePercent: &all, OnDelete: "keep"}, Health: v1alpha1.HealthPolicy{Watch: &zero},
		},
	}
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		w.Fatal(err)
	}
	delete(body, "status")
	w.create(w.T, resources["Application"], w.home, &unstructured.Unstructured{Object: body})
	w.Cleanup(func() {
		err := w.client.Resource(resources["Application"]).Namespace(w.home).Delete(contextOf(w.T), name, metav1.DeleteOptions{})
		if err != nil {
			w.Errorf("delete the second Application: %v", err)
		}
	})
}

// settled waits until an Application is ready at the newest commit.
func (w *world) settled(name string) {
	w.Helper()
	head := w.repo.head()
	await(w.T, scenarioTime, name+" is at "+head[:8], func() string {
		o, err := w.client.Resource(resources["Application"]).Namespace(w.home).Get(w.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		app := &v1alpha1.Application{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, app); err != nil {
			return err.Error()
		}
		if !ready(app) || app.Status.Sync == nil || app.Status.Sync.Revision != head || app.Status.Active != nil {
			return conditions(app)
		}
		return ""
	})
}

// moves has objects change their names, their files and their Applications.
func moves() []scenario {
	all := []scenario{
		{name: "an object is renamed", quick: true, run: func(w *world) {
			next := base().with(files{"a.yaml": configMap("renamed", "1")})
			w.commit(next)
			w.judge(next)
		}},
		{name: "an object moves to another file", quick: true, run: func(w *world) {
			next := base().with(files{"a.yaml": "", "deep/er/a.yaml": configMap("a", "1")})
			w.repo.commit(next)
			w.poke()
			w.judge(next)
		}},
		{name: "an object changes its kind", quick: true, run: func(w *world) {
			next := base().with(files{"a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {value: \"1\"}\n"})
			w.commit(next)
			w.judge(next)
		}},
		{name: "an object goes and comes back", quick: true, run: func(w *world) {
			w.commit(base().with(files{"a.yaml": ""}))
			w.commit(base())
			w.judge(base())
		}},
		{name: "an object moves to another Application in one commit", quick: true,
			first: files{"one/a.yaml": configMap("a", "1"), "one/b.yaml": configMap("b", "1"), "two/c.yaml": configMap("c", "1")},
			tune:  func(a *v1alpha1.Application) { a.Spec.Source.Path = "one" },
			run: func(w *world) {
				w.follower(w.ns+"-two", "two")
				w.settled(w.ns + "-two")
				w.note()
				next := files{"one/b.yaml": configMap("b", "1"), "two/a.yaml": configMap("a", "1"), "two/c.yaml": configMap("c", "1")}
				w.repo.commit(next)
				w.poke()
				w.settled(w.ns + "-two")
				w.judge(next)
				w.settled(w.ns + "-two")
			}},
		{name: "an Application is renamed", quick: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Sync.OnDelete = "delete" },
			run: func(w *world) {
				w.follower(w.ns+"-new", "")
				if err := w.client.Resource(resources["Application"]).Namespace(w.home).Delete(w.Context(), w.ns, metav1.DeleteOptions{}); err != nil {
					w.Fatal(err)
				}
				w.settled(w.ns + "-new")
				w.equal(base())
				w.accounted()
			}},
		{name: "two Applications want one object", quick: true,
			first: files{"one/a.yaml": configMap("a", "1"), "two/a.yaml": configMap("a", "2")},
			tune:  func(a *v1alpha1.Application) { a.Spec.Source.Path = "one" },
			run: func(w *world) {
				w.follower(w.ns+"-two", "two")
				await(w.T, scenarioTime, "the second says why not", func() string {
					o, err := w.client.Resource(resources["Application"]).Namespace(w.home).Get(w.Context(), w.ns+"-two", metav1.GetOptions{})
					if err != nil {
						return err.Error()
					}
					text := fmt.Sprint(o.Object["status"])
					if !contains(text, "has it") {
						return text
					}
					return ""
				})
				w.judge(files{"a.yaml": configMap("a", "1")})
			}},
		{name: "the target namespace changes", run: func(w *world) {
			w.grantAll()
			other := w.ns + "-to"
			w.create(w.T, resources["Namespace"], "", obj("v1", "Namespace", "", other))
			w.merge(map[string]any{"spec": map[string]any{"namespace": other}})
			w.synced()
			w.equal(files{})
			w.accounted()
		}},
		{name: "the source path changes", quick: true, first: files{"one/a.yaml": configMap("a", "1"), "two/a.yaml": configMap("a", "2")},
			tune: func(a *v1alpha1.Application) { a.Spec.Source.Path = "one" },
			run: func(w *world) {
				w.merge(map[string]any{"spec": map[string]any{"source": map[string]any{"path": "two"}}})
				w.equal(files{"a.yaml": configMap("a", "2")})
				w.judge(files{"a.yaml": configMap("a", "2")})
			}},
	}
	return all
}
