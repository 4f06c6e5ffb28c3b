package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var selinuxOptions = &check.Check{
	ID: "k8s-selinux-options", Name: "selinux-options", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K08"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if pod.Windows() {
			p.Skip()
			return
		}
		look := func(whose string, sc tree.Node) {
			options := sc.Get("seLinuxOptions")
			t := options.Get("type")
			if !podsecurity.SELinuxType(t.Str(), p.Settings.KubeMinor) && !pending(p, t, "seLinuxOptions.type") {
				r := p.Fail(t, "", "%s runs under the SELinux type %q, which is none of the confined container types", whose, t.Text())
				if t.Text() == "spc_t" {
					r.As(ops.High)
				}
			}
			for _, field := range [...]string{"user", "role"} {
				if n := options.Get(field); n.Str() != "" {
					p.Fail(n, "", "%s sets the SELinux %s %q itself instead of leaving it to the node's policy", whose, field, n.Text()).Remove()
				}
			}
		}
		look("the pod", pod.Security())
		for c := range pod.Each() {
			look("container "+quoted(c.Name), c.Security())
		}
	},
}
