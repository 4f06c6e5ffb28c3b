package health

import (
	"math"
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var gracePeriod = &check.Check{
	ID: "k8s-grace-period", Name: "grace-period", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K49"},
	Practices: []string{"readiness"},
	Facts:     available,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		period := pod.Spec.Get("terminationGracePeriodSeconds")
		hooks := false
		for c := range pod.Each() {
			hooks = hooks || c.Node.At("lifecycle").Has("preStop")
		}
		if period.IsNull() && !hooks {
			p.Skip()
			return
		}
		if graph.Placeholder(period.Text()) {
			p.Unknown(period, "", "the grace period is %q: the value that is put in there is not in the repository", period.Text())
			return
		}
		if v, ok := period.Int(); ok && v == 0 {
			noGrace(p, pod, period)
			return
		}
		if hooks {
			judgeHooks(p, pod, period)
		}
	},
}

// wrapUp is how many seconds of the grace period should be left for the
// application itself.
const wrapUp = 5

func noGrace(p *check.Pass, pod *graph.Pod, period tree.Node) {
	if !serves(pod) {
		return
	}
	r := p.Fail(period, "", "the pods are killed without notice: a grace period of 0 gives neither preStop hooks nor the application a moment to finish").Set("30")
	if pod.Object.Kind == "StatefulSet" {
		r.Message = "the pods are killed without notice, and may be replaced while they still run elsewhere: with a grace period of 0 two of them can write the same data"
		r.As(ops.High)
	}
}

// judgeHooks compares each preStop hook with the time that is left for it.
// Hooks of all containers, sidecars too, run at the same time and inside the
// grace period; the application gets SIGTERM after its own hook.
func judgeHooks(p *check.Pass, pod *graph.Pod, period tree.Node) {
	grace := period.IntOr(30)
	var longest pause
	var slowest *graph.Container
	for c := range pod.Each() {
		hook := c.Node.At("lifecycle", "preStop")
		if hook.IsNull() {
			continue
		}
		s := pauseOf(hook)
		if !s.known {
			p.Unknown(s.at, "", "how long the preStop hook of container %q takes cannot be told from the repository, so it cannot be compared with the grace period of %d s", c.Name, grace)
			continue
		}
		judgeProgram(p, c, s)
		judgeProbeGrace(p, c, s)
		if slowest == nil || s.seconds > longest.seconds {
			longest, slowest = s, c
		}
	}
	if slowest == nil || longest.seconds == 0 {
		return
	}
	judgeProxies(p, pod, slowest, longest)
	left := float64(grace) - longest.seconds
	enough := strconv.FormatFloat(math.Ceil(longest.seconds)+30, 'f', 0, 64)
	sleeps := strconv.FormatFloat(longest.seconds, 'f', -1, 64)
	if longest.seconds >= 1e9 {
		p.Fail(longest.at, "", "the preStop hook of container %q sleeps for ever: the application is killed at the end of the grace period and never asked to stop", slowest.Name).As(ops.High)
		return
	}
	switch {
	case left < 0 && longest.native:
		p.Fail(pod.Spec, "terminationGracePeriodSeconds", "the preStop hook of container %q sleeps %s s, longer than the grace period of %d s: the API server refuses that", slowest.Name, sleeps, grace).As(ops.High).Set(enough)
	case left <= 0:
		p.Fail(pod.Spec, "terminationGracePeriodSeconds", "the preStop hook of container %q sleeps %s s, all of the grace period of %d s: the application gets 2 s between SIGTERM and SIGKILL", slowest.Name, sleeps, grace).As(ops.High).Set(enough)
	case left < wrapUp:
		p.Fail(pod.Spec, "terminationGracePeriodSeconds", "the preStop hook of container %q sleeps %s s of the grace period of %d s: the application has only %s s to finish its requests", slowest.Name, sleeps, grace, strconv.FormatFloat(left, 'f', -1, 64)).Set(enough)
	}
}

// judgeProgram reports hooks that cannot work at all.
func judgeProgram(p *check.Pass, c *graph.Container, s pause) {
	kube := p.Settings.KubeMinor
	switch {
	case s.native && kube > 0 && kube < 30:
		p.Fail(s.at, "", "the preStop hook of container %q uses the sleep action, which clusters have only since 1.30", c.Name).As(ops.High)
	case !s.native && s.program != "" && shellless(c):
		switch s.program {
		case "sleep", "sh", "bash", "ash", "dash", "busybox":
			r := p.Fail(s.at, "", "the preStop hook of container %q starts %q, but its image %s holds no such program: the hook fails and the pod stops at once", c.Name, s.program, c.Node.Get("image").Text())
			if s.seconds > 0 {
				r.Fix("Use the hook's own action instead: preStop: {sleep: {seconds: %d}}.", int64(math.Ceil(s.seconds)))
			}
		}
	}
}

// judgeProbeGrace compares a hook with the grace period that a probe sets for
// the restarts which it causes.
func judgeProbeGrace(p *check.Pass, c *graph.Container, s pause) {
	for _, probe := range [...]string{"livenessProbe", "startupProbe"} {
		at := c.Node.At(probe, "terminationGracePeriodSeconds")
		if v, ok := at.Int(); ok && s.seconds > 0 && float64(v) <= s.seconds {
			p.Fail(at, "", "when the %s of container %q fails, its preStop hook uses up all of the %d s that the probe grants for stopping", probe, c.Name, v)
		}
	}
}

// judgeProxies reports proxies that stop at once while their neighbour still
// waits in its hook: a regular container gets SIGTERM right away if it has no
// hook of its own; a sidecar is stopped last.
func judgeProxies(p *check.Pass, pod *graph.Pod, slowest *graph.Container, s pause) {
	for c := range pod.Each() {
		if c.Type == graph.Regular && c.Name != slowest.Name && isProxy(c) && !c.Node.At("lifecycle").Has("preStop") && !isProxy(slowest) {
			p.Fail(c.Node, "", "container %q, a proxy, stops at once, while container %q goes on for %s s in its preStop hook without it", c.Name, slowest.Name, strconv.FormatFloat(s.seconds, 'f', -1, 64)).
				As(ops.Low).Fix("Make it a sidecar: move it to initContainers with restartPolicy: Always, and it is stopped last.")
		}
	}
}
