package identity

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var awsAuth = &check.Check{
	ID: "k8s-aws-auth", Name: "aws-auth", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K25"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}, {Number: 5, Strength: check.Supporting}},
	Kinds:     []string{"ConfigMap", "Role", "ClusterRole"},
	Object: func(p *check.Pass, o *graph.Object) {
		switch {
		case o.Kind == "ConfigMap" && o.Name == "aws-auth":
			awsAdmins(p, o)
		case rbac.IsRole(o):
			awsAuthWriters(p, o)
		default:
			p.Skip()
		}
	},
}

// awsAdmins looks for entries of the map that make AWS identities
// administrators.
func awsAdmins(p *check.Pass, cm *graph.Object) {
	for _, key := range [...]string{"mapRoles", "mapUsers", "mapAccounts"} {
		n := cm.Body.At("data", key)
		text := n.Text()
		if c := strings.Count(text, "system:masters"); c > 0 {
			p.Fail(n, "", "%s puts AWS identities into the group system:masters, which bypasses authorisation and cannot be taken back by removing a binding", key).
				Fix("Map the identities to a group of your own and bind that to a role, or use EKS access entries.")
		} else if key == "mapAccounts" && strings.Contains(text, "\"") {
			p.Fail(n, "", "mapAccounts lets every IAM identity of the listed AWS accounts sign in").As(ops.Medium)
		}
	}
}

// awsAuthWriters looks for rules that name the map, so that their holder can
// make anyone an administrator.
func awsAuthWriters(p *check.Pass, role *graph.Object) {
	if role.Kind == "Role" && role.Namespace != "kube-system" && role.Namespace != "" {
		return
	}
	for _, rule := range rbac.Rules(role) {
		if !rule.Restricted() || !rule.ForName("aws-auth") {
			continue
		}
		if rule.Allows("update", "", "configmaps") || rule.Allows("patch", "", "configmaps") {
			h := heldBy(p, role)
			p.Fail(rule.Node.Get("resourceNames"), "", "write access to the ConfigMap aws-auth %s: any AWS identity can be made a cluster administrator", h.scope()).
				As(h.grade(ops.High, false))
		}
	}
}
