package scorecard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// observabilityRules judge what watches the workloads.
var observabilityRules = map[string]rule{
	"metrics": {subject: hasRunning, absent: "nothing here runs continuously", collect: metrics, marker: true,
		missing: "no scrape annotation, ServiceMonitor or PodMonitor here selects a workload"},
	"long-term-metrics": {subject: hasWorkloads, absent: noWorkloads, collect: longTermMetrics,
		missing: "no Thanos, Mimir or remote write is declared" + notHere},
	"logs": {subject: hasWorkloads, absent: noWorkloads, collect: logs,
		missing: "no log store or collector is declared" + notHere},
	"traces": {subject: hasWorkloads, absent: noWorkloads, collect: traces,
		missing: "no trace store, collector or instrumentation is declared" + notHere},
	"consistent-labels": {subject: hasRunning, absent: "nothing here runs continuously", collect: consistentLabels,
		missing: "no workload carries the recommended labels"},
	"persistent-telemetry-storage": {subject: hasTelemetryStore, absent: "no Loki, Tempo or Prometheus is deployed from here", collect: persistentStorage,
		missing: "no volume or object store is declared for Loki, Tempo or Prometheus"},
	"dashboards": {subject: hasWorkloads, absent: noWorkloads, collect: dashboards,
		missing: "no Grafana dashboard is kept here" + notHere},
	"alerting": {subject: hasWorkloads, absent: noWorkloads, collect: alerting,
		missing: "no alert rule is kept here" + notHere,
		beyond:  "whether the rules' series exist can only be seen in Prometheus"},
	"slos": {subject: hasRunning, absent: "nothing here runs continuously", collect: slos,
		missing: "no objective or burn-rate alert is declared" + notHere},
	"anomaly-detection": {elsewhere: "it runs in the cluster: connect one to see whether a detector watches the golden signals"},
	"auto-remediation":  {elsewhere: "playbooks run in the cluster and their results are in the ledger: connect a cluster", collect: playbooks},
}

// metrics looks for what scrapes each workload.
func metrics(j *judge, t *tally) {
	monitors := j.monitors()
	type row struct {
		w  *workload
		by string
	}
	var rows []row
	scraped := 0
	j.running(func(w *workload) {
		by := ""
		for _, o := range w.renderings {
			if by = j.scrapedBy(o, monitors); by != "" {
				break
			}
		}
		if by != "" {
			scraped++
		}
		rows = append(rows, row{w, by})
	})
	if scraped == 0 {
		return
	}
	for _, r := range rows {
		o := r.w.renderings[0]
		if r.by != "" {
			j.good(t, o, o.Body, "scraped because of %s", r.by)
		} else {
			j.bad(t, o, o.Body, "nothing scrapes it")
		}
	}
	t.lead = fmt.Sprintf("%d of %s that run continuously are scraped", scraped, count(len(rows), "workload"))
}

// monitor is a ServiceMonitor or PodMonitor with a plain selector.
type monitor struct {
	object *graph.Object
	match  map[string]string
}

func (j *judge) monitors() map[string][]monitor {
	out := map[string][]monitor{}
	for _, kind := range []string{"ServiceMonitor", "PodMonitor", "VMServiceScrape", "VMPodScrape"} {
		key := "Service"
		if strings.Contains(kind, "Pod") {
			key = "Pod"
		}
		j.each(kind, func(o *graph.Object) {
			sel := o.Spec().Get("selector")
			if sel.Get("matchExpressions").Len() == 0 && sel.Get("matchLabels").Len() > 0 {
				out[key] = append(out[key], monitor{o, sel.Get("matchLabels").StringMap()})
			}
		})
	}
	return out
}

// selects reports whether a monitor picks labels in a namespace.
func (m monitor) selects(namespace string, labels graph.Labels) bool {
	in := m.object.Spec().Get("namespaceSelector")
	own := m.object.Namespace
	switch {
	case in.Get("any").True() || namespace == "":
	case in.Get("matchNames").Len() > 0:
		if !slices.Contains(in.Get("matchNames").Strings(), namespace) {
			return false
		}
	case own != "" && own != namespace:
		return false
	}
	for k, v := range m.match {
		if got, ok := labels.Lookup(k); !ok || got != v {
			return false
		}
	}
	return true
}

