package identity

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// roleKinds are the kinds that hold rules.
var roleKinds = []string{"Role", "ClusterRole"}

// right is something that a rule can allow and that deserves a look.
type right struct {
	group, resource string
	// verbs are those any of which is enough.
	verbs []string
	// severity is that of the right held in the whole cluster, 0 for the
	// check's own.
	severity ops.Severity
	// lets says what can be done with it, as in "can read every Secret".
	lets string
	// cluster says that the right exists for ClusterRoleBindings only, since
	// its resource is in no namespace.
	cluster bool
	// named says that held in one namespace for objects of given names the
	// right is as narrow as it can be.
	named bool
	// getBefore is the minor version before which "get" was enough as well,
	// because a WebSocket is opened by a GET; 0 for none.
	getBefore int
	// without says that the right is a normal part of these user-facing roles.
	without string
}

// judge reports the rules of a role that grant one of rights. Rules over all
// resources are left to the check of wildcards, which says what they include.
func judge(p *check.Pass, role *graph.Object, rights []right) {
	if !rbac.IsRole(role) || rbac.Bootstrap(role) {
		p.Skip()
		return
	}
	part := ""
	if role.Kind == "ClusterRole" {
		part = rbac.AggregatesTo(role)
	}
	var h *holding
	for _, rule := range rbac.Rules(role) {
		for i := range rights {
			r := &rights[i]
			at, verb := r.in(rule, p.Settings.KubeMinor)
			if !at.Exists() || part != "" && strings.Contains(r.without, part) {
				continue
			}
			if h == nil {
				h = heldBy(p, role)
			}
			if r.cluster && (role.Kind == "Role" || !h.cluster && h.bindings > 0) {
				continue
			}
			if r.named && rule.Restricted() && !h.cluster && h.bindings > 0 {
				continue
			}
			report(p, h, rule, r, at, verb)
			break
		}
	}
}

func report(p *check.Pass, h *holding, rule rbac.Rule, r *right, at tree.Node, verb string) {
	names := ""
	if rule.Restricted() {
		names = " (" + list(rule.Node.Get("resourceNames")) + " only)"
	}
	f := p.Fail(at, "", "%s on %s%s %s: %s", verb, at.Text(), names, h.scope(), r.lets)
	if r.severity != 0 {
		f.As(r.severity)
	}
	f.As(h.grade(f.Severity, rule.Restricted()))
}

// in returns the entry of the rule that names the resource, and the first of
// the verbs that the rule allows.
func (r *right) in(rule rbac.Rule, minor int) (at tree.Node, verb string) {
	at = rule.Named(r.resource)
	if !at.Exists() || !rule.Group(r.group).Exists() {
		return tree.Node{}, ""
	}
	for _, v := range r.verbs {
		if rule.Allows(v, r.group, r.resource) {
			return at, v
		}
	}
	if minor < r.getBefore && rule.Allows("get", r.group, r.resource) {
		return at, "get"
	}
	return tree.Node{}, ""
}

// list writes up to three entries of a list of strings.
func list(n tree.Node) string {
	var b strings.Builder
	for i, e := range n.Items() {
		if i == 3 {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		if e.Text() == "" {
			b.WriteString("core") // the group that is written as ""
		}
		b.WriteString(e.Text())
	}
	return b.String()
}
