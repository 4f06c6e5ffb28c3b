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

// Around is what is known of a pod's surroundings. Its zero value knows nothing.
type Around struct {
	// Namespace are the labels of the pod's namespace.
	Namespace graph.Labels
	// Config returns the value of a ConfigMap's key, "" if it has none. ok is
	// false if there is no such ConfigMap. nil knows none.
	Config func(name, key string) (value string, ok bool)
}

// Surroundings is what a graph knows of a pod's: its namespace and the ConfigMaps there.
func Surroundings(g *graph.Graph, p *graph.Pod) Around {
	around := Around{Config: func(name, key string) (string, bool) {
		o := g.Find("ConfigMap", p.Object.Namespace, name)
		if name == "" || o == nil {
			return "", false
		}
		return o.Body.At("data", key).Text(), true
	}}
	if ns := g.Find("Namespace", "", p.Object.Namespace); ns != nil && p.Object.Namespace != "" {
		around.Namespace = ns.Labels()
	}
	return around
}

// OfPod returns the identity that the telemetry of a pod will have.
func OfPod(p *graph.Pod) Identity { return Declared(p, Around{}).Identity }

// Declared reads the identity from OpenTelemetry's environment variables, then
// annotations, then labels of the pod, then of the object, then those of its
// namespace, then the workload's name.
func Declared(p *graph.Pod, around Around) Declaration {
	d := Declaration{}
	attributes, elsewhere := Attributes(p, around)
	d.Elsewhere = elsewhere
	labelled := Labelled(p)
	d.Identity = Of(func(name string) string {
		if v := attributes[name]; v != "" {
			return v
		}
		if v := p.Annotation(annotationPrefix + name); v != "" {
			return v
		}
		return labelled(name)
	})
	if d.Environment == "" {
		d.Environment = first(around.Namespace.Get, environmentNames[:])
	}
	if d.Service == "" {
		d.Service, d.ByWorkload = Clean(p.Object.Name), p.Object.Name != ""
	}
	if d.Workload == "" {
		d.Workload = Clean(p.Object.Name)
	}
	return d
}

// Labelled returns what the labels of a pod and of its object tell, which is
// what scraped metrics carry, in the form that Of asks in.
func Labelled(p *graph.Pod) func(name string) string {
	labels, own := p.Labels(), p.Object.Labels()
	return func(name string) string {
		for _, l := range [...]graph.Labels{labels, own} {
			if v := l.Get(name); v != "" && !graph.Placeholder(v) {
				return v
			}
		}
		if name == "k8s.namespace.name" {
			return p.Object.Namespace
		}
		return ""
	}
}

// Attributes returns the resource attributes that the environment of a pod's
// containers sets. elsewhere is true if some come from what is not known: a
// Secret, a field of the running pod, a ConfigMap that is not there.
func Attributes(p *graph.Pod, around Around) (attributes map[string]string, elsewhere bool) {
	attributes = map[string]string{}
	set := func(name, value string) {
		if attributes[name] != "" || value == "" {
			return
		}
		if strings.Contains(value, "$(") || graph.Placeholder(value) {
			elsewhere = true
			return
		}
		attributes[name] = value
	}
	for c := range p.Each() {
		if !c.LongRunning() && !p.Finite() {
			continue
		}
		name, unknown1 := variable(c, "OTEL_SERVICE_NAME", around)
		list, unknown2 := variable(c, "OTEL_RESOURCE_ATTRIBUTES", around)
		elsewhere = elsewhere || unknown1 || unknown2
		set("service.name", name)
		for part := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(part, "=")
			value = strings.TrimSpace(value)
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			set(strings.TrimSpace(name), value)
		}
	}
	return attributes, elsewhere
}

// variable returns the value of an environment variable of a container. unknown
// is true if it may be set by what is not known.
func variable(c *graph.Container, name string, around Around) (value string, unknown bool) {
	config := around.Config
	if config == nil {
		config = func(string, string) (string, bool) { return "", false }
	}
	for _, from := range c.Node.Get("envFrom").Items() {
		ref := from.At("configMapRef", "name").Text()
		key, ok := strings.CutPrefix(name, from.Get("prefix").Text())
		switch v, found := config(ref, key); {
		case !ok:
		case ref == "" || !found:
			unknown = true
		case v != "":
			value, unknown = v, false
		}
	}
	for _, e := range c.Node.Get("env").Items() {
		if e.Get("name").Text() != name {
			continue
		}
		value, unknown = e.Get("value").Text(), false
		if from := e.Get("valueFrom"); from.Exists() {
			ref := from.Get("configMapKeyRef")
			v, found := config(ref.Get("name").Text(), ref.Get("key").Text())
			value, unknown = v, !ref.Exists() || !found
		}
	}
	return value, unknown
}
