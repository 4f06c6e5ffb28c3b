package availability

import (
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/ops/identity"
)

var telemetryIdentity = &check.Check{
	ID: "k8s-telemetry-identity", Name: "telemetry-identity", Pages: pages,
	Severity:  ops.Low,
	Ideas:     []string{"K52"},
	Practices: []string{"consistent-labels"},
	Facts:     []check.Fact{{Number: 45, Strength: check.Supporting}},
	Pod: func(p *check.Pass, pod *graph.Pod) {
		at, sends := telemetry(p, pod)
		if !sends {
			p.Skip()
			return
		}
		around := identity.Surroundings(p.Graph, pod)
		d := identity.Declared(pod, around)
		if d.ByWorkload {
			if d.Elsewhere {
				p.Unknown(at, "", "its service may be named in a Secret or ConfigMap that is not in the repository")
				return
			}
			p.Fail(at, "", "it sends telemetry that names no service: its metrics, logs and traces cannot be joined").
				Ask("name of the service, as label app.kubernetes.io/name or as OTEL_SERVICE_NAME")
			return
		}
		if d.Environment == "" && !d.Elsewhere {
			if other := environmentBeside(p, pod); other != "" {
				p.Fail(at, "", "it sends telemetry of no environment, while what runs beside it is of %q: they cannot be joined by their whole key", other).
					Ask("environment, as deployment.environment.name in OTEL_RESOURCE_ATTRIBUTES or as label environment")
				return
			}
		}
		attributes, _ := identity.Attributes(pod, around)
		sent, scraped := identity.FromMap(attributes), identity.Of(identity.Labelled(pod))
		switch {
		case differ(sent.Service, scraped.Service):
			p.Fail(at, "", "its traces are of the service %q, its labels and so its metrics say %q: they cannot be joined", sent.Service, scraped.Service)
		case differ(sent.Environment, scraped.Environment):
			p.Fail(at, "", "its traces are of the environment %q, its labels and so its metrics say %q: they cannot be joined", sent.Environment, scraped.Environment)
		}
	},
}

func differ(a, b string) bool { return a != "" && b != "" && a != b }

type environmentsKey struct{}

// environmentBeside is the first environment that a workload of the same
// namespace tells, "" if none does.
func environmentBeside(p *check.Pass, pod *graph.Pod) string {
	told := p.Graph.Derive(environmentsKey{}, func(g *graph.Graph) any {
		first := map[string]string{}
		for _, ns := range g.Namespaces() {
			for _, other := range g.Pods(ns) {
				if e := identity.OfPod(other).Environment; e != "" && first[ns] == "" {
					first[ns] = e
				}
			}
		}
		return first
	}).(map[string]string)
	return told[pod.Object.Namespace]
}

// telemetry finds what makes a pod send telemetry or have it collected. It is of the pod
// itself if anything is, else its name stands for what selects it.
func telemetry(p *check.Pass, pod *graph.Pod) (at tree.Node, found bool) {
	refuses := false
	for k, v := range pod.Template.At("metadata", "annotations").Fields() {
		switch name := k.Text(); {
		case name == "prometheus.io/scrape" && v.Text() == "true",
			strings.HasPrefix(name, "instrumentation.opentelemetry.io/inject-") && v.Text() != "false",
			(name == "sidecar.opentelemetry.io/inject" || name == "sidecar.jaegertracing.io/inject") && v.Text() != "false":
			return v, true
		case name == "prometheus.io/scrape" && v.Text() == "false":
			refuses = true
		}
	}
	for c := range pod.Each() {
		for _, e := range c.Node.Get("env").Items() {
			if exports(e.Get("name").Text(), e.Get("value").Text()) {
				return e, true
			}
		}
		for _, from := range c.Node.Get("envFrom").Items() {
			o := p.Graph.Find("ConfigMap", pod.Object.Namespace, from.At("configMapRef", "name").Text())
			if o == nil {
				continue
			}
			for k, v := range o.Body.Get("data").Fields() {
				if exports(from.Get("prefix").Text()+k.Text(), v.Text()) {
					return from, true
				}
			}
		}
	}
	for _, port := range pod.Ports() {
		if name := port.Get("name"); !refuses && ofMetrics(name.Text()) && (port.Get("protocol").Text() == "" || port.Get("protocol").Text() == "TCP") {
			return name, true
		}
	}
	if selectedForMetrics(pod.Object, refuses) {
		return pod.Object.Body.At("metadata", "name"), true
	}
	return tree.Node{}, false
}

// ofMetrics tells whether a port has a name by which aeod scrapes it unasked.
func ofMetrics(name string) bool { return name == "metrics" || strings.HasSuffix(name, "-metrics") }

// selectedForMetrics reports whether an annotated Service, a ServiceMonitor or a PodMonitor
// has the pods of a workload scraped. Pods that refuse are not asked for a Service's
// annotation; monitors know nothing of annotations.
func selectedForMetrics(o *graph.Object, refuses bool) bool {
	for e := range o.In(graph.Selects) {
		switch e.From.Kind {
		case "PodMonitor":
			return true
		case "Service":
			if !refuses && e.From.Annotation("prometheus.io/scrape") == "true" {
				return true
			}
			for m := range e.From.In(graph.Selects) {
				if m.From.Kind == "ServiceMonitor" {
					return true
				}
			}
		}
	}
	return false
}

// exports reports whether an environment variable has a program export.
func exports(name, value string) bool {
	switch name {
	case "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER":
		return value != "none"
	}
	return strings.HasPrefix(name, "OTEL_EXPORTER_") || name == "JAEGER_ENDPOINT" || name == "JAEGER_AGENT_HOST"
}
