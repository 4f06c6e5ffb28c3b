package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacTokenCreate = &check.Check{
	ID: "k8s-rbac-token-create", Name: "rbac-token-create", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K25"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}, {Number: 8, Strength: check.Supporting}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, tokenRights) },
}

var tokenRights = []right{
	{resource: "serviceaccounts/token", verbs: []string{"create"}, lets: "a token can be had for any ServiceAccount in reach, and with it the account's rights", without: "edit admin"},
}
