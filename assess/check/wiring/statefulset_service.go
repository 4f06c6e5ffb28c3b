package wiring

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

var statefulsetService = &check.Check{
	ID: "k8s-statefulset-service", Name: "statefulset-service", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K43"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"StatefulSet"},
	Object: func(p *check.Pass, o *graph.Object) {
		at := o.Spec().Get("serviceName")
		name := at.Text()
		if name == "" || o.Pod == nil {
			p.Skip()
			return
		}
		if graph.Placeholder(name) {
			p.Unknown(at, "", "the name of Service %q is filled in elsewhere", name)
			return
		}
		svc, sure := service(p, o.Namespace, name)
		switch {
		case svc == nil:
			if cr := wire.Mentioned(p.Graph, o.Namespace, name); cr != nil {
				p.Unknown(at, "", "Service %q is in no file; the operator of %s may make it", name, cr)
				return
			}
			r := p.Fail(at, "", "there is no Service %q in %s: the pods get no stable names in DNS", name, namespaceText(o.Namespace))
			if n, _ := o.Pod.Replicas(); n < 2 {
				r.As(ops.Low) // a single pod has no other members to find
			}
		case !sure:
		case svc.Spec().Get("clusterIP").Text() != "None":
			p.Fail(at, "", "Service %q is not headless (clusterIP: None): the pods get no stable names in DNS", name).As(ops.Low)
		default:
			s, ok := wire.SetSelector(svc.Spec().Get("selector"))
			if ok && !s.Matches(o.Pod.Labels()) {
				p.Fail(at, "", "Service %q selects %s, which these pods do not carry: they get no stable names in DNS", name, labelText(svc.Spec().Get("selector")))
			}
		}
	},
}
