package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacReadSecrets = &check.Check{
	ID: "k8s-rbac-read-secrets", Name: "rbac-read-secrets", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K22"},
	Practices: []string{"rbac-least-privilege", "secrets-managed-outside-git"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}, {Number: 16, Strength: check.Supporting}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, secretRights) },
}

var secretRights = []right{
	{resource: "secrets", verbs: []string{"get", "list", "watch"}, named: true, lets: "the answer holds the Secrets' values, so passwords, keys and account tokens can be read", without: "edit admin"},
}
