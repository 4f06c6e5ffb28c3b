package wiring

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var serviceSelectsNothing = &check.Check{
	ID: "k8s-service-selects-nothing", Name: "service-selects-nothing", Pages: pages,
	Absence:   true,
	Severity:  ops.High,
	Ideas:     []string{"K38"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 41, Strength: check.Supporting}},
	Kinds:     []string{"Service"},
	Object: func(p *check.Pass, o *graph.Object) {
		selector := o.Spec().Get("selector")
		s, ok := wire.SetSelector(selector)
		if o.Group() != "" || !ok || o.Spec().Get("type").Text() == "ExternalName" {
			p.Skip()
			return
		}
		for range o.Out(graph.Selects) {
			return
		}
		if wire.SystemPods(o.Namespace, selector) {
			return
		}
		for _, g := range p.Others {
			if len(wire.Pick(g, o.Namespace, s)) > 0 {
				return
			}
		}
		noPods(p, o, selector)
	},
}

// noPods decides whether the lack of pods for a Service's selector is a
// mistake or cannot be known from the files.
func noPods(p *check.Pass, o *graph.Object, selector tree.Node) {
	if setAtRunTime(p.Graph, o.Namespace, selector) {
		p.Unknown(selector, "", "selects pods by a label that is set at run time: which pods carry it cannot be seen in the files")
		return
	}
	for k, v := range selector.Fields() {
		if graph.Placeholder(v.Text()) {
			p.Unknown(selector, "", "selects pods by %s=%s, which is filled in elsewhere", k.Text(), v.Text())
			return
		}
		if cr := wire.Mentioned(p.Graph, o.Namespace, v.Text()); cr != nil {
			p.Unknown(selector, "", "selects %s=%s, which no pod template here carries; the operator of %s may make such pods", k.Text(), v.Text(), cr)
			return
		}
	}
	if cr := wire.Mentioned(p.Graph, o.Namespace, o.Name); cr != nil {
		p.Unknown(selector, "", "selects no pod template here; the operator of %s may make its pods", cr)
		return
	}
	if wire.SystemNamespace(o.Namespace) || (!wire.HasPods(p.Graph, o.Namespace) && !anyPods(p, o.Namespace)) {
		p.Unknown(selector, "", "the workloads of %s are not in this repository, so whether the Service has pods cannot be seen", namespaceText(o.Namespace))
		return
	}
	if ns, ok := abroad(p.Graph, o); ok {
		p.Fail(selector, "", "no pod template of %s carries the labels %s, only one of %s: a Service sends nothing to other namespaces", namespaceText(o.Namespace), labelText(selector), namespaceText(ns))
		return
	}
	if !near(p.Graph, o, selector) {
		p.Unknown(selector, "", "no pod template of %s in this repository carries the labels %s, nor is one here that the Service seems to be for: its pods may come from somewhere else", namespaceText(o.Namespace), labelText(selector))
		return
	}
	p.Fail(selector, "", "no pod template of %s carries the labels %s: the Service has no endpoints", namespaceText(o.Namespace), labelText(selector))
}

// abroad returns the namespace of the unit whose pods a Service would select
// if it were there.
func abroad(g *graph.Graph, o *graph.Object) (namespace string, ok bool) {
	s, _ := wire.SetSelector(o.Spec().Get("selector"))
	for _, ns := range wire.Namespaces(g) {
		if ns != "" && ns != o.Namespace && len(wire.Pick(g, ns, s)) > 0 {
			return ns, true
		}
	}
	return "", false
}

// near reports whether the unit has the workload that the Service was
// probably made for: one of its name, give or take a word such as -headless,
// or one that carries a label of the selector which is its own. A label that
// several workloads share, such as that of the application they are parts of,
// points to none of them.
func near(g *graph.Graph, o *graph.Object, selector tree.Node) bool {
	pods := g.Pods(o.Namespace)
	for _, pod := range pods {
		if name := pod.Object.Name; name == o.Name || strings.HasPrefix(o.Name, name+"-") || strings.HasPrefix(name, o.Name+"-") {
			return true
		}
	}
	for k, v := range selector.Fields() {
		carriers := 0
		for _, pod := range pods {
			if value, ok := pod.Labels().Lookup(k.Text()); ok && value == v.Text() {
				carriers++
			}
		}
		if carriers == 1 {
			return true
		}
	}
	return false
}

func anyPods(p *check.Pass, namespace string) bool {
	for _, g := range p.Others {
		if wire.HasPods(g, namespace) {
			return true
		}
	}
	return false
}

func namespaceText(ns string) string {
	if ns == "" {
		return "its namespace"
	}
	return "namespace " + ns
}

// labelText writes a selector's map as a=b,c=d.
func labelText(m tree.Node) string {
	var b strings.Builder
	for k, v := range m.Fields() {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(k.Text() + "=" + v.Text())
	}
	return b.String()
}

// setAtRunTime reports whether pods would match m but for labels that
// controllers add to running pods, or that a workload with the right to change
// labels may add.
func setAtRunTime(g *graph.Graph, namespace string, m tree.Node) bool {
	later := false
	for k := range m.Fields() {
		later = later || wire.RunTimeLabel(k.Text())
	}
	relabels := wire.Maker(g, namespace, wire.LabelPods) != nil
	if !later && !relabels {
		return false
	}
	for _, pod := range g.Pods(namespace) {
		matched, lacking, differs := 0, 0, false
		for k, v := range m.Fields() {
			value, ok := pod.Labels().Lookup(k.Text())
			switch {
			case ok && value == v.Text():
				matched++
			case ok:
				differs = true
			case wire.RunTimeLabel(k.Text()):
			default:
				lacking++
			}
		}
		if !differs && (lacking == 0 || (relabels && matched > 0)) {
			return true
		}
	}
	return false
}
