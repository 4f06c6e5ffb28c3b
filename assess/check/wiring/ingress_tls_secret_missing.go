package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var ingressTLSSecretMissing = &check.Check{
	ID: "k8s-ingress-tls-secret-missing", Name: "ingress-tls-secret-missing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K44"},
	Practices: []string{"wiring", "network-exposure-controlled"},
	Facts:     []check.Fact{{Number: 11, Strength: check.Supporting}, {Number: 13, Strength: check.Supporting}},
	Kinds:     []string{"Ingress"},
	Object: func(p *check.Pass, o *graph.Object) {
		if !uses(p, o) {
			p.Skip()
			return
		}
		for r := range p.Graph.MissingFrom(o, graph.Uses) {
			missingSecret(p, r, "TLS Secret %q is produced by nothing in this repository: clients get the controller's own certificate")
		}
		for e := range o.Out(graph.Uses) {
			if key := lacksTLS(e.To); key != "" {
				p.Fail(e.At, "", "TLS Secret %q has no key %q: clients get the controller's own certificate", e.To.Name, key)
			}
		}
	},
}

// lacksTLS returns the key that a TLS Secret should have and does not, "" if
// it has both or they are not known.
func lacksTLS(s *graph.Object) string {
	data, plain := s.Body.Get("data"), s.Body.Get("stringData")
	if s.Kind != "Secret" || data.Len()+plain.Len() == 0 {
		return ""
	}
	for _, k := range [...]string{"tls.crt", "tls.key"} {
		if !data.Get(k).Exists() && !plain.Get(k).Exists() {
			return k
		}
	}
	return ""
}
