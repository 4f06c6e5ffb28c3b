package app

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// declaredShop has a web that is given the address of orders, whose Service selects workloads
// of another name; these have that of their database in a ConfigMap, and web's for what they
// call back.
const declaredShop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: web, args: ["--mail=http://mail:80"], env: [{name: ORDERS_URL, value: "http://orders:8080"}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec: {selector: {app: order-processing}, ports: [{port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: order-processing, namespace: shop}
spec:
  selector: {matchLabels: {app: order-processing}}
  template:
    metadata: {labels: {app: order-processing}}
    spec: {containers: [{name: app, image: orders, envFrom: [{configMapRef: {name: orders}}], env: [{name: CALLBACK_URL, value: "http://web.shop.svc"}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: orders, namespace: shop}
data: {DATABASE: "postgres://shop:secret@orders-db:5432/shop"}
---
apiVersion: v1
kind: Service
metadata: {name: orders-db, namespace: shop}
spec: {selector: {app: postgres-main}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgres-main, namespace: shop}
spec:
  serviceName: orders-db
  selector: {matchLabels: {app: postgres-main}}
  template:
    metadata: {labels: {app: postgres-main}}
    spec: {containers: [{name: db, image: postgres}]}
`

// TestManifestsTellWhoNeedsWhom joins what is declared with what was seen: of who is measured,
// by what Services select, and no other way than calls were seen to go.
func TestManifestsTellWhoNeedsWhom(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(declaredShop), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := backend{}.Manifests(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	of := func(kind trace.NodeKind, namespace, name string) cause.Component {
		return cause.Component{Kind: kind, Key: identity.Key{Namespace: namespace, Service: name}}
	}
	web, orders, db := of(trace.Service, "shop", "web"), of(trace.Service, "shop", "order-processing"), of(trace.Service, "shop", "postgres-main")
	random := rand.New(rand.NewPCG(1, 2))
	end := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	slow := func(p cause.Component, from, to float64) cause.Series {
		s := cause.Series{Of: p, ID: p.String(), What: "mean duration of requests", Unit: "s", Golden: watch.Duration, Direction: anomaly.Above, Floor: 0.005}
		for i := range 240 {
			v := from
			if i >= 230 {
				v = to
			}
			s.At, s.Values = append(s.At, end.Add(time.Duration(i-239)*30*time.Second).UnixMilli()), append(s.Values, v*(1+0.02*random.NormFloat64()))
		}
		return s
	}
	c := cause.Case{At: end, Series: []cause.Series{slow(web, 0.05, 0.4), slow(orders, 0.02, 0.3), slow(db, 0.005, 0.005), slow(of(trace.Service, "bank", "web"), 0.05, 0.05)}}
	seen := func(caller, callee cause.Component) trace.Change {
		return trace.Change{Edge: trace.Edge{Caller: caller, Callee: callee}}
	}
	shown := func(c *cause.Case) string {
		var all []string
		for _, d := range m.Needs(c) {
			all = append(all, fmt.Sprint(d.Who.Key.Service, ">", d.On.Key.Service))
		}
		return strings.Join(all, " ")
	}
	if got, want := shown(&c), "order-processing>postgres-main order-processing>web web>order-processing"; got != want {
		t.Errorf("declared: %s", got)
	}
	// Who was seen to be called only does not call back.
	called := c
	called.Edges = []trace.Change{seen(web, orders)}
	if got, want := shown(&called), "order-processing>postgres-main web>order-processing"; got != want {
		t.Errorf("with a call that was seen: %s", got)
	}
	// A host that somebody calls is who its Service selects; one that is declared nowhere is not.
	hosts := c
	hosts.Edges = []trace.Change{seen(web, of(trace.Database, "", "postgresql/orders-db")), seen(web, of(trace.External, "", "elsewhere")), seen(web, orders)}
	if got, want := shown(&hosts), "order-processing>postgres-main web>order-processing web>postgres-main"; got != want {
		t.Errorf("with hosts: %s", got)
	}
	// Nobody else is told of.
	alone := cause.Case{At: end, Series: c.Series[:1]}
	if got := shown(&alone); got != "" {
		t.Errorf("alone: %s", got)
	}
	// Both are slow at once; who waits is not blamed for it.
	judged := called
	judged.Edges = nil
	judged.Dependencies = m.Needs(&called)
	before, after := cause.Rank(c), cause.Rank(judged)
	score := func(r cause.Result, p cause.Component) float64 {
		for _, x := range r.Causes {
			if x.Component == p {
				return x.Score
			}
		}
		return 0
	}
	if b, a := score(before, orders), score(after, orders); a < 0.7 || a < b+0.2 || score(after, web) > 0.2 {
		t.Errorf("orders %.2f and %.2f, web %.2f and %.2f", b, a, score(before, web), score(after, web))
	}
}