// scrapedBy says what makes Prometheus scrape a workload, "" if nothing does.
func (j *judge) scrapedBy(o *graph.Object, monitors map[string][]monitor) string {
	if o.Pod.Annotation("prometheus.io/scrape") == "true" {
		return "its annotation"
	}
	for _, m := range monitors["Pod"] {
		if m.selects(o.Namespace, o.Pod.Labels()) {
			return m.object.Ref.String()
		}
	}
	for e := range o.In(graph.Selects) {
		switch e.From.Kind {
		case "PodMonitor":
			return e.From.Ref.String()
		case "Service":
			if e.From.Annotation("prometheus.io/scrape") == "true" {
				return "the annotation of " + e.From.Ref.String()
			}
			for f := range e.From.In(graph.Selects) {
				return f.From.Ref.String()
			}
			for _, m := range monitors["Service"] {
				if m.selects(e.From.Namespace, e.From.Labels()) {
					return m.object.Ref.String()
				}
			}
		}
	}
	return ""
}

func longTermMetrics(j *judge, t *tally) {
	j.installs(t, "%s keeps metrics", "thanos", "mimir", "cortex", "victoria-metrics", "vmstorage")
	j.each("Prometheus", func(o *graph.Object) {
		for _, k := range []string{"remoteWrite", "thanos"} {
			if n := o.Spec().Get(k); n.Len() > 0 {
				j.good(t, o, n, "%s is set", k)
			}
		}
	}, "monitoring.coreos.com")
	j.configs(func(o *graph.Object, v tree.Node) {
		if strings.Contains(v.Text(), "\nremote_write:") {
			j.good(t, o, v, "Prometheus writes to a remote store")
		}
	})
}

// configs calls f for each entry of each ConfigMap.
func (j *judge) configs(f func(o *graph.Object, v tree.Node)) {
	j.each("ConfigMap", func(o *graph.Object) {
		for _, v := range o.Body.Get("data").Fields() {
			f(o, v)
		}
	})
}

// logs looks for a store and a collector on every node.
func logs(j *judge, t *tally) {
	store := j.scanned(t, "logs/store")
	collector := j.scanned(t, "logs/collector")
	traced := j.scanned(t, "logs/trace-ids")
	store = j.installs(t, "%s keeps logs", "loki", "elasticsearch", "opensearch", "victoria-logs") || store
	j.each("Elasticsearch", func(o *graph.Object) { store = true; j.good(t, o, o.Body, "keeps logs") })
	j.each("LokiStack", func(o *graph.Object) { store = true; j.good(t, o, o.Body, "keeps logs") })
	names := []string{"promtail", "alloy", "fluent-bit", "fluentbit", "fluentd", "vector", "filebeat", "opentelemetry-collector-contrib"}
	j.runs(func(o *graph.Object, image tree.Node, name string) {
		if o.Kind == "DaemonSet" {
			collector = true
			j.good(t, o, image, "%s collects logs on every node", name)
		}
	}, names...)
	j.charts(func(o *graph.Object, chart tree.Node) {
		for _, n := range names {
			if hasWord([]byte(chart.Text()), n) {
				collector = true
				j.good(t, o, chart, "%s collects logs", n)
			}
		}
	})
	j.configs(func(o *graph.Object, v tree.Node) {
		if strings.Contains(v.Text(), "derivedFields:") {
			traced = true
			j.good(t, o, v, "trace ids in log lines lead to traces")
		}
	})
	if store || collector {
		t.gap(store, "no log store is declared")
		t.gap(collector, "no collector is declared")
		t.gap(traced, "nothing shows that log lines carry trace ids")
		if store && collector {
			t.lead = "a store and a collector of logs are declared"
		}
	} else if traced {
		t.gap(false, "no store or collector is declared")
	}
	if t.good > 0 {
		t.also = append(t.also, "whether log lines are structured can only be seen in the logs")
	}
}

// traces looks for instrumentation and for where traces go.
func traces(j *judge, t *tally) {
	store := j.scanned(t, "traces/store")
	instrumented := j.scanned(t, "traces/instrumented")
	store = j.installs(t, "%s takes traces", "tempo", "jaeger", "zipkin", "opentelemetry-collector", "opentelemetry-collector-contrib", "otel-collector") || store
	for _, kind := range []string{"OpenTelemetryCollector", "TempoStack", "TempoMonolithic", "Jaeger"} {
		j.each(kind, func(o *graph.Object) { store = true; j.good(t, o, o.Body, "takes traces") })
	}
	j.configs(func(o *graph.Object, v tree.Node) {
		if strings.Contains(v.Text(), "datasources:") && (strings.Contains(v.Text(), "type: tempo") || strings.Contains(v.Text(), "type: jaeger")) {
			store = true
			j.good(t, o, v, "Grafana reads traces")
		}
	})
	n := 0
	j.running(func(w *workload) {
		for _, o := range w.renderings {
			if at, ok := instrumentation(o); ok {
				n++
				instrumented = true
				j.good(t, o, at, "sends traces")
				return
			}
		}
	})
	if store || instrumented {
		t.gap(store, "nothing here takes traces in")
		t.gap(instrumented, "no workload is seen to be instrumented")
		t.also = append(t.also, "whether services pass the trace context on can only be seen in traces")
	}
	if n > 0 {
		t.lead = fmt.Sprintf("%s told to send traces", are(n, "workload"))
	}
}

