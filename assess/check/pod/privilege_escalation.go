package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var privilegeEscalation = &check.Check{
	ID: "k8s-privilege-escalation", Name: "privilege-escalation", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K02"},
	Practices: restricted,
	Facts:     isolated,
	Container: func(p *check.Pass, c *graph.Container) {
		if c.Pod.Windows() {
			p.Skip()
			return
		}
		at := c.Security().Get("allowPrivilegeEscalation")
		if at.False() || pending(p, at, "allowPrivilegeEscalation") {
			return
		}
		how := "does not say allowPrivilegeEscalation: false"
		if at.True() {
			how = "sets allowPrivilegeEscalation: true"
		}
		const field = "securityContext.allowPrivilegeEscalation"
		r := p.Fail(c.Node, field, "container %q %s: a set-user-ID program inside can gain more rights than the container started with", c.Name, how)
		switch {
		case c.Security().Get("privileged").True():
			r.Fix("Take away privileged: true first, then set allowPrivilegeEscalation: false; the API server refuses both together.")
		case adds(c, "CAP_SYS_ADMIN"):
			r.Fix("Take away CAP_SYS_ADMIN first, then set allowPrivilegeEscalation: false; the API server refuses both together.")
		default:
			r.Set("false")
		}
	},
}
