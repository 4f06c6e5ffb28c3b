package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var imagePullSecretMissing = &check.Check{
	ID: "k8s-image-pull-secret-missing", Name: "image-pull-secret-missing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K44"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 26, Strength: check.Supporting}},
	Kinds: []string{
		"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
		"Rollout", "CloneSet", "ServiceAccount",
	},
	Object: func(p *check.Pass, o *graph.Object) {
		list := o.Body.Get("imagePullSecrets")
		if o.Pod != nil {
			list = o.Pod.Spec.Get("imagePullSecrets")
		}
		if list.Len() == 0 {
			p.Skip()
			return
		}
		for r := range p.Graph.MissingFrom(o, graph.Uses) {
			if r.Role != "imagePullSecret" {
				continue
			}
			missingSecret(p, r, "pull secret %q is produced by nothing in this repository: a node without the image cannot fetch it")
		}
	},
}

// missingSecret reports a Secret that nothing produces; format takes its name.
func missingSecret(p *check.Pass, r *graph.Reference, format string) {
	switch {
	case graph.Placeholder(r.Name):
		p.Unknown(r.At, "", "the name of Secret %q is filled in elsewhere", r.Name)
	case exists(p, "Secret", r.Namespace, r.Name), runtimeMade(p, r, wire.MakeSecrets):
	default:
		p.Fail(r.At, "", format, r.Name)
	}
}
