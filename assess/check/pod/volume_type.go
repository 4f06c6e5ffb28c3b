package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var volumeType = &check.Check{
	ID: "k8s-volume-type", Name: "volume-type", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K12"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		for _, v := range pod.Spec.Get("volumes").Items() {
			source, kind := podsecurity.RefusedVolume(v)
			name := v.Get("name").Text()
			switch kind {
			case "", "hostPath":
			case "gitRepo":
				p.Fail(source, "", "volume %q is of type gitRepo, which runs git as root on the node and is switched off since 1.33", name).As(ops.High)
			case "glusterfs", "rbd", "cephfs", "flocker", "quobyte", "photonPersistentDisk", "scaleIO", "storageos":
				p.Fail(source, "", "volume %q is of type %s, which Kubernetes no longer has: the pod cannot start", name, kind).As(ops.High)
			case "flexVolume":
				p.Fail(source, "", "volume %q is of type flexVolume, which is deprecated and runs a program of the node as root", name).As(ops.Medium)
			default:
				p.Fail(source, "", "volume %q names its %s storage in the pod: the restricted standard allows it only through a persistent volume claim", name, kind)
			}
		}
	},
}
