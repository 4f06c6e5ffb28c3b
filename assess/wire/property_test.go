package wire_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
)

// world is a generated set of namespaces, pods and objects that select them.
type world struct {
	r          *rand.Rand
	namespaces map[string]labels.Set
	pods       []podOf
	selecting  []selecting
}

type podOf struct {
	namespace, name string
	labels          labels.Set
}

// selecting is one object with a selector, and how apimachinery reads it.
type selecting struct {
	kind, namespace, name string
	body                  map[string]any
	// picks says for a pod whether the object's own selector means it, and
	// admits whether its peer does.
	picks, admits func(podOf) bool
}

var (
	keys   = []string{"app", "tier", "example.com/env", "canary"}
	values = []string{"a", "b", "c", ""}
	spaces = []string{"north", "south", "east"}
)

func (w *world) set(most int) labels.Set {
	s := labels.Set{}
	for range w.r.IntN(most + 1) {
		s[keys[w.r.IntN(len(keys))]] = values[w.r.IntN(len(values))]
	}
	return s
}

func (w *world) selector(keys []string, values []string) *metav1.LabelSelector {
	s := &metav1.LabelSelector{}
	for range w.r.IntN(3) {
		if s.MatchLabels == nil {
			s.MatchLabels = map[string]string{}
		}
		s.MatchLabels[keys[w.r.IntN(len(keys))]] = values[w.r.IntN(len(values))]
	}
	for range w.r.IntN(3) {
		e := metav1.LabelSelectorRequirement{Key: keys[w.r.IntN(len(keys))]}
		switch e.Operator = []metav1.LabelSelectorOperator{"In", "NotIn", "Exists", "DoesNotExist"}[w.r.IntN(4)]; e.Operator {
		case "In", "NotIn":
			for range 1 + w.r.IntN(3) {
				e.Values = append(e.Values, values[w.r.IntN(len(values))])
			}
		}
		s.MatchExpressions = append(s.MatchExpressions, e)
	}
	return s
}

func compile(t *testing.T, s *metav1.LabelSelector) labels.Selector {
	sel, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return sel
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1)), namespaces: map[string]labels.Set{}}
	for _, ns := range spaces {
		w.namespaces[ns] = w.set(2)
	}
	for i := range 2 + w.r.IntN(10) {
		w.pods = append(w.pods, podOf{spaces[w.r.IntN(len(spaces))], fmt.Sprintf("pod-%d", i), w.set(4)})
	}
	for i := range 4 {
		ns := spaces[w.r.IntN(len(spaces))]
		own := func(sel labels.Selector) func(podOf) bool {
			return func(p podOf) bool { return p.namespace == ns && sel.Matches(p.labels) }
		}
		set := w.set(2)
		service := own(labels.SelectorFromSet(set))
		if len(set) == 0 {
			service = func(podOf) bool { return false }
		}
		w.selecting = append(w.selecting, selecting{"Service", ns, fmt.Sprintf("s-%d", i), map[string]any{"apiVersion": "v1", "spec": map[string]any{"selector": set}}, service, nil})
		sel := w.selector(keys, values)
		w.selecting = append(w.selecting, selecting{"PodDisruptionBudget", ns, fmt.Sprintf("b-%d", i), map[string]any{"apiVersion": "policy/v1", "spec": map[string]any{"selector": sel}}, own(compile(t, sel)), nil})
		w.policy(t, ns, fmt.Sprintf("n-%d", i), own)
	}
	return w
}

// policy adds a NetworkPolicy with one peer: pods, namespaces or both.
func (w *world) policy(t *testing.T, ns, name string, own func(labels.Selector) func(podOf) bool) {
	sel := w.selector(keys, values)
	peer, admits := map[string]any{}, func(podOf) bool { return true }
	both := w.r.IntN(3)
	if both != 0 {
		inner := w.selector(keys, values)
		if both == 1 && len(inner.MatchLabels)+len(inner.MatchExpressions) == 0 {
			inner.MatchLabels = map[string]string{"app": "a"}
		}
		pods := compile(t, inner)
		peer["podSelector"], admits = inner, own(pods)
		if both == 2 {
			admits = func(p podOf) bool { return pods.Matches(p.labels) }
		}
	}
	if both != 1 {
		inner := w.selector(append(slices.Clone(keys), "kubernetes.io/metadata.name"), append(slices.Clone(values), spaces...))
		if len(inner.MatchLabels)+len(inner.MatchExpressions) == 0 {
			inner.MatchLabels = map[string]string{"kubernetes.io/metadata.name": "south"}
		}
		spacesOf, before := compile(t, inner), admits
		peer["namespaceSelector"] = inner
		admits = func(p podOf) bool {
			set := labels.Merge(w.namespaces[p.namespace], labels.Set{"kubernetes.io/metadata.name": p.namespace})
			return before(p) && spacesOf.Matches(set)
		}
	}
	w.selecting = append(w.selecting, selecting{"NetworkPolicy", ns, name, map[string]any{
		"apiVersion": "networking.k8s.io/v1",
		"spec":       map[string]any{"podSelector": sel, "ingress": []any{map[string]any{"from": []any{peer}}}},
	}, own(compile(t, sel)), admits})
}

