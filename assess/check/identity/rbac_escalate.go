package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacEscalate = &check.Check{
	ID: "k8s-rbac-escalate", Name: "rbac-escalate", Pages: pages,
	Severity:  ops.Critical,
	Ideas:     []string{"K24"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, escalateRights) },
}

var escalateRights = []right{
	{group: rbac.Group, resource: "clusterroles", verbs: []string{"escalate"}, lets: "rights can be written into a role that the writer does not hold, so the role can be made an administrator's"},
	{group: rbac.Group, resource: "roles", verbs: []string{"escalate"}, severity: ops.High, lets: "rights can be written into a role that the writer does not hold"},
	{group: rbac.Group, resource: "clusterroles", verbs: []string{"bind"}, lets: "a binding to any ClusterRole can be made, cluster-admin included"},
	{group: rbac.Group, resource: "roles", verbs: []string{"bind"}, severity: ops.High, lets: "a binding to any Role can be made, whatever it allows"},
	{resource: "groups", verbs: []string{"impersonate"}, lets: "requests can be made as a member of any group, system:masters included"},
	{resource: "users", verbs: []string{"impersonate"}, lets: "requests can be made in the name of any user"},
	{resource: "serviceaccounts", verbs: []string{"impersonate"}, severity: ops.High, lets: "requests can be made in the name of any ServiceAccount", without: "edit admin"},
	{group: rbac.Group, resource: "clusterrolebindings", verbs: []string{"create", "update", "patch"}, severity: ops.Medium, lets: "own rights can be passed on to anyone in the whole cluster"},
	{group: rbac.Group, resource: "rolebindings", verbs: []string{"create", "update", "patch"}, severity: ops.Medium, lets: "own rights can be passed on to anyone in the namespace", without: "admin"},
}
