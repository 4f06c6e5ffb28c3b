package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// plan is how a shop is built: who asks whom. What no other asks has visitors.
type plan struct {
	asks map[string][]string
	// mute services send no traces and have no metrics of their own, as a database
	// that somebody else wrote.
	mute []string
}

// plans are the ways in which the shops are built that faults are recorded of.
var plans = []plan{
	{
		asks: map[string][]string{"web": {"catalog", "orders"}, "catalog": {"search", "cache"}, "search": {}, "orders": {"payments", "database"}, "payments": {"database"}, "cache": {}, "database": {}},
		mute: []string{"cache", "database"},
	},
	{
		asks: map[string][]string{"web": {"gateway"}, "gateway": {"users", "catalog", "orders"}, "users": {"database"}, "catalog": {}, "orders": {"stock", "database"}, "stock": {}, "database": {}},
		mute: []string{"database"},
	},
	{
		asks: map[string][]string{"web": {"orders", "reviews"}, "mobile": {"orders", "users"}, "orders": {"payments"}, "reviews": {"users"}, "payments": {"bank"}, "users": {"database"}, "bank": {}, "database": {}},
		mute: []string{"bank", "database"},
	},
}

// shop is one shop in a namespace of its own.
type shop struct {
	namespace string
	plan      plan
	collector string
	repo      *repository
	// replicas and set are what its repository says of a service now: how many there
	// are, and variables beside the usual ones.
	replicas map[string]int
	set      map[string]map[string]string
	// well is since when nothing is wrong with it.
	well time.Time
}

func newShop(i int, collector string) *shop {
	return &shop{
		namespace: fmt.Sprintf("shop-%02d", i), plan: plans[i%len(plans)], collector: collector,
		replicas: map[string]int{}, set: map[string]map[string]string{},
	}
}

// services are all, in order.
func (s *shop) services() []string { return slices.Sorted(maps.Keys(s.plan.asks)) }

// mute tells whether a service says nothing of itself.
func (s *shop) mute(service string) bool { return slices.Contains(s.plan.mute, service) }

// entries are the services that visitors ask.
func (s *shop) entries() (out []string) {
	for _, name := range s.services() {
		asked := false
		for _, callees := range s.plan.asks {
			asked = asked || slices.Contains(callees, name)
		}
		if !asked {
			out = append(out, name)
		}
	}
	return out
}

// serviceManifest is a service of a shop: its name three times, its replicas,
// annotations, variables, its name.
const serviceManifest = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, labels: {app: %[1]s}}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}, annotations: {%[3]s}}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 5
      securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: %[1]s
          image: shop.example.com/shop:1.0
          imagePullPolicy: Never
          ports: [{name: http, containerPort: 8080}]
          env: [%[4]s]
          resources: {requests: {cpu: 5m, memory: 16Mi}, limits: {cpu: 200m, memory: 64Mi}}
          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s, labels: {app: %[1]s}}
spec: {selector: {app: %[1]s}, ports: [{name: http, port: 80, targetPort: http}]}
`

// manifests are all of a shop.
func (s *shop) manifests() string {
	var b strings.Builder
	for _, name := range s.services() {
		replicas, ok := s.replicas[name]
		if !ok {
			replicas = 1
		}
		set := map[string]string{"SERVICE": name, "FAULTS": "on", "NEIGHBOURS": strings.Join(s.plan.asks[name], " ")}
		annotations := ""
		if !s.mute(name) {
			annotations = `prometheus.io/scrape: "true", prometheus.io/port: "8080"`
			set["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://" + s.collector
			set["OTEL_RESOURCE_ATTRIBUTES"] = "service.namespace=" + s.namespace
		}
		maps.Copy(set, s.set[name])
		var env []string
		for _, k := range slices.Sorted(maps.Keys(set)) {
			env = append(env, fmt.Sprintf("{name: %s, value: %q}", k, set[k]))
		}
		fmt.Fprintf(&b, serviceManifest, name, replicas, annotations, strings.Join(env, ", "))
	}
	return b.String()
}

// shopSetup is what an administrator prepares for a shop; %s is its namespace.
var shopSetup = []string{`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
`, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: aeo-deployer, namespace: %[1]s}
automountServiceAccountToken: false
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: aeo-deployer, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: ServiceAccount, name: aeo-deployer, namespace: %[1]s}]
`}

// shopApplication is the Application of a shop: its namespace, and its repository's
// address.
const shopApplication = `
apiVersion: autoecoops.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: %s}
spec:
  source:
    git: {url: "%s", branch: main, interval: 10s}
    path: app
  serviceAccountName: aeo-deployer
  gate: {failOn: critical}
  health: {deadline: 2m, watch: 10s}
`
