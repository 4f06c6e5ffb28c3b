package pod

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var capabilitiesDropAll = &check.Check{
	ID: "k8s-capabilities-drop-all", Name: "capabilities-drop-all", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K03"},
	Practices: restricted,
	Facts:     isolated,
	Container: func(p *check.Pass, c *graph.Container) {
		if c.Pod.Windows() {
			p.Skip()
			return
		}
		if podsecurity.DropsAll(c) {
			return
		}
		drop := c.Security().At("capabilities", "drop")
		if drop.Len() == 0 {
			p.Fail(c.Node, "securityContext.capabilities.drop", "container %q keeps the runtime's default capabilities, such as CHOWN, SETUID and NET_RAW", c.Name).Set("[ALL]")
			return
		}
		listed := strings.Join(drop.Strings(), ", ")
		if strings.EqualFold(listed, "ALL") {
			p.Fail(drop, "", "container %q drops %q, but the Pod Security Standards accept only the spelling ALL", c.Name, listed).Set("[ALL]").As(ops.Low)
			return
		}
		if graph.Placeholder(listed) {
			p.Unknown(drop, "", "container %q drops %s: the value that is put in there is not in the repository", c.Name, listed)
			return
		}
		p.Fail(drop, "", "container %q drops only %s and keeps the other default capabilities", c.Name, listed).Set("[ALL]")
	},
}
