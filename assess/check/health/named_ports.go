package health

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var namedPorts = &check.Check{
	ID: "k8s-named-ports", Name: "named-ports", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K48"},
	Practices: []string{"named-ports"},
	Facts:     available,
	Kinds:     []string{"*"},
	Object: func(p *check.Pass, o *graph.Object) {
		switch {
		case o.Pod != nil:
			if !podPorts(p, o.Pod) {
				p.Skip()
			}
		case o.Kind == "Service" && o.Group() == "":
			if !servicePorts(p, o) {
				p.Skip()
			}
		default:
			p.Skip()
		}
	},
}

// podPorts reports ports without names, and probes that use the number of a
// port with a name. It returns whether there was any port to judge.
func podPorts(p *check.Pass, pod *graph.Pod) (asked bool) {
	for c := range pod.Each() {
		if !c.LongRunning() {
			continue
		}
		for _, d := range c.Node.Get("ports").Items() {
			asked = true
			if d.Get("name").IsNull() {
				p.Fail(d, "name", "port %s of container %q has no name: probes and Services must repeat its number", d.Get("containerPort").Text(), c.Name).Ask("port name")
			}
		}
		for _, probe := range probes {
			for _, kind := range [...]string{"httpGet", "tcpSocket"} {
				port := c.Node.At(probe, kind, "port")
				number, ok := port.Int()
				if !ok {
					continue
				}
				if name := nameOf(c, number); name != "" {
					p.Fail(port, "", "the %s of container %q asks for port %d instead of its name %q", probe, c.Name, number, name).Set(name)
				}
			}
		}
	}
	return asked
}

// servicePorts reports target ports by number where all selected workloads
// have one name for the port.
func servicePorts(p *check.Pass, o *graph.Object) (asked bool) {
	for _, port := range o.Spec().Get("ports").Items() {
		target := port.Get("targetPort")
		if target.IsString() {
			asked = true
			continue
		}
		number, ok := target.Int()
		if target.IsNull() {
			number, ok = port.Get("port").Int()
		}
		if !ok {
			continue
		}
		name, judged := sharedName(o, number)
		asked = asked || judged
		if name != "" {
			p.Fail(port, "targetPort", "port %s of the Service goes to port %d by number, which the selected pods call %q", port.Get("port").Text(), number, name).Set(name)
		}
	}
	return asked
}

// sharedName returns the name that all workloads which a Service selects have
// for a port number, and whether it selects any.
func sharedName(service *graph.Object, number int64) (name string, selects bool) {
	for e := range service.Out(graph.Selects) {
		if e.To.Pod == nil {
			continue
		}
		found := ""
		for c := range e.To.Pod.Each() {
			if n := nameOf(c, number); n != "" {
				found = n
			}
		}
		if found == "" || (selects && found != name) {
			return "", true
		}
		name, selects = found, true
	}
	return name, selects
}

// nameOf returns the name of a container's port by its number.
func nameOf(c *graph.Container, number int64) string {
	for _, d := range c.Node.Get("ports").Items() {
		if d.Get("containerPort").IntOr(0) == number {
			return d.Get("name").Text()
		}
	}
	return ""
}
