package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var secretKeyMissing = &check.Check{
	ID: "k8s-secret-key-missing", Name: "secret-key-missing", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K44"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 26, Strength: check.Supporting}},
	Pod:       func(p *check.Pass, pod *graph.Pod) { absentKey(p, pod.Object, "Secret") },
}
