package app

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// shopTraces is a Jaeger with one trace of the shop in production: the storefront asks
// orders, which asks its cart and a service that no manifest declares; the cart asks its
// Redis.
func shopTraces(t *testing.T) string {
	t.Helper()
	services := []string{"storefront", "orders", "cart", "gift-wrap"}
	at := time.Now().Add(-5 * time.Minute)
	span := func(id, parent, process int, kind, tags string) string {
		refs := ""
		if parent > 0 {
			refs = fmt.Sprintf(`{"refType":"CHILD_OF","traceID":"1","spanID":"%d"}`, parent)
		}
		return fmt.Sprintf(`{"traceID":"1","spanID":"%d","operationName":"GET","references":[%s],"startTime":%d,"duration":%d,"processID":"p%d","tags":[{"key":"span.kind","type":"string","value":"%s"}%s]}`,
			id, refs, at.UnixMicro()+int64(id), 1000-10*id, process, kind, tags)
	}
	spans := []string{
		span(1, 0, 0, "server", ""),
		span(2, 1, 1, "server", ""),
		span(3, 2, 2, "server", ""),
		span(4, 2, 3, "server", ""),
		span(5, 3, 2, "client", `,{"key":"db.system","type":"string","value":"redis"},{"key":"server.address","type":"string","value":"cart-redis"}`),
	}
	var processes []string
	for i, s := range services {
		processes = append(processes, fmt.Sprintf(`"p%d":{"serviceName":"%s","tags":[{"key":"k8s.namespace.name","type":"string","value":"shop-production"}]}`, i, s))
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/services" {
			fmt.Fprintf(w, `{"data":["%s"]}`, strings.Join(services, `","`))
			return
		}
		fmt.Fprintf(w, `{"data":[{"traceID":"1","spans":[%s],"processes":{%s}}]}`, strings.Join(spans, ","), strings.Join(processes, ","))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func graphWith(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	s := &cli.Streams{Out: &o, Err: &e, Getenv: func(string) string { return "" }}
	code = cli.Main(t.Context(), backend{}, s, cli.Build{}, append([]string{"observe", "graph"}, args...))
	return o.String(), e.String(), code
}

// TestTracesMeetManifests places what runs in production at the lines of the example shop.
func TestTracesMeetManifests(t *testing.T) {
	out, errs, code := graphWith(t, "--jaeger", shopTraces(t), "--manifests", "../../examples/shop")
	if code != 0 {
		t.Fatalf("code %d\n%s%s", code, out, errs)
	}
	_, out, _ = strings.Cut(out, "\n\n")
	var rows []string
	for row := range strings.Lines(out) {
		rows = append(rows, strings.Join(strings.Fields(row), " "))
	}
	if want := []string{
		"SEEN WORKLOAD DECLARED IN",
		"shop-production/cart Deployment shop-production/cart base/cart/deployment.yaml:2 (overlays/production)",
		"shop-production/gift-wrap - runs, and is not in ../../examples/shop",
		"shop-production/orders Deployment shop-production/orders base/orders/api.yaml:2 (overlays/production)",
		"database:shop-production/redis/cart-redis Deployment shop-production/cart-redis base/cart/redis.yaml:12 (overlays/production)",
		"shop-production/storefront Deployment shop-production/storefront base/storefront/deployment.yaml:2 (overlays/production)",
		"- Deployment shop-production/catalog base/catalog/api.yaml:2 (overlays/production): declared, and not seen",
		"- Deployment shop-production/orders-worker base/orders/worker.yaml:2 (overlays/production): declared, and not seen",
		"- Deployment shop-production/payments base/payments/deployment.yaml:2 (overlays/production): declared, and not seen",
		"- Deployment shop-production/preview-manager base/tooling/preview-manager.yaml:35 (overlays/production): declared, and not seen",
		"- StatefulSet shop-production/catalog-db base/catalog/database.yaml:17 (overlays/production): declared, and not seen",
	}; !slices.Equal(rows, want) {
		t.Errorf("%s", strings.Join(rows, "\n"))
	}
	if !strings.Contains(errs, "of 5 workloads that ../../examples/shop declares nothing is in this sample") {
		t.Errorf("standard error: %s", errs)
	}
}

// TestAChartIsOneWorkload has a chart be rendered with each of its values files.
func TestAChartIsOneWorkload(t *testing.T) {
	m, err := backend{}.Manifests(t.Context(), "../../examples/shop/charts/notifications")
	if err != nil {
		t.Fatal(err)
	}
	seen := trace.Party{Kind: trace.Service, Key: identity.Key{Service: "notifications"}}
	owned := m.Place([]trace.Total{{Edge: trace.Edge{Caller: trace.Party{Kind: trace.Outside}, Callee: seen}}})
	if len(owned.Services) != 1 || len(owned.Services[0].Workloads) != 1 || len(owned.Silent) != 0 {
		t.Fatalf("%+v", owned)
	}
	if w := owned.Services[0].Workloads[0]; w.File != "templates/deployment.yaml" || w.Line == 0 || !slices.Equal(w.Roots, []string{".", "values-production.yaml"}) {
		t.Errorf("%+v", w)
	}
}

func TestNoManifests(t *testing.T) {
	empty := t.TempDir()
	for want, path := range map[string]string{"holds no Kubernetes object": empty, "nowhere": filepath.Join(empty, "nowhere"), "base": "../../examples/shop/overlays/production"} {
		if out, errs, code := graphWith(t, "--jaeger", "http://127.0.0.1:1", "--manifests", path); code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("code %d\n%s%s", code, out, errs)
		}
	}
	for name, text := range map[string]string{"broken.yaml": "apiVersion: v1\nkind: [\n", "whole.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"} {
		if err := os.WriteFile(filepath.Join(empty, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, errs, code := graphWith(t, "--jaeger", shopTraces(t), "--manifests", empty); code != 0 || !strings.Contains(errs, "note: what broken.yaml declares is not known: ") || !strings.Contains(out, "runs, and is not in what could be read of "+empty) {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}
