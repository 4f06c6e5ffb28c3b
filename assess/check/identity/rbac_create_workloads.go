package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacCreateWorkloads = &check.Check{
	ID: "k8s-rbac-create-workloads", Name: "rbac-create-workloads", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K23"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, workloadRights) },
}

var workloadRights = []right{
	{resource: "pods", verbs: []string{"create"}, lets: runsAs, without: "edit admin"},
	{resource: "replicationcontrollers", verbs: []string{"create", "update", "patch"}, lets: runsAs, without: "edit admin"},
	{group: "apps", resource: "deployments", verbs: []string{"create", "update", "patch"}, lets: runsAs, without: "edit admin"},
	{group: "apps", resource: "daemonsets", verbs: []string{"create", "update", "patch"}, lets: runsAs, without: "edit admin"},
	{group: "apps", resource: "statefulsets", verbs: []string{"create", "update", "patch"}, lets: runsAs, without: "edit admin"},
	{group: "apps", resource: "replicasets", verbs: []string{"create", "update", "patch"}, lets: runsAs, without: "edit admin"},
	{group: "batch", resource: "jobs", verbs: []string{"create"}, lets: runsAs, without: "edit admin"},
	{group: "batch", resource: "cronjobs", verbs: []string{"create", "update", "patch"}, lets: runsAs, without: "edit admin"},
}

const runsAs = "a pod can be started as any ServiceAccount of the namespace and mount any of its Secrets"
