package wiring

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var routeParent = &check.Check{
	ID: "k8s-route-parent", Name: "route-parent", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K37"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     wire.GatewayRoutes(),
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != wire.GatewayGroup {
			p.Skip()
			return
		}
		any := false
		for parent := range wire.Parents(o) {
			any = true
			attach(p, o, parent)
		}
		if !any {
			p.Skip()
		}
	},
}

func attach(p *check.Pass, o *graph.Object, parent wire.Parent) {
	at := parent.Node.Get("name")
	if graph.Placeholder(parent.Name) {
		p.Unknown(at, "", "the name of Gateway %q is filled in elsewhere", parent.Name)
		return
	}
	gw := p.Graph.FindGroup(wire.GatewayGroup, "Gateway", parent.Namespace, parent.Name)
	if gw == nil {
		for _, g := range p.Others {
			// Two environments may call different Gateways by one name.
			if f := g.FindGroup(wire.GatewayGroup, "Gateway", parent.Namespace, parent.Name); f != nil {
				if f.Namespace != parent.Namespace || f.Namespace == "" {
					return
				}
				gw = f
			}
		}
	}
	if gw == nil {
		if parent.NamespaceStated && parent.Namespace != o.Namespace {
			p.Unknown(at, "", "Gateway %s/%s is not in this repository, so whether it accepts this route cannot be seen", parent.Namespace, parent.Name)
			return
		}
		if !anyGateway(p) {
			p.Unknown(at, "", "no Gateway is in this repository, so whether there is one called %q in %s cannot be seen", parent.Name, namespaceText(parent.Namespace))
			return
		}
		p.Fail(at, "", "there is no Gateway %q in %s: the route gets no traffic", parent.Name, namespaceText(parent.Namespace)).As(ops.Medium)
		return
	}
	listeners(p, o, parent, gw)
}

// anyGateway reports whether the repository is a place where Gateways are kept.
func anyGateway(p *check.Pass) bool {
	if gatewayIn(p.Graph) {
		return true
	}
	return slices.ContainsFunc(p.Others, gatewayIn)
}

func gatewayIn(g *graph.Graph) bool {
	for _, o := range g.Kind("Gateway") {
		if o.Group() == wire.GatewayGroup {
			return true
		}
	}
	return false
}

// listeners reports a route that no listener of its Gateway takes.
func listeners(p *check.Pass, o *graph.Object, parent wire.Parent, gw *graph.Object) {
	list := gw.Spec().Get("listeners")
	why, section, maybe := "", parent.Section.Text(), false
	at := parent.Node.Get("name")
	if section != "" {
		at = parent.Section
		if graph.Placeholder(section) {
			return
		}
	}
	found := false
	for _, l := range list.Items() {
		if section != "" && l.Get("name").Text() != section {
			continue
		}
		if n, ok := parent.Port.Int(); ok && l.Get("port").IntOr(n) != n {
			continue
		}
		found = true
		reason, unknown := refuses(p, o, l, gw)
		if unknown {
			maybe = true
			continue
		}
		if reason == "" {
			return
		}
		why = fmt.Sprintf("listener %q %s", l.Get("name").Text(), reason)
	}
	switch {
	case maybe:
		p.Unknown(at, "", "%s chooses routes by labels of %s, which is not in this repository", gw, namespaceText(o.Namespace))
	case !found && section != "":
		p.Fail(at, "", "%s has no listener %q (it has %s): the route gets no traffic", gw, section, listenerNames(list))
	case !found:
		p.Fail(parent.Port, "", "%s has no listener on port %s: the route gets no traffic", gw, parent.Port.Text())
	default:
		p.Fail(at, "", "%s does not take this route: %s", gw, why)
	}
}

func listenerNames(list tree.Node) string {
	var names []string
	for _, l := range list.Items() {
		names = append(names, l.Get("name").Text())
	}
	return strings.Join(names, ", ")
}

// refuses returns why a listener does not accept the route, "" if it does;
// unknown means that labels of a namespace decide and are not known.
func refuses(p *check.Pass, o *graph.Object, l tree.Node, gw *graph.Object) (reason string, unknown bool) {
	allowed := l.Get("allowedRoutes")
	if kinds := allowed.Get("kinds"); kinds.Len() > 0 {
		ok := false
		for _, k := range kinds.Items() {
			ok = ok || k.Get("kind").Text() == o.Kind
		}
		if !ok {
			return "accepts no " + o.Kind, false
		}
	} else if !speaks(l.Get("protocol").Text(), o.Kind) {
		return fmt.Sprintf("speaks %s, which takes no %s", l.Get("protocol").Text(), o.Kind), false
	}
	if !hostsMeet(l.Get("hostname").Text(), o.Spec().Get("hostnames")) {
		return fmt.Sprintf("serves host %s, which is none of the route's", l.Get("hostname").Text()), false
	}
	switch from := allowed.At("namespaces", "from").Text(); from {
	case "All":
	case "Selector":
		switch wire.NamespaceMatches(p.Graph, allowed.At("namespaces", "selector"), o.Namespace) {
		case wire.No:
			return fmt.Sprintf("accepts routes by labels of their namespace, which %s does not have", namespaceText(o.Namespace)), false
		case wire.Maybe:
			return "", true
		}
	case "None":
		return "accepts no routes", false
	default:
		if gw.Namespace != o.Namespace && gw.Namespace != "" && o.Namespace != "" {
			return fmt.Sprintf("accepts routes of its own namespace %s only", gw.Namespace), false
		}
	}
	return "", false
}

func speaks(protocol, kind string) bool {
	switch protocol {
	case "HTTP", "HTTPS":
		return kind == "HTTPRoute" || kind == "GRPCRoute"
	case "TLS":
		return kind == "TLSRoute" || kind == "TCPRoute"
	case "TCP":
		return kind == "TCPRoute"
	case "UDP":
		return kind == "UDPRoute"
	}
	return true
}

// hostsMeet reports whether a listener's host and the hosts of a route have a
// name in common. Absent means any; a leading "*." stands for one label or
// more.
func hostsMeet(listener string, hosts tree.Node) bool {
	if listener == "" || hosts.Len() == 0 {
		return true
	}
	for _, h := range hosts.Items() {
		if t := h.Text(); hostMatches(listener, t) || hostMatches(t, listener) || graph.Placeholder(t) || graph.Placeholder(listener) {
			return true
		}
	}
	return false
}

func hostMatches(pattern, host string) bool {
	return strings.EqualFold(pattern, host) || (strings.HasPrefix(pattern, "*.") && len(host) > len(pattern)-1 && strings.HasSuffix(strings.ToLower(host), strings.ToLower(pattern[1:])))
}
