package watch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// kept keeps series that grow, each as NAME{LABEL=VALUE,…} GROWTH, and returns who asks for
// them, and when.
func kept(t *testing.T, series []string) (*promql.Asker, time.Time) {
	t.Helper()
	store, err := tsdb.Open(tsdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	now := time.Now()
	app := store.Appendable("write", true).Appender(t.Context())
	for _, text := range series {
		name, rest, _ := strings.Cut(text, "{")
		inside, by, _ := strings.Cut(rest, "} ")
		b := labels.NewBuilder(labels.FromStrings("__name__", name))
		for pair := range strings.SplitSeq(inside, ",") {
			k, v, _ := strings.Cut(pair, "=")
			b.Set(k, v)
		}
		var growth float64
		if _, err := fmt.Sscan(by, &growth); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for i := range 5 {
			v := growth * float64(i)
			if !strings.HasSuffix(name, "_total") && !strings.HasSuffix(name, "_count") && !strings.HasSuffix(name, "_sum") {
				v = growth
			}
			if _, err := app.Append(0, b.Labels(), now.Add(time.Duration(i-4)*10*time.Second).UnixMilli(), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	return promql.NewAsker(store, promql.Options{}), now
}

// signalsOf are those of a watch, each with its value if that is a count.
func signalsOf(t *testing.T, ask *promql.Asker, now time.Time, name, namespace string) string {
	t.Helper()
	var out []string
	for _, w := range watch.Find(watch.Metrics(), watch.Options{Namespace: namespace, Window: time.Minute}).Watches {
		if w.Name != name {
			continue
		}
		err := ask.Range(t.Context(), w.Expr, now, now, time.Second, func(labels map[string]string, _ []int64, values []float64) error {
			s := observe.Signal{Watch: w, Labels: labels}
			text := s.Of()
			if w.Unit == "" {
				text += fmt.Sprintf(" %.2g", values[0])
			}
			out = append(out, text)
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", w.Expr, err)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// TestNamespace finds what is in a namespace by whatever label tells it, and nothing else:
// neither what is in another nor what a collector in it hands on.
func TestNamespace(t *testing.T) {
	const rpc, http, spans = "rpc_server_call_duration_seconds_count", "http_requests_total", "traces_span_metrics_calls_total"
	ask, now := kept(t, []string{
		rpc + "{k8s_namespace_name=shop,k8s_deployment_name=a,namespace=monitoring,workload=collector} 1",
		rpc + "{service_namespace=shop,service_name=b,namespace=monitoring,workload=collector} 1",
		rpc + "{exported_namespace=shop,service_name=c,namespace=monitoring} 1",
		rpc + "{exported_job=shop/d,job=monitoring/collector,namespace=monitoring,workload=collector} 1",
		rpc + "{exported_job=e,job=monitoring/collector,namespace=shop,workload=collector} 1",
		rpc + "{namespace=shop,workload=f,job=shop/f} 1",
		rpc + "{job=shop/g} 1",
		rpc + "{kubernetes_namespace=shop,app=h} 1",
		rpc + "{k8s_namespace_name=back,k8s_deployment_name=i,namespace=shop} 1",
		rpc + "{job=shopping/j} 1",
		http + "{namespace=shop,workload=a,job=shop/a} 1",
		http + "{exported_namespace=back,namespace=shop,app=b} 1",
		http + "{service_namespace=shop,service_name=c} 1",
		spans + "{span_kind=SPAN_KIND_SERVER,service_name=a,exported_job=shop/a,namespace=monitoring,job=monitoring/collector} 1",
		spans + "{span_kind=SPAN_KIND_SERVER,service_name=b,namespace=shop,workload=collector,job=shop/collector,exported_job=b} 1",
		spans + "{span_kind=SPAN_KIND_SERVER,service_name=c,k8s_namespace_name=shop} 1",
		"nginx_ingress_controller_requests{exported_namespace=shop,namespace=ingress,ingress=all,exported_service=a,service=controller} 1",
		"nginx_ingress_controller_requests{namespace=shop,ingress=all,service=b} 1",
		"nginx_ingress_controller_requests{exported_namespace=back,namespace=shop,ingress=all,service=c} 1",
		"traefik_service_requests_total{service=traefik,exported_service=shop-a-80@kubernetes} 1",
		"traefik_service_requests_total{service=shop-b-80@kubernetescrd} 1",
		"traefik_service_requests_total{service=back-c-80@kubernetes,namespace=shop} 1",
		"envoy_cluster_upstream_rq_total{envoy_cluster_name=httproute/shop/a/rule/0} 1",
		"envoy_cluster_upstream_rq_total{envoy_cluster_name=outbound|80||b.shop.svc.cluster.local} 1",
		"envoy_cluster_upstream_rq_total{envoy_cluster_name=back/shop/80,namespace=shop} 1",
		"istio_requests_total{reporter=destination,destination_workload=a,destination_workload_namespace=shop,namespace=back} 1",
		"istio_requests_total{reporter=destination,destination_workload=b,destination_workload_namespace=back,namespace=shop} 1",
	})
	for name, want := range map[string]string{
		"otel-rpc/rate":             "shop/a; shop/b; shop/c; shop/d; shop/f; shop/g; shop/h",
		"http-requests/code-errors": "shop/a; shop/c",
		"spans/rate":                "shop/a; shop/c",
		"nginx-ingress/rate":        "shop/a; shop/b",
		"traefik/rate":              "shop-a-80@kubernetes; shop-b-80@kubernetescrd",
		"envoy/rate":                "httproute/shop/a/rule/0; outbound|80||b.shop.svc.cluster.local",
		"istio/rate":                "shop/a",
	} {
		if got := signalsOf(t, ask, now, name, "shop"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		// It is the same namespace that they tell when nobody asks for one.
		var named []string
		for of := range strings.SplitSeq(signalsOf(t, ask, now, name, ""), "; ") {
			if strings.HasPrefix(of, "shop/") {
				named = append(named, of)
			}
		}
		if got := strings.Join(named, "; "); strings.HasPrefix(want, "shop/") && got != want {
			t.Errorf("%s: of all are in shop %q, want %q", name, got, want)
		}
	}
}

// TestStateIsCountedOnce has several tell of the same pods: aeod, and two
// kube-state-metrics, one with the labels as they are and one with those that its scraper
// renamed.
func TestStateIsCountedOnce(t *testing.T) {
	const ready, restarts, unavailable = "kube_pod_container_status_ready", "kube_pod_container_status_restarts_total", "kube_deployment_status_replicas_unavailable"
	const pod, scraper = "orders-5d9c7b6f4-x2x9k", "namespace=monitoring,container=ksm,workload=ksm,job=monitoring/ksm"
	var series []string
	for _, metric := range []string{ready, restarts} {
		v := map[string]string{ready: "} 0", restarts: "} 3"}[metric]
		series = append(series,
			metric+"{job=aeod,namespace=shop,container=app,workload=shop-orders,pod="+pod+v,
			metric+"{job=ksm,namespace=shop,container=app,pod="+pod+v,
			metric+"{"+scraper+",pod=ksm-0,exported_namespace=shop,exported_container=app,exported_pod="+pod+v,
			metric+"{job=aeod,namespace=shop,container=app,pod=orders-5d9c7b6f4-b2b9k"+v,
			metric+"{"+scraper+",pod=ksm-0,exported_namespace=shop,exported_container=app,exported_pod=backup-28934560-q8z7k"+v,
		)
	}
	series = append(series,
		"kube_pod_status_phase{"+scraper+",pod=ksm-0,exported_namespace=shop,exported_pod=backup-28934560-q8z7k,phase=Failed} 1",
		unavailable+"{"+scraper+",pod=ksm-0,exported_namespace=shop,deployment=redis-proxy,instance=ksm-0:8080} 2",
		unavailable+"{"+scraper+",pod=ksm-1,instance=ksm-1:8080,exported_namespace=shop,deployment=redis-proxy} 2",
		unavailable+"{"+scraper+",pod=ksm-1,instance=ksm-1:8080,exported_namespace=back,deployment=redis-proxy} 1",
		"container_memory_working_set_bytes{job=kubelet,node=n1,namespace=shop,container=app,pod="+pod+"} 1",
		"container_memory_working_set_bytes{job=kubelet,node=n1,namespace=shop,container=app,pod="+pod+",metrics_path=/metrics/resource} 1",
	)
	ask, now := kept(t, series)
	for _, c := range [][3]string{
		{"kube-state-metrics/unready", "", "shop/orders 2"},
		{"kube-state-metrics/restarts", "", "shop/backup 12; shop/orders 24"},
		{"kube-state-metrics/unavailable", "", "back/redis-proxy 1; shop/redis-proxy 2"},
		{"kube-state-metrics/unready", "shop", "shop/orders 2"},
		{"kube-state-metrics/unready", "monitoring", ""},
		{"kube-state-metrics/unavailable", "back", "back/redis-proxy 1"},
		{"cadvisor/memory", "shop", "shop/orders"},
	} {
		if got := signalsOf(t, ask, now, c[0], c[1]); got != c[2] {
			t.Errorf("%s in %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

// TestExemplarsOfOthers goes from each signal back to its series, whatever the scraper made
// of the labels.
func TestExemplarsOfOthers(t *testing.T) {
	const nginx, otel = "nginx_ingress_controller_request_duration_seconds_", "http_server_request_duration_seconds_"
	var series []string
	for _, part := range []string{"bucket", "sum", "count"} {
		series = append(series,
			nginx+part+"{exported_namespace=shop,namespace=ingress,ingress=all,exported_service=a,service=controller,job=x} 1",
			nginx+part+"{namespace=shop,ingress=all,service=b,job=x} 1",
			otel+part+"{exported_job=shop/a,job=monitoring/collector,namespace=monitoring,workload=collector} 1",
			otel+part+"{job=shop/b,namespace=shop,workload=b} 1",
		)
	}
	ask, now := kept(t, series)
	told := 0
	for _, w := range watch.Find(watch.Metrics(), watch.Options{Namespace: "shop", Window: time.Minute}).Watches {
		if w.Exemplars == "" || !strings.HasSuffix(w.Name, "/duration") {
			continue
		}
		err := ask.Range(t.Context(), w.Expr, now, now, time.Second, func(labels map[string]string, _ []int64, _ []float64) error {
			told++
			n, of := 0, observe.Signal{Watch: w, Labels: labels}.Of()
			err := ask.Range(t.Context(), w.ExemplarsOf(labels), now, now, time.Second, func(labels map[string]string, _ []int64, _ []float64) error {
				if n++; !strings.HasSuffix(of, "/"+labels["service"]) && !strings.HasSuffix(of, "/"+labels["exported_service"]) && labels["exported_job"] != of && labels["job"] != of {
					t.Errorf("%s of %s leads to %v", w.Name, of, labels)
				}
				return nil
			})
			if n != 1 || err != nil {
				t.Errorf("%s of %s leads to %d series, %v: %s", w.Name, of, n, err, w.ExemplarsOf(labels))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if told != 4 {
		t.Errorf("%d signals", told)
	}
}
