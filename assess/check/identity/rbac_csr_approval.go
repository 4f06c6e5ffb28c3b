package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacCSRApproval = &check.Check{
	ID: "k8s-rbac-csr-approval", Name: "rbac-csr-approval", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K25"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, csrRights) },
}

var csrRights = []right{
	{group: "certificates.k8s.io", resource: "certificatesigningrequests/approval", verbs: []string{"update", "patch"}, cluster: true, lets: "together with \"approve\" on a signer, client certificates can be issued in the name of other users and nodes"},
	{group: "certificates.k8s.io", resource: "certificatesigningrequests/status", verbs: []string{"update", "patch"}, cluster: true, lets: "together with \"sign\" on a signer, certificates can be issued in the name of other users and nodes"},
}
