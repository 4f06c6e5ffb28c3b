package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hostPath = &check.Check{
	ID: "k8s-host-path", Name: "host-path", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K10"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		eachHostMount(pod, func(m hostMount) {
			switch {
			case !m.used:
				p.Fail(m.at, "", "volume %q is %s of the node, though no container mounts it", m.name, m.shown).As(ops.Low)
			case m.writable:
				r := p.Fail(m.at, "", "volume %q lets containers write to %s of the node", m.name, m.shown)
				if pod.Object.Kind != "DaemonSet" { // an agent of the node may have to
					r.As(ops.High)
				}
			default:
				p.Fail(m.at, "", "volume %q lets containers read %s of the node", m.name, m.shown)
			}
		})
	},
}
