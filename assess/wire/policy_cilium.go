package wire

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// The labels that Cilium derives for pods from their namespace.
const (
	ciliumNamespace       = "io.kubernetes.pod.namespace"
	ciliumNamespaceLabels = "io.cilium.k8s.namespace.labels."
	ciliumAccount         = "io.cilium.k8s.policy.serviceaccount"
)

// ciliumPolicies reads spec and specs of a Cilium policy. A policy denies by
// default in a direction for which it has rules.
func ciliumPolicies(g *graph.Graph, o *graph.Object) (ps []*Policy) {
	specs := []tree.Node{}
	if o.Spec().IsMap() {
		specs = append(specs, o.Spec())
	}
	for _, s := range o.Body.Get("specs").Items() {
		specs = append(specs, s)
	}
	namespaced := o.Kind == "CiliumNetworkPolicy"
	for _, spec := range specs {
		subject := spec.Get("endpointSelector")
		if !subject.IsMap() {
			continue // a nodeSelector: hosts, not pods
		}
		s := newCiliumSelector(subject)
		p := &Policy{Object: o, Engine: Cilium, Subject: subject, Namespaced: namespaced, Everything: s.empty}
		p.selects = func(g *graph.Graph, pod *graph.Pod) Answer {
			a := s.matches(g, pod)
			if namespaced {
				a = min(a, sameNamespace(o.Namespace, pod.Object.Namespace))
			}
			return a
		}
		deny := spec.Get("enableDefaultDeny")
		p.Ingress = ciliumRules(o, spec, "ingress", "from", namespaced, !deny.Get("ingress").False())
		p.Egress = ciliumRules(o, spec, "egress", "to", namespaced, !deny.Get("egress").False())
		ps = append(ps, p)
	}
	return ps
}

func ciliumRules(o *graph.Object, spec tree.Node, field, prefix string, namespaced, closed bool) *Direction {
	list, denied := spec.Get(field), spec.Get(field+"Deny")
	if list.Len() == 0 && denied.Len() == 0 {
		return nil
	}
	d := &Direction{At: list, Closed: closed, Partial: denied.Len() > 0}
	if !list.Exists() {
		d.At = denied
	}
	for _, n := range list.Items() {
		r := Rule{Node: n}
		peers := false
		for k, v := range n.Fields() {
			name, ok := strings.CutPrefix(k.Text(), prefix)
			if !ok || name == "Ports" {
				continue
			}
			peers = true
			for _, e := range v.Items() {
				r.Peers = append(r.Peers, ciliumPeer(o, name, e, namespaced))
			}
		}
		ports := n.Get("toPorts")
		if !peers && ports.Len() == 0 && n.Get("icmps").Len() == 0 {
			continue // {} allows nothing
		}
		r.AnyPeer, r.AnyPort = !peers, ports.Len() == 0 && n.Get("icmps").Len() == 0
		for _, group := range ports.Items() {
			for _, e := range group.Get("ports").Items() {
				r.Ports = append(r.Ports, ciliumPort(e))
			}
		}
		d.Rules = append(d.Rules, r)
	}
	return d
}

func ciliumPort(n tree.Node) Port {
	p := Port{Node: n, Protocol: protocolOr(n, "ANY")}
	text := n.Get("port").Text()
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		p.Name = text
		return p
	}
	p.From, p.To = v, n.Get("endPort").IntOr(v)
	return p
}

func ciliumPeer(o *graph.Object, field string, n tree.Node, namespaced bool) Peer {
	p := Peer{Node: n, matches: perhaps}
	switch field {
	case "Endpoints":
		s := newCiliumSelector(n)
		p.Pods, p.OwnNamespace = true, namespaced && !s.namespaced
		p.Empty, p.Namespace = s.empty && !p.OwnNamespace, s.namespace
		p.matches = func(g *graph.Graph, pod *graph.Pod) Answer {
			a := s.matches(g, pod)
			if p.OwnNamespace {
				a = min(a, sameNamespace(o.Namespace, pod.Object.Namespace))
			}
			return a
		}
	case "Entities":
		switch n.Text() {
		case "all":
			p.Empty, p.matches = true, always
		case "cluster":
			p.matches = always
		case "world", "world-ipv4", "world-ipv6", "kube-apiserver", "host", "remote-node":
			p.matches = never
		}
	case "CIDR":
		p.CIDR, p.Empty, p.matches = n.Text(), anyAddress(n.Text()), never // Cilium applies these to no pod
	case "CIDRSet":
		p.CIDR, p.Except = n.Get("cidr").Text(), n.Get("except").Len() > 0
		p.Empty, p.matches = anyAddress(p.CIDR) && !p.Except, never
	case "FQDNs":
		p.matches = never
	}
	return p
}

