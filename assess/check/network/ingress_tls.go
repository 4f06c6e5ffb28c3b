package network

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var ingressTLS = &check.Check{
	ID: "k8s-ingress-tls", Name: "ingress-tls", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K34"},
	Practices: []string{"network-exposure-controlled", "encryption"},
	Facts:     []check.Fact{{Number: 11, Strength: check.Direct}},
	Kinds:     []string{"Ingress", "Gateway"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Kind == "Gateway" {
			gatewayTLS(p, o)
			return
		}
		if terminatedOutside(o) {
			return
		}
		tls := o.Spec().Get("tls")
		if tls.Len() == 0 {
			p.Fail(o.Spec(), "tls", "no host of this Ingress has TLS: %s answers in plain text", hostsText(o)).Ask("hosts and the name of their TLS Secret")
			return
		}
		for _, r := range o.Spec().Get("rules").Items() {
			host := r.Get("host")
			if host.Text() != "" && !covered(tls, host.Text()) {
				p.Fail(host, "", "host %s is in no entry of tls: it answers in plain text or with a foreign certificate", host.Text())
			}
		}
	},
}

func hostsText(o *graph.Object) string {
	var hosts []string
	for _, r := range o.Spec().Get("rules").Items() {
		if h := r.Get("host").Text(); h != "" && len(hosts) < 4 {
			hosts = append(hosts, h)
		}
	}
	if len(hosts) == 0 {
		return "it"
	}
	return strings.Join(hosts, ", ")
}

// covered reports whether an entry of tls serves the host. One without hosts
// is taken to serve all.
func covered(tls tree.Node, host string) bool {
	for _, t := range tls.Items() {
		hosts := t.Get("hosts")
		if hosts.Len() == 0 {
			return true
		}
		for _, h := range hosts.Items() {
			name := h.Text()
			if strings.EqualFold(name, host) || graph.Placeholder(name) || graph.Placeholder(host) {
				return true
			}
			if _, rest, ok := strings.Cut(host, "."); ok && strings.HasPrefix(name, "*.") && strings.EqualFold(name[2:], rest) {
				return true
			}
		}
	}
	return false
}

// terminatedOutside reports whether annotations or the class say that TLS is
// ended by the provider's load balancer or set up in the controller's own way.
func terminatedOutside(o *graph.Object) bool {
	for k, v := range o.Body.At("metadata", "annotations").Fields() {
		switch k.Text() {
		case "alb.ingress.kubernetes.io/certificate-arn", "networking.gke.io/managed-certificates", "networking.gke.io/v1beta1.FrontendConfig",
			"ingress.gcp.kubernetes.io/pre-shared-cert", "appgw.ingress.kubernetes.io/appgw-ssl-certificate", "route.openshift.io/termination",
			"traefik.ingress.kubernetes.io/router.tls.certresolver", "nginx.ingress.kubernetes.io/ssl-passthrough":
			return true
		case "traefik.ingress.kubernetes.io/router.tls":
			return v.Text() == "true"
		case "traefik.ingress.kubernetes.io/router.entrypoints":
			return v.Text() == "websecure"
		case "alb.ingress.kubernetes.io/listen-ports":
			return strings.Contains(v.Text(), "HTTPS")
		}
	}
	class := o.Spec().Get("ingressClassName").Text()
	return class == "tailscale" || class == "cloudflare-tunnel" || class == "ngrok"
}

// gatewayTLS reports a Gateway whose listeners all speak plain HTTP. A plain
// listener beside an encrypted one is there to redirect.
func gatewayTLS(p *check.Pass, o *graph.Object) {
	if o.Group() != wire.GatewayGroup || internal(o) {
		p.Skip()
		return
	}
	plain := tree.Node{}
	for _, l := range o.Spec().Get("listeners").Items() {
		switch l.Get("protocol").Text() {
		case "HTTP":
			if !plain.Exists() {
				plain = l.Get("protocol")
			}
		default:
			return
		}
	}
	if !plain.Exists() {
		p.Skip()
		return
	}
	p.Fail(plain, "", "every listener of this Gateway speaks plain HTTP: its hosts answer in plain text")
}
