package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacNodesProxy = &check.Check{
	ID: "k8s-rbac-nodes-proxy", Name: "rbac-nodes-proxy", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K25"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, nodesProxyRights) },
}

var nodesProxyRights = []right{
	{resource: "nodes/proxy", verbs: []string{"create", "get", "update", "patch"}, cluster: true, lets: "the kubelet answers directly, so commands can be run in every pod of every node, past admission and the audit log (even \"get\" is enough)"},
}
