package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var seccompProfile = &check.Check{
	ID: "k8s-seccomp-profile", Name: "seccomp-profile", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K08"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if pod.Windows() {
			p.Skip()
			return
		}
		wrong := func(whose string, c *graph.Container) {
			sc := pod.Security()
			if c != nil {
				sc = c.Security()
			}
			profile := sc.Get("seccompProfile")
			t := profile.Get("type")
			if profile.IsNull() || podsecurity.SeccompType(t.Str()) || pending(p, t, "seccompProfile.type") {
				return
			}
			p.Fail(profile, "type", "%s switches the system call filter off: seccompProfile.type is %q", whose, t.Text()).As(ops.High).Set("RuntimeDefault")
		}
		wrong("the pod", nil)
		for c := range pod.Each() {
			wrong("container "+quoted(c.Name), c)
		}
		without, all := unset(pod, "seccompProfile")
		const why = "no seccomp profile: every system call of the node's kernel is open to %s%s"
		hint := ""
		if pod.Annotation("seccomp.security.alpha.kubernetes.io/pod") != "" {
			hint = " (the seccomp annotation has had no effect since 1.27)"
		}
		switch {
		case len(without) == 0:
		case all:
			p.Fail(pod.Spec, "securityContext.seccompProfile", why, named(without), hint).Set("{type: RuntimeDefault}")
		default:
			for _, c := range without {
				p.Fail(c.Node, "securityContext.seccompProfile", why, "container "+quoted(c.Name), hint).Set("{type: RuntimeDefault}")
			}
		}
	},
}
