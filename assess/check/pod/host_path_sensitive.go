package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var hostPathSensitive = &check.Check{
	ID: "k8s-host-path-sensitive", Name: "host-path-sensitive", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K10"},
	Practices: restricted,
	Facts:     isolated,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		found := false
		eachHostMount(pod, func(m hostMount) {
			found = true
			s := sensitivity(m.path)
			if s == nil {
				if graph.Placeholder(m.path) {
					p.Unknown(m.at, "", "volume %q mounts %q of the node: the value that is put in there is not in the repository", m.name, m.shown)
				}
				return
			}
			if !m.used {
				return
			}
			severity, does := s.read, "read"
			if m.writable {
				severity, does = s.write, "change"
			}
			if severity != 0 {
				p.Fail(m.at, "", "volume %q lets containers %s %s of the node: %s", m.name, does, m.shown, s.holds).As(severity)
			}
		})
		if !found {
			p.Skip()
		}
	},
}
