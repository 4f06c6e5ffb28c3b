package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var cronJobConcurrency = &check.Check{
	ID: "k8s-cronjob-concurrency", Name: "cronjob-concurrency", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K52"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"CronJob"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != "batch" {
			p.Skip()
			return
		}
		// An explicit Allow is somebody's decision; the default is nobody's.
		if at := o.Spec().Get("concurrencyPolicy"); at.IsNull() {
			p.Fail(o.Spec(), "concurrencyPolicy", "a run that takes longer than its schedule %q lets the next start beside it", o.Spec().Get("schedule").Text()).Set("Forbid")
		}
	},
}
