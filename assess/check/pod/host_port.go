package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hostPort = &check.Check{
	ID: "k8s-host-port", Name: "host-port", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K09"},
	Practices: restricted,
	Facts:     isolated,
	Container: func(p *check.Pass, c *graph.Container) {
		for _, port := range c.Node.Get("ports").Items() {
			at := port.Get("hostPort")
			if at.IntOr(0) == 0 {
				continue
			}
			if c.Pod.Spec.Get("hostNetwork").True() {
				p.Fail(at, "", "container %q listens on port %s of its node, as its pod uses the node's network", c.Name, at.Text()).As(ops.Low)
				continue
			}
			p.Fail(at, "", "container %q takes port %s of its node: it is open on every address of the node, and only one such pod fits there", c.Name, at.Text()).Remove()
		}
	},
}
