package wire

import (
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// calicoPolicy reads a Calico NetworkPolicy or GlobalNetworkPolicy. Its rules
// are judged in order with actions and tiers, so that of a flow only the
// isolation is known here: Partial is set.
func calicoPolicy(g *graph.Graph, o *graph.Object) *Policy {
	spec := o.Spec()
	p := &Policy{Object: o, Engine: Calico, Subject: spec.Get("selector"), Namespaced: o.Kind == "NetworkPolicy"}
	if !p.Subject.Exists() {
		p.Subject = spec
	}
	text := spec.Get("selector").Text()
	pods, namespaces := parseCalico(text), parseCalico(spec.Get("namespaceSelector").Text())
	account := spec.Get("serviceAccountSelector").Text()
	p.Everything = (text == "" || strings.TrimSpace(text) == "all()") && account == ""
	p.selects = func(g *graph.Graph, pod *graph.Pod) Answer {
		a := pods.eval(func(label string) (string, bool, bool) {
			v, ok := calicoLabel(pod, label)
			return v, ok, !RunTimeLabel(label)
		})
		if p.Namespaced {
			a = min(a, sameNamespace(o.Namespace, pod.Object.Namespace))
		} else if spec.Get("namespaceSelector").Text() != "" {
			known := namespaceLabels{name: pod.Object.Namespace, declared: g.FindGroup("", "Namespace", "", pod.Object.Namespace)}
			a = min(a, namespaces.eval(func(label string) (string, bool, bool) {
				if label == "projectcalico.org/name" {
					label = metadataName
				}
				v, ok := known.Lookup(label)
				return v, ok, known.certain(label)
			}))
		}
		if account != "" {
			a = min(a, Maybe)
		}
		return a
	}
	ingress, egress := calicoTypes(spec)
	if ingress {
		p.Ingress = calicoRules(spec, "ingress", "source")
	}
	if egress {
		p.Egress = calicoRules(spec, "egress", "destination")
	}
	return p
}

func calicoLabel(pod *graph.Pod, label string) (string, bool) {
	switch label {
	case "projectcalico.org/namespace":
		return pod.Object.Namespace, true
	case "projectcalico.org/orchestrator":
		return "k8s", true
	case "projectcalico.org/serviceaccount":
		name, _ := pod.ServiceAccount()
		return name, true
	}
	return pod.Labels().Lookup(label)
}

// calicoTypes applies Calico's default: the directions that have rules, and
// ingress if neither has.
func calicoTypes(spec tree.Node) (ingress, egress bool) {
	if types := spec.Get("types"); types.Len() > 0 {
		for _, t := range types.Items() {
			ingress = ingress || t.Text() == "Ingress"
			egress = egress || t.Text() == "Egress"
		}
		return ingress, egress
	}
	egress = spec.Get("egress").Len() > 0
	return !egress || spec.Get("ingress").Len() > 0, egress
}

func calicoRules(spec tree.Node, field, peer string) *Direction {
	list := spec.Get(field)
	d := &Direction{At: list, Closed: true, Partial: list.Len() > 0}
	if !list.Exists() {
		d.At = spec
	}
	for _, n := range list.Items() {
		if n.Get("action").Text() != "Allow" {
			continue
		}
		from, to := n.Get(peer), n.Get("destination")
		r := Rule{Node: n, AnyPeer: from.Len() == 0 || (from.Len() == 1 && from.Get("ports").Exists()), AnyPort: to.Get("ports").Len() == 0 && n.Get("protocol").IsNull()}
		if !r.AnyPeer {
			e := Peer{Node: from, matches: perhaps}
			if nets := from.Get("nets"); nets.Len() == 1 && from.Len() == 1 {
				e.CIDR = nets.Index(0).Text()
				e.Empty = anyAddress(e.CIDR)
			}
			r.Peers = []Peer{e}
		}
		for _, t := range to.Get("ports").Items() {
			port := Port{Node: t, Protocol: strings.ToUpper(protocolOr(n, "ANY"))}
			if v, ok := t.Int(); ok {
				port.From, port.To = v, v
			} else {
				port.Name = t.Text()
			}
			r.Ports = append(r.Ports, port)
		}
		d.Rules = append(d.Rules, r)
	}
	return d
}
