package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var procMount = &check.Check{
	ID: "k8s-proc-mount", Name: "proc-mount", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K12"},
	Practices: restricted,
	Facts:     isolated,
	Container: func(p *check.Pass, c *graph.Container) {
		at := c.Security().Get("procMount")
		if at.IsNull() || at.Text() == "Default" || pending(p, at, "procMount") {
			return
		}
		if podsecurity.UserNamespace(c.Pod) {
			p.Fail(at, "", "container %q sets procMount to %q: only the pod's user namespace keeps the node's kernel settings from it", c.Name, at.Text()).As(ops.Low).Remove()
			return
		}
		p.Fail(at, "", "container %q sets procMount to %q: it can read and change kernel settings under /proc that are masked otherwise", c.Name, at.Text()).Remove()
	},
}
