package availability

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var duplicateEnv = &check.Check{
	ID: "k8s-duplicate-env", Name: "duplicate-env", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K52"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 32, Strength: check.Supporting}},
	Container: func(p *check.Pass, c *graph.Container) {
		env := c.Node.Get("env")
		// Lists of variables are short, and comparing with those before needs
		// no map; a very long one gets it.
		var seen map[string]tree.Node
		if env.Len() > 64 {
			seen = map[string]tree.Node{}
		}
		for i, e := range env.Items() {
			name := e.Get("name").Text()
			if name == "" {
				continue
			}
			first := seen[name]
			if seen == nil {
				first = before(env, name, i)
			} else if !first.Exists() {
				seen[name] = e
			}
			if !first.Exists() || strings.Contains(e.Get("value").Text(), "$("+name+")") {
				continue // the second builds on the first
			}
			if same(first, e) {
				p.Fail(e, "", "container %q: variable %s is set twice to the same value (first in line %d)", c.Name, name, first.Line()).As(ops.Low)
				continue
			}
			p.Fail(e, "", "container %q: variable %s is set twice, and only this second value counts (first in line %d)", c.Name, name, first.Line())
		}
	},
}

func before(env tree.Node, name string, i int) tree.Node {
	for j, e := range env.Items() {
		if j == i {
			break
		}
		if e.Get("name").Text() == name {
			return e
		}
	}
	return tree.Node{}
}

func same(a, b tree.Node) bool {
	return !a.Has("valueFrom") && !b.Has("valueFrom") && a.Get("value").Text() == b.Get("value").Text()
}
