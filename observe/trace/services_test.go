package trace_test

import (
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// TestWorkloadsReport puts traces beside the workloads that they are of.
func TestWorkloadsReport(t *testing.T) {
	g := graph.New()
	for _, d := range yamldoc.Parse([]byte(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app.kubernetes.io/name: web}}, spec: {containers: [{name: web}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: the-cart, namespace: shop}
spec: {template: {spec: {containers: [{name: c, env: [{name: OTEL_SERVICE_NAME, value: cart}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: price, namespace: other}
spec: {template: {metadata: {labels: {app: price}}, spec: {containers: [{name: c}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: stock, namespace: shop, labels: {app: stock}, ownerReferences: [{kind: ReplicaSet, name: x}]}
spec: {containers: [{name: c}]}
`)) {
		o, ok := graph.NewObject(d.Doc.Root(), "shop.yaml")
		if !ok {
			t.Fatal("no object")
		}
		g.Add(o)
	}
	s := trace.NewStats(time.Minute, 1, 100)
	for _, c := range trace.Assemble(shop()).Calls(nil) {
		s.Add(&c, trace.ID{1}, epoch.UnixNano())
	}
	totals, _, _ := s.Between(epoch, after(time.Minute))
	services := trace.Into(g, totals, "")
	for name, want := range map[string]string{"web": "Deployment shop/web", "cart": "Deployment shop/the-cart", "price": "", "stock": ""} {
		got := ""
		for e := range g.Find("TracedService", "shop", name).In(graph.Reports) {
			got = e.From.String()
		}
		if got != want {
			t.Errorf("%s is reported by %q, not %q", name, got, want)
		}
	}
	if len(services.Unplaced) != 2 {
		t.Errorf("%v", services.Unplaced)
	}
}
