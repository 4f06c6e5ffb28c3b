package watch

import (
	"strings"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// catalogue is every convention, in the order of preference within a family.
// Sources: OpenTelemetry's semantic conventions of HTTP and RPC metrics in their
// present and their last form, go-grpc-middleware, the documentation of Traefik,
// ingress-nginx, Envoy, Istio, cAdvisor, kube-state-metrics and of the Prometheus
// client libraries.
var catalogue = []convention{
	{name: "otel-http", family: "http", by: deployed, own: collected, places: collectedPlaces, signals: requests{
		count: "http_server_request_duration_seconds_count", sum: "http_server_request_duration_seconds_sum",
		bucket: "http_server_request_duration_seconds_bucket", failed: `http_response_status_code=~"5.."`,
	}.signals()},
	{name: "otel-http-1.20", family: "http", by: deployed, own: collected, places: collectedPlaces, signals: requests{
		count: "http_server_duration_milliseconds_count", sum: "http_server_duration_milliseconds_sum",
		bucket: "http_server_duration_milliseconds_bucket", failed: `http_status_code=~"5.."`, milli: true,
	}.signals()},
	{name: "http", family: "http", signals: requests{
		count: "http_request_duration_seconds_count", sum: "http_request_duration_seconds_sum",
		bucket: "http_request_duration_seconds_bucket",
	}.signals()},
	{name: "http-requests", family: "http", signals: append(
		requests{count: "http_requests_total"}.signals(),
		failures("http_requests_total", "code-errors", `code=~"5.."`),
		failures("http_requests_total", "status-errors", `status=~"5.."`),
	)},
	{name: "otel-rpc", family: "grpc", by: deployed, own: collected, places: collectedPlaces, signals: requests{
		count: "rpc_server_call_duration_seconds_count", sum: "rpc_server_call_duration_seconds_sum",
		bucket: "rpc_server_call_duration_seconds_bucket", failed: `rpc_response_status_code=~"` + grpcFailed + `"`,
	}.signals()},
	{name: "otel-rpc-1.20", family: "grpc", by: deployed, own: collected, places: collectedPlaces, signals: requests{
		count: "rpc_server_duration_milliseconds_count", sum: "rpc_server_duration_milliseconds_sum",
		bucket: "rpc_server_duration_milliseconds_bucket", failed: `rpc_grpc_status_code=~"2|4|8|12|13|14|15"`, milli: true,
	}.signals()},
	{name: "grpc", family: "grpc", signals: append(
		requests{count: "grpc_server_handled_total", failed: `grpc_code=~"` + grpcFailed + `"`}.signals(),
		requests{sum: "grpc_server_handling_seconds_sum", count: "grpc_server_handling_seconds_count", bucket: "grpc_server_handling_seconds_bucket"}.durations()...,
	)},
	{name: "spans", family: "spans", by: []string{"service_name", "k8s_namespace_name", "service_namespace", "exported_namespace", "job", "span_kind"}, others: true, own: []rename{given("job")}, places: handedOn, only: []string{`span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"`}, signals: append(
		requests{count: "traces_span_metrics_calls_total", failed: `status_code="STATUS_CODE_ERROR"`}.signals(),
		requests{
			count: "traces_span_metrics_duration_milliseconds_count", sum: "traces_span_metrics_duration_milliseconds_sum",
			bucket: "traces_span_metrics_duration_milliseconds_bucket", milli: true,
		}.durations()...,
	)},
	{name: "traefik", by: []string{"service", "proxy"}, others: true, own: []rename{given("service"), byProxy}, places: traefikPlaces, signals: append(
		requests{count: "traefik_service_requests_total", failed: `code=~"5.."`}.signals(),
		requests{
			count: "traefik_service_request_duration_seconds_count", sum: "traefik_service_request_duration_seconds_sum",
			bucket: "traefik_service_request_duration_seconds_bucket",
		}.durations()...,
	)},
	// What is of no Ingress was answered by the controller itself.
	{name: "nginx-ingress", by: []string{"namespace", "ingress", "service", "proxy"}, others: true, own: []rename{given("namespace"), given("service"), byProxy}, places: givenPlaces, only: []string{`ingress!=""`}, signals: append(
		requests{count: "nginx_ingress_controller_requests", failed: `status=~"5.."`}.signals(),
		requests{
			count: "nginx_ingress_controller_request_duration_seconds_count", sum: "nginx_ingress_controller_request_duration_seconds_sum",
			bucket: "nginx_ingress_controller_request_duration_seconds_bucket",
		}.durations()...,
	)},
	{name: "envoy", by: []string{"envoy_cluster_name", "proxy"}, others: true, own: []rename{byProxy}, places: envoyPlaces, signals: append(
		[]signal{
			{"rate", Rate, "requests", "/s", []string{"envoy_cluster_upstream_rq_total"}, "sum by () (rate(envoy_cluster_upstream_rq_total{}[W]))", anomaly.Either, 0, ""},
			errorShare(`rate(envoy_cluster_upstream_rq_xx{envoy_response_code_class="5"}[W])`, "rate(envoy_cluster_upstream_rq_xx{}[W])", "errors", "envoy_cluster_upstream_rq_xx"),
		},
		requests{
			count: "envoy_cluster_upstream_rq_time_count", sum: "envoy_cluster_upstream_rq_time_sum",
			bucket: "envoy_cluster_upstream_rq_time_bucket", milli: true,
		}.durations()...,
	)},
	{name: "istio", by: []string{"destination_workload", "destination_workload_namespace"}, others: true, places: []place{{label: "destination_workload_namespace"}}, only: []string{`reporter="destination"`}, signals: append(
		requests{count: "istio_requests_total", failed: `response_code=~"5.."`}.signals(),
		requests{
			count: "istio_request_duration_milliseconds_count", sum: "istio_request_duration_milliseconds_sum",
			bucket: "istio_request_duration_milliseconds_bucket", milli: true,
		}.durations()...,
	)},
	// A kubelet says what containers use at two places: both would be counted.
	{name: "cadvisor", by: []string{"namespace", "workload", "container", "job"}, others: true, own: []rename{given("namespace"), given("pod"), given("container")}, names: []rename{ofPod}, places: givenPlaces, only: ran, signals: containers},
	// A Deployment has no pod: that label would be of who is scraped.
	{name: "kube-state-metrics", by: []string{"namespace", "workload"}, others: true,
		own:    []rename{given("namespace"), given("pod"), given("container"), {to: "pod", from: "deployment", form: "(.+)"}},
		once:   []string{"namespace", "pod", "container", "deployment"},
		names:  []rename{ofPod, {to: "workload", from: "deployment", form: "(.+)"}},
		places: givenPlaces, signals: stateMetrics},
	{name: "process", signals: processes},
}

// grpcFailed are the codes of gRPC that are the server's fault.
const grpcFailed = "Unknown|UNKNOWN|DeadlineExceeded|DEADLINE_EXCEEDED|ResourceExhausted|RESOURCE_EXHAUSTED|Unimplemented|UNIMPLEMENTED|Internal|INTERNAL|Unavailable|UNAVAILABLE|DataLoss|DATA_LOSS"

// deployed are what OpenTelemetry calls a workload, besides the usual.
var deployed = []string{"k8s_deployment_name"}

// ran picks what is of a container: a pod as a whole has none. Where cAdvisor is scraped as
// a pod, the container is its own unless it was renamed.
var ran = []string{
	`exported_container!="",exported_container!="POD"`,
	`exported_container="",workload="",container!="",container!="POD",metrics_path!="/metrics/resource"`,
}

var containers = []signal{
	{"cpu", Saturation, "processor time", "cores", []string{"container_cpu_usage_seconds_total"},
		"sum by () (rate(container_cpu_usage_seconds_total{}[W]))", anomaly.Either, 0.05, ""},
	{"memory", Saturation, "memory in use", "bytes", []string{"container_memory_working_set_bytes"},
		"sum by () (container_memory_working_set_bytes{})", anomaly.Above, 8 << 20, ""},
	{"throttled", Saturation, "share of periods held back by the processor limit", "share",
		[]string{"container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total"},
		"sum by () (rate(container_cpu_cfs_throttled_periods_total{}[W])) / (sum by () (rate(container_cpu_cfs_periods_total{}[W])) > 0)", anomaly.Above, 0.05, ""},
	{"oom", Saturation, starved, "", []string{"container_oom_events_total"},
		"sum by () (increase(container_oom_events_total{}[W]))", anomaly.Above, 0.5, ""},
}

// samePod are the labels by which two series of a scrape are of one pod.
var samePod = strings.Join(append([]string{"namespace", "pod", "exported_namespace", "exported_pod"}, environments...), ", ")

// ended picks the pods that run no more: nobody waits for their containers. They are those
// of Jobs, mostly.
const ended = `phase=~"Succeeded|Failed"`

var stateMetrics = []signal{
	{"restarts", Saturation, restarted, "", []string{"kube_pod_container_status_restarts_total"},
		"sum by () (increase(kube_pod_container_status_restarts_total{}[W]))", anomaly.Above, 0.5, ""},
	{"unready", Saturation, unready, "", []string{"kube_pod_container_status_ready"},
		"sum by () (1 - kube_pod_container_status_ready{} unless on (" + samePod + ") kube_pod_status_phase{" + ended + "} == 1)", anomaly.Above, 0.5, ""},
	{"unavailable", Saturation, unavailable, "", []string{"kube_deployment_status_replicas_unavailable"},
		"sum by () (kube_deployment_status_replicas_unavailable{})", anomaly.Above, 0.5, ""},
}

var processes = []signal{
	{"cpu", Saturation, "processor time", "cores", []string{"process_cpu_seconds_total"},
		"sum by () (rate(process_cpu_seconds_total{}[W]))", anomaly.Either, 0.05, ""},
	{"memory", Saturation, "memory in use", "bytes", []string{"process_resident_memory_bytes"},
		"sum by () (process_resident_memory_bytes{})", anomaly.Above, 8 << 20, ""},
	{"files", Saturation, "share of the files that may be open", "share", []string{"process_open_fds", "process_max_fds"},
		"max by () (process_open_fds{} / process_max_fds{})", anomaly.Above, 0.02, ""},
	{"goroutines", Saturation, "goroutines", "", []string{"go_goroutines"},
		"sum by () (go_goroutines{})", anomaly.Above, 20, ""},
}

// What counts containers that do not run.
const (
	starved     = "containers ended for want of memory"
	restarted   = "restarts of containers"
	unready     = "containers that are not ready"
	unavailable = "replicas that are not available"
)

// CountsDown reports whether what is measured is how many containers do not run, or had
// to be started again: one is enough to matter.
func CountsDown(what string) bool {
	switch what {
	case starved, restarted, unready, unavailable:
		return true
	}
	return false
}
