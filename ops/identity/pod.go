package identity

import (
	"net/url"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
)

// Declaration is what a pod's manifest says of the identity that its telemetry
// will have.
type Declaration struct {
	Identity
	// ByWorkload means that nothing but the workload's own name tells the
	// service.
	ByWorkload bool
	// Elsewhere means that a part is taken from what the manifest does not
	// hold: a ConfigMap, a Secret, a field of the running pod.
	Elsewhere bool
}

// annotationPrefix is under which OpenTelemetry's operator and its collector
// look for resource attributes.
const annotationPrefix = "resource.opentelemetry.io/"

// OfPod returns the identity that the telemetry of a pod will have.
func OfPod(p *graph.Pod) Identity { return Declared(p, graph.Labels{}).Identity }

// Declared reads the identity from OpenTelemetry's environment variables, then
// annotations, then labels of the pod, then of the object, then those of its
// namespace (which may be none), then the workload's name.
func Declared(p *graph.Pod, namespace graph.Labels) Declaration {
	var d Declaration
	attributes := map[string]string{}
	for c := range p.Each() {
		if c.LongRunning() || p.Finite() {
			d.Elsewhere = readEnv(c, attributes) || d.Elsewhere
		}
	}
	object := p.Object
	labels, own := p.Labels(), object.Labels()
	d.Identity = Of(func(name string) string {
		if v := attributes[name]; v != "" {
			return v
		}
		if v := p.Annotation(annotationPrefix + name); v != "" {
			return v
		}
		for _, l := range [...]graph.Labels{labels, own} {
			if v := l.Get(name); v != "" && !graph.Placeholder(v) {
				return v
			}
		}
		if name == "k8s.namespace.name" {
			return object.Namespace
		}
		return ""
	})
	if d.Environment == "" {
		for _, name := range environmentNames {
			if v := Clean(namespace.Get(name)); v != "" && d.Environment == "" {
				d.Environment = v
			}
		}
	}
	if d.Service == "" {
		d.Service, d.ByWorkload = Clean(object.Name), object.Name != ""
	}
	if d.Workload == "" {
		d.Workload = Clean(object.Name)
	}
	if d.Namespace == "" {
		d.Namespace = Clean(object.Namespace)
	}
	return d
}

// readEnv adds the resource attributes that a container's environment sets.
// elsewhere is true if it takes some from what the manifest does not hold.
func readEnv(c *graph.Container, into map[string]string) (elsewhere bool) {
	set := func(name, value string) {
		if into[name] != "" || value == "" {
			return
		}
		if strings.Contains(value, "$(") || graph.Placeholder(value) {
			elsewhere = true
			return
		}
		into[name] = value
	}
	var attributes string
	for _, e := range c.Node.Get("env").Items() {
		name := e.Get("name").Text()
		if name != "OTEL_SERVICE_NAME" && name != "OTEL_RESOURCE_ATTRIBUTES" {
			continue
		}
		if e.Get("valueFrom").Exists() {
			elsewhere = true
			continue
		}
		if name == "OTEL_SERVICE_NAME" {
			set("service.name", e.Get("value").Text())
		} else {
			attributes = e.Get("value").Text()
		}
	}
	for part := range strings.SplitSeq(attributes, ",") {
		name, value, _ := strings.Cut(part, "=")
		value = strings.TrimSpace(value)
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		set(strings.TrimSpace(name), value)
	}
	return elsewhere || c.Node.Get("envFrom").Len() > 0
}