// instrumentation finds what tells a workload to send traces.
func instrumentation(o *graph.Object) (tree.Node, bool) {
	for k, v := range o.Pod.Template.At("metadata", "annotations").Fields() {
		if strings.HasPrefix(k.Text(), "instrumentation.opentelemetry.io/inject-") && v.Text() != "false" {
			return v, true
		}
	}
	for c := range o.Pod.Each() {
		for _, e := range c.Node.Get("env").Items() {
			if n := e.Get("name").Text(); strings.HasPrefix(n, "OTEL_EXPORTER_OTLP") || n == "OTEL_TRACES_EXPORTER" && e.Get("value").Text() != "none" {
				return e, true
			}
		}
	}
	return tree.Node{}, false
}

func consistentLabels(j *judge, t *tally) {
	n := 0
	j.running(func(w *workload) {
		n++
		o := w.renderings[0]
		l := o.Pod.Labels()
		ok := l.Has("app.kubernetes.io/name") || l.Has("tags.datadoghq.com/service")
		j.verdict(t, ok, o, l.Node, "names its service by app.kubernetes.io/name", "its pods do not carry app.kubernetes.io/name")
	})
	if t.good > 0 {
		t.lead = fmt.Sprintf("%d of %s name their service by the recommended label", t.good, count(n, "workload"))
		t.gap(false, "whether metrics, logs and traces join on the same labels can only be seen where they are stored")
	} else {
		t.lead = "none of the " + count(n, "workload") + " names its service by the label app.kubernetes.io/name"
	}
}

var telemetryStores = []string{"loki", "tempo", "prometheus", "mimir"}

func hasTelemetryStore(j *judge) bool {
	if j.have("Prometheus", "LokiStack", "TempoStack") || len(j.scan.signals["persistent-telemetry-storage"]) > 0 {
		return true
	}
	found := false
	j.runs(func(o *graph.Object, _ tree.Node, _ string) {
		found = found || o.Kind == "StatefulSet" || o.Kind == "Deployment"
	}, telemetryStores...)
	return found
}

func persistentStorage(j *judge, t *tally) {
	j.each("Prometheus", func(o *graph.Object) {
		s := o.Spec().Get("storage")
		j.verdict(t, s.Has("volumeClaimTemplate") || s.Has("ephemeral"), o, s, "keeps its data on a volume", "keeps its data in the pod only")
	}, "monitoring.coreos.com")
	j.runs(func(o *graph.Object, image tree.Node, name string) {
		if o.Kind != "StatefulSet" && o.Kind != "Deployment" {
			return
		}
		kept := o.Spec().Get("volumeClaimTemplates").Len() > 0
		for _, v := range o.Pod.Spec.Get("volumes").Items() {
			kept = kept || v.Has("persistentVolumeClaim") || v.Has("ephemeral")
		}
		j.verdict(t, kept, o, image, name+" keeps its data on a volume", name+" has no volume that survives a restart")
	}, telemetryStores...)
}

// dashboards looks for dashboards, data sources and links between them.
func dashboards(j *judge, t *tally) {
	board := t.good > 0
	sources, links := j.scanned(t, "dashboards/sources"), j.scanned(t, "dashboards/links")
	for _, kind := range []string{"GrafanaDashboard", "GrafanaDatasource", "GrafanaDataSource"} {
		j.each(kind, func(o *graph.Object) {
			j.good(t, o, o.Body, "kept as code")
			board, sources = board || kind == "GrafanaDashboard", sources || kind != "GrafanaDashboard"
		})
	}
	j.each("ConfigMap", func(o *graph.Object) {
		if o.Labels().Has("grafana_dashboard") {
			board = true
			j.good(t, o, o.Body, "holds a dashboard")
		}
		for _, v := range o.Body.Get("data").Fields() {
			if text := v.Text(); strings.Contains(text, "datasources:") && strings.Contains(text, "url:") {
				sources = true
				j.good(t, o, v, "holds data sources")
				if strings.Contains(text, "tracesToLogs") || strings.Contains(text, "derivedFields") || strings.Contains(text, "exemplarTraceIdDestinations") {
					links = true
					j.good(t, o, v, "data sources link to one another")
				}
			}
		}
	})
	if board || sources || links {
		t.gap(board, "no dashboard is kept here")
		t.gap(sources, "no data source is kept here")
		t.gap(links, "nothing links metrics, logs and traces")
	}
}

