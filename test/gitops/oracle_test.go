package gitops

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/test/cluster"
)

// desired reads the objects of plain manifests, by "Kind/name". It is all that
// the oracle knows of Git, and none of it is the operator's code.
func (w *world) desired(content files) map[string]*unstructured.Unstructured {
	out := map[string]*unstructured.Unstructured{}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if !strings.HasSuffix(name, ".yaml") || strings.Contains(name, "kustomization") {
			continue
		}
		for _, doc := range strings.Split(content[name], "\n---\n") {
			body := map[string]any{}
			if err := yaml.Unmarshal([]byte(doc), &body); err != nil || len(body) == 0 {
				continue
			}
			o := &unstructured.Unstructured{Object: body}
			if o.GetName() == "" || o.GetAnnotations()[v1alpha1.AnnotationHook] != "" {
				continue
			}
			out[o.GetKind()+"/"+o.GetName()] = o
		}
	}
	return out
}

// synced waits until the operator says that the cluster is at the newest commit.
func (w *world) synced() {
	w.Helper()
	w.at(w.repo.head())
}

// at waits until the operator is done with a revision.
func (w *world) at(revision string) {
	w.Helper()
	await(w.T, scenarioTime, "be at "+revision[:8], func() string {
		app, err := w.status()
		if err != nil {
			return err.Error()
		}
		st := app.Status
		switch {
		case st.Sync == nil || st.Sync.Revision != revision:
			return "not there: " + conditions(app)
		case st.Active != nil:
			return "release " + st.Active.Name + " is " + st.Active.Phase + ": " + conditions(app)
		case st.ObservedGeneration != app.Generation:
			return "an older spec was looked at"
		case !ready(app):
			return conditions(app)
		}
		for _, e := range st.Inventory {
			if e.Prune != nil && !w.stay[shortID(e.ID)] {
				return "still deletes " + e.ID
			}
		}
		return ""
	})
}

func shortID(id string) string {
	p := strings.Split(id, "/")
	return p[2] + "/" + p[len(p)-1]
}

func ready(app *v1alpha1.Application) bool {
	for _, c := range app.Status.Conditions {
		if c.Type == v1alpha1.ConditionReady {
			return c.Status == metav1.ConditionTrue
		}
	}
	return false
}

func conditions(app *v1alpha1.Application) string {
	var out []string
	for _, c := range app.Status.Conditions {
		out = append(out, fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message))
	}
	return strings.Join(out, "; ")
}

// note remembers the UIDs of what Git has, the first time that each is seen.
func (w *world) note() {
	w.Helper()
	for k, o := range w.ever {
		if w.uids[k] != "" {
			continue
		}
		if live := w.live(o); live != nil {
			w.uids[k] = live.GetUID()
		}
	}
}

// equal waits until the cluster has exactly what the content says: every field
// of Git has its value, and what left Git is gone.
func (w *world) equal(content files) {
	w.Helper()
	want := w.desired(content)
	await(w.T, scenarioTime, "the cluster equals Git", func() string {
		for k, o := range want {
			live := w.live(o)
			if live == nil {
				if w.gone[k] {
					continue
				}
				return k + " does not exist"
			}
			if why := differs(plain(o), live.Object, k); why != "" {
				return why
			}
		}
		for k, o := range w.ever {
			if want[k] == nil && !w.stay[k] && w.live(o) != nil {
				return k + " left Git and is still there"
			}
		}
		return ""
	})
}

// plain writes an object as the API server keeps it.
func plain(o *unstructured.Unstructured) map[string]any {
	body := maps.Clone(o.Object)
	if words, ok := body["stringData"].(map[string]any); ok {
		data := map[string]any{}
		for k, v := range words {
			data[k] = base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(v)))
		}
		body["data"] = data
		delete(body, "stringData")
	}
	return body
}

