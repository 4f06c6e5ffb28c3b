package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/adapter/scrape"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// growing are values that grow with each scrape.
var growing = regexp.MustCompile(`(?m) (\d+)n$`)

// exporter serves what a program says of its metrics, and is a pod at whose port it is
// scraped.
func exporter(t *testing.T, page, namespace, pod, workload, port string) scrape.Pod {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/exporters", page+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		times := n.Add(1)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write(growing.ReplaceAllFunc(text, func(m []byte) []byte {
			each, err := strconv.ParseInt(strings.Trim(string(m), " n"), 10, 64)
			if err != nil {
				t.Error(err)
			}
			return fmt.Appendf(nil, " %d", each*times)
		}))
	}))
	t.Cleanup(s.Close)
	host, number, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	at, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return scrape.Pod{Namespace: namespace, Name: pod, Node: "n1", Workload: workload, Address: host, Ports: []scrape.Port{{Container: workload, Name: port, Number: at}}}
}

// TestExportersOfOthers scrapes programs that tell of others, as they are in a cluster:
// what they tell is of those, and not of the exporter, each by the name that it has there.
func TestExportersOfOthers(t *testing.T) {
	pods := []scrape.Pod{
		exporter(t, "kube-state-metrics", "monitoring", "kube-state-metrics-6bb4f4f6d4-abcde", "kube-state-metrics", "http-metrics"),
		exporter(t, "traefik", "traefik", "traefik-6bb4f4f6d4-abcde", "traefik", "metrics"),
		exporter(t, "envoy", "gateway", "envoy-6bb4f4f6d4-abcde", "envoy", "metrics"),
		exporter(t, "nginx", "ingress-nginx", "ingress-nginx-controller-6d7f9c4b55-9fhzq", "ingress-nginx-controller", "metrics"),
		exporter(t, "istio", "istio-system", "waypoint-6bb4f4f6d4-abcde", "waypoint", "metrics"),
		exporter(t, "cadvisor", "monitoring", "cadvisor-abcde", "cadvisor", "metrics"),
		exporter(t, "collector", "monitoring", "collector-6bb4f4f6d4-abcde", "collector", "metrics"),
		exporter(t, "program", "shop", "cart-6bb4f4f6d4-abcde", "cart", "metrics"),
	}
	k, server := open(t, metrics.Settings{
		Scrape: scrape.Options{Interval: time.Second},
		Pods: func(ctx context.Context, to *scrape.Pods) {
			for _, p := range pods {
				to.Changed(p)
			}
			<-ctx.Done()
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { k.Scrape(ctx) })
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	until(t, server.URL, `count_over_time(up[1m]) > 3`, len(pods))

	ask := promql.NewAsker(k.Store, promql.Options{})
	now := time.Now()
	names, err := ask.Names(t.Context(), `{__name__=~"`+strings.Join(watch.Metrics(), "|")+`"}`, now.Add(-time.Minute), now)
	if err != nil {
		t.Fatal(err)
	}
	// whose are the signals of each watch, with their values.
	whose := func(namespace string) map[string][]string {
		out := map[string][]string{}
		for _, w := range watch.Find(names, watch.Options{Namespace: namespace, Window: time.Minute}).Watches {
			err := ask.Range(t.Context(), w.Expr, now, now, time.Second, func(labels map[string]string, _ []int64, values []float64) error {
				s := observe.Signal{Watch: w, Labels: labels}
				text := s.Of()
				if w.Unit == "" || w.Unit == "share" {
					text = fmt.Sprintf("%s %.3g", text, values[0])
				}
				for name, v := range labels {
					if strings.Contains(v, "6bb4f4f6d4") || name == "pod" || strings.HasPrefix(name, "exported_") {
						t.Errorf("%s of %s has %s=%s", w.Name, s.Of(), name, v)
					}
				}
				out[w.Name] = append(out[w.Name], text)
				return nil
			})
			if err != nil {
				t.Errorf("%s: %v", w.Name, err)
			}
			slices.Sort(out[w.Name])
		}
		return out
	}
	everywhere, shop := whose(""), whose("shop")
	for name, want := range map[string][2]string{ // everywhere, and in shop
		"kube-state-metrics/restarts":    {"back/orders 0; shop/orders 0; shop/web 0", "shop/orders 0; shop/web 0"},
		"kube-state-metrics/unready":     {"back/orders 0; shop/orders 1; shop/web 0", "shop/orders 1; shop/web 0"},
		"kube-state-metrics/unavailable": {"shop/orders 1; shop/redis-proxy 0", "shop/orders 1; shop/redis-proxy 0"},
		"traefik/rate":                   {"back-web-http@kubernetescrd; shop-orders-8080@kubernetes", "shop-orders-8080@kubernetes"},
		"traefik/errors":                 {"back-web-http@kubernetescrd 0; shop-orders-8080@kubernetes 0.25", "shop-orders-8080@kubernetes 0.25"},
		"traefik/p95":                    {"shop-orders-8080@kubernetes", "shop-orders-8080@kubernetes"},
		"envoy/errors":                   {"outbound|80||web.back.svc.cluster.local 0; shop/orders/8080/da39a3ee5e 0.25", "shop/orders/8080/da39a3ee5e 0.25"},
		"nginx-ingress/errors":           {"back/web 0; shop/orders 0; shop/web 1", "shop/orders 0; shop/web 1"},
		"istio/errors":                   {"back/web 1; shop/orders 0", "shop/orders 0"},
		"cadvisor/cpu":                   {"back/web; shop/orders", "shop/orders"},
		"spans/errors":                   {"shop/orders 0; web 1", "shop/orders 0"},
		"otel-http/errors":               {"shop/orders 0; web 0", "shop/orders 0"},
		"http-requests/code-errors":      {"shop/cart 0.143", "shop/cart 0.143"},
		"process/memory":                 {"shop/cart", "shop/cart"},
	} {
		if got := strings.Join(everywhere[name], "; "); got != want[0] {
			t.Errorf("%s is of %q, want %q", name, got, want[0])
		}
		if got := strings.Join(shop[name], "; "); got != want[1] {
			t.Errorf("%s in shop is of %q, want %q", name, got, want[1])
		}
	}
}
