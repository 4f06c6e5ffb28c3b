package resources

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// stated returns the value that counts as a container's request or limit: a
// request that is absent equals the limit.
func stated(c *graph.Container, list, resource string) tree.Node {
	r := c.Node.Get("resources")
	if n := r.At(list, resource); !n.IsNull() {
		return n
	}
	if list == "requests" {
		if n := r.At("limits", resource); !n.IsNull() {
			return n
		}
	}
	return tree.Node{}
}

// require reports a long-running container that lacks a request or limit,
// which is not filled in from anywhere either, with what that means.
func require(p *check.Pass, c *graph.Container, list, resource, why string) {
	if !c.LongRunning() {
		return
	}
	at := stated(c, list, resource)
	kind := strings.TrimSuffix(list, "s")
	if !at.Exists() {
		if !filledIn(p, c, list, resource) {
			p.Fail(c.Node, "resources."+list+"."+resource, "container %q has no %s %s: %s", c.Name, resource, kind, why).Ask(resource + " " + kind)
		}
		return
	}
	v, ok := quantity(at)
	switch {
	case graph.Placeholder(at.Text()):
		p.Unknown(at, "", "the %s %s of container %q is %q: the value that is put in there is not in the repository", resource, kind, c.Name, at.Text())
	case !ok || v < 0:
		p.Fail(at, "", "the %s %s of container %q is %q, which is no quantity: the API server refuses it", resource, kind, c.Name, at.Text()).As(ops.High).Ask(resource + " " + kind)
	case v == 0:
		p.Fail(at, "", "the %s %s of container %q is 0: %s", resource, kind, c.Name, why).Ask(resource + " " + kind)
	case resource == "memory" && strings.HasSuffix(at.Text(), "m"):
		p.Fail(at, "", "the memory %s of container %q is %q: m means thousandths of a byte", kind, c.Name, at.Text()).As(ops.High).Ask("memory " + kind)
	case resource == "memory" && list == "limits" && v < 4<<20:
		p.Fail(at, "", "the memory limit of container %q is %q: no container can start with less than a few megabytes", c.Name, at.Text()).As(ops.High).Ask("memory limit")
	}
}

// filledIn reports whether a request or limit that a container does not state
// comes from elsewhere: the pod's own resources (1.34 and later), a LimitRange
// of its namespace, or a vertical autoscaler.
func filledIn(p *check.Pass, c *graph.Container, list, resource string) bool {
	if p.Settings.KubeMinor == 0 || p.Settings.KubeMinor >= 34 {
		r := c.Pod.Spec.Get("resources")
		if r.Get(list).Has(resource) || (list == "requests" && r.Get("limits").Has(resource)) {
			return true
		}
	}
	if list == "requests" && resource != "ephemeral-storage" {
		for e := range c.Pod.Object.In(graph.Scales) {
			if e.From.Kind == "VerticalPodAutoscaler" && e.From.Spec().At("updatePolicy", "updateMode").Text() != "Off" {
				return true
			}
		}
	}
	return defaulted(p.Graph, c.Pod.Object.Namespace, list, resource)
}

type limitRangesKey struct{}

// limitRanges returns the LimitRanges of each namespace.
func limitRanges(g *graph.Graph) map[string][]*graph.Object {
	return g.Derive(limitRangesKey{}, func(g *graph.Graph) any { return byNamespace(g.Kind("LimitRange")) }).(map[string][]*graph.Object)
}

func byNamespace(objects []*graph.Object) map[string][]*graph.Object {
	m := map[string][]*graph.Object{}
	for _, o := range objects {
		m[o.Namespace] = append(m[o.Namespace], o)
	}
	return m
}

// defaulted reports whether a LimitRange gives containers of a namespace a
// default. As in the API, the maximum stands in for a missing default limit,
// and that limit or the minimum for a missing default request.
func defaulted(g *graph.Graph, namespace, list, resource string) bool {
	if len(g.Kind("LimitRange")) == 0 {
		return false
	}
	ranges := limitRanges(g)
	for _, ns := range [...]string{namespace, ""} {
		for _, o := range ranges[ns] {
			for _, item := range o.Spec().Get("limits").Items() {
				if item.Get("type").Text() != "Container" {
					continue
				}
				if item.Get("default").Has(resource) || item.Get("max").Has(resource) {
					return true
				}
				if list == "requests" && (item.Get("defaultRequest").Has(resource) || item.Get("min").Has(resource)) {
					return true
				}
			}
		}
		if namespace == "" {
			break
		}
	}
	return false
}
