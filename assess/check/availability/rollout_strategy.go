package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var rolloutStrategy = &check.Check{
	ID: "k8s-rollout-strategy", Name: "rollout-strategy", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K50"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"Deployment", "StatefulSet", "DaemonSet"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Pod == nil || o.Group() != "apps" {
			p.Skip()
			return
		}
		if o.Kind != "Deployment" {
			if t := o.Spec().At("updateStrategy", "type"); t.Text() == "OnDelete" {
				p.Fail(t, "", "with OnDelete a new version, and so a security fix, only arrives when somebody deletes the pods").As(ops.Low).Set("RollingUpdate")
			}
			return
		}
		strategy := o.Spec().Get("strategy")
		if t := strategy.Get("type"); t.Text() == "Recreate" {
			recreate(p, o, t)
			return
		}
		rolling(p, o, strategy.Get("rollingUpdate"))
	},
}

// recreate judges a Deployment that stops the old pods first. One that keeps
// files on a claimed volume may have to.
func recreate(p *check.Pass, o *graph.Object, at tree.Node) {
	if claims(o.Pod) {
		return
	}
	n, known := atLeast(o)
	s := serves(o)
	if s == nil {
		return // nobody calls it
	}
	severity := ops.Medium
	if known && n <= 1 {
		severity = ops.Low
	}
	p.Fail(at, "", "Recreate stops every pod before the first new one starts: Service %s has nobody to send requests to during each release", s.Name).As(severity).
		Fix("Use `type: RollingUpdate`, unless two versions must never run at once.")
}

func rolling(p *check.Pass, o *graph.Object, r tree.Node) {
	n, known := atLeast(o)
	at := r.Get("maxUnavailable")
	if !known || n < 1 || !at.Exists() {
		return
	}
	away, ok := share(at, n, false)
	if !ok || away < n {
		return
	}
	if surge, ok := share(r.Get("maxSurge"), n, true); ok && surge == 0 && n == 1 {
		return // the only way with one replica and no room for a second; reported as one replica
	}
	f := p.Fail(at, "", "maxUnavailable %s of %d replicas: a rollout may take all of them away at once", at.Text(), n)
	if surge, ok := share(r.Get("maxSurge"), n, true); !r.Has("maxSurge") || ok && surge > 0 {
		f.Set("0")
	}
}
