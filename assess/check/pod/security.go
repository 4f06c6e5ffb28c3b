package pod

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// practices and facts that most checks of this area share.
var (
	leastPrivilege = []string{"least-privilege-containers"}
	restricted     = []string{"least-privilege-containers", "pod-security-restricted"}
	isolated       = []check.Fact{{Number: 2, Strength: check.Direct}, {Number: 1, Strength: check.Supporting}}
	hardened       = []check.Fact{{Number: 2, Strength: check.Supporting}, {Number: 1, Strength: check.Supporting}}
)

// effective returns the value of a security context's field that counts for a
// container: its own, else the pod's.
func effective(c *graph.Container, field string) tree.Node {
	if n := c.Security().Get(field); !n.IsNull() {
		return n
	}
	return c.Pod.Security().Get(field)
}

// unset reports, for a field that containers inherit from their pod, which
// containers end up without it; all is true if every container does, so that
// one line at the pod mends it.
func unset(pod *graph.Pod, field string) (without []*graph.Container, all bool) {
	if !pod.Security().Get(field).IsNull() {
		return nil, false
	}
	for c := range pod.Each() {
		if c.Security().Get(field).IsNull() {
			without = append(without, c)
		}
	}
	return without, len(without) == len(pod.Containers)
}

// named returns `container "web"` or `containers "web", "log"`.
func named(cs []*graph.Container) string {
	var b strings.Builder
	b.WriteString("container")
	if len(cs) != 1 {
		b.WriteByte('s')
	}
	for i, c := range cs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(` "` + c.Name + `"`)
	}
	return b.String()
}

// pending reports a value that is put in later, for which there is no answer
// yet.
func pending(p *check.Pass, n tree.Node, what string) bool {
	if !n.IsString() || !graph.Placeholder(n.Text()) {
		return false
	}
	p.Unknown(n, "", "%s is %q: the value that is put in there is not in the repository", what, n.Text())
	return true
}
