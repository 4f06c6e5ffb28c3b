package wire

import (
	"iter"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// GatewayGroup is the API group of the Gateway API.
const GatewayGroup = "gateway.networking.k8s.io"

// Backend is one Service that traffic is sent to, as a route names it.
type Backend struct {
	// At names the Service; Node is the whole entry.
	At, Node tree.Node
	Name     string
	// Namespace is the Service's; Foreign is true if the entry itself names
	// one other than the route's.
	Namespace string
	Foreign   bool
	// Port is the field that says which of the Service's ports, by number or
	// name; it may be absent.
	Port tree.Node
}

// GatewayRoutes are the kinds of the Gateway API's routes.
func GatewayRoutes() []string {
	return []string{"HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"}
}

// Backends iterates over the Services that an Ingress, a route of the Gateway
// API, a Traefik IngressRoute or an Istio VirtualService sends traffic to.
func Backends(o *graph.Object) iter.Seq[Backend] {
	return func(yield func(Backend) bool) {
		switch o.Kind {
		case "Ingress":
			ingressBackends(o, yield)
		case "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute":
			if o.Group() == GatewayGroup {
				gatewayBackends(o, yield)
			}
		case "IngressRoute", "IngressRouteTCP", "IngressRouteUDP":
			traefikBackends(o, yield)
		case "VirtualService":
			istioBackends(o, yield)
		}
	}
}

func ingressBackends(o *graph.Object, yield func(Backend) bool) {
	one := func(b tree.Node) bool {
		if svc := b.Get("service"); svc.IsMap() {
			port := svc.At("port", "number")
			if port.IsNull() {
				port = svc.At("port", "name")
			}
			return yield(Backend{At: svc.Get("name"), Node: b, Name: svc.Get("name").Text(), Namespace: o.Namespace, Port: port})
		}
		if at := b.Get("serviceName"); at.Exists() {
			return yield(Backend{At: at, Node: b, Name: at.Text(), Namespace: o.Namespace, Port: b.Get("servicePort")})
		}
		return true
	}
	for _, field := range [...]string{"defaultBackend", "backend"} {
		if !one(o.Spec().Get(field)) {
			return
		}
	}
	for _, r := range o.Spec().Get("rules").Items() {
		for _, p := range r.At("http", "paths").Items() {
			if !one(p.Get("backend")) {
				return
			}
		}
	}
}

func gatewayBackends(o *graph.Object, yield func(Backend) bool) {
	one := func(b tree.Node) bool {
		kind, group := b.Get("kind").Text(), b.Get("group").Text()
		if (kind != "" && kind != "Service") || (group != "" && group != "core") || !b.Get("name").Exists() {
			return true
		}
		ns := b.Get("namespace").Text()
		be := Backend{At: b.Get("name"), Node: b, Name: b.Get("name").Text(), Namespace: ns, Foreign: ns != "" && ns != o.Namespace, Port: b.Get("port")}
		if ns == "" {
			be.Namespace = o.Namespace
		}
		return yield(be)
	}
	filters := func(list tree.Node) bool {
		for _, f := range list.Items() {
			if m := f.At("requestMirror", "backendRef"); m.IsMap() && !one(m) {
				return false
			}
		}
		return true
	}
	for _, r := range o.Spec().Get("rules").Items() {
		if !filters(r.Get("filters")) {
			return
		}
		for _, b := range r.Get("backendRefs").Items() {
			if !one(b) || !filters(b.Get("filters")) {
				return
			}
		}
	}
}

func traefikBackends(o *graph.Object, yield func(Backend) bool) {
	for _, r := range o.Spec().Get("routes").Items() {
		for _, s := range r.Get("services").Items() {
			if kind := s.Get("kind").Text(); kind != "" && kind != "Service" {
				continue
			}
			ns := s.Get("namespace").Text()
			b := Backend{At: s.Get("name"), Node: s, Name: s.Get("name").Text(), Namespace: ns, Foreign: ns != "" && ns != o.Namespace, Port: s.Get("port")}
			if ns == "" {
				b.Namespace = o.Namespace
			}
			if !yield(b) {
				return
			}
		}
	}
}

func istioBackends(o *graph.Object, yield func(Backend) bool) {
	for _, proto := range [...]string{"http", "tcp", "tls"} {
		for _, r := range o.Spec().Get(proto).Items() {
			for _, d := range r.Get("route").Items() {
				at := d.At("destination", "host")
				name, ns, ok := ServiceHost(at.Text(), o.Namespace)
				if !ok {
					continue
				}
				if !yield(Backend{At: at, Node: d, Name: name, Namespace: ns, Foreign: ns != o.Namespace, Port: d.At("destination", "port", "number")}) {
					return
				}
			}
		}
	}
}

// ServiceHost reads the host name of a Service as seen from a namespace:
// "orders", "orders.shop.svc" or "orders.shop.svc.cluster.local". A name such
// as "orders.shop" is not taken, because it may be any domain.
func ServiceHost(host, from string) (name, namespace string, ok bool) {
	host = strings.TrimSuffix(host, ".")
	name, rest, dotted := strings.Cut(host, ".")
	if name == "" {
		return "", "", false
	}
	if !dotted {
		return name, from, true
	}
	namespace, rest, _ = strings.Cut(rest, ".")
	if rest == "svc" || strings.HasPrefix(rest, "svc.") {
		return name, namespace, true
	}
	return "", "", false
}

// linkRoutes links routes to their Services and to the Gateways they attach to.
func linkRoutes(g *graph.Graph) {
	kinds := append([]string{"Ingress", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "VirtualService"}, GatewayRoutes()...)
	for _, kind := range kinds {
		for _, o := range g.Kind(kind) {
			for b := range Backends(o) {
				if b.Name == "" || actionBackend(o, b) {
					continue
				}
				refer(g, &graph.Reference{Kind: graph.Routes, From: o, At: b.At, TargetKind: "Service", Namespace: b.Namespace, Name: b.Name, Role: "backend"})
			}
			linkParents(g, o)
		}
	}
}

// actionBackend reports whether a backend is the name of an AWS load
// balancer's action instead of a Service.
func actionBackend(o *graph.Object, b Backend) bool {
	return b.Port.Text() == "use-annotation"
}

// Parent is one parentRef of a route.
type Parent struct {
	Node            tree.Node
	Kind, Name      string
	Namespace       string
	Section         tree.Node
	Port            tree.Node
	NamespaceStated bool
}

// Parents iterates over the Gateways that a route of the Gateway API names.
// Other kinds of parents (a Service in a mesh, a ListenerSet) are left out.
func Parents(o *graph.Object) iter.Seq[Parent] {
	return func(yield func(Parent) bool) {
		for _, r := range o.Spec().Get("parentRefs").Items() {
			kind, group := r.Get("kind").Text(), r.Get("group").Text()
			if (kind != "" && kind != "Gateway") || (group != "" && group != GatewayGroup) {
				continue
			}
			p := Parent{Node: r, Kind: "Gateway", Name: r.Get("name").Text(), Namespace: r.Get("namespace").Text(), Section: r.Get("sectionName"), Port: r.Get("port")}
			if p.NamespaceStated = p.Namespace != ""; !p.NamespaceStated {
				p.Namespace = o.Namespace
			}
			if !yield(p) {
				return
			}
		}
	}
}

func linkParents(g *graph.Graph, o *graph.Object) {
	if o.Group() == GatewayGroup {
		for p := range Parents(o) {
			linkParent(g, o, GatewayGroup, p.Node.Get("name"), p.Namespace, p.Name)
		}
		return
	}
	if o.Kind != "VirtualService" {
		return
	}
	for _, n := range o.Spec().Get("gateways").Items() {
		ns, name, ok := strings.Cut(n.Text(), "/")
		if !ok {
			ns, name = o.Namespace, n.Text()
		}
		if name != "mesh" {
			linkParent(g, o, "networking.istio.io", n, ns, name)
		}
	}
}

func linkParent(g *graph.Graph, o *graph.Object, group string, at tree.Node, namespace, name string) {
	if gw := g.FindGroup(group, "Gateway", namespace, name); gw != nil {
		g.Link(&graph.Edge{Kind: graph.AttachesTo, From: o, To: gw, At: at})
		return
	}
	g.Missing = append(g.Missing, &graph.Reference{Kind: graph.AttachesTo, From: o, At: at, TargetKind: "Gateway", Namespace: namespace, Name: name, Role: "parent"})
}
