package health

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var livenessProbe = &check.Check{
	ID: "k8s-liveness-probe", Name: "liveness-probe", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K48"},
	Practices: []string{"liveness"},
	Facts:     available,
	Container: func(p *check.Pass, c *graph.Container) {
		if !serves(c.Pod) {
			p.Skip()
			return
		}
		if c.Type == graph.Regular && !c.Node.Has("livenessProbe") {
			p.Fail(c.Node, "livenessProbe", "container %q has no liveness probe: when it hangs without ending, nothing restarts it", c.Name).Ask("liveness probe")
		}
	},
}