// alerting looks for alert rules, their runbooks and their routes.
func alerting(j *judge, t *tally) {
	j.alerts(func(o *graph.Object, rule tree.Node) {
		note := "has a runbook"
		found := false
		for k := range rule.Get("annotations").Fields() {
			found = found || strings.Contains(strings.ToLower(k.Text()), "runbook")
		}
		name := rule.Get("alert").Text()
		j.verdict(t, found, o, rule, "alert "+name+" "+note, "alert "+name+" has no runbook")
	})
	rules := t.good + t.bad
	with := t.good
	routed := j.scanned(t, "alerting/routing")
	for _, kind := range []string{"Alertmanager", "AlertmanagerConfig", "VMAlertmanagerConfig", "GrafanaContactPoint", "GrafanaNotificationPolicy"} {
		j.each(kind, func(o *graph.Object) { routed = true; j.good(t, o, o.Body, "routes alerts") })
	}
	for _, kind := range []string{"ConfigMap", "Secret"} {
		j.each(kind, func(o *graph.Object) {
			for _, part := range []string{"data", "stringData"} {
				for _, v := range o.Body.Get(part).Fields() {
					if text := "\n" + v.Text(); strings.Contains(text, "\nreceivers:") && strings.Contains(text, "\nroute:") {
						routed = true
						j.good(t, o, v, "routes alerts")
					}
				}
			}
		})
	}
	if rules == 0 && routed {
		t.gap(false, "no alert rule is kept here")
	}
	if rules > 0 {
		t.lead = fmt.Sprintf("%d of %s have a runbook", with, count(rules, "alert rule"))
		if rules == 1 {
			t.lead = map[bool]string{true: "the one alert rule has a runbook", false: "the one alert rule has no runbook"}[with == 1]
		}
		t.gap(routed, "nothing here routes alerts to somebody")
	}
}

// alerts calls f for each alerting rule of each rule object.
func (j *judge) alerts(f func(o *graph.Object, rule tree.Node)) {
	for _, kind := range []string{"PrometheusRule", "VMRule"} {
		j.each(kind, func(o *graph.Object) {
			for _, g := range o.Spec().Get("groups").Items() {
				for _, r := range g.Get("rules").Items() {
					if r.Get("alert").Exists() {
						f(o, r)
					}
				}
			}
		})
	}
}

// slos looks for objectives and burn-rate alerts, and which of the Services
// that are reachable from outside they name.
func slos(j *judge, t *tally) {
	var texts []string
	for _, kind := range []string{"PrometheusServiceLevel", "ServiceLevelObjective", "SLO", "Objective"} {
		j.each(kind, func(o *graph.Object) {
			j.good(t, o, o.Body, "an objective")
			texts = append(texts, o.Name, o.Spec().Get("service").Text(), o.Spec().At("indicator", "ratio", "total", "metric").Text())
		}, "sloth.slok.dev", "pyrra.dev", "openslo.com", "autoecoops.io")
	}
	j.alerts(func(o *graph.Object, r tree.Node) {
		name, expr := r.Get("alert").Text(), r.Get("expr").Text()
		if strings.Contains(strings.ToLower(name), "burn") || strings.Contains(expr, "14.4 *") || strings.Contains(expr, "burnrate") {
			j.good(t, o, r, "alert %s watches an error budget", name)
			texts = append(texts, name, expr, r.At("labels", "service").Text())
		}
	})
	if t.good == 0 {
		return
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	routed, without := map[string]bool{}, map[string]bool{}
	for _, g := range j.Graphs {
		for _, s := range g.Kind("Service") {
			for range s.In(graph.Routes) {
				routed[s.Name] = true
				if app := s.Labels().Get("app.kubernetes.io/name"); !strings.Contains(all, strings.ToLower(s.Name)) && (app == "" || !strings.Contains(all, strings.ToLower(app))) {
					without[s.Name] = true
				}
				break
			}
		}
	}
	t.lead = count(t.good, "place") + " set objectives or watch error budgets"
	if len(without) > 0 {
		t.gap(false, fmt.Sprintf("%d of %s reachable from outside have none", len(without), count(len(routed), "Service")))
	}
}

func playbooks(j *judge, t *tally) {
	j.each("Playbook", func(o *graph.Object) { j.good(t, o, o.Body, "a playbook") }, "autoecoops.io")
}
