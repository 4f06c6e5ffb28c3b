package api

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var admissionPolicyBinding = &check.Check{
	ID: "k8s-admission-policy-binding", Name: "admission-policy-binding", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K58"},
	Practices: []string{"policy-at-admission"},
	Facts:     []check.Fact{{Number: 38, Strength: check.Supporting}, {Number: 26, Strength: check.Supporting}},
	Kinds:     []string{"ValidatingAdmissionPolicy", "MutatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != "admissionregistration.k8s.io" {
			p.Skip()
			return
		}
		if o.Kind == "ValidatingAdmissionPolicy" || o.Kind == "MutatingAdmissionPolicy" {
			unboundPolicy(p, o)
			return
		}
		policyBinding(p, o)
	},
}

// unboundPolicy reports a policy that no binding puts into force.
func unboundPolicy(p *check.Pass, policy *graph.Object) {
	kind := policy.Kind + "Binding"
	for _, b := range p.Graph.Kind(kind) {
		if b.Spec().Get("policyName").Text() == policy.Name {
			return
		}
	}
	for _, g := range p.Others {
		for _, b := range g.Kind(kind) {
			if b.Spec().Get("policyName").Text() == policy.Name {
				return
			}
		}
	}
	p.Fail(policy.Body.At("metadata", "name"), "", "no %s in this repository names the policy, so it forbids nothing", kind)
}

func policyBinding(p *check.Pass, b *graph.Object) {
	at := b.Spec().Get("policyName")
	kind := b.Kind[:len(b.Kind)-len("Binding")]
	policy := p.Graph.Find(kind, "", at.Text())
	if policy == nil {
		policy = p.Elsewhere(kind, "", at.Text())
	}
	if policy == nil {
		if len(p.Graph.Kind(kind)) > 0 {
			p.Fail(at, "", "%s %q does not exist, so the binding has no effect", kind, at.Text())
		} else {
			p.Unknown(at, "", "%s %q is not in the repository", kind, at.Text())
		}
		return
	}
	if policy.Spec().Get("paramKind").IsMap() && !b.Spec().Get("paramRef").IsMap() {
		p.Fail(b.Spec(), "paramRef", "the policy asks for parameters (%s) and the binding names none", policy.Spec().At("paramKind", "kind").Text()).As(ops.Low)
	}
	actions := b.Spec().Get("validationActions")
	if b.Kind != "ValidatingAdmissionPolicyBinding" || actions.Len() == 0 {
		return
	}
	for _, a := range actions.Items() {
		if a.Text() == "Deny" {
			return
		}
	}
	p.Fail(actions, "", "the policy is only reported (%s), not enforced", actions.Index(0).Text()).As(ops.Low).
		Fix("Add `Deny` to `validationActions` once the reports are clean.")
}
