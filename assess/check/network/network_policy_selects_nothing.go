package network

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var networkPolicySelectsNothing = &check.Check{
	ID: "k8s-network-policy-selects-nothing", Name: "network-policy-selects-nothing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K31"},
	Practices: []string{"network-default-deny", "wiring"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Kinds:     policyKinds,
	Object: func(p *check.Pass, o *graph.Object) {
		policies := wire.PoliciesOf(p.Graph).From(o)
		judged := false
		for _, policy := range policies {
			if policy.Everything {
				continue // for whatever pods there will be
			}
			judged = true
			if len(policy.Pods()) == 0 {
				selectsNothing(p, o, policy)
			}
		}
		if !judged {
			p.Skip()
		}
	},
}

func selectsNothing(p *check.Pass, o *graph.Object, policy *wire.Policy) {
	if wire.SystemPods(o.Namespace, policy.Subject.Get("matchLabels")) && policy.Subject.Get("matchExpressions").Len() == 0 {
		return
	}
	if runTimeLabels(policy.Subject) {
		p.Unknown(policy.Subject, "", "selects pods by labels that are set at run time, which no file shows")
		return
	}
	for _, g := range p.Others {
		names := []string{o.Namespace}
		if !policy.Namespaced || o.Namespace == "" {
			names = wire.Namespaces(g)
		}
		for _, ns := range names {
			for _, pod := range g.Pods(ns) {
				if policy.Selects(g, pod) != wire.No {
					return
				}
			}
		}
	}
	if cr := operated(p.Graph, o.Namespace, policy.Subject); cr != nil {
		p.Unknown(policy.Subject, "", "no pod template here has the labels that are selected; the operator of %s may make such pods", cr)
		return
	}
	if !policy.Namespaced {
		p.Unknown(policy.Subject, "", "selects no pod of this repository; those of other sources are not known")
		return
	}
	if !shown(p, o.Namespace) || wire.SystemNamespace(o.Namespace) {
		p.Unknown(policy.Subject, "", "no workload of %s is in this repository, so what the policy selects cannot be seen", namespaceText(o.Namespace))
		return
	}
	p.Fail(policy.Subject, "", "selects no pod template of %s: the policy has no effect", namespaceText(o.Namespace))
}

// shown reports whether the repository has workloads of a namespace.
func shown(p *check.Pass, namespace string) bool {
	if wire.HasPods(p.Graph, namespace) {
		return true
	}
	for _, g := range p.Others {
		if namespace != "" && len(g.Pods(namespace)) > 0 {
			return true
		}
	}
	return false
}

// runTimeLabels reports whether a selector names a label that is only set on
// running pods.
func runTimeLabels(sel tree.Node) bool {
	for k := range sel.Get("matchLabels").Fields() {
		if wire.RunTimeLabel(k.Text()) {
			return true
		}
	}
	for _, e := range sel.Get("matchExpressions").Items() {
		if wire.RunTimeLabel(e.Get("key").Text()) {
			return true
		}
	}
	return false
}

// operated returns a custom resource whose operator may make pods with a label
// value that the selector asks for.
func operated(g *graph.Graph, namespace string, sel tree.Node) *graph.Object {
	for _, v := range sel.Get("matchLabels").Fields() {
		if cr := wire.Mentioned(g, namespace, v.Text()); cr != nil {
			return cr
		}
	}
	for _, e := range sel.Get("matchExpressions").Items() {
		for _, v := range e.Get("values").Items() {
			if cr := wire.Mentioned(g, namespace, v.Text()); cr != nil {
				return cr
			}
		}
	}
	return nil
}
