package resources

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var cpuRequest = &check.Check{
	ID: "k8s-cpu-request", Name: "cpu-request", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K46"},
	Practices: requestsAndLimits,
	Facts:     declared,
	Container: func(p *check.Pass, c *graph.Container) {
		require(p, c, "requests", "cpu", "the scheduler places it anywhere, and it gets the least share when a node is busy")
	},
}