// differs says where live lacks what want has, "" if nowhere.
func differs(want, live any, path string) string {
	switch x := want.(type) {
	case map[string]any:
		y, _ := live.(map[string]any)
		for k, v := range x {
			if why := differs(v, y[k], path+"."+k); why != "" {
				return why
			}
		}
		return ""
	case []any:
		y, _ := live.([]any)
		if len(y) != len(x) {
			return fmt.Sprintf("%s has %d items, not %d", path, len(y), len(x))
		}
		for i := range x {
			if why := differs(x[i], y[i], fmt.Sprintf("%s[%d]", path, i)); why != "" {
				return why
			}
		}
		return ""
	}
	if fmt.Sprint(want) != fmt.Sprint(live) {
		return fmt.Sprintf("%s is %v, not %v", path, live, want)
	}
	return ""
}

// alive checks that nothing was deleted that should live: what Git has is still
// the object that it was, unless the scenario itself had it made anew, and what
// the operator does not own is untouched.
func (w *world) alive(content files) {
	w.Helper()
	for k, o := range w.desired(content) {
		live := w.live(o)
		switch {
		case w.remade[k] || w.uids[k] == "":
		case live == nil:
			w.Errorf("%s was deleted though Git has it", k)
		case live.GetUID() != w.uids[k]:
			w.Errorf("%s was deleted and made anew though nobody asked for it", k)
		}
	}
	for _, b := range w.bystanders {
		if live := w.live(b); live == nil || live.GetUID() != b.GetUID() || live.GetResourceVersion() != b.GetResourceVersion() {
			w.Errorf("the bystander %s was touched", b.GetName())
		}
	}
}

// accounted checks that the ledger announced every call of the operator that
// changed an object of this scenario.
func (w *world) accounted() {
	w.Helper()
	account(w.T, w.suite, w.books, func(o object) bool {
		return o.namespace == w.ns || o.namespace == "" && strings.HasPrefix(o.name, w.ns)
	})
}

// account compares the audit log with ledgers. The audit log may be a moment
// behind, so what it has not yet is looked for again.
func account(t *testing.T, s *suite, books []*book, keep func(object) bool) int {
	t.Helper()
	var calls []cluster.AuditEvent
	var missing []string
	for _, b := range books {
		if err := b.read(t.Context()); err != nil {
			t.Errorf("read the ledger: %v", err)
			return 0
		}
	}
	await(t, 30*time.Second, "the audit log has what the ledger says", func() string {
		var err error
		if calls, err = s.audit.changes(keep); err != nil {
			return err.Error()
		}
		for _, b := range books {
			for o := range b.ends {
				if keep(o) && b.did(o, "created") > 0 && !changed(calls, o) {
					return "nothing of the creation of " + o.String()
				}
			}
		}
		return ""
	})
	for _, e := range calls {
		o := objectOf(e)
		if !slices.ContainsFunc(books, func(b *book) bool { return b.covers(o, e.Received) }) {
			missing = append(missing, fmt.Sprintf("%s %s at %s (%s)", e.Verb, o, e.Received.Format("15:04:05.000000"), e.RequestURI))
		}
	}
	if len(missing) > 0 {
		t.Errorf("the ledger does not account for %d of %d calls: %s", len(missing), len(calls), strings.Join(missing[:min(5, len(missing))], "; "))
	}
	return len(calls)
}

func changed(calls []cluster.AuditEvent, o object) bool {
	return slices.ContainsFunc(calls, func(e cluster.AuditEvent) bool { return objectOf(e) == o })
}

// judge is the oracle for a scenario that ends with the cluster as Git says.
func (w *world) judge(content files) {
	w.Helper()
	w.synced()
	w.equal(content)
	w.alive(content)
	w.accounted()
}

// refused is the oracle for a scenario that ends with a reason: the condition
// says it, and the cluster is as the content says that came before.
func (w *world) refused(content files, typ, status, reason, message string) {
	w.Helper()
	w.condition(typ, status, reason, message)
	w.equal(content)
	w.alive(content)
	w.accounted()
}
