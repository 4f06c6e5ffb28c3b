package resources

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var memoryLimit = &check.Check{
	ID: "k8s-memory-limit", Name: "memory-limit", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K46"},
	Practices: requestsAndLimits,
	Facts:     declared,
	Container: func(p *check.Pass, c *graph.Container) {
		require(p, c, "limits", "memory", "a leak takes all of its node's memory before anything stops it")
	},
}
