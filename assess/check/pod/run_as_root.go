package pod

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var runAsRoot = &check.Check{
	ID: "k8s-run-as-root", Name: "run-as-root", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K05"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if harmlessRoot(p, pod) {
			return
		}
		var open []*graph.Container
		for c := range pod.Each() {
			if judgeUser(p, c) {
				open = append(open, c)
			}
		}
		switch {
		case len(open) == 0:
		case len(open) == len(pod.Containers) || pod.Security().Get("runAsNonRoot").False():
			r := p.Fail(pod.Spec, "securityContext.runAsNonRoot", "nothing keeps %s from running as root: neither runAsNonRoot: true nor a runAsUser other than 0 is set", named(open))
			if len(open) == len(pod.Containers) {
				r.Set("true")
			}
		default:
			for _, c := range open {
				p.Fail(c.Node, "securityContext.runAsNonRoot", "nothing keeps container %q from running as root: neither runAsNonRoot: true nor a runAsUser other than 0 is set", c.Name).Set("true")
			}
		}
	},
}

// harmlessRoot reports whether root in the pod is nobody on the node, which
// the standards accept from v1.35 on.
func harmlessRoot(p *check.Pass, pod *graph.Pod) bool {
	return podsecurity.UserNamespace(pod) && (p.Settings.KubeMinor == 0 || p.Settings.KubeMinor >= 35)
}

// judgeUser reports what a container says of its user that is wrong in itself,
// and returns whether it says nothing at all, so that its image decides.
func judgeUser(p *check.Pass, c *graph.Container) (open bool) {
	if c.Pod.Windows() {
		return judgeWindowsUser(p, c)
	}
	user, nonRoot := effective(c, "runAsUser"), effective(c, "runAsNonRoot")
	if pending(p, user, "runAsUser") || pending(p, nonRoot, "runAsNonRoot") {
		return false
	}
	id, ok := user.Int()
	switch {
	case ok && id == 0 && nonRoot.True():
		p.Fail(user, "", "container %q cannot start: runAsUser is 0 while runAsNonRoot is true", c.Name).As(ops.High).Fix("Set runAsUser to the numeric id that the application should have.").Ask("user id")
	case ok && id == 0:
		p.Fail(user, "", "container %q runs as root: runAsUser is 0", c.Name).Fix("Set runAsUser to the numeric id that the application should have, and runAsNonRoot: true.").Ask("user id")
	case ok, nonRoot.True():
	case nonRoot.False() && !c.Security().Get("runAsNonRoot").IsNull():
		p.Fail(nonRoot, "", "container %q may run as root: it sets runAsNonRoot: false and no runAsUser", c.Name).Set("true")
	default:
		return true
	}
	return false
}

func judgeWindowsUser(p *check.Pass, c *graph.Container) (open bool) {
	name := c.Security().At("windowsOptions", "runAsUserName")
	if name.IsNull() {
		name = c.Pod.Security().At("windowsOptions", "runAsUserName")
	}
	if strings.EqualFold(name.Text(), "ContainerAdministrator") {
		p.Fail(name, "", "container %q runs as ContainerAdministrator", c.Name).Set("ContainerUser")
		return false
	}
	return name.IsNull() && !effective(c, "runAsNonRoot").True()
}
