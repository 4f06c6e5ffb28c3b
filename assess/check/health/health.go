// Package health holds the checks of how a workload says that it is up, and
// of how it starts and stops: probes, ports, grace periods.
package health

import (
	"embed"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		livenessProbe,
		readinessProbe,
		startupProbe,
		identicalProbes,
		probePort,
		namedPorts,
		probeTiming,
		gracePeriod,
	}
}

// available is the fact that all checks of this area bear on.
var available = []check.Fact{{Number: 41, Strength: check.Supporting}}

// serves reports whether a pod is meant to run until it is stopped, so that
// probes make sense. Jobs of any kind are not, nor pods that are not to be
// restarted; Knative brings probes of its own.
func serves(p *graph.Pod) bool {
	if p.Finite() || strings.HasSuffix(p.Object.Kind, "Job") || strings.HasSuffix(p.Object.Group(), "knative.dev") {
		return false
	}
	r := p.Spec.Get("restartPolicy").Text()
	return r == "" || r == "Always"
}

// handler is what a probe or hook does, in a form that compares: the kind of
// action and its target with the defaults filled in.
type handler struct{ kind, target string }

// handlerOf reads the action of a probe of a container. A named port becomes
// its number, so that both spellings are the same.
func handlerOf(c *graph.Container, probe tree.Node) handler {
	if h := probe.Get("httpGet"); !h.IsNull() {
		path, scheme := h.Get("path").Text(), strings.ToUpper(h.Get("scheme").Text())
		if path == "" {
			path = "/"
		}
		if scheme == "" {
			scheme = "HTTP"
		}
		return handler{"httpGet", scheme + " " + h.Get("host").Text() + ":" + portText(c, h.Get("port")) + path}
	}
	if h := probe.Get("tcpSocket"); !h.IsNull() {
		return handler{"tcpSocket", h.Get("host").Text() + ":" + portText(c, h.Get("port"))}
	}
	if h := probe.Get("grpc"); !h.IsNull() {
		return handler{"grpc", portText(c, h.Get("port")) + "/" + h.Get("service").Text()}
	}
	if h := probe.Get("exec"); !h.IsNull() {
		return handler{"exec", strings.Join(h.Get("command").Strings(), "\x00")}
	}
	return handler{}
}

func portText(c *graph.Container, port tree.Node) string {
	if port.IsString() {
		for _, p := range c.Node.Get("ports").Items() {
			if p.Get("name").Text() == port.Text() {
				return p.Get("containerPort").Text()
			}
		}
	}
	return port.Text()
}

// timing is a probe's timing in seconds, with the defaults of the API.
type timing struct {
	delay, period, timeout, failures, successes int64
}

func timingOf(probe tree.Node) timing {
	t := timing{
		delay:  probe.Get("initialDelaySeconds").IntOr(0),
		period: probe.Get("periodSeconds").IntOr(0), timeout: probe.Get("timeoutSeconds").IntOr(0),
		failures: probe.Get("failureThreshold").IntOr(0), successes: probe.Get("successThreshold").IntOr(0),
	}
	t.period, t.timeout = orDefault(t.period, 10), orDefault(t.timeout, 1)
	t.failures, t.successes = orDefault(t.failures, 3), orDefault(t.successes, 1)
	return t
}

// orDefault returns the default for 0, as the API server does.
func orDefault(v, def int64) int64 {
	if v == 0 {
		return def
	}
	return v
}

// gives returns how many seconds after the start of a container a probe that
// never succeeds has used up its failures.
func (t timing) gives() int64 { return t.delay + t.period*(t.failures-1) }

// tolerates returns for how many seconds a probe that stops succeeding is let
// fail.
func (t timing) tolerates() int64 { return t.period * t.failures }

// pendingTiming returns a field of a probe's timing whose value is put in
// later, absent if there is none.
func pendingTiming(probe tree.Node) tree.Node {
	for _, f := range [...]string{"initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"} {
		if n := probe.Get(f); n.IsString() {
			return n
		}
	}
	return tree.Node{}
}
