package wire

import (
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

type namespacesKey struct{}

// Namespaces returns the namespaces of g as graph.Namespaces does, worked out
// once.
func Namespaces(g *graph.Graph) []string {
	return g.Derive(namespacesKey{}, func(g *graph.Graph) any { return g.Namespaces() }).([]string)
}

// Pick returns the pods that a selector of an object in namespace means. As in
// graph.Find, what has no namespace written down stands in only where the
// namespace itself has nothing.
func Pick(g *graph.Graph, namespace string, s graph.Selector) []*graph.Pod {
	if pods := g.Select(namespace, s); len(pods) > 0 {
		return pods
	}
	if namespace != "" {
		return g.Select("", s)
	}
	var all []*graph.Pod
	for _, ns := range Namespaces(g) {
		all = append(all, g.Select(ns, s)...)
	}
	return all
}

// HasPods reports whether g shows pods that may be in namespace.
func HasPods(g *graph.Graph, namespace string) bool {
	return len(g.Pods(namespace)) > 0 || (namespace != "" && len(g.Pods("")) > 0)
}

// linkServices links Services to the workloads they select and StatefulSets
// to the Service that names their pods.
func linkServices(g *graph.Graph) {
	for _, svc := range g.Kind("Service") {
		if svc.Group() != "" || svc.Spec().Get("type").Text() == "ExternalName" {
			continue
		}
		at := svc.Spec().Get("selector")
		s, ok := SetSelector(at)
		if !ok {
			continue
		}
		linkPods(g, graph.Selects, svc, at, Pick(g, svc.Namespace, s))
	}
	for _, set := range g.Kind("StatefulSet") {
		at := set.Spec().Get("serviceName")
		name := at.Text()
		if name == "" {
			continue
		}
		refer(g, &graph.Reference{Kind: graph.Governs, From: set, At: at, TargetKind: "Service", Namespace: set.Namespace, Name: name, Role: "serviceName"})
	}
}

func linkPods(g *graph.Graph, kind graph.EdgeKind, from *graph.Object, at tree.Node, pods []*graph.Pod) {
	for _, p := range pods {
		g.Link(&graph.Edge{Kind: kind, From: from, To: p.Object, At: at})
	}
}

// groupOf is the group of the kinds that share their name with others.
func groupOf(kind string) (group string, known bool) {
	switch kind {
	case "Service", "ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount", "Pod", "ReplicationController":
		return "", true
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		return "", false // also extensions in old manifests
	}
	return "", false
}

// refer links r.From to what r names, or records r as missing.
func refer(g *graph.Graph, r *graph.Reference) *graph.Object {
	var o *graph.Object
	if group, known := groupOf(r.TargetKind); known {
		o = g.FindGroup(group, r.TargetKind, r.Namespace, r.Name)
	} else {
		o = g.Find(r.TargetKind, r.Namespace, r.Name)
	}
	if o == nil {
		g.Missing = append(g.Missing, r)
		return nil
	}
	g.Link(&graph.Edge{Kind: r.Kind, From: r.From, To: o, At: r.At})
	return o
}

type servicesKey struct{}

// Services returns the core Services of a namespace.
func Services(g *graph.Graph, namespace string) []*graph.Object {
	return g.Derive(servicesKey{}, func(g *graph.Graph) any {
		m := map[string][]*graph.Object{}
		for _, o := range g.Kind("Service") {
			if o.Group() == "" {
				m[o.Namespace] = append(m[o.Namespace], o)
			}
		}
		return m
	}).(map[string][]*graph.Object)[namespace]
}

// MonitorNamespaces returns the namespaces that a ServiceMonitor or PodMonitor
// looks at; all is true if it looks at every one.
func MonitorNamespaces(o *graph.Object) (names []string, all bool) {
	sel := o.Spec().Get("namespaceSelector")
	if sel.Get("any").True() {
		return nil, true
	}
	if names = sel.Get("matchNames").Strings(); len(names) > 0 {
		return names, false
	}
	return []string{o.Namespace}, false
}

// linkMonitors links ServiceMonitors to Services and PodMonitors to workloads.
func linkMonitors(g *graph.Graph) {
	for _, m := range g.Kind("ServiceMonitor") {
		for _, svc := range MonitoredServices(g, m) {
			g.Link(&graph.Edge{Kind: graph.Selects, From: m, To: svc, At: m.Spec().Get("selector")})
		}
	}
	for _, m := range g.Kind("PodMonitor") {
		linkPods(g, graph.Selects, m, m.Spec().Get("selector"), MonitoredPods(g, m))
	}
}

// MonitoredServices returns the Services of g that the ServiceMonitor m selects.
func MonitoredServices(g *graph.Graph, m *graph.Object) (out []*graph.Object) {
	s, err := LabelSelector(m.Spec().Get("selector"))
	if err != nil {
		return nil
	}
	names, all := MonitorNamespaces(m)
	if all {
		names = Namespaces(g)
	}
	take := func(namespace string) {
		for _, svc := range Services(g, namespace) {
			if s.Matches(svc.Labels()) {
				out = append(out, svc)
			}
		}
	}
	for _, ns := range names {
		take(ns)
	}
	if len(out) > 0 || all {
		return out
	}
	// What has no namespace written down may be there.
	take("")
	if m.Namespace == "" {
		for _, ns := range Namespaces(g) {
			take(ns)
		}
	}
	return out
}

// MonitoredPods returns the pods of g that the PodMonitor m selects.
func MonitoredPods(g *graph.Graph, m *graph.Object) (out []*graph.Pod) {
	s, err := LabelSelector(m.Spec().Get("selector"))
	if err != nil {
		return nil
	}
	names, all := MonitorNamespaces(m)
	if all {
		for _, ns := range Namespaces(g) {
			out = append(out, g.Select(ns, s)...)
		}
		return out
	}
	for _, ns := range names {
		out = append(out, Pick(g, ns, s)...)
	}
	return out
}
