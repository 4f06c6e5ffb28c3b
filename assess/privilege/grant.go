package privilege

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// allows reports whether the grant allows verb on some object of a resource.
func (g *Grant) allows(verb, group, resource string) bool {
	if !has(g.verbs, verb) || !has(g.groups, group) || !g.covers(resource) {
		return false
	}
	return len(g.names) == 0 || verb != "create" || strings.Contains(resource, "/")
}

// allowsAll is allows for objects of every name.
func (g *Grant) allowsAll(verb, group, resource string) bool {
	return len(g.names) == 0 && g.allows(verb, group, resource)
}

// allowsName is allows for the object of one name.
func (g *Grant) allowsName(verb, group, resource, name string) bool {
	return (len(g.names) == 0 || slices.Contains(g.names, name)) && g.allows(verb, group, resource)
}

func has(list []string, want string) bool {
	for _, e := range list {
		if e == want || e == rbac.All {
			return true
		}
	}
	return false
}

func (g *Grant) covers(resource string) bool {
	_, sub, nested := strings.Cut(resource, "/")
	for _, r := range g.resources {
		if r == resource || r == rbac.All || nested && strings.HasPrefix(r, "*/") && r[2:] == sub {
			return true
		}
	}
	return false
}

// everything reports whether the grant is as much as cluster-admin.
func (g *Grant) everything() bool {
	return g.Namespace == Anywhere && len(g.names) == 0 && slices.Contains(g.verbs, "*") && slices.Contains(g.groups, "*") && slices.Contains(g.resources, "*")
}

// in reports whether the grant holds in a namespace.
func (g *Grant) in(namespace string) bool {
	return g.Namespace == Anywhere || g.Namespace == namespace
}

// builtIn are the rules of the roles that every cluster has, as far as they
// lead anywhere.
var builtIn = map[string][]Grant{
	"cluster-admin": {{verbs: []string{"*"}, groups: []string{"*"}, resources: []string{"*"}}},
	"admin":         editor,
	"edit":          editor,
}

// editor are the rules that the built-in roles edit and admin share.
var editor = []Grant{
	{verbs: []string{"create", "update", "patch", "delete"}, groups: []string{""}, resources: []string{"pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "replicationcontrollers", "persistentvolumeclaims", "configmaps", "secrets", "serviceaccounts", "services"}},
	{verbs: []string{"get", "list", "watch"}, groups: []string{""}, resources: []string{"secrets", "pods/exec", "pods/attach"}},
	{verbs: []string{"impersonate"}, groups: []string{""}, resources: []string{"serviceaccounts"}},
	{verbs: []string{"create"}, groups: []string{""}, resources: []string{"serviceaccounts/token"}},
	{verbs: []string{"create", "update", "patch", "delete"}, groups: []string{"apps"}, resources: []string{"deployments", "daemonsets", "statefulsets", "replicasets"}},
	{verbs: []string{"create", "update", "patch", "delete"}, groups: []string{"batch"}, resources: []string{"jobs", "cronjobs"}},
}

// grantsOf returns the rules that a binding gives.
func (m *Model) grantsOf(b *graph.Object) []*Grant {
	kind, name := rbac.RoleRef(b)
	proto := Grant{Binding: b, RoleName: name, RoleKind: kind, Namespace: b.Namespace}
	if b.Kind == "ClusterRoleBinding" {
		proto.Namespace = Anywhere
	}
	var out []*Grant
	role := m.role(b, kind, name)
	if role == nil {
		if kind == "ClusterRole" {
			for _, r := range builtIn[name] {
				g := proto
				g.verbs, g.groups, g.resources = r.verbs, r.groups, r.resources
				out = append(out, &g)
			}
		}
		return out
	}
	return m.rulesOf(role, proto, out, 0)
}

func (m *Model) rulesOf(role *graph.Object, proto Grant, out []*Grant, depth int) []*Grant {
	for _, rule := range rbac.Rules(role) {
		g := proto
		g.Role, g.Rule = role, rule.Node
		g.verbs, g.groups, g.resources, g.names = texts(rule.Node.Get("verbs")), texts(rule.Node.Get("apiGroups")), texts(rule.Node.Get("resources")), texts(rule.Node.Get("resourceNames"))
		out = append(out, &g)
	}
	if depth < 4 {
		for e := range role.Out(graph.Aggregates) {
			out = m.rulesOf(e.To, proto, out, depth+1)
		}
	}
	return out
}

// role finds the role that a binding names.
func (m *Model) role(b *graph.Object, kind, name string) *graph.Object {
	for e := range b.Out(graph.Grants) {
		return e.To
	}
	namespace := b.Namespace
	if kind == "ClusterRole" {
		namespace = ""
	}
	if m.elsewhere == nil || kind == "ClusterRole" && rbac.BuiltIn(name) {
		return nil
	}
	return m.elsewhere(kind, namespace, name)
}

func texts(list tree.Node) []string {
	var out []string
	for _, e := range list.Items() {
		out = append(out, e.Text())
	}
	return out
}
