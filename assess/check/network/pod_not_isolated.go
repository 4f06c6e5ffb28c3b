package network

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var podNotIsolated = &check.Check{
	ID: "k8s-pod-not-isolated", Name: "pod-not-isolated", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K29"},
	Practices: []string{"network-default-deny", "segmentation"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		if onHost(pod) || pod.Object.Kind == "PodTemplate" {
			p.Skip()
			return
		}
		if isolated(p, pod, ingress) {
			return
		}
		if unplaced(p.Graph, pod) {
			p.Skip() // default-deny-ingress says once for the unit what is unknown
			return
		}
		at := pod.Template.At("metadata", "labels")
		if !at.Exists() {
			at = pod.Object.Body.At("metadata", "name")
		}
		r := (*check.Result)(nil)
		if outbound := wire.PoliciesOf(p.Graph).Of(pod); len(outbound) > 0 {
			r = p.Fail(at, "", "%s restricts only outgoing traffic of these pods: every pod of the cluster can connect to them", outbound[0].Object)
		} else {
			r = p.Fail(at, "", "no network policy of %s selects these pods: every pod of the cluster can connect to them", namespaceText(pod.Object.Namespace))
		}
		if pod.Finite() {
			r.As(ops.Low)
		}
	},
}
