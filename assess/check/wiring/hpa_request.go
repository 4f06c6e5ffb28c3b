package wiring

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var hpaRequest = &check.Check{
	ID: "k8s-hpa-request", Name: "hpa-request", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K42"},
	Practices: []string{"autoscaling", "requests-and-limits"},
	Facts:     []check.Fact{{Number: 42, Strength: check.Supporting}},
	Kinds:     []string{"HorizontalPodAutoscaler", "ScaledObject"},
	Object: func(p *check.Pass, o *graph.Object) {
		pods := scaledPods(o)
		metrics, total := resourceMetrics(o)
		any := false
		for _, m := range metrics {
			if !m.percent || len(pods) == 0 {
				continue
			}
			any = true
			for _, pod := range pods {
				missingRequest(p, pod, m, total == 1)
			}
		}
		if !any {
			p.Skip()
		}
	},
}

func scaledPods(o *graph.Object) (pods []*graph.Pod) {
	for e := range o.Out(graph.Scales) {
		if e.To.Pod != nil {
			pods = append(pods, e.To.Pod)
		}
	}
	return pods
}

// metric is one CPU or memory metric of an autoscaler.
type metric struct {
	at        tree.Node
	missing   string
	resource  string
	container string // of all containers if ""
	percent   bool   // of the request
}

// resourceMetrics returns the CPU and memory metrics of an autoscaler, and how
// many metrics of any kind it has.
func resourceMetrics(o *graph.Object) (ms []metric, total int) {
	spec := o.Spec()
	if o.Kind == "ScaledObject" {
		for _, t := range spec.Get("triggers").Items() {
			total++
			name := t.Get("type").Text()
			if name != "cpu" && name != "memory" {
				continue
			}
			kind := t.Get("metricType").Text()
			if kind == "" {
				kind = t.At("metadata", "type").Text()
			}
			ms = append(ms, metric{at: t.Get("type"), resource: name, container: t.At("metadata", "containerName").Text(), percent: kind == "" || kind == "Utilization"})
		}
		return ms, total
	}
	if at := spec.Get("targetCPUUtilizationPercentage"); !at.IsNull() {
		return []metric{{at: at, resource: "cpu", percent: true}}, 1
	}
	list := spec.Get("metrics")
	if list.Len() == 0 && o.Version() != "v1" {
		return []metric{{at: spec, missing: "metrics", resource: "cpu", percent: true}}, 1
	}
	for _, m := range list.Items() {
		total++
		src := m.Get("resource")
		if m.Get("type").Text() == "ContainerResource" {
			src = m.Get("containerResource")
		} else if m.Get("type").Text() != "Resource" {
			continue
		}
		name := src.Get("name").Text()
		if name != "cpu" && name != "memory" {
			continue
		}
		percent := src.At("target", "averageUtilization")
		if percent.IsNull() {
			percent = src.Get("targetAverageUtilization")
		}
		ms = append(ms, metric{at: src.Get("name"), resource: name, container: src.Get("container").Text(), percent: !percent.IsNull()})
	}
	return ms, total
}

// missingRequest reports the containers without which the metric cannot be
// worked out. Pod-level requests, limits (which stand in for requests) and a
// LimitRange's defaults count as requests.
func missingRequest(p *check.Pass, pod *graph.Pod, m metric, sole bool) {
	if requests(pod.Spec.Get("resources"), m.resource) {
		return
	}
	var lacking []string
	regular, named := false, false
	for c := range pod.Each() {
		if m.container != "" && c.Name != m.container {
			continue
		}
		named = named || c.LongRunning()
		if c.LongRunning() && !requests(c.Node.Get("resources"), m.resource) {
			lacking = append(lacking, c.Name)
			regular = regular || c.Type == graph.Regular
		}
	}
	if m.container != "" && !named {
		p.Fail(m.at, m.missing, "measures %s of container %q, but %s has no such container: the autoscaler cannot work it out", m.resource, m.container, pod.Object)
		return
	}
	if len(lacking) == 0 || defaulted(p, pod.Object.Namespace, m.resource) {
		return
	}
	r := p.Fail(m.at, m.missing, "aims at a percentage of the %s request, but container %s of %s requests none: the autoscaler cannot work it out and does not scale", m.resource, strings.Join(lacking, ", "), pod.Object)
	r.Fix("Set the %s request of container %s in %s.", m.resource, strings.Join(lacking, ", "), pod.Object)
	if !sole || !regular {
		r.As(ops.Medium)
	}
}

func requests(resources tree.Node, name string) bool {
	return !resources.At("requests", name).IsNull() || !resources.At("limits", name).IsNull()
}

// defaulted reports whether a LimitRange of the namespace gives containers a
// request.
func defaulted(p *check.Pass, namespace, resource string) bool {
	if limitRange(p.Graph, namespace, resource) {
		return true
	}
	for _, g := range p.Others {
		if limitRange(g, namespace, resource) {
			return true
		}
	}
	return false
}

func limitRange(g *graph.Graph, namespace, resource string) bool {
	for _, lr := range g.Kind("LimitRange") {
		if lr.Namespace != namespace && lr.Namespace != "" {
			continue
		}
		for _, l := range lr.Spec().Get("limits").Items() {
			if l.Get("type").Text() == "Container" && (!l.At("defaultRequest", resource).IsNull() || !l.At("default", resource).IsNull()) {
				return true
			}
		}
	}
	return false
}
