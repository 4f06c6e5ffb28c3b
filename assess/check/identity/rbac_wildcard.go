package identity

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacWildcard = &check.Check{
	ID: "k8s-rbac-wildcard", Name: "rbac-wildcard", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K20"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     roleKinds,
	Object: func(p *check.Pass, role *graph.Object) {
		if !rbac.IsRole(role) || rbac.Bootstrap(role) {
			p.Skip()
			return
		}
		var h *holding
		for _, rule := range rbac.Rules(role) {
			w := wildcards(rule)
			if w.none() {
				continue
			}
			if h == nil {
				h = heldBy(p, role)
			}
			if h.part != "" && w.verb.Exists() && !w.resource.Exists() && !w.group.Exists() {
				continue // "edit my own kinds": what such roles are for
			}
			w.report(p, h, rule)
		}
	},
}

// wild are the entries of a rule that are wildcards.
type wild struct{ verb, group, resource tree.Node }

func (w wild) none() bool { return !w.verb.Exists() && !w.group.Exists() && !w.resource.Exists() }

func wildcards(r rbac.Rule) wild {
	star := func(list string) tree.Node {
		for _, e := range r.Node.Get(list).Items() {
			if e.Text() == rbac.All {
				return e
			}
		}
		return tree.Node{}
	}
	w := wild{verb: star("verbs"), group: star("apiGroups"), resource: star("resources")}
	if r.Node.Get("nonResourceURLs").Len() > 0 && r.Node.Get("resources").Len() == 0 {
		// A verb on a path such as /metrics; only all verbs on all paths matter.
		w = wild{}
		for _, u := range r.Node.Get("nonResourceURLs").Items() {
			if u.Text() == rbac.All && r.Verb("post").Exists() {
				w.verb = r.Verb("post")
			}
		}
	}
	return w
}

func (w wild) report(p *check.Pass, h *holding, rule rbac.Rule) {
	at, severity, says := w.weigh(rule)
	p.Fail(at, "", "%s %s: %s", w.what(rule), h.scope(), says).As(h.grade(severity, rule.Restricted()))
}

func (w wild) what(rule rbac.Rule) string {
	var parts []string
	part := func(n tree.Node, one, field string) {
		if n.Exists() {
			parts = append(parts, "every "+one)
		} else if l := rule.Node.Get(field); l.Len() > 0 {
			parts = append(parts, list(l))
		}
	}
	part(w.verb, "verb", "verbs")
	if rule.Node.Get("resources").Len() == 0 {
		parts = append(parts, "every path")
	}
	part(w.resource, "resource", "resources")
	if w.group.Exists() || w.resource.Exists() {
		if g := rule.Node.Get("apiGroups"); !w.group.Exists() && g.Len() == 1 && g.Index(0).Text() == "" {
			parts = append(parts, "the core group")
		} else {
			part(w.group, "API group", "apiGroups")
		}
	}
	return strings.Join(parts, " on ")
}

// weigh says at which entry the rule is to be edited, how much harm it does,
// and what it includes.
func (w wild) weigh(rule rbac.Rule) (tree.Node, ops.Severity, string) {
	writes := rule.Verb("create").Exists() || rule.Verb("update").Exists() || rule.Verb("patch").Exists()
	critical := rule.Group("").Exists() || rule.Group(rbac.Group).Exists() || rule.Group("apps").Exists()
	switch {
	case rule.Node.Get("resources").Len() == 0:
		return w.verb, ops.Medium, "it includes the API server's diagnostics and configuration"
	case rule.Everything():
		return w.verb, ops.Critical, "this is as much as cluster-admin"
	case w.resource.Exists() && writes && critical:
		return w.resource, ops.High, "it includes Secrets, workloads or roles, and so every other right in reach"
	case w.resource.Exists() && rule.Group("").Exists():
		return w.resource, ops.High, "it includes reading Secrets"
	case w.resource.Exists():
		return w.resource, ops.Medium, "it includes kinds that do not exist yet"
	case w.group.Exists():
		return w.group, ops.Medium, "it includes kinds of the same name in API groups that do not exist yet"
	case rule.Group(rbac.Group).Exists() && (rule.Named("clusterroles").Exists() || rule.Named("roles").Exists()):
		return w.verb, ops.High, "it includes bind and escalate, and so every other right"
	case !critical && !rule.Group("batch").Exists():
		return w.verb, ops.Low, "it includes deleting whole collections, and verbs that do not exist yet"
	}
	return w.verb, ops.Medium, "it includes deleting whole collections, and verbs that do not exist yet"
}
