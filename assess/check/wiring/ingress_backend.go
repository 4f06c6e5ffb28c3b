package wiring

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var ingressBackend = &check.Check{
	ID: "k8s-ingress-backend", Name: "ingress-backend", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K40"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"Ingress", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "VirtualService"},
	Object: func(p *check.Pass, o *graph.Object) {
		any := false
		for b := range wire.Backends(o) {
			any = true
			backend(p, o, b)
		}
		if !any {
			p.Skip()
		}
	},
}

// backend judges one backend of a route: the Service and its port.
func backend(p *check.Pass, o *graph.Object, b wire.Backend) {
	if b.Port.Text() == "use-annotation" || b.Name == "" {
		return
	}
	if graph.Placeholder(b.Name) {
		p.Unknown(b.At, "", "the name of Service %q is filled in elsewhere", b.Name)
		return
	}
	svc, sure := service(p, b.Namespace, b.Name)
	switch {
	case svc == nil:
		noBackend(p, o, b)
	case sure:
		backendPort(p, o, b, svc)
	}
}

func noBackend(p *check.Pass, o *graph.Object, b wire.Backend) {
	if cr := wire.Mentioned(p.Graph, b.Namespace, b.Name); cr != nil {
		p.Unknown(b.At, "", "Service %q is in no file; the operator of %s may make it", b.Name, cr)
		return
	}
	if o.Kind == "VirtualService" && istioKnown(p.Graph, b.At.Text()) {
		return
	}
	if !shown(p, b.Namespace) {
		p.Unknown(b.At, "", "nothing of %s is in this repository, so whether Service %q exists cannot be seen", namespaceText(b.Namespace), b.Name)
		return
	}
	p.Fail(b.At, "", "there is no Service %q in %s: requests for this path get an error", b.Name, namespaceText(b.Namespace))
}

// istioKnown reports whether a ServiceEntry declares the host.
func istioKnown(g *graph.Graph, host string) bool {
	for _, e := range g.Kind("ServiceEntry") {
		for _, h := range e.Spec().Get("hosts").Items() {
			if t := h.Text(); t == host || (strings.HasPrefix(t, "*.") && strings.HasSuffix(host, t[1:])) {
				return true
			}
		}
	}
	return false
}

func backendPort(p *check.Pass, o *graph.Object, b wire.Backend, svc *graph.Object) {
	ports := svc.Spec().Get("ports")
	if svc.Spec().Get("type").Text() == "ExternalName" || ports.Len() == 0 {
		return
	}
	if b.Port.IsNull() {
		if o.Group() == wire.GatewayGroup {
			p.Fail(b.Node, "port", "backend Service %q has no port: a route must say which of %s it means", b.Name, portsText(ports))
		}
		return
	}
	text := b.Port.Text()
	if graph.Placeholder(text) {
		p.Unknown(b.Port, "", "port %q of Service %q is filled in elsewhere", text, b.Name)
		return
	}
	for _, sp := range ports.Items() {
		if sp.Get("port").Text() == text || (b.Port.IsString() && sp.Get("name").Text() == text) {
			return
		}
	}
	r := p.Fail(b.Port, "", "Service %q has no port %s, only %s: requests for this path get an error", b.Name, text, portsText(ports))
	if ports.Len() == 1 {
		port := ports.Index(0).Get("port").Text()
		if _, err := strconv.Atoi(text); err != nil && ports.Index(0).Get("name").Text() != "" {
			port = ports.Index(0).Get("name").Text()
		}
		r.Fix("Use port %s, the only one of Service %q.", port, b.Name)
	}
}

func portsText(ports tree.Node) string {
	var list []string
	for _, sp := range ports.Items() {
		s := sp.Get("port").Text()
		if name := sp.Get("name").Text(); name != "" {
			s += " (" + name + ")"
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}
