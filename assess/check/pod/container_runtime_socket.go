package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var containerRuntimeSocket = &check.Check{
	ID: "k8s-container-runtime-socket", Name: "container-runtime-socket", Pages: pages,
	Severity:  ops.Critical,
	Ideas:     []string{"K11"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		eachHostMount(pod, func(m hostMount) {
			socket := runtimeSocket(m.path)
			switch {
			case socket == "" || !m.used:
			case socket == m.path:
				p.Fail(m.at, "", "volume %q gives containers the runtime's socket %s: whoever talks to it owns the node, even when it is mounted read-only", m.name, m.shown)
			default:
				p.Fail(m.at, "", "volume %q gives containers %s, where the runtime's socket lies (such as %s): whoever talks to it owns the node, even when it is mounted read-only", m.name, m.shown, socket)
			}
		})
	},
}
