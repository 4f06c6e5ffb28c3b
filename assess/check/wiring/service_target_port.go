package wiring

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var serviceTargetPort = &check.Check{
	ID: "k8s-service-target-port", Name: "service-target-port", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K39"},
	Practices: []string{"wiring", "named-ports"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"Service"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Group() != "" || o.Spec().Get("ports").Len() == 0 {
			p.Skip()
			return
		}
		var pods []*graph.Pod
		for e := range o.Out(graph.Selects) {
			if !e.To.Pod.Finite() {
				pods = append(pods, e.To.Pod)
			}
		}
		if len(pods) == 0 {
			p.Skip()
			return
		}
		for _, port := range o.Spec().Get("ports").Items() {
			target := port.Get("targetPort")
			if target.IsString() && !numeric(target.Text()) {
				namedTarget(p, o, port, target, pods)
				continue
			}
			numberedTarget(p, o, port, target, pods)
		}
	},
}

func numeric(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// namedTarget judges a named target port: pods in which no container that
// keeps running declares the name, with the protocol, get no endpoint for it.
func namedTarget(p *check.Pass, svc *graph.Object, port, target tree.Node, pods []*graph.Pod) {
	name, protocol := target.Text(), protocolOf(port)
	if graph.Placeholder(name) {
		p.Unknown(target, "", "target port %q is filled in elsewhere", name)
		return
	}
	other, offered := "", []string(nil)
	for _, pod := range pods {
		for c, n := range pod.Ports() {
			if c.Type == graph.Init || c.Type == graph.Ephemeral {
				continue
			}
			if n.Get("name").Text() != name {
				offered = append(offered, portText(n))
				continue
			}
			if protocolOf(n) == protocol {
				return
			}
			other = protocolOf(n)
		}
	}
	var r *check.Result
	if other != "" {
		r = p.Fail(target, "", "target port %q is %s here, but %s declares it for %s: the Service has no endpoint for this port", name, protocol, pods[0].Object, other)
	} else {
		r = p.Fail(target, "", "no container of %s declares a port named %q (%s): the Service has no endpoint for this port", pods[0].Object, name, offeredText(offered))
	}
	if svc.Spec().Get("clusterIP").Text() == "None" {
		r.As(ops.Low) // a headless Service answers with addresses; the port is only in its SRV records
	}
}

func protocolOf(n tree.Node) string {
	if t := n.Get("protocol").Text(); t != "" {
		return t
	}
	return "TCP"
}

func portText(n tree.Node) string {
	s := n.Get("containerPort").Text()
	if name := n.Get("name").Text(); name != "" {
		s = name + "=" + s
	}
	if proto := protocolOf(n); proto != "TCP" {
		s += "/" + proto
	}
	return s
}

func offeredText(list []string) string {
	if len(list) == 0 {
		return "they declare no port"
	}
	if len(list) > 6 {
		list = append(list[:6:6], "...")
	}
	return "declared: " + strings.Join(list, ", ")
}

// numberedTarget judges a numbered target port. Declared container ports are
// documentation only, so a number is a mistake only where a pod declares
// ports, none is it, and nothing else in the pod mentions it.
func numberedTarget(p *check.Pass, svc *graph.Object, port, target tree.Node, pods []*graph.Pod) {
	number, ok := target.Int()
	if !ok {
		number, ok = port.Get("port").Int()
		if target.IsString() {
			v, err := strconv.ParseInt(target.Text(), 10, 64)
			number, ok = v, err == nil
		}
	}
	if !ok || svc.Spec().Get("clusterIP").Text() == "None" {
		return
	}
	at, missing := target, ""
	if !target.Exists() || target.IsNull() {
		at, missing = port, "targetPort"
	}
	for _, pod := range pods {
		offered, found, protocol := []string(nil), false, ""
		for c, n := range pod.Ports() {
			if c.Type == graph.Init || c.Type == graph.Ephemeral {
				continue
			}
			offered = append(offered, portText(n))
			if v, ok := n.Get("containerPort").Int(); !ok || v != number {
				found = found || !ok // a port that is filled in elsewhere may be it
				continue
			}
			if protocolOf(n) == protocolOf(port) {
				found = true
			} else {
				protocol = protocolOf(n)
			}
		}
		if len(offered) == 0 || found {
			continue
		}
		if protocol == "" && mentions(pod, number) {
			continue
		}
		if protocol == "" && gatewayProxy(pod) {
			p.Unknown(at, missing, "whether %s listens on port %d is for the configuration that it is sent to say, which opens ports that no container declares", pod.Object, number)
			return
		}
		why := fmt.Sprintf("its containers declare other ports (%s)", offeredText(offered))
		if protocol != "" {
			why = fmt.Sprintf("its containers declare that port for %s only", protocol)
		}
		r := p.Fail(at, missing, "the Service sends %s to port %d of %s, but %s: connections are probably refused", protocolOf(port), number, pod.Object, why).As(ops.Medium)
		if protocol == "" && declaresOther(pod, svc) {
			r.As(ops.Low) // more likely a port that was left out of the list
		}
		return
	}
}

// gatewayProxy reports whether a pod is a gateway of a service mesh, whose
// proxy listens where its control plane says.
func gatewayProxy(pod *graph.Pod) bool {
	for c := range pod.Each() {
		if c.Name == "istio-proxy" || c.Name == "envoy" {
			return true
		}
	}
	return false
}

// declaresOther reports whether a pod declares the number that another port of
// the Service leads to, so that the Service and the pod do belong together.
func declaresOther(pod *graph.Pod, svc *graph.Object) bool {
	for _, port := range svc.Spec().Get("ports").Items() {
		target := port.Get("targetPort")
		if !target.Exists() {
			target = port.Get("port")
		}
		for _, n := range pod.Ports() {
			if t := target.Text(); t != "" && (n.Get("containerPort").Text() == t || n.Get("name").Text() == t) {
				return true
			}
		}
	}
	return false
}

// mentions reports whether a pod's probes, arguments, environment or
// annotations contain the port's number, a sign that a program listens there.
func mentions(pod *graph.Pod, number int64) bool {
	digits := strconv.FormatInt(number, 10)
	for c := range pod.Each() {
		for _, field := range [...]string{"livenessProbe", "readinessProbe", "startupProbe", "args", "command", "env"} {
			if holds(c.Node.Get(field), digits) {
				return true
			}
		}
		if c.Node.Get("envFrom").Len() > 0 {
			return true // the port may be set there
		}
	}
	return holds(pod.Template.At("metadata", "annotations"), digits)
}

// holds reports whether a scalar below n contains the number as a word.
func holds(n tree.Node, digits string) bool {
	switch n.Kind() {
	case tree.Map:
		for _, v := range n.Fields() {
			if holds(v, digits) {
				return true
			}
		}
	case tree.List:
		for _, v := range n.Items() {
			if holds(v, digits) {
				return true
			}
		}
	case tree.String, tree.Int:
		t := n.Text()
		for i := strings.Index(t, digits); i >= 0; {
			end := i + len(digits)
			if (i == 0 || !isDigit(t[i-1])) && (end == len(t) || !isDigit(t[end])) {
				return true
			}
			j := strings.Index(t[end:], digits)
			if j < 0 {
				break
			}
			i = end + j
		}
	}
	return false
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
