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
			if m.used && reportedAsSensitive(m) {
				return
			}
			switch {
			case !m.used:
				p.Fail(m.at, "", "volume %q is %s of the node, though no container mounts it", m.name, m.shown).As(ops.Low)
			case m.writable:
				r := p.Fail(m.at, "", "volume %q lets containers write to %s of the node", m.name, m.shown)
				if pod.Object.Kind != "DaemonSet" { // an agent of the node may have to
					r.As(ops.High)
				}
			default:
				r := p.Fail(m.at, "", "volume %q lets containers read %s of the node", m.name, m.shown)
				if sensitivity(m.path) != nil { // known to do no harm when it is only read
					r.As(ops.Low)
				}
			}
		})
	},
}

// reportedAsSensitive reports whether a check that knows what lies at the path
// has a finding about the mount, which says more than this one would.
func reportedAsSensitive(m hostMount) bool {
	if runtimeSocket(m.path) != "" {
		return true
	}
	s := sensitivity(m.path)
	return s != nil && (s.read != 0 || m.writable && s.write != 0)
}
