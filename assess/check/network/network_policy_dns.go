package network

import (
	"strings"
	"unicode"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var networkPolicyDNS = &check.Check{
	ID: "k8s-network-policy-dns", Name: "network-policy-dns", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K32"},
	Practices: []string{"network-default-deny", "wiring"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Kinds:     []string{"NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"},
	Object: func(p *check.Pass, o *graph.Object) {
		ps := wire.PoliciesOf(p.Graph)
		any := false
		for _, policy := range ps.From(o) {
			if !closes(policy, egress) || len(policy.Egress.Rules) == 0 {
				continue
			}
			any = true
			for _, pod := range policy.Pods() {
				if policy.Selects(p.Graph, pod) == wire.Yes && firstOf(ps, pod) == policy && forgetsDNS(p, ps, policy, pod) {
					break
				}
			}
		}
		if !any {
			p.Skip()
		}
	},
}

// firstOf returns the first policy that allows a pod some outgoing traffic, so
// that each pod is judged once.
func firstOf(ps *wire.Policies, pod *graph.Pod) *wire.Policy {
	for _, policy := range ps.Of(pod) {
		if closes(policy, egress) && len(policy.Egress.Rules) > 0 {
			return policy
		}
	}
	return nil
}

// forgetsDNS reports a pod that may reach things that are found by name, but
// not the DNS that knows the names.
func forgetsDNS(p *check.Pass, ps *wire.Policies, policy *wire.Policy, pod *graph.Pod) bool {
	if d := pod.Spec.Get("dnsPolicy").Text(); d == "Default" || d == "None" || onHost(pod) {
		return false
	}
	needs, near := false, ""
	for _, q := range ps.Of(pod) {
		d := q.Egress
		if d == nil {
			continue
		}
		if d.Partial {
			return false
		}
		for i := range d.Rules {
			r := &d.Rules[i]
			ok, why := reachesDNS(p.Graph, q, r)
			if ok {
				return false
			}
			if why != "" {
				near = why
			}
			needs = needs || r.AnyPeer || byName(r)
		}
	}
	needs = needs || namesHosts(pod)
	if !needs || elsewhere(p, pod, func(q *wire.Policy) bool { return q.Egress != nil && len(q.Egress.Rules) > 0 }) {
		return false
	}
	if near == "" {
		near = "no rule allows port 53"
	}
	p.Fail(policy.Egress.At, "", "%s may talk to others but not to the cluster's DNS (%s): every look-up by name times out", pod.Object, near)
	return true
}

// namesHosts reports whether an environment variable of the pod holds a URL
// with a host name, which is of no use without DNS.
func namesHosts(pod *graph.Pod) bool {
	for c := range pod.Each() {
		for _, e := range c.Node.Get("env").Items() {
			_, after, ok := strings.Cut(e.Get("value").Text(), "://")
			if !ok {
				continue
			}
			if i := strings.LastIndexByte(after, '@'); i >= 0 {
				after = after[i+1:]
			}
			host := after[:len(after)-len(strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"))]
			if strings.ContainsFunc(host, unicode.IsLetter) && host != "localhost" {
				return true
			}
		}
	}
	return false
}

// byName reports whether the rule has peers that one finds by name.
func byName(r *wire.Rule) bool {
	for i := range r.Peers {
		if r.Peers[i].CIDR == "" {
			return true
		}
	}
	return false
}

func reachesDNS(g *graph.Graph, policy *wire.Policy, r *wire.Rule) (ok bool, near string) {
	udp := r.OnPort(nil, "UDP", 53) != wire.No || r.OnPort(nil, "UDP", 5353) != wire.No
	if !udp {
		if r.OnPort(nil, "TCP", 53) != wire.No {
			return false, "port 53 is allowed for TCP only, the default protocol; DNS asks by UDP"
		}
		return false, ""
	}
	if r.AnyPeer {
		return true, ""
	}
	for i := range r.Peers {
		peer := &r.Peers[i]
		switch {
		case !peer.Pods || peer.Empty:
			return true, ""
		case peer.OwnNamespace:
			ns := policy.Object.Namespace
			if ns == "" || wire.SystemNamespace(ns) || (!r.AnyPort && peer.Meets(g, ns)) {
				return true, ""
			}
			if !r.AnyPort {
				near = "its rule for port 53 has a podSelector alone, which means pods of " + namespaceText(ns)
			}
		case !r.AnyPort, peer.Namespace == "" || wire.SystemNamespace(peer.Namespace):
			if !r.AnyPort || dnsPods(g, peer) {
				return true, ""
			}
		}
	}
	return false, near
}

// dnsPods reports whether a peer without ports may be the DNS pods: those of
// kube-system that carry the usual label.
func dnsPods(g *graph.Graph, peer *wire.Peer) bool {
	if sel := peer.Node.Get("namespaceSelector"); sel.IsMap() && wire.NamespaceMatches(g, sel, "kube-system") == wire.No && wire.NamespaceMatches(g, sel, "openshift-dns") == wire.No {
		return false
	}
	s, err := wire.LabelSelector(peer.Node.Get("podSelector"))
	if err != nil || !peer.Node.Get("podSelector").IsMap() {
		return err == nil
	}
	return s.MatchesSet("k8s-app", "kube-dns") || s.MatchesSet("dns.operator.openshift.io/daemonset-dns", "default")
}
