package secret

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var secretInConfigMap = &check.Check{
	ID: "k8s-secret-in-configmap", Name: "secret-in-configmap", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K56"},
	Practices: []string{"secrets-managed-outside-git"},
	Facts:     []check.Fact{{Number: 16, Strength: check.Direct}},
	Kinds:     []string{"ConfigMap"},
	Object: func(p *check.Pass, cm *graph.Object) {
		if cm.APIVersion != "v1" || cm.Body.Get("sops").IsMap() {
			p.Skip()
			return
		}
		for k, value := range cm.Body.Get("data").Fields() {
			entry(p, k.Text(), value)
		}
	},
}

// entry judges one entry of a ConfigMap: a value, or a whole file.
func entry(p *check.Pass, key string, value tree.Node) {
	if oneLine(value.Text()) {
		switch v, what := judge(key, value.Text()); v {
		case evident:
			p.Fail(value, "", "entry %s holds %s in plain text", key, what)
		case weak:
			p.Fail(value, "", "entry %s holds %s that anyone would try first", key, what).As(ops.Medium)
		}
		return
	}
	reported := false
	scan(value.Text(), func(inner string, line int, v verdict, what string) {
		if reported {
			return
		}
		reported = true
		severity := ops.High
		if v == weak {
			severity = ops.Medium
		}
		if inner != "" {
			inner = " as " + inner
		}
		p.Fail(value, "", "line %d of entry %s holds %s%s in plain text", line, key, what, inner).As(severity)
	})
}
