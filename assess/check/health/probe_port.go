package health

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var probePort = &check.Check{
	ID: "k8s-probe-port", Name: "probe-port", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K48"},
	Practices: []string{"liveness", "readiness"},
	Facts:     available,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		asked := false
		for c := range pod.Each() {
			for _, probe := range probes {
				n := c.Node.Get(probe)
				if n.IsNull() {
					continue
				}
				asked = true
				for _, kind := range [...]string{"httpGet", "tcpSocket", "grpc"} {
					if port := n.At(kind, "port"); port.Exists() {
						judgePort(p, c, probe, port)
					}
				}
			}
		}
		if !asked {
			p.Skip()
		}
	},
}

// probes are the fields of a container that hold probes.
var probes = [...]string{"startupProbe", "livenessProbe", "readinessProbe"}

// judgePort judges the port of one probe. The kubelet looks up a name among
// the container's own ports only; a number is called whether or not it is
// declared, in the network that all containers of the pod share.
func judgePort(p *check.Pass, c *graph.Container, probe string, port tree.Node) {
	if port.IsString() {
		name := port.Text()
		switch {
		case graph.Placeholder(name):
			p.Unknown(port, "", "the port of the %s of container %q is %q: the value that is put in there is not in the repository", probe, c.Name, name)
		case digits(name):
			p.Fail(port, "", "the %s of container %q asks for port %q in quotes: the API server takes that for a name and refuses it", probe, c.Name, name).Set(name)
		case portNamed(c, name).Exists():
		default:
			effect := "the container never becomes ready"
			severity := ops.High
			if probe == "livenessProbe" {
				effect, severity = "the probe never runs", ops.Medium
			}
			p.Fail(port, "", "the %s of container %q asks for port %q, but the container has no port of that name: %s", probe, c.Name, name, effect).As(severity)
		}
		return
	}
	number, ok := port.Int()
	if !ok {
		return
	}
	if number < 1 || number > 65535 {
		p.Fail(port, "", "the %s of container %q asks for port %d, which does not exist", probe, c.Name, number)
		return
	}
	declared := 0
	for other := range c.Pod.Each() {
		for _, d := range other.Node.Get("ports").Items() {
			declared++
			if d.Get("containerPort").IntOr(0) == number {
				return
			}
		}
	}
	if declared > 0 && !c.Pod.Spec.Get("hostNetwork").True() {
		p.Fail(port, "", "the %s of container %q asks for port %d, which no container of the pod declares", probe, c.Name, number).As(ops.Low)
	}
}

// portNamed returns a container's port by its name, absent if it has none.
func portNamed(c *graph.Container, name string) tree.Node {
	for _, d := range c.Node.Get("ports").Items() {
		if n := d.Get("name"); n.Exists() && n.Text() == name {
			return d
		}
	}
	return tree.Node{}
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
