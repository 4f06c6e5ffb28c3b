package resources

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var memoryRequest = &check.Check{
	ID: "k8s-memory-request", Name: "memory-request", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K46"},
	Practices: requestsAndLimits,
	Facts:     declared,
	Container: func(p *check.Pass, c *graph.Container) {
		require(p, c, "requests", "memory", "the scheduler may put it on a full node, and it is among the first to be evicted there")
	},
}
