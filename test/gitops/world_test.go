package gitops

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
)

// world is where one scenario takes place: a namespace, a repository and an
// Application that follows it.
type world struct {
	*testing.T
	*suite
	// ns is the name of the namespace, the Application and its service account.
	ns string
	// home is the namespace of the Application.
	home string
	repo *repo
	// ever are all objects that Git ever had, by "Kind/name".
	ever map[string]*unstructured.Unstructured
	// uids are those with which objects were first seen.
	uids map[string]types.UID
	// remade are objects that may be made anew, gone those that may be missing,
	// stay those that may stay though Git has them no more.
	remade, gone, stay map[string]bool
	bystanders         []*unstructured.Unstructured
	books              []*book
	asked              int
}

// base is what most scenarios begin with: objects of every early stage.
func base() files {
	return files{
		"a.yaml": configMap("a", "1"),
		"b.yaml": configMap("b", "1"),
		"c.yaml": configMap("c", "1"),
		"s.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: x}, ports: [{name: http, port: 80}]}\n",
		"i.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: i}\n",
		"k.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\nstringData: {word: first}\n",
	}
}

func newWorld(t *testing.T, s *suite, ns, home string) *world {
	t.Helper()
	if home == "" {
		home = ns
	}
	w := &world{T: t, suite: s, ns: ns, home: home, repo: newRepo(t), ever: map[string]*unstructured.Unstructured{}, uids: map[string]types.UID{}, remade: map[string]bool{}, gone: map[string]bool{}, stay: map[string]bool{}, books: []*book{s.book}}
	s.create(t, resources["Namespace"], "", obj("v1", "Namespace", "", ns))
	s.create(t, resources["ServiceAccount"], home, obj("v1", "ServiceAccount", home, ns))
	w.grant()
	for i, labels := range []map[string]string{nil, {"app": "x"}, {v1alpha1.LabelApplication: ns + "-other", v1alpha1.LabelNamespace: home}} {
		o := obj("v1", "ConfigMap", ns, "bystander-"+strconv.Itoa(i))
		o.SetLabels(labels)
		w.bystanders = append(w.bystanders, s.create(t, resources["ConfigMap"], ns, o))
	}
	return w
}

// grant lets the Application's account do everything in the namespace.
func (w *world) grant() {
	w.Helper()
	w.create(w.T, resources["RoleBinding"], w.ns, w.binding("RoleBinding"))
}

// grantAll lets it do everything in the cluster.
func (w *world) grantAll() {
	w.Helper()
	w.create(w.T, resources["ClusterRoleBinding"], "", w.binding("ClusterRoleBinding"))
}

func (w *world) binding(kind string) *unstructured.Unstructured {
	b := obj("rbac.authorization.k8s.io/v1", kind, "", w.ns)
	b.Object["roleRef"] = map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
	b.Object["subjects"] = []any{map[string]any{"kind": "ServiceAccount", "name": w.ns, "namespace": w.home}}
	return b
}

// commit commits and tells the operator, as a webhook would.
func (w *world) commit(content files) {
	w.Helper()
	w.repo.commit(content)
	w.learn(content)
	w.poke()
}

// learn notes what Git has.
func (w *world) learn(content files) {
	w.Helper()
	for k, o := range w.desired(content) {
		w.ever[k] = o
	}
}

// poke asks for a look at the source, if there is an Application.
func (w *world) poke() {
	w.Helper()
	w.asked++
	w.annotate(v1alpha1.AnnotationSync, strconv.Itoa(w.asked))
}

func (w *world) annotate(name, value string) {
	w.Helper()
	w.merge(map[string]any{"metadata": map[string]any{"annotations": map[string]any{name: value}}})
}

