package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacExec = &check.Check{
	ID: "k8s-rbac-exec", Name: "rbac-exec", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K23"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}, {Number: 17, Strength: check.Supporting}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, execRights) },
}

var execRights = []right{
	{resource: "pods/exec", verbs: []string{"create"}, getBefore: 35, lets: "commands can be run in running containers, with their token and Secrets", without: "edit admin"},
	{resource: "pods/attach", verbs: []string{"create"}, getBefore: 35, lets: "the input and output of running containers can be taken over", without: "edit admin"},
	{resource: "pods/ephemeralcontainers", verbs: []string{"update", "patch"}, lets: "a container can be added to a running pod, next to its Secrets", without: "edit admin"},
	{resource: "pods/portforward", verbs: []string{"create"}, getBefore: 35, severity: ops.Medium, lets: "every port of a pod can be reached past its network policies", without: "edit admin"},
}
