package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var routeBackend = &check.Check{
	ID: "k8s-route-backend", Name: "route-backend", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K37"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     wire.GatewayRoutes(),
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
