package network

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var ingressWildcardHost = &check.Check{
	ID: "k8s-ingress-wildcard-host", Name: "ingress-wildcard-host", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K34"},
	Practices: []string{"network-exposure-controlled"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Kinds:     []string{"Ingress"},
	Object: func(p *check.Pass, o *graph.Object) {
		for _, r := range o.Spec().Get("rules").Items() {
			host := r.Get("host")
			switch {
			case host.Text() == "" && r.Get("http").IsMap():
				p.Fail(r, "host", "a rule has no host: it answers for every name that leads here").Ask("host name")
			case host.Text() == "*":
				p.Fail(host, "", "host * answers for every name that leads here").Ask("host name")
			case strings.HasPrefix(host.Text(), "*."):
				p.Fail(host, "", "host %s answers for names that nobody listed", host.Text()).Ask("host names")
			}
		}
	},
}
