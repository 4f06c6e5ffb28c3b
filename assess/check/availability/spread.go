package availability

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var spread = &check.Check{
	ID: "k8s-spread", Name: "spread", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K50"},
	Practices: []string{"availability"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Direct}},
	Kinds:     serviceKinds,
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Pod == nil {
			p.Skip()
			return
		}
		spec := o.Pod.Spec
		constraints := spec.Get("topologySpreadConstraints")
		good := false
		for _, c := range constraints.Items() {
			s := c.Get("labelSelector")
			if picksOwn(o.Pod, s) {
				good = true
				continue
			}
			own := ownSelector(o)
			if !s.Exists() {
				r := p.Fail(c, "labelSelector", "a spread constraint over %s has no labelSelector, so it counts no pod and spreads nothing", c.Get("topologyKey").Text()).As(ops.Medium)
				if own != "" {
					r.Set(own)
				}
				return
			}
			r := p.Fail(s, "", "a spread constraint over %s does not select this workload's own pods, so it spreads nothing", c.Get("topologyKey").Text()).As(ops.Medium)
			if own != "" {
				r.Remove().SetIn(c, "labelSelector", own)
			}
			return
		}
		anti := spec.At("affinity", "podAntiAffinity")
		for _, t := range anti.Get("requiredDuringSchedulingIgnoredDuringExecution").Items() {
			good = good || picksOwn(o.Pod, t.Get("labelSelector"))
		}
		for _, t := range anti.Get("preferredDuringSchedulingIgnoredDuringExecution").Items() {
			good = good || picksOwn(o.Pod, t.At("podAffinityTerm", "labelSelector"))
		}
		if good {
			return
		}
		n, known := atLeast(o)
		if !known || n < 2 {
			return
		}
		if anti.IsMap() {
			p.Fail(anti, "", "the anti-affinity does not select this workload's own pods: its %d replicas may all share a node", n)
			return
		}
		p.Fail(spec, "topologySpreadConstraints", "nothing keeps the %d replicas on different nodes or in different zones but the scheduler's mild default", n).
			Ask("topology to spread over")
	},
}

// ownSelector writes the selector by which the workload itself finds its pods,
// "" if it has no plain one.
func ownSelector(o *graph.Object) string {
	labels := o.Spec().At("selector", "matchLabels")
	if labels.Len() == 0 || !picksOwn(o.Pod, o.Spec().Get("selector")) {
		return ""
	}
	var b strings.Builder
	for k, v := range labels.Fields() {
		if graph.Placeholder(v.Text()) {
			return ""
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k.Text() + ": " + strconv.Quote(v.Text()))
	}
	return "{matchLabels: {" + b.String() + "}}"
}

// picksOwn reports whether a label selector of a pod spec selects the pods
// themselves.
func picksOwn(p *graph.Pod, n tree.Node) bool {
	s, err := wire.LabelSelector(n)
	return err == nil && s.Matches(p.Labels())
}
