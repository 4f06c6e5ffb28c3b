package resources

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var qosCritical = &check.Check{
	ID: "k8s-qos-critical", Name: "qos-critical", Pages: pages,
	Severity:  ops.Medium,
	Ideas:     []string{"K47"},
	Practices: []string{"guaranteed-qos-for-critical"},
	Facts:     declared,
	Pod: func(p *check.Pass, pod *graph.Pod) {
		why := critical(p, pod)
		if why == "" {
			p.Skip()
			return
		}
		if kube := p.Settings.KubeMinor; (kube == 0 || kube >= 34) && guaranteed(pod.Spec.Get("resources")) {
			return
		}
		gaps, best := 0, true
		var first *graph.Container
		var firstGap, firstPath string
		for c := range pod.Each() {
			if c.Type == graph.Ephemeral {
				continue
			}
			r := c.Node.Get("resources")
			best = best && r.Get("requests").Len() == 0 && r.Get("limits").Len() == 0
			for _, resource := range [...]string{"cpu", "memory"} {
				request, limit := stated(c, "requests", resource), r.At("limits", resource)
				if graph.Placeholder(request.Text()) || graph.Placeholder(limit.Text()) {
					p.Unknown(c.Node, "resources", "container %q of a workload that is critical (%s) has resources that are put in later and are not in the repository", c.Name, why)
					return
				}
				if gap := gapOf(resource, request, limit); gap != "" {
					gaps++
					if first == nil {
						first, firstGap, firstPath = c, gap, "resources.limits."+resource
					}
				}
			}
		}
		if gaps == 0 {
			return
		}
		class, severity := "Burstable", ops.Medium
		if best {
			class, severity = "BestEffort", ops.High
		}
		more := ""
		if gaps > 1 {
			more = " (and " + strconv.Itoa(gaps-1) + " more)"
		}
		if pod.Object.Kind == "DaemonSet" && severity == ops.Medium {
			severity = ops.Low // agents of a node are often given room to burst
		}
		p.Fail(first.Node, firstPath, "%s, but its pods are %s and evicted before Guaranteed ones: container %q %s%s", why, class, first.Name, firstGap, more).
			As(severity).Ask(strings.TrimPrefix(firstPath, "resources.limits.") + " limit")
	},
}

// gapOf says what keeps one resource of a container from being guaranteed.
func gapOf(resource string, request, limit tree.Node) string {
	if limit.IsNull() {
		return "has no " + resource + " limit"
	}
	r, okRequest := quantity(request)
	l, okLimit := quantity(limit)
	if okRequest && okLimit && r != l {
		return "requests " + request.Text() + " of " + resource + " with a limit of " + limit.Text()
	}
	return ""
}

// guaranteed reports whether resources of a pod as a whole are guaranteed.
func guaranteed(r tree.Node) bool {
	for _, resource := range [...]string{"cpu", "memory"} {
		limit := r.At("limits", resource)
		request := r.At("requests", resource)
		if request.IsNull() {
			request = limit
		}
		if gapOf(resource, request, limit) != "" {
			return false
		}
	}
	return true
}

// critical says why a workload counts as critical, "" if nothing says so: its
// priority class, or a label or annotation of it or of its pods.
func critical(p *check.Pass, pod *graph.Pod) string {
	if class := pod.Spec.Get("priorityClassName").Text(); class != "" {
		if class == "system-cluster-critical" || class == "system-node-critical" || hasWord(class, "critical") {
			return "the workload is critical by its priority class " + class
		}
	}
	for _, meta := range [...]tree.Node{pod.Object.Body.Get("metadata"), pod.Template.Get("metadata")} {
		for _, list := range [...]string{"labels", "annotations"} {
			for k, v := range meta.Get(list).Fields() {
				if saysCritical(k.Text(), v.Text()) {
					return "the workload is critical by its " + strings.TrimSuffix(list, "s") + " " + k.Text() + ": " + v.Text()
				}
			}
		}
	}
	return ""
}

func saysCritical(key, value string) bool {
	name := key[strings.LastIndexByte(key, '/')+1:]
	switch name {
	case "critical", "business-critical", "mission-critical":
		return strings.EqualFold(value, "true") || strings.EqualFold(value, "yes")
	case "criticality", "tier", "importance", "service-tier", "business-criticality":
		return strings.EqualFold(value, "critical") || strings.EqualFold(value, "mission-critical") || strings.EqualFold(value, "business-critical")
	}
	return false
}

// hasWord reports whether word is one of the parts of a name between dashes,
// and the name does not negate it.
func hasWord(name, word string) bool {
	found := false
	for part := range strings.SplitSeq(name, "-") {
		if part == "non" || part == "not" {
			return false
		}
		found = found || part == word
	}
	return found
}
