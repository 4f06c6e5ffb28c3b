package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var rootGroup = &check.Check{
	ID: "k8s-root-group", Name: "root-group", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K06"},
	Practices: leastPrivilege,
	Facts:     hardened,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if pod.Windows() || podsecurity.UserNamespace(pod) {
			p.Skip()
			return
		}
		said := false
		look := func(whose, field string, n tree.Node) {
			id, ok := n.Int()
			said = said || ok
			if ok && id == 0 {
				p.Fail(n, "", "%s has the root group: %s is 0, so files of group root are its own", whose, field).Ask("group id")
			}
		}
		sc := pod.Security()
		look("the pod", "runAsGroup", sc.Get("runAsGroup"))
		look("the pod", "fsGroup", sc.Get("fsGroup"))
		for _, n := range sc.Get("supplementalGroups").Items() {
			look("the pod", "one of supplementalGroups", n)
		}
		for c := range pod.Each() {
			look("container "+quoted(c.Name), "runAsGroup", c.Security().Get("runAsGroup"))
		}
		if !said {
			p.Skip()
		}
	},
}
