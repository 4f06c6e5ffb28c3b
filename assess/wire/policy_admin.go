package wire

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// adminPolicy reads an AdminNetworkPolicy, BaselineAdminNetworkPolicy or
// ClusterNetworkPolicy. They allow, deny or pass on traffic before or after
// NetworkPolicy, so that of a flow nothing certain follows: Partial is set. A
// direction is Closed if some rule denies traffic from or to every namespace
// on all ports.
func adminPolicy(g *graph.Graph, o *graph.Object) *Policy {
	spec := o.Spec()
	subject := spec.Get("subject")
	p := &Policy{Object: o, Engine: Admin, Subject: subject}
	pods, namespaces := adminSubject(subject)
	ps, podErr := LabelSelector(pods)
	if !pods.IsMap() {
		ps = everything()
	}
	ns, nsErr := LabelSelector(namespaces)
	p.Everything = podErr == nil && ps.Empty()
	p.selects = func(g *graph.Graph, pod *graph.Pod) Answer {
		if podErr != nil || nsErr != nil {
			return No
		}
		return min(ps.pod(pod), ns.namespace(g, pod.Object.Namespace))
	}
	p.Ingress = adminRules(spec.Get("ingress"), "from")
	p.Egress = adminRules(spec.Get("egress"), "to")
	return p
}

// adminSubject returns the selectors of pods and namespaces of a subject or
// peer; pods is absent where all are meant.
func adminSubject(n tree.Node) (pods, namespaces tree.Node) {
	if ns := n.Get("namespaces"); ns.IsMap() {
		return tree.Node{}, ns
	}
	both := n.Get("pods")
	return both.Get("podSelector"), both.Get("namespaceSelector")
}

func adminRules(list tree.Node, peers string) *Direction {
	if list.Len() == 0 {
		return nil
	}
	d := &Direction{At: list, Partial: true}
	for _, n := range list.Items() {
		if n.Get("action").Text() != "Deny" || n.Get("ports").Len() > 0 {
			continue
		}
		for _, e := range n.Get(peers).Items() {
			_, namespaces := adminSubject(e)
			if namespaces.IsMap() && namespaces.Len() == 0 && !e.Get("pods").At("podSelector", "matchLabels").Exists() {
				d.Closed = true
			}
			for _, cidr := range e.Get("networks").Items() {
				d.Closed = d.Closed || anyAddress(cidr.Text())
			}
		}
	}
	return d
}
