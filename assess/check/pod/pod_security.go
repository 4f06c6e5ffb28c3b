package pod

import (
	"slices"
	"strconv"
	"strings"

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
		if !s.enforced {
			reportUnmet(p, pod, s, found)
			return
		}
		for len(found) > 0 {
			n := 1
			for n < len(found) && found[n].Rule == found[0].Rule {
				n++
			}
			reportRefused(p, pod, s, found[:n])
			found = found[n:]
		}
	},
}

// reportRefused makes one result of the places that break one rule of the
// level that the namespace enforces, each of which keeps the pods out.
func reportRefused(p *check.Pass, pod *graph.Pod, s standard, places []podsecurity.Violation) {
	v := places[0]
	more := ""
	if others := len(places) - 1; others == 1 {
		more = ", and so does 1 other place"
	} else if others > 1 {
		more = ", and so do " + strconv.Itoa(others) + " other places"
	}
	p.Fail(v.At, v.Missing, "namespace %q enforces %s and will refuse these pods: %s breaks %s, as it %s%s", pod.Object.Namespace, s, who(v), v.Rule, v.Why, more).As(ops.High)
}

// reportUnmet makes one result of all the rules that are broken where nothing
// enforces them: each single deviation is for a check of its own to report,
// here the level as a whole is judged.
func reportUnmet(p *check.Pass, pod *graph.Pod, s standard, found []podsecurity.Violation) {
	if len(found) == 0 {
		return
	}
	var rules []string
	severity, even := ops.Low, ""
	// Stricter rules take the place of some of baseline's, so ask again.
	if !podsecurity.Allowed(pod, podsecurity.Baseline, s.minor) {
		severity = ops.Medium
		if s.level > podsecurity.Baseline {
			even = ", nor is baseline"
		}
	}
	for _, v := range found {
		if !slices.Contains(rules, v.Rule) {
			rules = append(rules, v.Rule)
		}
	}
	v := found[0]
	if len(rules) == 1 {
		p.Fail(v.At, v.Missing, "%s is not met%s: %s breaks %s, as it %s", s, even, who(v), v.Rule, v.Why).As(severity).OfWhole()
		return
	}
	p.Fail(v.At, v.Missing, "%s is not met%s: these pods break %d rules (%s), the first because %s %s", s, even, len(rules), strings.Join(rules, ", "), who(v), v.Why).As(severity).OfWhole()
}

// who names the container or, for what concerns the pod as a whole, the pod.
func who(v podsecurity.Violation) string {
	if v.Container != "" {
		return "container " + quoted(v.Container)
	}
	return "the pod"
}
