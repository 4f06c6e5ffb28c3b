package wire

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// kubernetesPolicy reads a NetworkPolicy of networking.k8s.io. Without
// policyTypes it acts on ingress, and on egress if it has egress rules.
func kubernetesPolicy(g *graph.Graph, o *graph.Object) *Policy {
	spec := o.Spec()
	subject := spec.Get("podSelector")
	s, err := LabelSelector(subject)
	if err == nil && !subject.IsMap() {
		s, err = everything(), nil
	}
	p := &Policy{Object: o, Subject: subject, Namespaced: true, Everything: err == nil && s.Empty()}
	if !subject.Exists() {
		p.Subject = spec
	}
	p.pods = Pick(g, o.Namespace, s)
	p.selects = func(_ *graph.Graph, pod *graph.Pod) Answer {
		return min(sameNamespace(o.Namespace, pod.Object.Namespace), AnswerOf(s.Matches(pod.Labels())))
	}
	ingress, egress := true, spec.Get("egress").Len() > 0
	if types := spec.Get("policyTypes"); types.Len() > 0 {
		ingress, egress = false, false
		for _, t := range types.Items() {
			ingress = ingress || t.Text() == "Ingress"
			egress = egress || t.Text() == "Egress"
		}
	}
	if ingress {
		p.Ingress = kubernetesRules(o, spec, "ingress", "from")
	}
	if egress {
		p.Egress = kubernetesRules(o, spec, "egress", "to")
	}
	return p
}

// sameNamespace compares namespaces of which one may not be written down.
func sameNamespace(a, b string) Answer {
	if a == b {
		return Yes
	}
	if a == "" || b == "" {
		return Maybe
	}
	return No
}

func kubernetesRules(o *graph.Object, spec tree.Node, field, peers string) *Direction {
	d := &Direction{At: spec.Get(field), Closed: true}
	if !d.At.Exists() {
		d.At = spec
	}
	for _, n := range spec.Get(field).Items() {
		r := Rule{Node: n, AnyPeer: n.Get(peers).Len() == 0, AnyPort: n.Get("ports").Len() == 0}
		for _, e := range n.Get(peers).Items() {
			r.Peers = append(r.Peers, kubernetesPeer(o, e))
		}
		for _, e := range n.Get("ports").Items() {
			r.Ports = append(r.Ports, kubernetesPort(e))
		}
		d.Rules = append(d.Rules, r)
	}
	return d
}

func kubernetesPort(n tree.Node) Port {
	p := Port{Node: n, Protocol: protocolOr(n, "TCP")}
	if v, ok := n.Get("port").Int(); ok {
		p.From, p.To = v, n.Get("endPort").IntOr(v)
	} else {
		p.Name = n.Get("port").Text()
	}
	return p
}

func protocolOr(n tree.Node, def string) string {
	if t := n.Get("protocol").Text(); t != "" {
		return t
	}
	return def
}

func kubernetesPeer(o *graph.Object, n tree.Node) Peer {
	if block := n.Get("ipBlock"); block.IsMap() {
		cidr := block.Get("cidr").Text()
		return Peer{Node: n, CIDR: cidr, Except: block.Get("except").Len() > 0, Empty: anyAddress(cidr) && block.Get("except").Len() == 0, matches: perhaps}
	}
	pods, namespaces := n.Get("podSelector"), n.Get("namespaceSelector")
	p := Peer{Node: n, Pods: true, OwnNamespace: !namespaces.IsMap()}
	ps, podErr := LabelSelector(pods)
	ns, nsErr := LabelSelector(namespaces)
	if !pods.IsMap() {
		ps = everything()
	}
	p.labels = &ps
	if label, value, ok := ns.Exact(); ok && label == metadataName {
		p.Namespace = value
	}
	switch {
	case podErr != nil, nsErr != nil:
		p.matches = never
	case p.OwnNamespace && !pods.IsMap():
		p.Empty = true // the API server refuses an empty peer; take it for what was meant
		p.matches = always
	case p.OwnNamespace:
		p.matches = func(_ *graph.Graph, pod *graph.Pod) Answer {
			return min(sameNamespace(o.Namespace, pod.Object.Namespace), ps.pod(pod))
		}
	default:
		p.Empty = ns.Empty() && ps.Empty()
		p.matches = func(g *graph.Graph, pod *graph.Pod) Answer {
			if a := ps.pod(pod); a != No {
				return min(a, ns.namespace(g, pod.Object.Namespace))
			}
			return No
		}
	}
	return p
}

// pod reports whether the selector picks the pod; labels that are only set at
// run time leave it open.
func (s Selector) pod(pod *graph.Pod) Answer {
	labels := pod.Labels()
	if s.Matches(labels) {
		return Yes
	}
	reqs, _ := s.inner.Requirements()
	later := false
	for i := range reqs {
		if RunTimeLabel(reqs[i].Key()) {
			later = true
			continue
		}
		if !reqs[i].Matches(labels) {
			return No
		}
	}
	if later {
		return Maybe
	}
	return No
}

func anyAddress(cidr string) bool { return cidr == "0.0.0.0/0" || cidr == "::/0" }

// perhaps answers for addresses, hosts and entities: whether they apply to pods
// is up to the network plugin, and the addresses of pods are not in the files.
func perhaps(*graph.Graph, *graph.Pod) Answer { return Maybe }

func never(*graph.Graph, *graph.Pod) Answer { return No }

func always(*graph.Graph, *graph.Pod) Answer { return Yes }
