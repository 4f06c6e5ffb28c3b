package identity

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
)

// findAccount returns the ServiceAccount from this unit or another.
func findAccount(p *check.Pass, namespace, name string) *graph.Object {
	if sa := p.Graph.Find("ServiceAccount", namespace, name); sa != nil {
		return sa
	}
	return p.Elsewhere("ServiceAccount", namespace, name)
}

// bindingOf returns a binding of the repository that names the account itself,
// or the group of all accounts of its namespace; nil if there is none.
func bindingOf(p *check.Pass, namespace, name string) *graph.Object {
	if b := boundIn(p.Graph, namespace, name); b != nil {
		return b
	}
	for _, g := range p.Others {
		if b := boundIn(g, namespace, name); b != nil {
			return b
		}
	}
	return nil
}

func boundIn(g *graph.Graph, namespace, name string) *graph.Object {
	for r := range g.Subjects("ServiceAccount", namespace, name) {
		return r.From
	}
	for r := range g.Subjects("Group", "", "system:serviceaccounts") {
		return r.From
	}
	if namespace != "" {
		for r := range g.Subjects("Group", "", "system:serviceaccounts:"+namespace) {
			return r.From
		}
	}
	return nil
}

// accountsKept reports whether the repository keeps the ServiceAccounts of a
// namespace, so that one that is not there is probably forgotten.
func accountsKept(p *check.Pass, namespace string) bool {
	if keptIn(p.Graph, namespace) {
		return true
	}
	for _, g := range p.Others {
		if keptIn(g, namespace) {
			return true
		}
	}
	return false
}

func keptIn(g *graph.Graph, namespace string) bool {
	for _, sa := range g.Kind("ServiceAccount") {
		if sa.Namespace == namespace {
			return true
		}
	}
	return false
}

// named writes a namespaced name for a message.
func named(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// templated reports whether a value is a placeholder that something fills in
// later.
func templated(s string) bool {
	return strings.Contains(s, "${") || strings.Contains(s, "$(") || strings.Contains(s, "{{")
}
