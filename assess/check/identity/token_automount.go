package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var tokenAutomount = &check.Check{
	ID: "k8s-token-automount", Name: "token-automount", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K17"},
	Practices: []string{"rbac-least-privilege", "least-privilege-containers"},
	Facts:     []check.Fact{{Number: 8, Strength: check.Direct}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		const field = "automountServiceAccountToken"
		set := pod.Spec.Get(field)
		if set.False() {
			return
		}
		if set.IsString() && templated(set.Text()) {
			p.Unknown(set, "", "whether the token is mounted is only known once %s is filled in", set.Text())
			return
		}
		namespace := pod.Object.Namespace
		name, at := pod.ServiceAccount()
		sa := findAccount(p, namespace, name)
		if !set.True() && sa != nil && sa.Body.Get(field).False() {
			return
		}
		if bindingOf(p, namespace, name) != nil || apiClient(pod) {
			return // the token has a use
		}
		if !set.True() && sa == nil && name != "default" {
			p.Unknown(at, "", "ServiceAccount %s is not in the repository: it may turn the token off", named(namespace, name))
			return
		}
		if set.True() {
			p.Fail(set, "", "a token of ServiceAccount %s is mounted, but no binding in this repository gives that account a right", named(namespace, name)).Set("false")
			return
		}
		p.Fail(pod.Spec, field, "every container gets a token of ServiceAccount %s, but no binding in this repository gives that account a right and no container is known to call the API server", named(namespace, name)).
			Set("false").Fix("Set `%s: false` in the pod spec (or in ServiceAccount %s); if a container does call the API server, bind the account to a narrow role instead.", field, named(namespace, name))
	},
}
