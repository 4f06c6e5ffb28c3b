package wire

import (
	"k8s.io/apimachinery/pkg/labels"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Answer is a three-valued verdict: Maybe means that what decides is not known.
type Answer uint8

// The answers, ordered so that "or" is the greatest and "and" the least.
const (
	No Answer = iota
	Maybe
	Yes
)

// AnswerOf turns a boolean into an Answer.
func AnswerOf(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// metadataName is the label that the API server sets on each namespace.
const metadataName = "kubernetes.io/metadata.name"

// namespaceLabels are what is known of the labels of one namespace.
type namespaceLabels struct {
	name string
	// declared is the Namespace object, nil if the graph has none.
	declared *graph.Object
}

// Has and Get see the labels that are known; the API server itself adds the
// namespace's name as kubernetes.io/metadata.name.
func (n namespaceLabels) Has(label string) bool { _, ok := n.Lookup(label); return ok }

func (n namespaceLabels) Get(label string) string { v, _ := n.Lookup(label); return v }

func (n namespaceLabels) Lookup(label string) (string, bool) {
	if label == metadataName {
		return n.name, n.name != ""
	}
	if n.declared == nil {
		return "", false
	}
	return n.declared.Labels().Lookup(label)
}

// certain reports whether the value of the label, or its absence, is known.
func (n namespaceLabels) certain(label string) bool {
	return n.declared != nil || (label == metadataName && n.name != "")
}

// NamespaceMatches reports whether a LabelSelector picks the namespace. An
// empty selector picks every one, an absent one none. Labels of a namespace
// that g does not declare are not known, except for its name.
func NamespaceMatches(g *graph.Graph, selector tree.Node, namespace string) Answer {
	s, err := LabelSelector(selector)
	if err != nil {
		return No
	}
	return s.namespace(g, namespace)
}

func (s Selector) namespace(g *graph.Graph, namespace string) Answer {
	reqs, selectable := s.inner.Requirements()
	if !selectable {
		return No
	}
	known := namespaceLabels{name: namespace}
	if namespace != "" {
		known.declared = g.FindGroup("", "Namespace", "", namespace)
	}
	answer := Yes
	for i := range reqs {
		answer = min(answer, known.meets(&reqs[i]))
	}
	return answer
}

func (n namespaceLabels) meets(r *labels.Requirement) Answer {
	if n.certain(r.Key()) {
		return AnswerOf(r.Matches(n))
	}
	return Maybe
}

// MatchesSet reports whether the selector picks pods with this one label.
func (s Selector) MatchesSet(label, value string) bool {
	return s.inner.Matches(labels.Set{label: value})
}
