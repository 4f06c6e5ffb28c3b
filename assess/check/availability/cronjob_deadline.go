package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var cronJobDeadline = &check.Check{
	ID: "k8s-cronjob-deadline", Name: "cronjob-deadline", Pages: pages,
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
		at := o.Spec().Get("startingDeadlineSeconds")
		if n, ok := at.Int(); ok && n < 10 {
			p.Fail(at, "", "the controller looks every 10 seconds, so with a deadline of %d it may never start a run", n).As(ops.Medium).Ask("seconds a run may be late")
			return
		}
		if at.IsNull() {
			p.Fail(o.Spec(), "startingDeadlineSeconds", "a run that is due while the control plane is away (schedule %q) starts whenever it is back, however late", o.Spec().Get("schedule").Text()).
				Ask("seconds a run may be late")
		}
	},
}
