package network

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
)

// way picks one direction of a policy.
type way func(*wire.Policy) *wire.Direction

func ingress(p *wire.Policy) *wire.Direction { return p.Ingress }

func egress(p *wire.Policy) *wire.Direction { return p.Egress }

// closes reports whether the policy denies by default that way.
func closes(p *wire.Policy, w way) bool {
	d := w(p)
	return d != nil && d.Closed
}

// isolated reports whether a policy of the unit, or of another unit of the
// repository for the same namespace, restricts the pod that way.
func isolated(p *check.Pass, pod *graph.Pod, w way) bool {
	for _, policy := range wire.PoliciesOf(p.Graph).Of(pod) {
		if closes(policy, w) {
			return true
		}
	}
	return elsewhere(p, pod, func(policy *wire.Policy) bool { return closes(policy, w) })
}

// elsewhere reports whether a policy in another unit acts on the pod and is as
// asked. Pods whose namespace is not written down are left out.
func elsewhere(p *check.Pass, pod *graph.Pod, is func(*wire.Policy) bool) bool {
	for _, g := range p.Others {
		own, cluster := wire.PoliciesOf(g).In(pod.Object.Namespace)
		if pod.Object.Namespace == "" {
			own = nil
		}
		for _, list := range [...][]*wire.Policy{own, cluster} {
			for _, policy := range list {
				if is(policy) && policy.Selects(p.Graph, pod) != wire.No {
					return true
				}
			}
		}
	}
	return false
}

// unplaced reports whether a pod's namespace is left to whoever applies it, as
// in charts and examples, and the unit brings no policies along: then those of
// the namespace are somebody else's and not to be seen.
func unplaced(g *graph.Graph, pod *graph.Pod) bool {
	return pod.Object.Namespace == "" && len(wire.PoliciesOf(g).All) == 0
}

// onHost reports whether the pods use their node's network, which policies do
// not govern.
func onHost(pod *graph.Pod) bool { return pod.Spec.Get("hostNetwork").True() }

func namespaceText(ns string) string {
	if ns == "" {
		return "its namespace"
	}
	return "namespace " + ns
}
