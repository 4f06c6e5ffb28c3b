package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var secretMissing = &check.Check{
	ID: "k8s-secret-missing", Name: "secret-missing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K44"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 26, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		absent(p, pod.Object, "Secret", wire.MakeSecrets)
	},
}