// ciliumSelector is an EndpointSelector, whose labels may carry the prefix of
// their source, as in k8s:app.
type ciliumSelector struct {
	reqs       []labels.Requirement
	empty      bool
	namespaced bool // names namespaces by itself
	namespace  string
	invalid    bool
}

func newCiliumSelector(n tree.Node) *ciliumSelector {
	inner, err := LabelSelector(n)
	if err == nil {
		s := &ciliumSelector{empty: inner.Empty()}
		s.reqs, _ = inner.inner.Requirements()
		for i := range s.reqs {
			key := ciliumKey(s.reqs[i].Key())
			if vs := s.reqs[i].ValuesUnsorted(); key == ciliumNamespace && len(vs) == 1 && s.reqs[i].Operator() != selection.NotIn {
				s.namespace = vs[0]
			}
			s.namespaced = s.namespaced || key == ciliumNamespace || strings.HasPrefix(key, ciliumNamespaceLabels)
		}
		return s
	}
	// Keys such as k8s:app are no label names for apimachinery.
	return prefixedSelector(n)
}

// prefixedSelector reads a selector whose keys carry a source.
func prefixedSelector(n tree.Node) *ciliumSelector {
	s := &ciliumSelector{}
	add := func(key, op string, values []string) {
		key = ciliumKey(key)
		s.namespaced = s.namespaced || key == ciliumNamespace || strings.HasPrefix(key, ciliumNamespaceLabels)
		r, err := labels.NewRequirement(key, operators[op], values)
		if err != nil {
			s.invalid = true
			return
		}
		s.reqs = append(s.reqs, *r)
	}
	for k, v := range n.Get("matchLabels").Fields() {
		add(k.Text(), "In", []string{v.Text()})
	}
	for _, e := range n.Get("matchExpressions").Items() {
		add(e.Get("key").Text(), e.Get("operator").Text(), texts(e.Get("values")))
	}
	return s
}

var operators = map[string]selection.Operator{
	"In": selection.In, "NotIn": selection.NotIn, "Exists": selection.Exists, "DoesNotExist": selection.DoesNotExist,
}

// ciliumKey takes the source off a label's key.
func ciliumKey(key string) string {
	for _, source := range [...]string{"k8s:", "any:", "k8s."} {
		if rest, ok := strings.CutPrefix(key, source); ok {
			return rest
		}
	}
	return key
}

// matches reports whether the selector picks the pod.
func (s *ciliumSelector) matches(g *graph.Graph, pod *graph.Pod) Answer {
	if s.invalid {
		return Maybe
	}
	answer := Yes
	known := namespaceLabels{name: pod.Object.Namespace}
	if known.name != "" {
		known.declared = g.FindGroup("", "Namespace", "", known.name)
	}
	for i := range s.reqs {
		r := &s.reqs[i]
		key := ciliumKey(r.Key())
		switch {
		case key == ciliumNamespace:
			answer = min(answer, ciliumMeets(r, known.name, known.name != "", known.name != ""))
		case strings.HasPrefix(key, ciliumNamespaceLabels):
			label := key[len(ciliumNamespaceLabels):]
			v, ok := known.Lookup(label)
			answer = min(answer, ciliumMeets(r, v, ok, known.certain(label)))
		case key == ciliumAccount:
			name, _ := pod.ServiceAccount()
			answer = min(answer, ciliumMeets(r, name, true, true))
		case strings.HasPrefix(key, "reserved:") || strings.HasPrefix(key, "reserved."):
			answer = No // hosts, the outside and so on
		default:
			v, ok := pod.Labels().Lookup(key)
			answer = min(answer, ciliumMeets(r, v, ok, !RunTimeLabel(key)))
		}
		if answer == No {
			return No
		}
	}
	return answer
}

func ciliumMeets(r *labels.Requirement, value string, exists, certain bool) Answer {
	if !certain {
		return Maybe
	}
	set := labels.Set{}
	if exists {
		set[r.Key()] = value
	}
	return AnswerOf(r.Matches(set))
}
