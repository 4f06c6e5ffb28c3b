package network

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var networkPolicyOpen = &check.Check{
	ID: "k8s-network-policy-open", Name: "network-policy-open", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K31"},
	Practices: []string{"network-default-deny", "segmentation"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}, {Number: 43, Strength: check.Supporting}},
	Kinds:     policyKinds,
	Object: func(p *check.Pass, o *graph.Object) {
		any := false
		for _, policy := range wire.PoliciesOf(p.Graph).From(o) {
			for _, d := range [...]struct {
				*wire.Direction
				who string
				ops.Severity
			}{{policy.Ingress, "from", ops.Medium}, {policy.Egress, "to", ops.Low}} {
				if d.Direction == nil {
					continue
				}
				for i := range d.Rules {
					any = true
					openRule(p, &d.Rules[i], d.who, d.Severity)
				}
			}
		}
		if !any {
			p.Skip()
		}
	},
}

// openRule reports a rule that allows all ports from or to everybody. Rules
// for named ports are left alone: public services need them.
func openRule(p *check.Pass, r *wire.Rule, who string, s ops.Severity) {
	if !r.AnyPort {
		return
	}
	if r.AnyPeer {
		p.Fail(r.Node, "", "the rule names no peer and no port: it allows all traffic %s everywhere, so the policy restricts nothing that %s", who, goes(who)).As(s)
		return
	}
	peer := openPeer(r)
	switch {
	case peer == nil:
	case peer.CIDR != "":
		p.Fail(peer.Node, "", "%s on every port allows all traffic %s everywhere", peer.CIDR, who).As(s)
	case peer.Pods:
		p.Fail(peer.Node, "", "the peer is every pod of every namespace, on every port: nothing in the cluster is kept out").As(ops.Low)
	default:
		p.Fail(peer.Node, "", "the peer is everything, on every port: the policy restricts nothing that %s", goes(who)).As(s)
	}
}

// goes says in words which traffic a direction is about.
func goes(who string) string {
	if who == "from" {
		return "comes in"
	}
	return "goes out"
}
