package secret

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var secretInArgs = &check.Check{
	ID: "k8s-secret-in-args", Name: "secret-in-args", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K56"},
	Practices: []string{"secrets-managed-outside-git"},
	Facts:     []check.Fact{{Number: 16, Strength: check.Direct}},
	Container: func(p *check.Pass, c *graph.Container) {
		for _, list := range [...]string{"command", "args"} {
			flag := ""
			for _, a := range c.Node.Get(list).Items() {
				flag = argument(p, c, a, flag)
			}
		}
	},
}

// argument judges one argument, given the option before it if that waits for
// its value, and returns the option that this one is, if it does.
func argument(p *check.Pass, c *graph.Container, a tree.Node, before string) (flag string) {
	text := a.Text()
	if before != "" && !strings.HasPrefix(text, "-") {
		tell(p, c, a, before, text)
		return ""
	}
	if !strings.ContainsAny(text, " \n\t") {
		return assignment(p, c, a, text)
	}
	// A script: word by word.
	told := false
	for w := range strings.FieldsSeq(text) {
		w = strings.Trim(w, "\"'`;&|")
		if w == "" || told {
			continue
		}
		if flag != "" && !strings.HasPrefix(w, "-") {
			told = tell(p, c, a, flag, w)
			flag = ""
			continue
		}
		n := strings.IndexByte(w, '=')
		switch {
		case n > 0:
			told = tell(p, c, a, w[:n], unquote(w[n+1:]))
			flag = ""
		case strings.HasPrefix(w, "--") && keyKind(w) != other:
			flag = w
		default:
			flag = ""
			if what := knownForm(w); what != "" || strings.Contains(w, "://") {
				told = tell(p, c, a, "", w)
			}
		}
	}
	return ""
}

func assignment(p *check.Pass, c *graph.Container, a tree.Node, text string) (flag string) {
	if key, value, ok := strings.Cut(text, "="); ok && !strings.Contains(key, "://") {
		tell(p, c, a, key, unquote(value))
		return ""
	}
	if strings.HasPrefix(text, "-") && keyKind(text) != other {
		return text
	}
	tell(p, c, a, "", text)
	return ""
}

func tell(p *check.Pass, c *graph.Container, a tree.Node, key, value string) bool {
	v, what := judge(strings.TrimLeft(key, "-"), value)
	after := ""
	if key != "" {
		after = " after " + key
	}
	switch v {
	case evident:
		p.Fail(a, "", "container %q: %s stands in its arguments%s, for all to see who can list processes or read the pod", c.Name, what, after)
	case weak:
		p.Fail(a, "", "container %q: %s that anyone would try first stands in its arguments%s", c.Name, what, after).As(ops.Medium)
	}
	return v != none
}
