package availability

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var jobTTL = &check.Check{
	ID: "k8s-job-ttl", Name: "job-ttl", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K52"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"Job"},
	Object: func(p *check.Pass, job *graph.Object) {
		if job.Group() != "batch" {
			p.Skip()
			return
		}
		for _, hook := range [...]string{"helm.sh/hook-delete-policy", "argocd.argoproj.io/hook-delete-policy", "helm.sh/hook", "argocd.argoproj.io/hook"} {
			if job.Annotation(hook) != "" {
				return // whoever runs the hook deletes it
			}
		}
		if job.Body.At("metadata", "ownerReferences").Len() > 0 || job.Spec().Get("ttlSecondsAfterFinished").Exists() {
			return
		}
		p.Fail(job.Spec(), "ttlSecondsAfterFinished", "the finished Job and its pods stay until somebody deletes them").Ask("seconds to keep the finished Job")
	},
}
