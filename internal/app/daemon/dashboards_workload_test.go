package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/exemplar"
	prom "github.com/prometheus/prometheus/model/labels"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
)

// labelled are the labels of a series by their names.
type labelled = map[string]string

// TestWorkloadDashboardKnowsConventions asks what the dashboard of a workload asks of a store
// that has the series of one convention after the other, as who follows it writes them. Each
// is shown under the namespace and the workload that it tells, and under no other.
func TestWorkloadDashboardKnowsConventions(t *testing.T) {
	const namespace, name = "shop", "orders"
	aeod := labelled{"namespace": namespace, "workload": name, "job": "shop/orders", "pod": "orders-5d9c7b6f4-abcde"}
	collected := labelled{"job": "collector", "namespace": "telemetry", "exported_job": "shop/orders"}
	for convention, c := range map[string]struct {
		of labelled
		// counters grow by so much a second, of metrics with one label more, "" for none.
		counters map[string]float64
		gauges   map[string]float64
		// workload and chosen are what is to be chosen if they are not as above.
		workload, chosen string
		want             map[string]float64 // by the title of the panel
	}{
		"OpenTelemetry's HTTP, as aeod scrapes it": {of: aeod, counters: map[string]float64{
			"http_server_request_duration_seconds_count": 0, "http_server_request_duration_seconds_count/http_response_status_code/200": 9, "http_server_request_duration_seconds_count/http_response_status_code/503": 1,
			"http_server_request_duration_seconds_bucket/le/0.1": 10, "http_server_request_duration_seconds_bucket/le/+Inf": 10,
		}, want: map[string]float64{"Requests": 10, "Errors": 0.1, "Duration": 0.095}},
		"OpenTelemetry's HTTP, handed on by a collector": {of: collected, counters: map[string]float64{
			"http_server_request_duration_seconds_count/http_response_status_code/200": 10,
		}, want: map[string]float64{"Requests": 10, "Errors": 0}},
		"OpenTelemetry's HTTP as it was": {of: labelled{"job": "shop/orders"}, counters: map[string]float64{
			"http_server_duration_milliseconds_count/http_status_code/500": 5, "http_server_duration_milliseconds_count/http_status_code/200": 5,
			"http_server_duration_milliseconds_bucket/le/100": 10, "http_server_duration_milliseconds_bucket/le/+Inf": 10,
		}, want: map[string]float64{"Requests": 10, "Errors": 0.5, "Duration": 0.095}},
		"OpenTelemetry's gRPC": {of: labelled{"k8s_namespace_name": namespace, "k8s_deployment_name": name, "service_name": "other"}, counters: map[string]float64{
			"rpc_server_call_duration_seconds_count/rpc_response_status_code/UNAVAILABLE": 2, "rpc_server_call_duration_seconds_count/rpc_response_status_code/OK": 2,
			"rpc_server_call_duration_seconds_bucket/le/0.1": 4, "rpc_server_call_duration_seconds_bucket/le/+Inf": 4,
		}, want: map[string]float64{"Requests": 4, "Errors": 0.5, "Duration": 0.095}},
		"gRPC of Go": {of: aeod, counters: map[string]float64{
			"grpc_server_handled_total/grpc_code/Internal": 1, "grpc_server_handled_total/grpc_code/OK": 3,
			"grpc_server_handling_seconds_bucket/le/0.1": 4, "grpc_server_handling_seconds_bucket/le/+Inf": 4,
		}, want: map[string]float64{"Requests": 4, "Errors": 0.25, "Duration": 0.095}},
		"Istio": {of: labelled{"reporter": "destination", "destination_workload": name, "destination_workload_namespace": namespace, "job": "envoy-stats", "namespace": "istio-system"}, counters: map[string]float64{
			"istio_requests_total/response_code/200": 3, "istio_requests_total/response_code/503": 1,
			"istio_request_duration_milliseconds_bucket/le/100": 4, "istio_request_duration_milliseconds_bucket/le/+Inf": 4,
		}, want: map[string]float64{"Requests": 4, "Errors": 0.25, "Duration": 0.095}},
		"Envoy": {of: labelled{"envoy_cluster_name": "orders.shop.svc", "job": "envoy", "namespace": "edge"}, workload: "orders.shop.svc", chosen: "orders[.]shop[.]svc", counters: map[string]float64{
			"envoy_cluster_upstream_rq_total": 4, "envoy_cluster_upstream_rq_xx/envoy_response_code_class/5": 1, "envoy_cluster_upstream_rq_xx/envoy_response_code_class/2": 3,
			"envoy_cluster_upstream_rq_time_bucket/le/100": 4, "envoy_cluster_upstream_rq_time_bucket/le/+Inf": 4,
		}, want: map[string]float64{"Requests": 4, "Errors": 0.25, "Duration": 0.095}},
		"Traefik": {of: labelled{"exported_service": "shop-orders-80@kubernetes", "service": "traefik", "namespace": "edge", "job": "traefik"}, workload: "shop-orders-80@kubernetes", chosen: "shop-orders-80@kubernetes", counters: map[string]float64{
			"traefik_service_requests_total/code/200": 3, "traefik_service_requests_total/code/502": 1,
			"traefik_service_request_duration_seconds_bucket/le/0.1": 4, "traefik_service_request_duration_seconds_bucket/le/+Inf": 4,
		}, want: map[string]float64{"Requests": 4, "Errors": 0.25, "Duration": 0.095}},
		"NGINX": {of: labelled{"exported_namespace": namespace, "exported_service": name, "ingress": "shop", "service": "ingress-nginx", "namespace": "edge", "job": "ingress"}, counters: map[string]float64{
			"nginx_ingress_controller_requests/status/200": 3, "nginx_ingress_controller_requests/status/502": 1,
			"nginx_ingress_controller_request_duration_seconds_bucket/le/0.1": 4, "nginx_ingress_controller_request_duration_seconds_bucket/le/+Inf": 4,
		}, want: map[string]float64{"Requests": 4, "Errors": 0.25, "Duration": 0.095}},
		"cAdvisor": {of: labelled{"namespace": namespace, "pod": "orders-5d9c7b6f4-abcde", "container": "app", "job": "kubelet"}, counters: map[string]float64{
			"container_cpu_usage_seconds_total": 0.5, "container_cpu_cfs_periods_total": 10, "container_cpu_cfs_throttled_periods_total": 1,
		}, gauges: map[string]float64{"container_memory_working_set_bytes": 1 << 20}, want: map[string]float64{"Processor time": 0.5, "Memory": 1 << 20, "Held back by the processor limit": 0.1}},
	} {
		t.Run(convention, func(t *testing.T) {
			store, err := tsdb.Open(tsdb.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			end := time.Now().Truncate(time.Minute)
			traced := false
			a := store.Appendable("write", false).Appender(context.Background())
			for from, all := range []map[string]float64{c.counters, c.gauges} {
				for key, v := range all {
					part := append(strings.SplitN(key, "/", 3), "", "")
					of := maps.Clone(c.of)
					of["__name__"], of[part[1]] = part[0], part[2]
					for at := end.Add(-10 * time.Minute); !at.After(end); at = at.Add(15 * time.Second) {
						value := v
						if from == 0 {
							value *= at.Sub(end.Add(-10 * time.Minute)).Seconds()
						}
						ref, err := a.Append(0, prom.FromMap(of), at.UnixMilli(), value)
						if err != nil {
							t.Fatal(err)
						}
						if part[2] == "+Inf" && at.Equal(end) {
							if _, err := a.AppendExemplar(ref, prom.FromMap(of), exemplar.Exemplar{Labels: prom.FromStrings("trace_id", "7"), Value: 0.05, Ts: at.UnixMilli(), HasTs: true}); err != nil {
								t.Fatal(err)
							}
							traced = c.workload == "" && c.of["ingress"] == "" // a proxy's lead to no workload
						}
					}
				}
			}
			if err := a.Commit(); err != nil {
				t.Fatal(err)
			}
			asker := promql.NewAsker(store, promql.Options{})
			workload, chosen := name, name
			if c.workload != "" {
				workload, chosen = c.workload, c.chosen
			}
			page := readWorkloadDashboard(t)
			shows := func(inNamespace, who string) map[string]float64 {
				t.Helper()
				out := map[string]float64{}
				for title, queries := range page.panels {
					for _, q := range queries {
						q = strings.NewReplacer("$__rate_interval", "1m", "$namespace", inNamespace, "$workload", who).Replace(q)
						err := asker.Range(t.Context(), q, end, end, time.Minute, func(l map[string]string, _ []int64, values []float64) error {
							if l["workload"] != workload {
								return fmt.Errorf("%s of %v", title, l)
							}
							if _, twice := out[title]; twice {
								return fmt.Errorf("%s is shown twice: %v", title, l)
							}
							out[title] = values[0]
							return nil
						})
						if err != nil {
							t.Fatalf("%s: %v", q, err)
						}
					}
				}
				return out
			}
			for _, choice := range [][2]string{{namespace, chosen}, {".*", ".+"}} {
				got := shows(choice[0], choice[1])
				for title, want := range c.want {
					if v, there := got[title]; !there || v < want*0.999-1e-9 || v > want*1.001+1e-9 {
						t.Errorf("%v: %s is %v, not %v", choice, title, got[title], want)
					}
				}
				if len(got) != len(c.want) {
					t.Errorf("%v: it shows %v", choice, got)
				}
			}
			for _, choice := range [][2]string{{"elsewhere", ".+"}, {".*", "web"}} {
				if got := shows(choice[0], choice[1]); len(got) != 0 {
					t.Errorf("%v: %v", choice, got)
				}
			}
			for choice, want := range map[[2]string]bool{{namespace, chosen}: traced, {".*", ".+"}: traced, {"elsewhere", ".+"}: false, {".*", "web"}: false} {
				if got := page.traces(t, promql.Handler(store, promql.Options{}), choice, end); got != want {
					t.Errorf("%v: traces are shown: %v", choice, got)
				}
			}
			for variable, want := range map[string]string{"namespace": namespace, "workload": workload} {
				if variable == "namespace" && c.workload != "" {
					want = "" // the names of Traefik's services and Envoy's clusters tell it, and no label
				}
				v := page.variables[variable]
				var values []string
				err := asker.Range(t.Context(), strings.ReplaceAll(v.query, "$namespace", ".*"), end, end, time.Minute, func(l map[string]string, _ []int64, _ []float64) error {
					if part := v.part.FindStringSubmatch(prom.FromMap(l).String()); part != nil {
						values = append(values, part[1])
					}
					return nil
				})
				if err != nil || strings.Join(slices.Compact(slices.Sorted(slices.Values(values))), " ") != want {
					t.Errorf("the variable %s offers %q: %v", variable, values, err)
				}
			}
		})
	}
}

// traces reports whether the dashboard has traces behind the durations of a choice.
func (page *workloadPage) traces(t *testing.T, h http.Handler, choice [2]string, end time.Time) bool {
	t.Helper()
	query := strings.NewReplacer("$namespace", choice[0], "$workload", choice[1]).Replace(page.exemplars)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/query_exemplars?"+url.Values{"query": {query}, "start": {fmt.Sprint(end.Unix() - 60)}, "end": {fmt.Sprint(end.Unix() + 60)}}.Encode(), nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %s", query, w.Body)
	}
	return strings.Contains(w.Body.String(), `"trace_id":"7"`)
}

