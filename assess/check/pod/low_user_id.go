package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// lowestFreeID is the first id that hardly any node gives to an account.
const lowestFreeID = 10000

var lowUserID = &check.Check{
	ID: "k8s-low-user-id", Name: "low-user-id", Pages: pages,
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
		look := func(whose string, n tree.Node) {
			id, ok := n.Int()
			said = said || ok
			if ok && id > 0 && id < lowestFreeID {
				p.Fail(n, "", "%s as user %d, an id that accounts of the node may have: outside the container it would act as one of them", whose, id).Ask("user id")
			}
		}
		look("the pod runs", pod.Security().Get("runAsUser"))
		for c := range pod.Each() {
			look("container "+quoted(c.Name)+" runs", c.Security().Get("runAsUser"))
		}
		if !said {
			p.Skip()
		}
	},
}

func quoted(s string) string { return `"` + s + `"` }