func (w *world) graph(t *testing.T) *graph.Graph {
	var text strings.Builder
	add := func(kind, apiVersion, ns, name string, l labels.Set, rest map[string]any) {
		body := map[string]any{"kind": kind, "apiVersion": apiVersion}
		for k, v := range rest {
			body[k] = v
		}
		body["metadata"] = map[string]any{"name": name, "namespace": ns, "labels": l}
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(b) + "\n")
	}
	for ns, l := range w.namespaces {
		add("Namespace", "v1", "", ns, l, nil)
	}
	for _, p := range w.pods {
		add("Pod", "v1", p.namespace, p.name, p.labels, map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "c"}}}})
	}
	for _, s := range w.selecting {
		add(s.kind, "", s.namespace, s.name, nil, s.body)
	}
	g := graph.New()
	for _, d := range yamldoc.Parse([]byte(text.String())) {
		if d.Err != nil {
			t.Fatalf("%v in\n%s", d.Err, text.String())
		}
		if o, ok := graph.NewObject(d.Doc.Root(), "world.yaml"); ok {
			g.Add(o)
		}
	}
	wire.Link(g)
	return g
}

func linked(o *graph.Object, kind graph.EdgeKind) []string {
	var names []string
	for e := range o.Out(kind) {
		names = append(names, e.To.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (w *world) want(is func(podOf) bool) []string {
	var names []string
	for _, p := range w.pods {
		if is(p) {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return names
}

// admitted lists the objects that a policy's rules admit.
func admitted(g *graph.Graph, o *graph.Object) []string {
	var names []string
	for _, p := range wire.PoliciesOf(g).From(o) {
		for pod := range p.Admitted(g) {
			names = append(names, pod.Object.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestSelectorsAgreeWithApimachinery goes from manifests to edges.
func TestSelectorsAgreeWithApimachinery(t *testing.T) {
	cases, hits := 0, 0
	for seed := range uint64(900) {
		w := newWorld(t, seed)
		g := w.graph(t)
		for _, s := range w.selecting {
			o := g.Find(s.kind, s.namespace, s.name)
			kind := graph.Selects
			if s.kind == "NetworkPolicy" {
				kind = graph.Isolates
			}
			want := w.want(s.picks)
			if got := linked(o, kind); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %s %s/%s selects %v, want %v: %v", seed, s.kind, s.namespace, s.name, got, want, s.body)
			}
			cases++
			hits += len(want)
			if s.admits == nil {
				continue
			}
			want = w.want(s.admits)
			if got := admitted(g, o); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %s %s/%s admits %v, want %v: %v", seed, s.kind, s.namespace, s.name, got, want, s.body)
			}
			cases++
			hits += len(want)
		}
	}
	if cases < 10000 || hits < cases/10 {
		t.Fatalf("%d cases with %d hits are too few to mean anything", cases, hits)
	}
}

// TestSelectAgreesWithApimachinery asks the label index itself.
func TestSelectAgreesWithApimachinery(t *testing.T) {
	cases := 0
	for seed := range uint64(600) {
		w := newWorld(t, seed+10000)
		g := w.graph(t)
		for range 20 {
			ls := w.selector(keys, values)
			b, err := json.Marshal(ls)
			if err != nil {
				t.Fatal(err)
			}
			got, err := wire.LabelSelector(yamldoc.Parse(b)[0].Doc.Root())
			if err != nil {
				t.Fatal(err)
			}
			want := compile(t, ls)
			for _, ns := range spaces {
				var names []string
				for _, p := range g.Select(ns, got) {
					names = append(names, p.Object.Name)
				}
				slices.Sort(names)
				if exp := w.want(func(p podOf) bool { return p.namespace == ns && want.Matches(p.labels) }); !slices.Equal(names, exp) {
					t.Fatalf("seed %d, namespace %s: %v, want %v: %s", seed, ns, names, exp, b)
				}
				cases++
			}
		}
	}
	if cases < 10000 {
		t.Fatalf("only %d cases", cases)
	}
}
