package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var rbacWebhooks = &check.Check{
	ID: "k8s-rbac-webhooks", Name: "rbac-webhooks", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K25"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Kinds:     roleKinds,
	Object:    func(p *check.Pass, role *graph.Object) { judge(p, role, webhookRights) },
}

var webhookRights = []right{
	{group: admission, resource: "mutatingwebhookconfigurations", verbs: []string{"create", "update", "patch"}, cluster: true, lets: "every object that anyone writes can be changed on its way, and every Secret in it read"},
	{group: admission, resource: "validatingwebhookconfigurations", verbs: []string{"create", "update", "patch"}, severity: ops.Medium, cluster: true, lets: "every object that anyone writes can be read, Secrets included, and policies switched off"},
	{group: admission, resource: "mutatingwebhookconfigurations", verbs: []string{"delete", "deletecollection"}, severity: ops.Medium, cluster: true, lets: "policies that are enforced at admission can be switched off"},
	{group: admission, resource: "validatingwebhookconfigurations", verbs: []string{"delete", "deletecollection"}, severity: ops.Medium, cluster: true, lets: "policies that are enforced at admission can be switched off"},
}

const admission = "admissionregistration.k8s.io"
