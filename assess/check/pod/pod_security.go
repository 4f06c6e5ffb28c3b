package pod

import (
	"strconv"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var podSecurity = &check.Check{
	ID: "k8s-pod-security", Name: "pod-security", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K14"},
	Practices: []string{"pod-security-restricted"},
	Facts:     []check.Fact{{Number: 1, Strength: check.Direct}, {Number: 2, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		s := standardOf(p, pod.Object.Namespace)
		if s.level == podsecurity.Privileged {
			p.Skip()
			return
		}
		found := podsecurity.Evaluate(pod, s.level, s.minor)
		for len(found) > 0 {
			n := 1
			for n < len(found) && found[n].Rule == found[0].Rule {
				n++
			}
			report(p, pod, s, found[:n])
			found = found[n:]
		}
	},
}

// report makes one result of the places that break one rule.
func report(p *check.Pass, pod *graph.Pod, s standard, places []podsecurity.Violation) {
	v := places[0]
	who := "the pod"
	if v.Container != "" {
		who = "container " + quoted(v.Container)
	}
	more := ""
	if others := len(places) - 1; others == 1 {
		more = ", and so does 1 other place"
	} else if others > 1 {
		more = ", and so do " + strconv.Itoa(others) + " other places"
	}
	if s.enforced {
		p.Fail(v.At, v.Missing, "namespace %q enforces %s and will refuse these pods: %s breaks %s, as it %s%s", pod.Object.Namespace, s, who, v.Rule, v.Why, more).As(ops.High)
		return
	}
	r := p.Fail(v.At, v.Missing, "%s is not met: %s breaks %s, as it %s%s", s, who, v.Rule, v.Why, more)
	if v.Level == podsecurity.Restricted {
		r.As(ops.Low)
	}
}
