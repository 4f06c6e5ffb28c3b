package network

import (
	"net/netip"
	"strings"

	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// proxyImages are parts of the image names of ingress controllers and
// gateways: pods that are meant to face the outside.
var proxyImages = []string{
	"ingress", "traefik", "envoy", "haproxy", "kong", "contour", "istio/proxy", "proxyv2", "gateway", "cloudflared",
	"nginx-gateway", "apisix", "emissary", "ambassador", "gloo", "skipper", "voyager", "higress", "tyk",
}

// edgeProxy reports whether pods look like an ingress controller or gateway.
func edgeProxy(pod *graph.Pod) bool {
	for c := range pod.Each() {
		image := c.Node.Get("image").Text()
		if i := strings.IndexByte(image, '@'); i >= 0 {
			image = image[:i]
		}
		for _, part := range proxyImages {
			if strings.Contains(image, part) {
				return true
			}
		}
	}
	return false
}

// annotation is a name and the value that counts.
type annotation struct{ name, value string }

// internalMarks are the annotations that keep a load balancer inside.
var internalMarks = []annotation{
	{"service.beta.kubernetes.io/aws-load-balancer-internal", ""},
	{"service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"},
	{"service.beta.kubernetes.io/azure-load-balancer-internal", "true"},
	{"networking.gke.io/load-balancer-type", "internal"},
	{"cloud.google.com/load-balancer-type", "internal"},
	{"service.beta.kubernetes.io/openstack-internal-load-balancer", "true"},
	{"service.beta.kubernetes.io/oci-load-balancer-internal", "true"},
	{"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", "private"},
	{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", "intranet"},
	{"service.beta.kubernetes.io/cce-load-balancer-internal-vpc", "true"},
	{"alb.ingress.kubernetes.io/scheme", "internal"},
}

// internal reports whether a Service, Ingress or Gateway is marked as reached
// from inside the network only.
func internal(o *graph.Object) bool {
	for k, v := range o.Body.At("metadata", "annotations").Fields() {
		for _, m := range internalMarks {
			if k.Text() == m.name && !strings.EqualFold(v.Text(), "false") && (m.value == "" || strings.EqualFold(v.Text(), m.value)) {
				return true
			}
		}
	}
	if privateAddress(o) {
		return true
	}
	class := o.Spec().Get("ingressClassName").Text() + o.Spec().Get("gatewayClassName").Text() + o.Spec().Get("loadBalancerClass").Text() + o.Annotation("kubernetes.io/ingress.class")
	for _, part := range [...]string{"internal", "private", "ilb", "rilb", "tailscale"} {
		if strings.Contains(class, part) {
			return true
		}
	}
	return false
}

// addressMarks are the annotations by which load balancers of own clusters are
// given their addresses.
var addressMarks = [...]string{
	"lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips", "metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs",
	"kube-vip.io/loadbalancerIPs", "purelb.io/addresses",
}

// privateAddress reports whether a load balancer is given addresses, and none
// that the Internet could reach.
func privateAddress(o *graph.Object) bool {
	list := o.Spec().Get("loadBalancerIP").Text()
	for _, m := range addressMarks {
		if v := o.Annotation(m); v != "" {
			list += "," + v
		}
	}
	given := false
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil || !a.IsPrivate() && !a.IsLinkLocalUnicast() {
			return false
		}
		given = true
	}
	return given
}

// restricted reports whether a load balancer's sources are limited.
func restricted(o *graph.Object) bool {
	ranges := o.Spec().Get("loadBalancerSourceRanges")
	if ranges.Len() == 0 {
		return o.Annotation("service.beta.kubernetes.io/load-balancer-source-ranges") != ""
	}
	for _, r := range ranges.Items() {
		if t := r.Text(); t == "0.0.0.0/0" || t == "::/0" {
			return false
		}
	}
	return true
}

// published returns how requests from outside arrive at a workload: the
// objects of the path and the field that leads to the workload; nil if none
// is known to.
func published(o *graph.Object) (path []*graph.Object, at tree.Node) {
	for sel := range o.In(graph.Selects) {
		svc := sel.From
		if svc.Kind != "Service" {
			continue
		}
		if t := svc.Spec().Get("type").Text(); (t == "LoadBalancer" || t == "NodePort") && !internal(svc) && !restricted(svc) {
			return []*graph.Object{svc}, svc.Spec().Get("type")
		}
		for e := range svc.In(graph.Routes) {
			if internal(e.From) || e.From.Kind == "VirtualService" {
				continue
			}
			if e.From.Group() != wire.GatewayGroup {
				return []*graph.Object{e.From, svc}, e.At
			}
			for parent := range e.From.Out(graph.AttachesTo) {
				if !internal(parent.To) {
					return []*graph.Object{parent.To, e.From, svc}, e.At
				}
			}
		}
	}
	return nil, tree.Node{}
}
