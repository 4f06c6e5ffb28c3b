package network

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var networkPolicyPeerSelectsNothing = &check.Check{
	ID: "k8s-network-policy-peer-selects-nothing", Name: "network-policy-peer-selects-nothing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K31"},
	Practices: []string{"network-default-deny", "wiring"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Kinds:     []string{"NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"},
	Object: func(p *check.Pass, o *graph.Object) {
		any, unknown := false, false
		for _, policy := range wire.PoliciesOf(p.Graph).From(o) {
			for _, d := range [...]*wire.Direction{policy.Ingress, policy.Egress} {
				if d == nil {
					continue
				}
				for i := range d.Rules {
					for j := range d.Rules[i].Peers {
						peer := &d.Rules[i].Peers[j]
						if !peer.Pods || peer.Empty {
							continue
						}
						any = true
						lonelyPeer(p, o, peer, &unknown)
					}
				}
			}
		}
		if !any {
			p.Skip()
		}
	},
}

// lonelyPeer reports a peer that is no pod. One unknown for a policy is
// enough.
func lonelyPeer(p *check.Pass, o *graph.Object, peer *wire.Peer, unknown *bool) {
	if wire.SystemNamespace(peer.Namespace) || met(p, o, peer) {
		return
	}
	maybe := func(format string, args ...any) {
		if !*unknown {
			p.Unknown(peer.Node, "", format, args...)
		}
		*unknown = true
	}
	pods := peer.Node.Get("podSelector")
	if !pods.Exists() {
		pods = peer.Node
	}
	home := peer.Namespace
	if peer.OwnNamespace {
		home = o.Namespace
	}
	cr := operated(p.Graph, home, pods)
	switch {
	case runTimeLabels(pods):
		maybe("names pods by labels that are set at run time, which no file shows")
	case cr != nil:
		maybe("no pod template here has these labels; the operator of %s may make such pods", cr)
	case !peer.OwnNamespace && peer.Namespace == "":
		maybe("no pod of this repository is certainly meant by this peer, which chooses namespaces by their labels")
	case !shown(p, home):
		maybe("no workload of %s is in this repository, so whether this peer exists cannot be seen", namespaceText(home))
	case !peer.OwnNamespace && home != o.Namespace && !wire.HasPods(p.Graph, home):
		maybe("no pod template of %s in this repository has the labels of this peer, but others may deploy there too", namespaceText(home))
	default:
		p.Fail(peer.Node, "", "no pod template of %s has the labels of this peer: the traffic that the rule should allow stays blocked", namespaceText(home))
	}
}

// met reports whether some pod of the repository is or may be the peer.
func met(p *check.Pass, o *graph.Object, peer *wire.Peer) bool {
	if peer.Meets(p.Graph, o.Namespace) {
		return true
	}
	for _, g := range p.Others {
		if peer.Meets(g, o.Namespace) {
			return true
		}
	}
	return false
}
