package wiring

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var serviceMonitorSelectsNothing = &check.Check{
	ID: "k8s-service-monitor-selects-nothing", Name: "service-monitor-selects-nothing", Pages: pages,
	Absence:   true,
	Severity:  ops.Medium,
	Ideas:     []string{"K43"},
	Practices: []string{"wiring", "metrics"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"ServiceMonitor", "PodMonitor"},
	Object: func(p *check.Pass, o *graph.Object) {
		if o.Kind == "PodMonitor" {
			podMonitor(p, o)
			return
		}
		found := wire.MonitoredServices(p.Graph, o)
		for i := 0; i < len(p.Others) && len(found) == 0; i++ {
			found = wire.MonitoredServices(p.Others[i], o)
		}
		if len(found) == 0 {
			noTargets(p, o, "Service")
			return
		}
		for _, e := range o.Spec().Get("endpoints").Items() {
			at := e.Get("port")
			if at.Text() == "" || graph.Placeholder(at.Text()) {
				continue
			}
			var names []string
			ok := false
			for _, svc := range found {
				for _, port := range svc.Spec().Get("ports").Items() {
					name := port.Get("name").Text()
					ok = ok || name == at.Text()
					names = append(names, name+"="+port.Get("port").Text())
				}
			}
			if !ok {
				p.Fail(at, "", "no port of %s is named %q (%s): nothing is scraped here", found[0], at.Text(), strings.Join(names, ", "))
			}
		}
	},
}

func podMonitor(p *check.Pass, o *graph.Object) {
	found := wire.MonitoredPods(p.Graph, o)
	for i := 0; i < len(p.Others) && len(found) == 0; i++ {
		found = wire.MonitoredPods(p.Others[i], o)
	}
	if len(found) == 0 {
		noTargets(p, o, "pod")
		return
	}
	for _, e := range o.Spec().Get("podMetricsEndpoints").Items() {
		at := e.Get("port")
		if at.Text() == "" || graph.Placeholder(at.Text()) {
			continue
		}
		ok := false
		for _, pod := range found {
			for _, port := range pod.Ports() {
				ok = ok || port.Get("name").Text() == at.Text()
			}
		}
		if !ok {
			p.Fail(at, "", "no container of %s declares a port named %q: nothing is scraped here", found[0].Object, at.Text())
		}
	}
}

// noTargets reports a monitor without targets. It is a mistake only where the
// repository shows the namespaces that it looks at.
func noTargets(p *check.Pass, o *graph.Object, what string) {
	sel := o.Spec().Get("selector")
	if _, err := wire.LabelSelector(sel); err != nil {
		p.Fail(sel, "", "the selector is not valid: %v", err)
		return
	}
	names, all := wire.MonitorNamespaces(o)
	if all {
		p.Unknown(sel, "", "no %s of this repository matches %s; those of other sources are not known", what, selectorText(sel))
		return
	}
	for _, ns := range names {
		if what == "Service" && ns == "default" && apiServer(sel) {
			return
		}
		if !shown(p, ns) || wire.SystemNamespace(ns) {
			p.Unknown(sel, "", "what runs in %s is not in this repository, so what the monitor selects cannot be seen", namespaceText(ns))
			return
		}
		for _, v := range sel.Get("matchLabels").Fields() {
			if cr := wire.Mentioned(p.Graph, ns, v.Text()); cr != nil {
				p.Unknown(sel, "", "no %s here matches %s; the operator of %s may make it", what, selectorText(sel), cr)
				return
			}
		}
	}
	p.Fail(sel, "", "no %s in %s matches %s: nothing is scraped", what, namespaceText(strings.Join(names, ", ")), selectorText(sel))
}

// apiServer reports whether the selector picks the Service "kubernetes", which
// the API server makes for itself in namespace default.
func apiServer(sel tree.Node) bool {
	want := sel.Get("matchLabels")
	return want.Get("component").Text() == "apiserver" && want.Get("provider").Text() == "kubernetes"
}

// selectorText writes a LabelSelector in short.
func selectorText(sel tree.Node) string {
	s := labelText(sel.Get("matchLabels"))
	for _, e := range sel.Get("matchExpressions").Items() {
		if s != "" {
			s += ","
		}
		s += e.Get("key").Text() + " " + e.Get("operator").Text()
		if vs := e.Get("values"); vs.Len() > 0 {
			s += " (" + strings.Join(vs.Strings(), ", ") + ")"
		}
	}
	if s == "" {
		return "any labels"
	}
	return s
}
