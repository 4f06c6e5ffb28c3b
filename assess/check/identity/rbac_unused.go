package identity

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacUnused = &check.Check{
	ID: "k8s-rbac-unused", Name: "rbac-unused", Pages: pages,
	Absence:   true,
	Severity:  ops.Low,
	Ideas:     []string{"K28"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Supporting}, {Number: 4, Strength: check.Supporting}},
	Unit: func(p *check.Pass) {
		for _, kind := range roleKinds {
			for _, role := range p.Graph.Kind(kind) {
				if rbac.IsRole(role) && !rbac.Bootstrap(role) {
					unboundRole(p.On(role), role)
				}
			}
		}
		for _, kind := range [...]string{"RoleBinding", "ClusterRoleBinding"} {
			for _, b := range p.Graph.Kind(kind) {
				if rbac.IsBinding(b) && !rbac.Bootstrap(b) {
					deadBinding(p.On(b), b)
				}
			}
		}
		idleAccounts(p)
	},
}

// unboundRole reports a role that nobody is bound to. Roles that flow into
// others, and those that are made for people to be bound to, are in use.
func unboundRole(p *check.Pass, role *graph.Object) {
	if role.Kind == "ClusterRole" && (rbac.AggregatesTo(role) != "" || offered(role)) || forPeople(role.Name) {
		return
	}
	for range role.In(graph.Aggregates) {
		p.Good(role.Body)
		return
	}
	h := heldBy(p, role)
	switch {
	case h.bindings > 0:
		p.Good(role.Body)
	case role.Body.Get("rules").Len() == 0 && !role.Body.Get("aggregationRule").Exists():
		p.Fail(role.Body.Get("rules"), "rules", "%s has no rules and nobody is bound to it", role.Ref)
	default:
		p.Fail(role.Body.At("metadata", "name"), "", "no binding in this repository grants %s: its rights are ready for whoever can make a binding", role.Ref)
	}
}

// offered reports whether a role has a label that switches it on for a role of
// another program to take in, as duck.knative.dev/addressable: "true" does.
func offered(role *graph.Object) bool {
	for k, v := range role.Body.At("metadata", "labels").Fields() {
		if v.Text() == "true" && strings.Contains(k.Text(), "/") {
			return true
		}
	}
	return false
}

// forPeople reports whether a role's name says that it is made for an
// administrator to bind people to, as kubebuilder's viewer and editor roles.
func forPeople(name string) bool {
	for _, part := range [...]string{"viewer", "editor", "-view", "-edit", "-admin", "-user", "reader"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// deadBinding reports a binding that grants nothing, or to nobody.
func deadBinding(p *check.Pass, b *graph.Object) {
	ref := b.Body.Get("roleRef")
	kind, name := rbac.RoleRef(b)
	switch {
	case templated(name):
		p.Unknown(ref, "", "the role's name is only known once %s is filled in", name)
		return
	case kind == "Role" && b.Kind == "ClusterRoleBinding":
		p.Fail(ref, "", "a ClusterRoleBinding cannot grant a Role: the API server refuses it").As(ops.Medium)
		return
	case kind == "Role" && p.Graph.FindGroup(rbac.Group, kind, b.Namespace, name) == nil && p.Elsewhere(kind, b.Namespace, name) == nil && !rbac.BuiltInRole(b.Namespace, name):
		p.Fail(ref, "", "Role %s does not exist: this binding grants nothing, until somebody makes a Role of that name", named(b.Namespace, name)).As(ops.Medium)
		return
	case kind == "ClusterRole" && !rbac.BuiltIn(name) && p.Graph.FindGroup(rbac.Group, kind, "", name) == nil && p.Elsewhere(kind, "", name) == nil:
		p.Unknown(ref, "", "ClusterRole %s is not in the repository: what this binding grants cannot be judged", name)
		return
	}
	subjects := b.Body.Get("subjects")
	if subjects.Len() == 0 {
		p.Fail(b.Body, "subjects", "the binding names no subject: it grants %s to nobody", name)
		return
	}
	good := true
	for s := range rbac.Subjects(b) {
		if s.Kind != "ServiceAccount" || s.Name == "default" || findAccount(p, s.Namespace, s.Name) != nil || strings.HasPrefix(s.Namespace, "kube-") {
			continue
		}
		good = false
		switch {
		case templated(s.Name) || templated(s.Namespace):
			p.Unknown(s.Node, "", "the subject is only known once %s is filled in", named(s.Namespace, s.Name))
		case accountsKept(p, s.Namespace) || usedHere(p, s):
			p.Fail(s.Node, "", "ServiceAccount %s does not exist: whoever makes an account of that name gets role %q", named(s.Namespace, s.Name), name)
		default:
			p.Unknown(s.Node, "", "ServiceAccount %s is not in the repository", named(s.Namespace, s.Name))
		}
	}
	if good {
		p.Good(ref)
	}
}

// usedHere reports whether the account exists under its name in another
// namespace: the binding then most likely names the wrong one.
func usedHere(p *check.Pass, s rbac.Subject) bool { return otherNamespace(p, s.Name) != nil }

// idleAccounts reports accounts that hold rights while nothing in the
// repository runs as them.
func idleAccounts(p *check.Pass) {
	var idle []*graph.Object
	for _, sa := range p.Graph.Kind("ServiceAccount") {
		if bound(sa) && !runs(sa) && !runsElsewhere(p, sa) {
			idle = append(idle, sa)
		}
	}
	if len(idle) == 0 {
		return
	}
	named := namedAccounts(p)
	for _, sa := range idle {
		if named[sa.Name] {
			continue
		}
		at := sa.Body.At("metadata", "name")
		p.On(sa).Fail(at, "", "ServiceAccount %s holds rights, but no workload of this repository runs as it: its rights serve whoever can get a token for it", sa.Name)
	}
}

func bound(sa *graph.Object) bool {
	for range sa.In(graph.Binds) {
		return true
	}
	return false
}

func runs(sa *graph.Object) bool {
	for range sa.In(graph.RunsAs) {
		return true
	}
	return false
}

func runsElsewhere(p *check.Pass, sa *graph.Object) bool {
	for _, g := range p.Others {
		if o := g.Find("ServiceAccount", sa.Namespace, sa.Name); o != nil && runs(o) {
			return true
		}
		for _, r := range g.Missing {
			if r.Kind == graph.RunsAs && r.Name == sa.Name {
				return true
			}
		}
	}
	return false
}

// namedAccounts are the names in fields about accounts of custom resources
// (operators run workloads as them), of token Secrets and of arguments.
func namedAccounts(p *check.Pass) map[string]bool {
	names := map[string]bool{}
	for _, g := range append([]*graph.Graph{p.Graph}, p.Others...) {
		for _, o := range g.Objects {
			switch {
			case o.Kind == "Secret":
				names[o.Annotation("kubernetes.io/service-account.name")] = true
			case o.Pod != nil || o.Kind == "ServiceAccount" || o.Kind == "CustomResourceDefinition" || rbac.IsRole(o) || rbac.IsBinding(o) || o.Kind == "ConfigMap":
			default:
				accountFields(o.Spec(), false, names)
			}
		}
	}
	return names
}

func accountFields(n tree.Node, inside bool, names map[string]bool) {
	switch n.Kind() {
	case tree.Map:
		for k, v := range n.Fields() {
			key := k.Text()
			accountFields(v, inside || strings.Contains(key, "erviceAccount"), names)
		}
	case tree.List:
		for _, v := range n.Items() {
			accountFields(v, inside, names)
		}
	default:
		if inside {
			names[n.Text()] = true
		}
	}
}
