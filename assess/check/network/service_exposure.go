package network

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var serviceExposure = &check.Check{
	ID: "k8s-service-exposure", Name: "service-exposure", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K33"},
	Practices: []string{"network-exposure-controlled"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Kinds:     []string{"Service"},
	Object: func(p *check.Pass, o *graph.Object) {
		at := o.Spec().Get("type")
		if o.Group() != "" || (at.Text() != "NodePort" && at.Text() != "LoadBalancer") {
			if graph.Placeholder(at.Text()) {
				p.Unknown(at, "", "the type %q is filled in elsewhere", at.Text())
			}
			return
		}
		if internal(o) || restricted(o) {
			return
		}
		for e := range o.Out(graph.Selects) {
			if edgeProxy(e.To.Pod) {
				return // a controller or gateway is what ought to be published
			}
		}
		if at.Text() == "NodePort" {
			p.Fail(at, "", "type NodePort opens %s on every node, past the Ingress or Gateway", portsText(o)).Set("ClusterIP")
			return
		}
		p.Fail(at, "", "type LoadBalancer publishes %s to any address: no source ranges, no annotation that makes it internal", portsText(o)).
			Fix("Use type ClusterIP behind an Ingress or Gateway, or set loadBalancerSourceRanges.").Ask("addresses that may connect")
	},
}

func portsText(o *graph.Object) string {
	ports := o.Spec().Get("ports")
	if ports.Len() == 0 {
		return "the Service"
	}
	text := "port "
	if ports.Len() > 1 {
		text = "ports "
	}
	for i, sp := range ports.Items() {
		if i > 0 {
			text += ", "
		}
		text += sp.Get("port").Text()
	}
	return text
}
