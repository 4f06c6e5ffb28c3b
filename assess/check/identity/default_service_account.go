package identity

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var defaultServiceAccount = &check.Check{
	ID: "k8s-default-service-account", Name: "default-service-account", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K18"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 8, Strength: check.Supporting}, {Number: 3, Strength: check.Supporting}},
	Kinds:     []string{"*"},
	Object: func(p *check.Pass, o *graph.Object) {
		switch {
		case o.Pod != nil:
			defaultUsed(p, o.Pod)
		case rbac.IsBinding(o):
			defaultBound(p, o)
		default:
			p.Skip()
		}
	},
}

// defaultBound reports subjects that are default accounts.
func defaultBound(p *check.Pass, b *graph.Object) {
	_, role := rbac.RoleRef(b)
	for s := range rbac.Subjects(b) {
		if s.Kind != "ServiceAccount" || s.Name != "default" {
			continue
		}
		where := "namespace " + s.Namespace
		if s.Namespace == "" {
			where = "its namespace"
		}
		severity := ops.High
		if onlyReads(b) {
			severity = ops.Medium
		}
		p.Fail(s.Node, "", "role %q goes to the default ServiceAccount of %s: every pod there that names no account of its own holds it", role, where).
			As(severity).Fix("Make a ServiceAccount for the workload that needs role %q, run the workload as it, and bind that one.", role)
	}
}

// defaultUsed reports a pod that runs as the default account with its token.
func defaultUsed(p *check.Pass, pod *graph.Pod) {
	name, at := pod.ServiceAccount()
	if name != "default" {
		return
	}
	const field = "automountServiceAccountToken"
	set := pod.Spec.Get(field)
	if set.False() {
		return
	}
	namespace := pod.Object.Namespace
	if sa := findAccount(p, namespace, name); sa != nil && !set.Exists() && sa.Body.Get(field).False() {
		return
	}
	missing := ""
	if !at.Exists() {
		at, missing = pod.Spec, "serviceAccountName"
	}
	if b := boundIn(p.Graph, namespace, name); b != nil {
		p.Fail(at, missing, "runs as the default ServiceAccount, which %s gives rights: this pod holds them whether it needs them or not", b.Ref).
			As(ops.Medium).Ask("name of the workload's own ServiceAccount")
		return
	}
	p.Fail(at, missing, "runs as the default ServiceAccount with its token mounted: rights given to any pod of the namespace by that account would be this pod's too").
		Ask("name of the workload's own ServiceAccount")
}
