package secret

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var secretInEnv = &check.Check{
	ID: "k8s-secret-in-env", Name: "secret-in-env", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K56"},
	Practices: []string{"secrets-managed-outside-git"},
	Facts:     []check.Fact{{Number: 16, Strength: check.Direct}},
	Container: func(p *check.Pass, c *graph.Container) {
		for _, e := range c.Node.Get("env").Items() {
			value := e.Get("value")
			name := e.Get("name").Text()
			switch v, what := judge(name, value.Text()); v {
			case evident:
				p.Fail(value, "", "container %q: variable %s holds %s in plain text", c.Name, name, what).
					Fix("Put the value into a Secret that is not kept in plain text in Git, take it from there with `valueFrom.secretKeyRef`, and replace the leaked credential.")
			case weak:
				p.Fail(value, "", "container %q: variable %s holds %s that anyone would try first", c.Name, name, what).As(ops.Medium)
			}
		}
	},
}
