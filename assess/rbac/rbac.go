// Package rbac reads Kubernetes roles and bindings the way the API server's
// authorizer does: which rule allows which verb on which resource, which roles
// every cluster has from the start, and who is bound where.
package rbac

import (
	"iter"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Group is the API group of roles and bindings.
const Group = "rbac.authorization.k8s.io"

// All is the wildcard of verbs, groups and resources.
const All = "*"

// Rule is one entry of a role's rules. Its methods work on the tree as it is
// and allocate nothing.
type Rule struct{ Node tree.Node }

// Rules iterates over the rules of a Role or ClusterRole.
func Rules(role *graph.Object) iter.Seq2[int, Rule] {
	return func(yield func(int, Rule) bool) {
		for i, n := range role.Body.Get("rules").Items() {
			if !yield(i, Rule{n}) {
				return
			}
		}
	}
}

// entry returns the entry of a list of strings that equals one of the two
// values.
func entry(list tree.Node, a, b string) tree.Node {
	for _, e := range list.Items() {
		if t := e.Text(); t == a || t == b {
			return e
		}
	}
	return tree.Node{}
}

// Verb returns the entry that allows verb, a wildcard included.
func (r Rule) Verb(verb string) tree.Node { return entry(r.Node.Get("verbs"), verb, All) }

// Group returns the entry that covers an API group, a wildcard included.
func (r Rule) Group(group string) tree.Node { return entry(r.Node.Get("apiGroups"), group, All) }

// Named returns the entry that names a resource ("pods", "pods/exec") itself
// or all resources with its subresource ("*/exec"); "*" does not count. Note
// that "pods/*" means nothing to Kubernetes.
func (r Rule) Named(resource string) tree.Node {
	_, sub, ok := strings.Cut(resource, "/")
	for _, e := range r.Node.Get("resources").Items() {
		t := e.Text()
		if t == resource || ok && len(t) == len(sub)+2 && t[:2] == "*/" && t[2:] == sub {
			return e
		}
	}
	return tree.Node{}
}

// Resource is Named with "*" counted.
func (r Rule) Resource(resource string) tree.Node {
	if n := r.Named(resource); n.Exists() {
		return n
	}
	return entry(r.Node.Get("resources"), All, All)
}

// Restricted reports whether the rule holds for objects of certain names only.
func (r Rule) Restricted() bool { return r.Node.Get("resourceNames").Len() > 0 }

// ForName reports whether the rule holds for the object of this name.
func (r Rule) ForName(name string) bool {
	return !r.Restricted() || entry(r.Node.Get("resourceNames"), name, name).Exists()
}

// Allows reports whether the rule allows verb on some object of a resource.
// A rule with resourceNames never allows to create a top-level resource or to
// delete a collection, because such a request carries no name.
func (r Rule) Allows(verb, group, resource string) bool {
	if !r.Group(group).Exists() || !r.Verb(verb).Exists() || !r.Resource(resource).Exists() {
		return false
	}
	nameless := verb == "deletecollection" || verb == "create" && !strings.Contains(resource, "/")
	return !nameless || !r.Restricted()
}

// Everything reports whether the rule allows every verb on every resource of
// every group.
func (r Rule) Everything() bool {
	return !r.Restricted() && entry(r.Node.Get("verbs"), All, All).Exists() &&
		entry(r.Node.Get("apiGroups"), All, All).Exists() && entry(r.Node.Get("resources"), All, All).Exists()
}

// IsRole reports whether o is a Role or ClusterRole.
func IsRole(o *graph.Object) bool {
	return o.Group() == Group && (o.Kind == "Role" || o.Kind == "ClusterRole")
}

// IsBinding reports whether o is a RoleBinding or ClusterRoleBinding.
func IsBinding(o *graph.Object) bool {
	return o.Group() == Group && (o.Kind == "RoleBinding" || o.Kind == "ClusterRoleBinding")
}

// BuiltIn reports whether every cluster has the ClusterRole of this name.
func BuiltIn(clusterRole string) bool {
	switch clusterRole {
	case "cluster-admin", "admin", "edit", "view":
		return true
	}
	return strings.HasPrefix(clusterRole, "system:") || strings.HasPrefix(clusterRole, "kubeadm:")
}

// BuiltInRole reports whether every cluster has the Role of this name in the
// namespace.
func BuiltInRole(namespace, role string) bool {
	if namespace != "kube-system" && namespace != "kube-public" && namespace != "" {
		return false
	}
	return role == "extension-apiserver-authentication-reader" || strings.HasPrefix(role, "system:") || strings.HasPrefix(role, "kubeadm:")
}

// Bootstrap reports whether o is a role or binding that the API server makes
// and keeps itself.
func Bootstrap(o *graph.Object) bool {
	return strings.HasPrefix(o.Name, "system:") || BuiltIn(o.Name) && o.Kind == "ClusterRole" ||
		o.Labels().Get("kubernetes.io/bootstrapping") == "rbac-defaults"
}

// aggregateTo is what the labels of roles that flow into built-in roles begin
// with.
const aggregateTo = "rbac.authorization.k8s.io/aggregate-to-"

// AggregatesTo returns the weakest of the user-facing roles view, edit and
// admin that a ClusterRole's labels make it a part of, "" for none. A label
// that feeds any other role yields that role's name.
func AggregatesTo(o *graph.Object) string {
	for _, to := range [...]string{"view", "edit", "admin"} {
		if o.Labels().Get(aggregateTo+to) == "true" {
			return to
		}
	}
	for k, v := range o.Labels().Node.Fields() {
		if to, ok := strings.CutPrefix(k.Text(), aggregateTo); ok && v.Text() == "true" {
			return to
		}
	}
	return ""
}

// RoleRef returns the kind and the name of the role that a binding grants.
func RoleRef(binding *graph.Object) (kind, name string) {
	ref := binding.Body.Get("roleRef")
	return ref.Get("kind").Text(), ref.Get("name").Text()
}

// Subject is one of those to whom a binding grants its role.
type Subject struct {
	Node tree.Node
	// Kind is ServiceAccount, User or Group; Namespace is set for the first.
	Kind, Namespace, Name string
}

// Subjects iterates over a binding's subjects. A user or group name that
// stands for ServiceAccounts is kept as it is written, except for
// "system:serviceaccount:NAMESPACE:NAME", which is one.
func Subjects(binding *graph.Object) iter.Seq[Subject] {
	return func(yield func(Subject) bool) {
		for _, n := range binding.Body.Get("subjects").Items() {
			s := Subject{Node: n, Kind: n.Get("kind").Text(), Name: n.Get("name").Text()}
			switch s.Kind {
			case "ServiceAccount":
				if s.Namespace = n.Get("namespace").Text(); s.Namespace == "" {
					s.Namespace = binding.Namespace
				}
			case "User":
				if rest, ok := strings.CutPrefix(s.Name, "system:serviceaccount:"); ok {
					if ns, name, ok := strings.Cut(rest, ":"); ok {
						s.Kind, s.Namespace, s.Name = "ServiceAccount", ns, name
					}
				}
			}
			if s.Name != "" && !yield(s) {
				return
			}
		}
	}
}

// String returns "ServiceAccount ns/name", "Group name" or "User name".
func (s Subject) String() string {
	if s.Namespace != "" {
		return s.Kind + " " + s.Namespace + "/" + s.Name
	}
	return s.Kind + " " + s.Name
}
