package resources

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var cpuLimit = &check.Check{
	ID: "k8s-cpu-limit", Name: "cpu-limit", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K46"},
	Practices: requestsAndLimits,
	Facts:     declared,
	OptIn:     true,
	Container: func(p *check.Pass, c *graph.Container) {
		require(p, c, "limits", "cpu", "it may take all idle CPU time of its node")
	},
}
