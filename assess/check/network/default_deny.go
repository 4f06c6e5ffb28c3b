package network

import (
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var defaultDenyIngress = &check.Check{
	ID: "k8s-default-deny-ingress", Name: "default-deny-ingress", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K30"},
	Practices: []string{"network-default-deny", "segmentation"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Direct}},
	Unit:      func(p *check.Pass) { defaultDeny(p, ingress, "incoming") },
}

var defaultDenyEgress = &check.Check{
	ID: "k8s-default-deny-egress", Name: "default-deny-egress", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K30"},
	Practices: []string{"network-default-deny", "segmentation"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Direct}, {Number: 43, Strength: check.Supporting}},
	Unit:      func(p *check.Pass) { defaultDeny(p, egress, "outgoing") },
}

// defaultDeny judges each namespace that has pods: some policy must select all
// of its pods and allow only what it names.
func defaultDeny(p *check.Pass, w way, traffic string) {
	ps := wire.PoliciesOf(p.Graph)
	for _, ns := range wire.Namespaces(p.Graph) {
		var first *graph.Pod
		n := 0
		for _, pod := range p.Graph.Pods(ns) {
			if onHost(pod) || pod.Object.Kind == "PodTemplate" {
				continue
			}
			if n++; first == nil {
				first = pod
			}
		}
		if first == nil {
			continue
		}
		if policy := denier(ps, p.Graph, first, w); policy != nil {
			p.On(policy.Object).Good(policy.Subject)
			continue
		}
		if elsewhere(p, first, func(policy *wire.Policy) bool { return denies(policy, w) }) {
			continue
		}
		reportNoDeny(p, first, ns, n, w, traffic)
	}
}

func reportNoDeny(p *check.Pass, first *graph.Pod, ns string, n int, w way, traffic string) {
	o := first.Object
	at := o.Body.At("metadata", "namespace")
	if declared := p.Graph.FindGroup("", "Namespace", "", ns); declared != nil && ns != "" {
		o = declared
		at = o.Body.At("metadata", "name")
	}
	if !at.Exists() {
		at = o.Body.At("metadata", "name")
	}
	p.On(o)
	if ns == "" {
		if unplaced(p.Graph, first) {
			p.Unknown(at, "", "nothing here says to which namespace %s will be applied, so whether a policy denies %s traffic there by default cannot be seen", workloads(n), traffic)
			return
		}
		if anyDenier(p, w) {
			p.Unknown(at, "", "the namespace of %s here is not written down, so whether a policy denies %s traffic there by default cannot be seen", workloads(n), traffic)
			return
		}
		p.Fail(at, "", "no network policy denies %s traffic by default for %s here, whose namespace is not written down", traffic, workloads(n))
		return
	}
	p.Fail(at, "", "no network policy denies %s traffic by default in namespace %s, which has %s", traffic, ns, workloads(n))
}

// workloads counts in words.
func workloads(n int) string {
	if n == 1 {
		return "1 workload"
	}
	return strconv.Itoa(n) + " workloads"
}

// denies reports whether the policy is a default deny that way: it selects
// every pod and no rule of it opens everything again.
func denies(p *wire.Policy, w way) bool {
	d := w(p)
	if d == nil || !d.Closed || !p.Everything {
		return false
	}
	for i := range d.Rules {
		if everything(&d.Rules[i]) {
			return false
		}
	}
	return true
}

// everything reports whether a rule allows all traffic.
func everything(r *wire.Rule) bool { return r.AnyPort && (r.AnyPeer || openPeer(r) != nil) }

// openPeer returns a peer that stands for everything, nil if there is none.
func openPeer(r *wire.Rule) *wire.Peer {
	for i := range r.Peers {
		if r.Peers[i].Empty {
			return &r.Peers[i]
		}
	}
	return nil
}

func denier(ps *wire.Policies, g *graph.Graph, pod *graph.Pod, w way) *wire.Policy {
	for _, policy := range ps.Of(pod) {
		if denies(policy, w) && policy.Selects(g, pod) != wire.No {
			return policy
		}
	}
	return nil
}

func anyDenier(p *check.Pass, w way) bool {
	for _, g := range p.Others {
		for _, policy := range wire.PoliciesOf(g).All {
			if denies(policy, w) {
				return true
			}
		}
	}
	return false
}