// merge changes the Application, if there is one.
func (w *world) merge(change map[string]any) {
	w.Helper()
	text, err := json.Marshal(change)
	if err != nil {
		w.Fatal(err)
	}
	await(w.T, 30*time.Second, "change the Application", func() string {
		_, err := w.client.Resource(resources["Application"]).Namespace(w.home).Patch(w.Context(), w.ns, types.MergePatchType, text, metav1.PatchOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return said(err)
	})
}

// apply creates the Application.
func (w *world) apply(tune func(*v1alpha1.Application)) {
	w.Helper()
	no, zero, late := int32(100), metav1.Duration{}, metav1.Duration{Duration: time.Hour}
	deadline := metav1.Duration{Duration: 30 * time.Second}
	app := &v1alpha1.Application{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoecoops.io/v1alpha1", Kind: "Application"},
		ObjectMeta: metav1.ObjectMeta{Name: w.ns, Namespace: w.home},
		Spec: v1alpha1.ApplicationSpec{
			Source:    &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: w.repo.url(), Interval: &late}},
			Namespace: w.ns, ServiceAccountName: w.ns, Gate: v1alpha1.Gate{FailOn: "never"},
			Sync:   v1alpha1.SyncPolicy{MaxDeletePercent: &no},
			Health: v1alpha1.HealthPolicy{Watch: &zero, Deadline: &deadline},
		},
	}
	if tune != nil {
		tune(app)
	}
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		w.Fatal(err)
	}
	delete(body, "status")
	w.create(w.T, resources["Application"], w.home, &unstructured.Unstructured{Object: body})
}

// status reads the Application.
func (w *world) status() (*v1alpha1.Application, error) {
	o, err := w.client.Resource(resources["Application"]).Namespace(w.home).Get(w.Context(), w.ns, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	app := &v1alpha1.Application{}
	return app, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, app)
}

// condition waits until a condition of the Application says what is expected.
func (w *world) condition(typ, status, reason, message string) {
	w.Helper()
	await(w.T, scenarioTime, fmt.Sprintf("condition %s=%s %s %q", typ, status, reason, message), func() string {
		app, err := w.status()
		if err != nil {
			return err.Error()
		}
		for _, c := range app.Status.Conditions {
			if c.Type != typ {
				continue
			}
			if string(c.Status) == status && regexp.MustCompile(reason).MatchString(c.Reason) && regexp.MustCompile(message).MatchString(c.Message) {
				return ""
			}
			return fmt.Sprintf("it is %s %s: %s", c.Status, c.Reason, c.Message)
		}
		return "there is none"
	})
}

// live reads an object of the scenario's namespace; nil if there is none.
func (w *world) live(o *unstructured.Unstructured) *unstructured.Unstructured {
	w.Helper()
	var got *unstructured.Unstructured
	await(w.T, 30*time.Second, "read "+o.GetKind()+" "+o.GetName(), func() string {
		var err error
		got, err = w.client.Resource(resource(o)).Namespace(w.space(o)).Get(w.Context(), o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			got = nil
			return ""
		}
		return said(err)
	})
	return got
}

func (w *world) space(o *unstructured.Unstructured) string {
	switch {
	case clusterScoped[o.GetKind()]:
		return ""
	case o.GetNamespace() != "":
		return o.GetNamespace()
	}
	return w.ns
}

// edit changes an object as a person would, with kubectl's name.
func (w *world) edit(kind, name, patch string) {
	w.Helper()
	_, err := w.client.Resource(resources[kind]).Namespace(w.ns).Patch(w.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		w.Fatalf("edit %s %s: %v", kind, name, err)
	}
}

// remove deletes an object as a person would.
func (w *world) remove(kind, name string) {
	w.Helper()
	err := w.client.Resource(resources[kind]).Namespace(w.ns).Delete(w.Context(), name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		w.Fatalf("delete %s %s: %v", kind, name, err)
	}
	w.remade[kind+"/"+name] = true
}

// mine are the requests that concern this scenario: its name is in their paths.
func (w *world) mine(verbs ...string) faultproxy.Match {
	return faultproxy.Match{Verbs: verbs, Path: regexp.MustCompile(`/` + regexp.QuoteMeta(w.ns) + `(/|$|-)`)}
}

// objects are those of them that write objects of Git.
func (w *world) objects(verbs ...string) faultproxy.Match {
	return faultproxy.Match{Verbs: verbs, Path: regexp.MustCompile(`/namespaces/` + regexp.QuoteMeta(w.ns) + `/`)}
}

// inject adds a rule that ends with the scenario.
func (w *world) inject(r faultproxy.Rule) *faultproxy.Injection {
	i := w.proxy.Add(r)
	w.Cleanup(i.Remove)
	return i
}
