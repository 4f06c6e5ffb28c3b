package wiring

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var gatewayTLSSecret = &check.Check{
	ID: "k8s-gateway-tls-secret", Name: "gateway-tls-secret", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K37", "K44"},
	Practices: []string{"wiring", "network-exposure-controlled"},
	Facts:     []check.Fact{{Number: 11, Strength: check.Supporting}, {Number: 13, Strength: check.Supporting}},
	Kinds:     []string{"Gateway"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != wire.GatewayGroup {
			p.Skip()
			return
		}
		any := false
		for _, l := range o.Spec().Get("listeners").Items() {
			if !terminates(l) {
				continue
			}
			any = true
			tls := l.Get("tls")
			if tls.Get("certificateRefs").Len() == 0 && tls.Get("options").Len() == 0 && !managedCertificates(o) {
				p.Fail(l, "tls.certificateRefs", "listener %q speaks %s but names no certificate: it does not become ready", l.Get("name").Text(), l.Get("protocol").Text()).As(ops.High).Ask("name of the TLS Secret")
			}
		}
		if !any {
			p.Skip()
		}
		for r := range p.Graph.MissingFrom(o, graph.Uses) {
			if r.Role == "tls" {
				missingSecret(p, r, "TLS Secret %q is produced by nothing in this repository: the listener does not become ready")
			}
		}
		for e := range o.Out(graph.Uses) {
			if key := lacksTLS(e.To); key != "" {
				p.Fail(e.At, "", "TLS Secret %q has no key %q: the listener does not become ready", e.To.Name, key)
			}
		}
	},
}

// terminates reports whether a listener ends TLS itself.
func terminates(l tree.Node) bool {
	switch l.Get("protocol").Text() {
	case "HTTPS":
		return true
	case "TLS":
		return l.At("tls", "mode").Text() != "Passthrough"
	}
	return false
}

// managedCertificates reports whether the provider brings the certificates.
func managedCertificates(o *graph.Object) bool {
	for a := range o.Body.At("metadata", "annotations").Fields() {
		if strings.HasPrefix(a.Text(), "networking.gke.io/cert") || strings.Contains(a.Text(), "certificate") {
			return true
		}
	}
	return o.Spec().At("infrastructure", "annotations").Len() > 0
}
