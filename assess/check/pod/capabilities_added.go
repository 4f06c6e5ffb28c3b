package pod

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var capabilitiesAdded = &check.Check{
	ID: "k8s-capabilities-added", Name: "capabilities-added", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K03"},
	Practices: restricted,
	Facts:     isolated,
	Container: func(p *check.Pass, c *graph.Container) {
		add := c.Security().At("capabilities", "add")
		var extra []string
		severity := ops.Low
		for _, n := range add.Items() {
			name := capability(n)
			if podsecurity.RestrictedCapability(name) || dangerOf(name) != nil {
				continue
			}
			if graph.Placeholder(name) {
				p.Unknown(n, "", "container %q adds the capability %q: the value that is put in there is not in the repository", c.Name, n.Text())
				continue
			}
			extra = append(extra, name)
			if !podsecurity.BaselineCapability(name) {
				severity = ops.Medium
			}
		}
		switch {
		case len(extra) == 0:
		case severity == ops.Medium:
			p.Fail(add, "", "container %q adds %s: more than the runtime gives by default", c.Name, strings.Join(extra, ", ")).As(severity)
		default:
			p.Fail(add, "", "container %q adds %s back: the restricted standard allows NET_BIND_SERVICE alone", c.Name, strings.Join(extra, ", ")).As(severity)
		}
	},
}

// capability returns a capability's name as the kernel's documentation has it,
// without CAP_.
func capability(n tree.Node) string {
	return strings.TrimPrefix(strings.ToUpper(n.Text()), "CAP_")
}

// adds reports whether a container adds a capability in this very spelling.
func adds(c *graph.Container, name string) bool {
	for _, n := range c.Security().At("capabilities", "add").Items() {
		if n.Text() == name {
			return true
		}
	}
	return false
}