// workloadPage is what the dashboard of a workload asks of the source of metrics.
type workloadPage struct {
	panels map[string][]string
	// exemplars is what asks for those of durations.
	exemplars string
	variables map[string]struct {
		query string
		part  *regexp.Regexp
	}
}

func readWorkloadDashboard(t *testing.T) (page workloadPage) {
	t.Helper()
	text, err := os.ReadFile("../../../dashboards/aeo-workload.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct {
				Expr       string
				Exemplar   bool
				Datasource struct{ UID string }
			}
		}
		Templating struct {
			List []struct{ Name, Query, Regex string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	page.panels = map[string][]string{}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			if q.Exemplar {
				if page.exemplars != "" || p.Title != "Duration" {
					t.Errorf("%s asks for exemplars, too", p.Title)
				}
				page.exemplars = q.Expr
			}
			if q.Datasource.UID == "aeo-metrics" {
				page.panels[p.Title] = append(page.panels[p.Title], q.Expr)
			}
		}
	}
	page.variables = map[string]struct {
		query string
		part  *regexp.Regexp
	}{}
	for _, v := range d.Templating.List {
		x := page.variables[v.Name]
		x.query = strings.TrimSuffix(strings.TrimPrefix(v.Query, "query_result("), ")")
		x.part = regexp.MustCompile(strings.Trim(v.Regex, "/"))
		page.variables[v.Name] = x
	}
	return page
}
