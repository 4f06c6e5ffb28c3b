package trace_test

import (
	"slices"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// deployment is the manifest of one; more is indented as its metadata is.
func deployment(namespace, name, more string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: " + namespace + "}\nspec: {template: {metadata: {labels: {app: " + name + more + "}}, spec: {containers: [{name: c}]}}}\n---\n"
}

func graphOf(t *testing.T, manifests string) *graph.Graph {
	t.Helper()
	g := graph.New()
	for _, d := range yamldoc.Parse([]byte(manifests)) {
		o, ok := graph.NewObject(d.Doc.Root(), "x.yaml")
		if !ok {
			t.Fatalf("no object in %s", manifests)
		}
		g.Add(o)
	}
	if service := g.Find("Service", "", "redis"); service != nil {
		g.Link(&graph.Edge{Kind: graph.Selects, From: service, To: g.Find("Deployment", "", "cache")})
	}
	return g
}

func TestPlace(t *testing.T) {
	service := func(environment, namespace, name string) trace.Party {
		return trace.Party{Kind: trace.Service, Key: identity.Key{Environment: environment, Namespace: namespace, Service: name}}
	}
	entered := func(callee trace.Party) trace.Total {
		return trace.Total{Edge: trace.Edge{Caller: trace.Party{Kind: trace.Outside}, Callee: callee, Operation: "GET"}}
	}
	redis := trace.Party{Kind: trace.Database, Key: identity.Key{Namespace: "shop", Service: "redis/redis"}}
	cart := deployment("shop", "cart", "")
	for name, c := range map[string]struct {
		graphs []string
		seen   []trace.Party
		placed []string
		silent []string
	}{
		"its workload":                        {[]string{cart}, []trace.Party{service("", "shop", "cart")}, []string{"shop/cart: Deployment shop/cart"}, nil},
		"declared nowhere":                    {[]string{deployment("other", "cart", "")}, []trace.Party{service("", "shop", "cart")}, []string{"shop/cart:"}, nil},
		"no manifests at all":                 {nil, []trace.Party{service("", "shop", "cart")}, []string{"shop/cart:"}, nil},
		"silent beside it":                    {[]string{cart + deployment("shop", "price", "")}, []trace.Party{service("", "shop", "cart")}, []string{"shop/cart: Deployment shop/cart"}, []string{"Deployment shop/price"}},
		"silent where nothing is placed":      {[]string{cart}, []trace.Party{service("", "shop", "kart")}, []string{"shop/kart:"}, []string{"Deployment shop/cart"}},
		"no traces from there":                {[]string{cart + deployment("other", "price", "")}, []trace.Party{service("", "shop", "cart")}, []string{"shop/cart: Deployment shop/cart"}, nil},
		"no traces of its environment":        {[]string{deployment("shop", "price", ", environment: staging")}, []trace.Party{service("production", "shop", "cart")}, []string{"production:shop/cart:"}, nil},
		"another environment's namesake":      {[]string{deployment("shop", "cart", ", environment: staging")}, []trace.Party{service("production", "shop", "cart")}, []string{"production:shop/cart:"}, nil},
		"its namespace tells the environment": {[]string{"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {environment: staging}}\n---\n" + cart}, []trace.Party{service("production", "shop", "cart")}, []string{"production:shop/cart:"}, nil},
		"nobody says of which namespace":      {[]string{cart, deployment("test", "cart", "")}, []trace.Party{service("", "", "cart")}, []string{"cart: Deployment shop/cart Deployment test/cart"}, nil},
		"beside one of an untold namespace":   {[]string{cart + deployment("shop", "price", "")}, []trace.Party{service("", "", "cart")}, []string{"cart: Deployment shop/cart"}, []string{"Deployment shop/price"}},
		"placed in another root":              {[]string{cart, deployment("shop", "cart", ", app.kubernetes.io/name: basket")}, []trace.Party{service("", "shop", "cart")}, []string{"shop/cart: Deployment shop/cart"}, nil},
		"a job comes and goes":                {[]string{cart + "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once, namespace: shop}\nspec: {template: {spec: {containers: [{name: c}]}}}\n"}, []trace.Party{service("", "shop", "cart")}, []string{"shop/cart: Deployment shop/cart"}, nil},
		"a database behind its Service":       {[]string{deployment("shop", "cache", "") + "apiVersion: v1\nkind: Service\nmetadata: {name: redis, namespace: shop}\n"}, []trace.Party{redis}, []string{"database:shop/redis/redis: Deployment shop/cache"}, nil},
		"somebody else's database":            {[]string{cart}, []trace.Party{service("", "shop", "cart"), redis}, []string{"shop/cart: Deployment shop/cart"}, nil},
	} {
		var graphs []*graph.Graph
		for _, m := range c.graphs {
			graphs = append(graphs, graphOf(t, m))
		}
		var totals []trace.Total
		for _, p := range c.seen {
			totals = append(totals, entered(p))
		}
		got := trace.Place(graphs, totals)
		var placed, silent []string
		for _, p := range got.Placed {
			line := p.Party.String() + ":"
			for _, o := range p.Workloads {
				line += " " + o.Ref.String()
			}
			placed = append(placed, line)
		}
		for _, o := range got.Silent {
			silent = append(silent, o.Ref.String())
		}
		if !slices.Equal(placed, c.placed) || !slices.Equal(silent, c.silent) {
			t.Errorf("%s: placed %q, silent %q", name, placed, silent)
		}
	}
}
