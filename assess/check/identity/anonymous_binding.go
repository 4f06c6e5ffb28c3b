package identity

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var anonymousBinding = &check.Check{
	ID: "k8s-anonymous-binding", Name: "anonymous-binding", Pages: pages,
	Severity:  ops.Critical,
	Ideas:     []string{"K26"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 7, Strength: check.Supporting}, {Number: 3, Strength: check.Direct}},
	Kinds:     []string{"RoleBinding", "ClusterRoleBinding"},
	Object: func(p *check.Pass, b *graph.Object) {
		kind, role := rbac.RoleRef(b)
		if !rbac.IsBinding(b) || b.Labels().Get("kubernetes.io/bootstrapping") == "rbac-defaults" {
			p.Skip()
			return
		}
		if publicRole(kind, role, b.Namespace) {
			return
		}
		for s := range rbac.Subjects(b) {
			says, severity := everybody(s)
			if severity == 0 {
				continue
			}
			if b.Kind == "RoleBinding" {
				severity--
			}
			if role == "view" || onlyReads(b) {
				severity--
				if s.Name == "system:authenticated" {
					severity-- // a usual way to let people look at what all share
				}
			}
			p.Fail(s.Node, "", "%s %q goes to %s: %s", kind, role, s.Name, says).As(max(severity, ops.Low))
		}
	},
}

// everybody says who a subject stands for, if that is more people than anyone
// can know.
func everybody(s rbac.Subject) (says string, severity ops.Severity) {
	switch {
	case s.Kind == "Group" && s.Name == "system:unauthenticated", s.Kind == "User" && s.Name == "system:anonymous":
		return "whoever reaches the API server holds it without signing in", ops.Critical
	case s.Kind == "Group" && s.Name == "system:authenticated":
		return "every user, node and pod that can sign in holds it, on some cloud services anyone with an account there", ops.Critical
	case s.Kind == "Group" && s.Name == "system:serviceaccounts":
		return "every pod of every namespace holds it", ops.High
	case s.Kind == "Group" && strings.HasPrefix(s.Name, "system:serviceaccounts:"):
		return "every pod of the namespace holds it, whatever it is for", ops.Medium
	case s.Kind == "Group" && s.Name == "system:masters":
		return "members of this group bypass authorisation, and nobody can be taken out of it before their certificate expires", ops.Medium
	}
	return "", 0
}

// onlyReads reports whether the role that a binding grants is known to read
// only, and no Secrets.
func onlyReads(b *graph.Object) bool {
	known := false
	for e := range b.Out(graph.Grants) {
		for _, rule := range rbac.Rules(e.To) {
			known = true
			if rule.Group("").Exists() && rule.Resource("secrets").Exists() {
				return false
			}
			for _, v := range rule.Node.Get("verbs").Items() {
				if t := v.Text(); t != "get" && t != "list" && t != "watch" {
					return false
				}
			}
		}
	}
	return known
}

// publicRole reports whether a role is made to be held by everybody.
func publicRole(kind, name, namespace string) bool {
	switch name {
	case "system:public-info-viewer", "system:discovery", "system:basic-user", "system:service-account-issuer-discovery", "system:image-puller",
		"kubeadm:bootstrap-signer-clusterinfo", "system:scope-impersonation", "system:oauth-token-deleter":
		return true
	}
	return kind == "Role" && namespace == "kube-public"
}
