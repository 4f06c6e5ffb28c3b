package health

import (
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var probeTiming = &check.Check{
	ID: "k8s-probe-timing", Name: "probe-timing", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K49"},
	Practices: []string{"liveness", "readiness", "startup"},
	Facts:     available,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		asked := false
		for c := range pod.Each() {
			pending, any := false, false
			for _, probe := range probes {
				n := c.Node.Get(probe)
				if n.IsNull() {
					continue
				}
				any = true
				if later := pendingTiming(n); later.Exists() {
					pending = true
					p.Unknown(later, "", "a time of the %s of container %q is %q: the value that is put in there is not in the repository", probe, c.Name, later.Text())
					continue
				}
				judgeTiming(p, c, probe, n)
			}
			asked = asked || any
			if any && !pending {
				judgeStart(p, c)
			}
		}
		if !asked {
			p.Skip()
		}
	},
}

// Limits in seconds beyond which a probe is too hasty or too slow to be of use.
const (
	hastyLiveness = 5
	slowReadiness = 300
	slowLiveness  = 900
)

// usualPeriod is Kubernetes' own default of a probe's period in seconds.
const usualPeriod = "10"

// patient returns the shortest period in seconds that leaves room for a
// timeout: for liveness with a pause as long again.
func patient(probe string, timeout int64) int64 {
	if probe == "livenessProbe" {
		return 2 * timeout
	}
	return timeout
}

// judgeTiming judges the numbers of one probe by themselves.
func judgeTiming(p *check.Pass, c *graph.Container, probe string, n tree.Node) {
	t := timingOf(n)
	switch {
	case t.timeout > t.period:
		p.Fail(n, "timeoutSeconds", "the %s of container %q may take %d s but is due every %d s: slow answers delay the next probe, and failures are noticed late", probe, c.Name, t.timeout, t.period).
			SetAt("periodSeconds", strconv.FormatInt(patient(probe, t.timeout), 10))
	case t.timeout == t.period && t.timeout > 1 && probe == "livenessProbe":
		p.Fail(n, "timeoutSeconds", "the %s of container %q may take as long as its period of %d s, so a slow container is probed without a pause", probe, c.Name, t.period).As(ops.Low).
			SetAt("periodSeconds", strconv.FormatInt(patient(probe, t.timeout), 10))
	}
	if probe == "readinessProbe" {
		if own := n.Get("terminationGracePeriodSeconds"); !own.IsNull() {
			p.Fail(own, "", "the readiness probe of container %q sets terminationGracePeriodSeconds: the API server refuses that, as readiness ends nothing", c.Name).As(ops.High).Remove()
		}
		if t.tolerates() > slowReadiness {
			p.Fail(n, "periodSeconds", "the readiness probe of container %q leaves a dead pod in service for %d s (%d failures, %d s apart)", c.Name, t.tolerates(), t.failures, t.period).As(ops.Low).
				SetAt("periodSeconds", usualPeriod)
		}
		return
	}
	if t.successes != 1 {
		p.Fail(n, "successThreshold", "the %s of container %q asks for %d successes: the API server accepts only 1 there", probe, c.Name, t.successes).As(ops.High).Set("1")
	}
	if probe != "livenessProbe" {
		return
	}
	switch {
	case t.failures == 1:
		p.Fail(n, "failureThreshold", "a single failed probe restarts container %q: one answer that takes longer than %d s is enough", c.Name, t.timeout).Set("3")
	case t.tolerates() <= hastyLiveness:
		p.Fail(n, "periodSeconds", "container %q is restarted after %d s without an answer (%d failures, %d s apart): a pause for garbage collection or a busy node is enough", c.Name, t.tolerates(), t.failures, t.period).
			SetAt("periodSeconds", usualPeriod)
	case t.tolerates() > slowLiveness:
		p.Fail(n, "periodSeconds", "container %q may hang for %d s before it is restarted (%d failures, %d s apart)", c.Name, t.tolerates(), t.failures, t.period).As(ops.Low).
			SetAt("periodSeconds", usualPeriod)
	}
}

// judgeStart judges what the probes together make of a container's start.
func judgeStart(p *check.Pass, c *graph.Container) {
	live, ready, start := c.Node.Get("livenessProbe"), c.Node.Get("readinessProbe"), c.Node.Get("startupProbe")
	guard, name := live, "livenessProbe"
	if !start.IsNull() {
		guard, name = start, "startupProbe"
	}
	if !ready.IsNull() && !guard.IsNull() {
		if gives, delay := timingOf(guard).gives(), timingOf(ready).delay; delay > gives {
			r := p.Fail(guard, "", "the %s ends container %q %d s after its start, before the readiness probe asks for the first time after %d s: a start that takes so long never finishes", name, c.Name, gives, delay)
			if name == "startupProbe" {
				r.As(ops.Low) // readiness waits for it, so its delay says less about the start
			}
		}
	}
	if c.Type == graph.Regular {
		judgeDeadline(p, c, ready, start)
	}
}

// judgeDeadline compares the time that the probes grant a start with the time
// after which a rollout counts as failed.
func judgeDeadline(p *check.Pass, c *graph.Container, ready, start tree.Node) {
	o := c.Pod.Object
	if o.Kind != "Deployment" && o.Kind != "Rollout" {
		return
	}
	deadline := o.Spec().Get("progressDeadlineSeconds")
	limit, settle := deadline.IntOr(600), o.Spec().Get("minReadySeconds").IntOr(0)
	if limit <= 0 || limit >= 1<<31-1 || deadline.IsString() || o.Spec().Get("minReadySeconds").IsString() {
		return
	}
	grants := timingOf(ready).delay
	what := "the readiness probe waits"
	if !start.IsNull() {
		if t := timingOf(start); t.delay+t.tolerates() > grants {
			grants, what = t.delay+t.tolerates(), "the startup probe grants"
		}
	}
	if grants+settle < limit || (start.IsNull() && ready.IsNull()) {
		return
	}
	plus := ""
	if settle > 0 {
		plus = " and minReadySeconds another " + strconv.FormatInt(settle, 10) + " s"
	}
	p.Fail(o.Spec(), "progressDeadlineSeconds", "%s container %q %d s%s, but the rollout counts as failed after %d s without progress", what, c.Name, grants, plus, limit).Set(strconv.FormatInt(grants+settle+120, 10))
}
