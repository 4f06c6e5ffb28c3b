package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var privilegedContainer = &check.Check{
	ID: "k8s-privileged-container", Name: "privileged-container", Pages: pages,
	Severity:  ops.Critical,
	Ideas:     []string{"K01"},
	Practices: []string{"least-privilege-containers", "pod-security-restricted"},
	Facts:     []check.Fact{{Number: 2, Strength: check.Direct}, {Number: 1, Strength: check.Supporting}},
	Container: func(p *check.Pass, c *graph.Container) {
		if at := c.Security().Get("privileged"); at.True() {
			p.Fail(at, "", "container %q is privileged: it has every capability and all devices of its node", c.Name).Set("false")
		}
	},
}
