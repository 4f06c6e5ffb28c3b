package wire

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Selector is a label selector with the label that narrows its search.
type Selector struct {
	inner        labels.Selector
	label, value string
	exact        bool
}

// Matches implements graph.Selector.
func (s Selector) Matches(l graph.Labels) bool { return s.inner.Matches(l) }

// Exact implements graph.Selector.
func (s Selector) Exact() (label, value string, ok bool) { return s.label, s.value, s.exact }

// Empty reports whether the selector picks everything.
func (s Selector) Empty() bool { return s.inner.Empty() }

func newSelector(inner labels.Selector) Selector {
	s := Selector{inner: inner}
	reqs, _ := inner.Requirements()
	for _, r := range reqs {
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
			if vs := r.ValuesUnsorted(); len(vs) == 1 {
				s.label, s.value, s.exact = r.Key(), vs[0], true
				return s
			}
		}
	}
	return s
}

// everything is the selector that picks all.
func everything() Selector { return Selector{inner: labels.Everything()} }

// SetSelector reads the plain map form of a selector, as a Service has it.
// An empty or absent map selects nothing, ok is false then.
func SetSelector(n tree.Node) (s Selector, ok bool) {
	set := n.StringMap()
	if len(set) == 0 {
		return Selector{inner: labels.Nothing()}, false
	}
	return newSelector(labels.SelectorFromSet(set)), true
}

// LabelSelector reads a LabelSelector (matchLabels, matchExpressions). An
// empty one selects everything and an absent one nothing, as in the API. err
// says what the API server would refuse.
func LabelSelector(n tree.Node) (Selector, error) {
	if !n.IsMap() {
		return Selector{inner: labels.Nothing()}, nil
	}
	ls := metav1.LabelSelector{MatchLabels: n.Get("matchLabels").StringMap()}
	for _, e := range n.Get("matchExpressions").Items() {
		ls.MatchExpressions = append(ls.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: e.Get("key").Text(), Operator: metav1.LabelSelectorOperator(e.Get("operator").Text()), Values: texts(e.Get("values")),
		})
	}
	inner, err := metav1.LabelSelectorAsSelector(&ls)
	if err != nil {
		return Selector{inner: labels.Nothing()}, err
	}
	return newSelector(inner), nil
}

// texts returns a list's scalars as text: unquoted numbers are seen in labels.
func texts(list tree.Node) []string {
	var out []string
	for _, e := range list.Items() {
		out = append(out, e.Text())
	}
	return out
}
