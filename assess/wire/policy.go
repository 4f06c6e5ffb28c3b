package wire

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"iter"
)

// Engine is the API that a network policy belongs to.
type Engine uint8

// The engines.
const (
	Kubernetes Engine = iota // NetworkPolicy
	Cilium                   // CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy
	Calico                   // NetworkPolicy and GlobalNetworkPolicy of projectcalico.org
	Admin                    // AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy
)

// Policy is a network policy of any engine, read into one form.
type Policy struct {
	Object *graph.Object
	Engine Engine
	// Subject is the field that selects pods.
	Subject tree.Node
	// Ingress and Egress are nil where the policy leaves that direction alone.
	Ingress, Egress *Direction
	// Everything is true if the policy selects all pods of its namespaces.
	Everything bool
	// Namespaced policies act on the pods of their own namespace only.
	Namespaced bool

	selects func(g *graph.Graph, p *graph.Pod) Answer
	pods    []*graph.Pod
}

// Direction is what a policy says of traffic one way.
type Direction struct {
	// Rules allow traffic; what none allows is denied.
	Rules []Rule
	// At is the field that holds the rules, or else the policy's spec.
	At tree.Node
	// Partial is set if there is more to it than allow rules: denials, tiers.
	Partial bool
	// Closed is set if the policy denies by default; an admin policy that
	// only denies some traffic does not.
	Closed bool
}

// Rule allows traffic of some peers on some ports.
type Rule struct {
	Node tree.Node
	// Peers are the entries of from or to; AnyPeer is true where there are none.
	Peers   []Peer
	AnyPeer bool
	// Ports are the entries of ports; AnyPort is true where there are none.
	Ports   []Port
	AnyPort bool
}

// Peer is one entry of from or to.
type Peer struct {
	Node tree.Node
	// Pods is true for a peer that selects pods, by labels of the pods, of
	// their namespaces, or both. Others are addresses, hosts and entities.
	Pods bool
	// OwnNamespace is true if only pods of the policy's namespace are meant.
	OwnNamespace bool
	// Namespace is the one namespace whose pods are meant, if it is named.
	Namespace string
	// Empty is true if the peer stands for everything: an empty selector of
	// all namespaces, every address.
	Empty bool
	// CIDR is the block of addresses that is meant, and Except whether parts
	// of it are taken out again.
	CIDR   string
	Except bool

	labels  *Selector // narrows the search for pods where it is set
	matches func(g *graph.Graph, p *graph.Pod) Answer
}

// Matches reports whether the peer is, or may be, the pod.
func (p *Peer) Matches(g *graph.Graph, pod *graph.Pod) Answer { return p.matches(g, pod) }

// Port is one entry of ports.
type Port struct {
	Node tree.Node
	// Protocol is TCP, UDP, SCTP or ANY.
	Protocol string
	// Name is the port's name, or "" and From and To are its numbers; both
	// are zero where every port is meant.
	Name     string
	From, To int64
}

// Selects reports whether the policy acts on the pod, which need not be in
// the graph that the policy is from.
func (p *Policy) Selects(g *graph.Graph, pod *graph.Pod) Answer { return p.selects(g, pod) }

// Pods returns the pods of the policy's own graph that it acts on.
func (p *Policy) Pods() []*graph.Pod { return p.pods }

// Policies are the network policies of a graph.
type Policies struct {
	// All are the policies in input order.
	All []*Policy

	g        *graph.Graph
	byPod    map[*graph.Pod][]*Policy
	byObject map[*graph.Object][]*Policy
	// byNamespace are the policies by their own namespace, "*" for those of
	// the whole cluster.
	byNamespace map[string][]*Policy
}

type policiesKey struct{}

// PoliciesOf returns the network policies of g.
func PoliciesOf(g *graph.Graph) *Policies {
	return g.Derive(policiesKey{}, func(g *graph.Graph) any { return newPolicies(g) }).(*Policies)
}

