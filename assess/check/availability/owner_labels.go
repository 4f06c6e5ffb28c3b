package availability

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var ownerLabels = &check.Check{
	ID: "k8s-owner-labels", Name: "owner-labels", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K52"},
	Practices: []string{"consistent-labels"},
	Facts:     []check.Fact{{Number: 45, Strength: check.Direct}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		o := pod.Object
		if o.Body.At("metadata", "ownerReferences").Len() > 0 {
			p.Skip()
			return
		}
		what := ""
		if !anyLabel(o.Labels(), pod.Labels(), nameLabels[:]) {
			what = "what application it is (app.kubernetes.io/name)"
		}
		if !owned(o.Labels()) && !owned(pod.Labels()) && !namespaceOwned(p, o) {
			if what != "" {
				what += " and "
			}
			what += "what it is part of or who owns it (app.kubernetes.io/part-of, or a label such as team)"
		}
		if what == "" {
			return
		}
		at := o.Body.Get("metadata")
		p.Fail(at, "labels", "no label says %s", what).Ask("name of the application and its owner")
	},
}

var (
	nameLabels = [...]string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app", "k8s-app", "name"}
	ownedBy    = [...]string{"app.kubernetes.io/part-of", "team", "owner"}
)

func owned(l graph.Labels) bool { return anyLabel(l, graph.Labels{}, ownedBy[:]) || ownerSuffix(l) }

func anyLabel(a, b graph.Labels, names []string) bool {
	for _, n := range names {
		if a.Has(n) || b.Has(n) {
			return true
		}
	}
	return false
}

// ownerSuffix reports whether a label with a prefix of the organisation, such
// as example.com/team, names an owner.
func ownerSuffix(l graph.Labels) bool {
	for k := range l.Node.Fields() {
		if i := strings.LastIndexByte(k.Text(), '/'); i >= 0 {
			switch k.Text()[i+1:] {
			case "team", "owner", "squad", "cost-center":
				return true
			}
		}
	}
	return false
}

// namespaceOwned reports whether the object's Namespace names an owner for all
// that is in it.
func namespaceOwned(p *check.Pass, o *graph.Object) bool {
	if o.Namespace == "" {
		return false
	}
	ns := p.Graph.Find("Namespace", "", o.Namespace)
	return ns != nil && owned(ns.Labels())
}
