package privilege

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Anywhere is the namespace of rights that hold in all of them.
const Anywhere = "*"

// Kind says what a State is.
type Kind uint8

// The kinds of state.
const (
	// Account, User and Group are identities.
	Account Kind = iota
	User
	Group
	// Pods is the power to run pods of one's own making in a namespace.
	Pods
	// Nodes is the power over every node.
	Nodes
	// Cluster is the power of cluster-admin.
	Cluster
)

// State is something that an attacker can have: an identity, or a power.
type State struct {
	Kind Kind
	// Namespace is that of an Account or of Pods; it may be Anywhere for Pods
	// and is empty where none is written down.
	Namespace string
	Name      string
}

// Identity reports whether the state is that of being somebody.
func (s State) Identity() bool { return s.Kind <= Group }

// End reports whether the whole cluster is reached.
func (s State) End() bool { return s.Kind >= Nodes }

// String names the state.
func (s State) String() string {
	switch s.Kind {
	case Account:
		if s.Namespace == "" {
			return "ServiceAccount " + s.Name
		}
		return "ServiceAccount " + s.Namespace + "/" + s.Name
	case User:
		return "User " + s.Name
	case Group:
		return "Group " + s.Name
	case Pods:
		return "pods in " + place(s.Namespace)
	case Nodes:
		return "every node"
	}
	return "cluster-admin"
}

func place(namespace string) string {
	switch namespace {
	case Anywhere:
		return "every namespace"
	case "":
		return "its namespace"
	}
	return "namespace " + namespace
}

// Grant is one rule as a binding gives it to somebody.
type Grant struct {
	Binding *graph.Object
	// Role is the object that has the rule, nil for a built-in role.
	Role *graph.Object
	// RoleName is the name of the role that is bound; Role may be a part of it.
	RoleName string
	// RoleKind is Role or ClusterRole.
	RoleKind string
	// Rule is the entry of the role's rules, absent for a built-in role.
	Rule tree.Node
	// Namespace is where the rule holds, Anywhere for the whole cluster.
	Namespace string
	// Via is the group by which the holder has the grant, "" if it is named.
	Via string

	verbs, groups, resources, names []string
}

// Step is one hop of a path.
type Step struct {
	From, To State
	// How says what is done, such as "starts a pod as ServiceAccount a/b".
	How string
	// Grants are what allows it; none for what anyone in the state can do.
	Grants []*Grant
	// Assumes names what has to be so outside of the repository.
	Assumes string
}

// Path is a shortest way from an identity to the whole cluster.
type Path struct {
	Start State
	Steps []Step
}

// End is where the path leads.
func (p *Path) End() State { return p.Steps[len(p.Steps)-1].To }

// Assumes returns what the path takes for granted, "" for nothing.
func (p *Path) Assumes() string {
	for i := range p.Steps {
		if a := p.Steps[i].Assumes; a != "" {
			return a
		}
	}
	return ""
}

// String returns the kind as a binding's subject has it; powers have none.
func (k Kind) String() string {
	switch k {
	case Account:
		return "ServiceAccount"
	case User:
		return "User"
	case Group:
		return "Group"
	}
	return ""
}
