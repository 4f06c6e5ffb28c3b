package network

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var externalIPs = &check.Check{
	ID: "k8s-external-ips", Name: "external-ips", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K33"},
	Practices: []string{"network-exposure-controlled"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Kinds:     []string{"Service"},
	Object: func(p *check.Pass, o *graph.Object) {
		if at := o.Spec().Get("externalIPs"); o.Group() == "" && at.Len() > 0 {
			p.Fail(at, "", "every node takes traffic for %s over to this Service, whoever owns the address", strings.Join(at.Strings(), ", ")).Remove()
		}
	},
}
