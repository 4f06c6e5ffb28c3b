package network

import (
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/checktest"
	"github.com/autoecoops/autoecoops/ops"
)

const deployment = `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

// TestKnownBugs repeats mistakes that other tools make with network policies.
func TestKnownBugs(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		isolated     bool
	}{
		{"a policy of another namespace does not isolate (bridgecrewio/checkov#7474)", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: staging}
spec: {podSelector: {matchLabels: {app: web}}}`, false},
		{"nor does one for all pods of another namespace (bridgecrewio/checkov#7474)", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: staging}
spec: {podSelector: {}}`, false},
		{"one for all pods of the namespace does", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: shop}
spec: {podSelector: {}}`, true},
		{"matchExpressions select (bridgecrewio/checkov#7668)", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [api, web]}]}}`, true},
		{"matchExpressions exclude (bridgecrewio/checkov#7668)", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: DoesNotExist}]}}`, false},
		{"a Cilium policy isolates (bridgecrewio/checkov#7444)", `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{fromEndpoints: [{matchLabels: {app: edge}}]}]}`, true},
		{"a cluster-wide Cilium policy isolates (bridgecrewio/checkov#7444)", `
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: deny}
spec: {endpointSelector: {matchLabels: {"k8s:io.kubernetes.pod.namespace": shop}}, ingress: [{}]}`, true},
		{"a Cilium policy of another namespace does not", `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: staging}
spec: {endpointSelector: {}, ingress: [{}]}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := checktest.Graph([]check.SampleFile{{Name: "a.yaml", Text: []byte(c.policy + deployment)}})
			if err != nil {
				t.Fatal(err)
			}
			failed := false
			for _, r := range checktest.Evaluate(podNotIsolated, g) {
				failed = failed || r.Status == ops.Fail
			}
			if failed == c.isolated {
				t.Errorf("isolated: got %v, want %v", !failed, c.isolated)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	g, err := checktest.Graph([]check.SampleFile{{Name: "a.yaml", Text: []byte(`
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: data}
` + deployment)}})
	if err != nil {
		t.Fatal(err)
	}
	pod := g.Pods("shop")[0]
	for text, want := range map[string]struct {
		service string
		port    int64
	}{
		"http://orders":                            {"orders", 80},
		"https://user:p@orders:8443/api?x=1":       {"orders", 8443},
		"orders:8080":                              {"orders", 8080},
		"--upstream=http://orders.shop.svc/":       {"orders", 80},
		"orders.shop.svc.cluster.local":            {"orders", 0},
		"db.data:5432":                             {"db", 5432},
		"jdbc:postgresql://db.data.svc:5432/shop":  {"db", 5432},
		"a:1,orders:9092":                          {"orders", 9092},
		"grpc://orders":                            {"orders", 0},
		"orders":                                   {},
		"registry.example.com/orders:8080":         {},
		"orders:latest":                            {},
		"db:5432":                                  {},
		"http://orders.example.com":                {},
		"http://orders.staging.svc.cluster.local/": {},
	} {
		got, port := "", int64(0)
		addresses(g, pod, pod.Template, text, "", func(f flow) { got, port = f.svc.Name, f.port })
		if got != want.service || port != want.port {
			t.Errorf("%q: got %q %d, want %q %d", text, got, port, want.service, want.port)
		}
	}
}
