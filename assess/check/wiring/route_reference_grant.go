package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var routeReferenceGrant = &check.Check{
	ID: "k8s-route-reference-grant", Name: "route-reference-grant", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K37"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     append([]string{"Gateway"}, wire.GatewayRoutes()...),
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != wire.GatewayGroup {
			p.Skip()
			return
		}
		foreign := false
		for b := range wire.Backends(o) {
			if b.Foreign && o.Namespace != "" {
				foreign = true
				granted(p, o, "Service", b.At, b.Namespace, b.Name)
			}
		}
		if o.Kind == "Gateway" {
			foreign = foreignCertificates(p, o)
		}
		if !foreign {
			p.Skip()
		}
	},
}

func foreignCertificates(p *check.Pass, o *graph.Object) (foreign bool) {
	for _, l := range o.Spec().Get("listeners").Items() {
		for _, c := range l.At("tls", "certificateRefs").Items() {
			ns := c.Get("namespace").Text()
			if kind := c.Get("kind").Text(); ns == "" || ns == o.Namespace || o.Namespace == "" || (kind != "" && kind != "Secret") {
				continue
			}
			foreign = true
			granted(p, o, "Secret", c.Get("name"), ns, c.Get("name").Text())
		}
	}
	return foreign
}

// granted reports a reference into another namespace without a ReferenceGrant
// there.
func granted(p *check.Pass, o *graph.Object, kind string, at tree.Node, namespace, name string) {
	if graph.Placeholder(namespace) || grantIn(p.Graph, o, kind, namespace, name) {
		return
	}
	for _, g := range p.Others {
		if grantIn(g, o, kind, namespace, name) {
			return
		}
	}
	if !shown(p, namespace) {
		p.Unknown(at, "", "needs a ReferenceGrant in namespace %s, of which nothing is in this repository", namespace)
		return
	}
	p.Fail(at, "", "refers to %s %s/%s, but no ReferenceGrant in namespace %s allows that to a %s of namespace %s: the Gateway refuses the reference", kind, namespace, name, namespace, o.Kind, o.Namespace)
}

func grantIn(g *graph.Graph, o *graph.Object, kind, namespace, name string) bool {
	for _, grant := range g.Kind("ReferenceGrant") {
		if grant.Namespace != namespace && grant.Namespace != "" {
			continue
		}
		from, to := false, false
		for _, f := range grant.Spec().Get("from").Items() {
			from = from || (f.Get("group").Text() == wire.GatewayGroup && f.Get("kind").Text() == o.Kind && f.Get("namespace").Text() == o.Namespace)
		}
		for _, t := range grant.Spec().Get("to").Items() {
			to = to || (t.Get("group").Text() == "" && t.Get("kind").Text() == kind && (t.Get("name").Text() == "" || t.Get("name").Text() == name))
		}
		if from && to {
			return true
		}
	}
	return false
}
