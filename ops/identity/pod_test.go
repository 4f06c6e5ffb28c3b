package identity_test

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func pod(t *testing.T, text string) *graph.Pod {
	t.Helper()
	o, ok := graph.NewObject(yamldoc.Parse([]byte(text))[0].Doc.Root(), "pod.yaml")
	if !ok || o.Pod == nil {
		t.Fatalf("no pod: %s", text)
	}
	return o.Pod
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/part-of: shop}}
spec:
  template:
    metadata: {LABELS}
    spec:
      initContainers: [{name: i, env: [{name: OTEL_SERVICE_NAME, value: init}]}]
      containers: [{name: web, CONTAINER}]
`

func TestDeclared(t *testing.T) {
	config := func(name, key string) (string, bool) {
		values, ok := map[string]map[string]string{"c": {"OTEL_SERVICE_NAME": "configured", "name": "keyed"}}[name]
		return values[key], ok
	}
	for name, c := range map[string]struct {
		labels, container string
		want              string // service
		environment       string
		byWorkload, else_ bool
	}{
		"by its own name":       {"", "", "web", "", true, false},
		"by a label":            {"labels: {app.kubernetes.io/name: cart}", "", "cart", "", false, false},
		"by a variable":         {"labels: {app.kubernetes.io/name: cart}", `env: [{name: OTEL_SERVICE_NAME, value: sent}]`, "sent", "", false, false},
		"by attributes":         {"", `env: [{name: OTEL_RESOURCE_ATTRIBUTES, value: "service.name=a%20b, deployment.environment.name=production,x"}]`, "a b", "production", false, false},
		"by an annotation":      {"annotations: {resource.opentelemetry.io/service.name: noted}", "", "noted", "", false, false},
		"by a ConfigMap":        {"", `envFrom: [{configMapRef: {name: c}}]`, "configured", "", false, false},
		"by a prefix":           {"", `envFrom: [{prefix: OTEL_SERVICE_, configMapRef: {name: c}}]`, "web", "", true, false},
		"by a ConfigMap's key":  {"", `env: [{name: OTEL_SERVICE_NAME, valueFrom: {configMapKeyRef: {name: c, key: name}}}]`, "keyed", "", false, false},
		"by another ConfigMap":  {"", `envFrom: [{configMapRef: {name: d}}]`, "web", "", true, true},
		"by a Secret":           {"", `envFrom: [{secretRef: {name: d}}]`, "web", "", true, true},
		"by a field":            {"", `env: [{name: OTEL_SERVICE_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]`, "web", "", true, true},
		"by another variable":   {"", `env: [{name: OTEL_SERVICE_NAME, value: "$(NAME)"}]`, "web", "", true, true},
		"a label not filled in": {`labels: {app.kubernetes.io/name: "${NAME}"}`, "", "web", "", true, false},
		"an environment":        {`labels: {app: cart, environment: staging}`, "", "cart", "staging", false, false},
	} {
		p := pod(t, strings.NewReplacer("LABELS", c.labels, "CONTAINER", c.container).Replace(deployment))
		d := identity.Declared(p, identity.Around{Config: config})
		if d.Service != c.want || d.Environment != c.environment || d.ByWorkload != c.byWorkload || d.Elsewhere != c.else_ || d.Namespace != "shop" || d.Workload != "web" {
			t.Errorf("%s: %+v", name, d)
		}
	}
	p := pod(t, strings.NewReplacer("LABELS", "", "CONTAINER", "").Replace(deployment))
	ns, _ := graph.NewObject(yamldoc.Parse([]byte("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {environment: production}}}"))[0].Doc.Root(), "ns.yaml")
	if d := identity.Declared(p, identity.Around{Namespace: ns.Labels()}); d.Environment != "production" {
		t.Errorf("%+v", d)
	}
	if got := identity.OfPod(p); got.Service != "web" || got.Namespace != "shop" {
		t.Errorf("%+v", got)
	}
}
