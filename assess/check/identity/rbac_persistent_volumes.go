package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacPersistentVolumes = &check.Check{
	ID: "k8s-rbac-persistent-volumes", Name: "rbac-persistent-volumes", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K25"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, volumeRights) },
}

var volumeRights = []right{
	{resource: "persistentvolumes", verbs: []string{"create"}, cluster: true, lets: "a volume can name any folder of a node, which the pod standards do not look at when a pod claims it"},
}
