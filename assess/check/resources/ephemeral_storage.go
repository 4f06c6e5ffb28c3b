package resources

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var ephemeralStorage = &check.Check{
	ID: "k8s-ephemeral-storage", Name: "ephemeral-storage", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K46"},
	Practices: requestsAndLimits,
	Facts:     declared,
	Container: func(p *check.Pass, c *graph.Container) {
		require(p, c, "requests", "ephemeral-storage", "its logs, its own files and its emptyDir volumes may fill the node's disk, and the scheduler does not count them")
	},
}