func newPolicies(g *graph.Graph) *Policies {
	ps := &Policies{g: g, byPod: map[*graph.Pod][]*Policy{}, byObject: map[*graph.Object][]*Policy{}, byNamespace: map[string][]*Policy{}}
	for _, kind := range [...]string{
		"NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "GlobalNetworkPolicy",
		"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy",
	} {
		for _, o := range g.Kind(kind) {
			for _, p := range readPolicy(g, o) {
				ps.add(p)
			}
		}
	}
	return ps
}

// readPolicy reads one object; a Cilium policy may hold several specs.
func readPolicy(g *graph.Graph, o *graph.Object) []*Policy {
	switch o.Group() {
	case "networking.k8s.io", "extensions":
		return []*Policy{kubernetesPolicy(g, o)}
	case "cilium.io":
		return ciliumPolicies(g, o)
	case "projectcalico.org", "crd.projectcalico.org":
		return []*Policy{calicoPolicy(g, o)}
	case "policy.networking.k8s.io":
		return []*Policy{adminPolicy(g, o)}
	}
	return nil
}

func (ps *Policies) add(p *Policy) {
	ps.All = append(ps.All, p)
	ps.byObject[p.Object] = append(ps.byObject[p.Object], p)
	home := "*"
	if p.Namespaced {
		home = p.Object.Namespace
	}
	ps.byNamespace[home] = append(ps.byNamespace[home], p)
	if p.Engine != Kubernetes { // its pods were found by the label index
		for _, ns := range ps.reach(p) {
			for _, pod := range ps.g.Pods(ns) {
				if p.selects(ps.g, pod) != No {
					p.pods = append(p.pods, pod)
				}
			}
		}
	}
	for _, pod := range p.pods {
		ps.byPod[pod] = append(ps.byPod[pod], p)
	}
}

// reach returns the namespaces in which a policy may select pods.
func (ps *Policies) reach(p *Policy) []string {
	ns := p.Object.Namespace
	if !p.Namespaced || ns == "" {
		return Namespaces(ps.g)
	}
	if len(ps.g.Pods(ns)) == 0 {
		return []string{""}
	}
	return []string{ns}
}

// Of returns the policies that act on a pod of the graph.
func (ps *Policies) Of(pod *graph.Pod) []*Policy { return ps.byPod[pod] }

// From returns the policies that an object holds: one for each of its specs.
func (ps *Policies) From(o *graph.Object) []*Policy { return ps.byObject[o] }

// In returns the policies of a namespace, and those of the whole cluster.
func (ps *Policies) In(namespace string) (own, cluster []*Policy) {
	return ps.byNamespace[namespace], ps.byNamespace["*"]
}

// linkNetwork links network policies to the pods they restrict. Whom their
// rules admit is not linked but asked for (Policy.Admitted): where each of n
// policies admits all n pods of its team, the edges would outgrow everything.
func linkNetwork(g *graph.Graph) {
	for _, p := range PoliciesOf(g).All {
		linkPods(g, graph.Isolates, p.Object, p.Subject, p.pods)
	}
}

// Admitted iterates over the pods that the peers of the policy's rules name,
// each as often as it is named.
func (p *Policy) Admitted(g *graph.Graph) iter.Seq[*graph.Pod] {
	return func(yield func(*graph.Pod) bool) {
		for _, d := range [...]*Direction{p.Ingress, p.Egress} {
			if d == nil {
				continue
			}
			for _, r := range d.Rules {
				for i := range r.Peers {
					for _, pod := range p.PeerPods(g, &r.Peers[i]) {
						if !yield(pod) {
							return
						}
					}
				}
			}
		}
	}
}

// PeerPods returns the pods of g that a peer of the policy certainly is. Peers
// that stand for everything are left out: they name nobody.
func (p *Policy) PeerPods(g *graph.Graph, peer *Peer) (pods []*graph.Pod) {
	if !peer.Pods || peer.Empty {
		return nil
	}
	for _, ns := range peer.namespaces(g, p) {
		candidates := g.Pods(ns)
		if peer.labels != nil {
			candidates = g.Select(ns, *peer.labels)
		}
		for _, pod := range candidates {
			if peer.matches(g, pod) == Yes {
				pods = append(pods, pod)
			}
		}
	}
	return pods
}

// namespaces returns those in which the peer's pods may be.
func (p *Peer) namespaces(g *graph.Graph, policy *Policy) []string {
	own := policy.Object.Namespace
	switch {
	case p.OwnNamespace && len(g.Pods(own)) == 0:
		return []string{""}
	case p.OwnNamespace:
		return []string{own}
	case p.Namespace != "":
		return []string{p.Namespace}
	}
	return Namespaces(g)
}

// Allowed reports whether the policies let from connect to port of to. Named
// ports are resolved on to, as Kubernetes does.
func (ps *Policies) Allowed(from, to *graph.Pod, protocol string, port int64) (egress, ingress Answer, by *Policy) {
	egress, by = ps.allows(from, to, to, protocol, port, func(p *Policy) *Direction { return p.Egress })
	if egress == No {
		return No, Maybe, by
	}
	ingress, by = ps.allows(to, from, to, protocol, port, func(p *Policy) *Direction { return p.Ingress })
	return egress, ingress, by
}

// allows asks the policies of one end about the other. by is the policy to
// extend where the answer is No: one that allows something, if there is one.
func (ps *Policies) allows(self, other, server *graph.Pod, protocol string, port int64, way func(*Policy) *Direction) (answer Answer, by *Policy) {
	answer = Yes
	for _, p := range ps.byPod[self] {
		d := way(p)
		if d == nil || !d.Closed {
			if d != nil && d.Partial {
				return Maybe, nil
			}
			continue
		}
		if by == nil {
			answer = No // isolated: from here on only a rule helps
		}
		if by == nil || (len(way(by).Rules) == 0 && len(d.Rules) > 0) || (by.Everything && !p.Everything) {
			by = p
		}
		if d.Partial || p.selects(ps.g, self) == Maybe || p.Engine == Calico {
			answer = max(answer, Maybe)
		}
		for i := range d.Rules {
			answer = max(answer, d.Rules[i].allows(ps.g, other, server, protocol, port))
		}
	}
	return answer, by
}

func (r *Rule) allows(g *graph.Graph, other, server *graph.Pod, protocol string, port int64) Answer {
	peer := No
	if r.AnyPeer {
		peer = Yes
	}
	for i := range r.Peers {
		peer = max(peer, r.Peers[i].matches(g, other))
	}
	if peer == No {
		return No
	}
	return min(peer, r.OnPort(server, protocol, port))
}

// OnPort reports whether the rule covers a port of the serving pod; server may
// be nil where it is not known.
func (r *Rule) OnPort(server *graph.Pod, protocol string, port int64) Answer {
	if r.AnyPort {
		return Yes
	}
	answer := No
	for _, p := range r.Ports {
		answer = max(answer, p.covers(server, protocol, port))
	}
	return answer
}

func (p *Port) covers(server *graph.Pod, protocol string, port int64) Answer {
	if p.Protocol != "ANY" && p.Protocol != protocol {
		return No
	}
	switch {
	case p.Name != "":
		if server == nil {
			return Maybe
		}
		for _, n := range server.Ports() {
			if n.Get("name").Text() == p.Name && n.Get("containerPort").IntOr(port) == port {
				return Yes
			}
		}
		return No
	case p.From == 0:
		return Yes
	}
	return AnswerOf(p.From <= port && port <= max(p.From, p.To))
}

// Meets reports whether some pod of g is, or may be, the peer of a policy in
// namespace own.
func (p *Peer) Meets(g *graph.Graph, own string) bool {
	names := Namespaces(g)
	switch {
	case p.OwnNamespace && own != "":
		names = []string{own, ""}
	case p.Namespace != "":
		names = []string{p.Namespace, ""}
	}
	for _, ns := range names {
		candidates := g.Pods(ns)
		if p.labels != nil {
			candidates = g.Select(ns, *p.labels)
		}
		for _, pod := range candidates {
			if p.matches(g, pod) != No {
				return true
			}
		}
	}
	return false
}

// Broad reports whether the peer picks every pod of the namespaces it means.
func (p *Peer) Broad() bool { return p.labels == nil || p.labels.Empty() }
