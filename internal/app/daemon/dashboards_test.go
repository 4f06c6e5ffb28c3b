package daemon

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/loki"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/observe/logs/store"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// registered are the metrics that the daemon has, and their labels.
func registered(t *testing.T) map[string]map[string]bool {
	t.Helper()
	reg := prometheus.NewRegistry()
	newObserver(reg, &kube.Events{})
	newReceiver(reg, slog.New(slog.DiscardHandler))
	reg.MustRegister(newFreshness(nil, nil, nil, nil), newObjectiveMetrics(nil), alertMetrics{})
	if _, err := openSpans(Spans{HTTP: "127.0.0.1:0"}, reg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if _, err := openLogs(Logs{Listen: "127.0.0.1:0", Memory: "1Mi", Age: time.Hour}, nil, nil, reg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	m := Default().Signals.Metrics
	m.Dir, m.Retention, m.RetentionSize, m.MaxSeries, m.Pods, m.Interval = t.TempDir(), "1d", "1GiB", 1000, true, time.Minute
	m.Watch.options = &metrics.WatchOptions{Selectors: []string{"up"}}
	k, err := openMetrics(m, nil, reg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := any(k).(io.Closer); ok {
		t.Cleanup(func() { _ = c.Close() })
	}
	ch := make(chan *prometheus.Desc)
	go func() { reg.Describe(ch); close(ch) }()
	form := regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	out := map[string]map[string]bool{}
	for d := range ch {
		part := form.FindStringSubmatch(d.String())
		if part == nil {
			t.Fatalf("a description in another form: %s", d)
		}
		labels := map[string]bool{}
		for l := range strings.SplitSeq(part[2], ",") {
			labels[l] = true
		}
		out[part[1]] = labels
	}
	return out
}

// shown is a dashboard, as far as it asks.
type shown struct {
	UID, Title string
	Panels     []struct {
		ID          int
		Type, Title string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct {
			Datasource struct{ UID string }
			Expr       string
		}
	}
	Templating struct {
		List []struct{ Name, Query string }
	}
}

// TestDashboards reads every dashboard: what it asks is a query, of metrics that there
// are with the labels that it groups and chooses by, from sources that are provisioned.
func TestDashboards(t *testing.T) {
	have := registered(t)
	var sources struct{ Datasources []struct{ UID string } }
	text, err := os.ReadFile("../../../dashboards/provisioning/datasources.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &sources); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, s := range sources.Datasources {
		known[s.UID] = true
	}
	lines := httptest.NewServer(loki.Handler(store.New(store.Settings{}, time.Now), time.Now))
	defer lines.Close()
	files, err := filepath.Glob("../../../dashboards/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v %v", files, err)
	}
	asked := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d shown
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if d.UID+".json" != filepath.Base(file) || d.Title == "" {
			t.Errorf("%s: its uid is %q", file, d.UID)
		}
		seen, place := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if seen[p.ID] || p.Title == "" {
				t.Errorf("%s: panel %d %q", file, p.ID, p.Title)
			}
			seen[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := place[[2]int{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: %q lies on %q", file, p.Title, other)
					}
					place[[2]int{x, y}] = p.Title
				}
			}
			for _, q := range p.Targets {
				switch expr := filled(q.Expr); {
				case !known[q.Datasource.UID]:
					t.Errorf("%s, %s: there is no source %q", file, p.Title, q.Datasource.UID)
				case q.Datasource.UID == "aeo-metrics":
					for _, problem := range unknownMetrics(expr, have, asked) {
						t.Errorf("%s, %s: %s: %s", file, p.Title, q.Expr, problem)
					}
				case q.Datasource.UID == "aeo-logs":
					res, err := http.Get(lines.URL + "/loki/api/v1/query_range?query=" + url.QueryEscape(expr))
					if err != nil {
						t.Fatal(err)
					}
					res.Body.Close()
					if res.StatusCode != http.StatusOK {
						t.Errorf("%s, %s: %s: status %d", file, p.Title, expr, res.StatusCode)
					}
				}
			}
		}
		for _, v := range d.Templating.List {
			expr, _, ok := strings.Cut(strings.TrimPrefix(v.Query, "label_values("), ", "+v.Name)
			if whole, result := strings.CutPrefix(v.Query, "query_result("); result {
				expr, ok = strings.CutSuffix(whole, ")")
			}
			if !ok {
				t.Errorf("%s: the variable %s asks %q", file, v.Name, v.Query)
			}
			for _, problem := range unknownMetrics(filled(expr), have, asked) {
				t.Errorf("%s, variable %s: %s", file, v.Name, problem)
			}
		}
	}
	// What is measured and shown nowhere is forgotten.
	for name := range have {
		hidden := strings.HasPrefix(name, "aeo_deliver_webhook") || !strings.HasPrefix(name, "aeo_")
		for _, quiet := range []string{"_bytes", "_failed_total", "_chunks", "corruptions_total", "_file_ok", "damaged_blocks", "late_total", "watches", "applications", "dropped_total", "scrapes_refused_total", "failures_total", "evaluations_total", "logs_followed"} {
			hidden = hidden || strings.HasSuffix(name, quiet)
		}
		if !hidden && !asked[name] {
			t.Errorf("%s is on no dashboard", name)
		}
	}
}

// TestDashboardLinks follows every link between the sources: where it leads is a source of
// that kind, what it takes is there in every form that aeod and collectors write, and what
// it asks is a question that is answered.
func TestDashboardLinks(t *testing.T) {
	type link struct {
		Name, DatasourceUID, MatcherType, MatcherRegex, URL, Query string
		Tags                                                       []struct{ Key, Value string }
		Queries                                                    []struct{ Query string }
	}
	var file struct {
		Datasources []struct {
			UID, Type string
			JSONData  struct {
				ExemplarTraceIDDestinations, DerivedFields []link
				TracesToLogsV2, TracesToMetrics            link
			}
		}
	}
	text, err := os.ReadFile("../../../dashboards/provisioning/datasources.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	kind := map[string]string{}
	for _, s := range file.Datasources {
		kind[s.UID] = s.Type
	}
	leads := func(what string, l link, to string) {
		t.Helper()
		if kind[l.DatasourceUID] != to {
			t.Errorf("%s leads to %q, which is no %s", what, l.DatasourceUID, to)
		}
	}
	lines := httptest.NewServer(loki.Handler(store.New(store.Settings{}, time.Now), time.Now))
	defer lines.Close()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	found := map[string]int{}
	for _, s := range file.Datasources {
		for _, l := range s.JSONData.ExemplarTraceIDDestinations {
			leads("an exemplar", l, "jaeger")
			if l.Name == "trace_id" {
				found["exemplar"]++
			}
		}
		for _, l := range s.JSONData.DerivedFields {
			leads("a line", l, "jaeger")
			form, err := regexp.Compile(l.MatcherRegex)
			if err != nil || !strings.Contains(l.URL, "__value.raw") {
				t.Errorf("%s: %q, %v", l.Name, l.URL, err)
				continue
			}
			if l.MatcherType == "label" {
				for _, label := range []string{"trace_id", "traceid", "traceId", "traceID"} {
					if form.MatchString(label) {
						found["label"]++
					}
				}
				if form.MatchString("span_id") || form.MatchString("trace_id_of_parent") {
					t.Errorf("%s takes other labels, too", l.Name)
				}
				continue
			}
			for _, line := range []string{`{"trace_id":"` + id + `"}`, "level=info traceID=" + id, `{"traceId": "` + id + `","x":1}`, "trace_id: " + id} {
				if part := form.FindStringSubmatch(line); len(part) == 2 && part[1] == id {
					found["line"]++
				}
			}
		}
		if l := s.JSONData.TracesToLogsV2; l.Query != "" {
			leads("a trace", l, "loki")
			var tags []string
			for _, tag := range l.Tags {
				tags = append(tags, tag.Value+`="x"`)
			}
			query := strings.NewReplacer("$${__tags}", strings.Join(tags, ", "), "$${__trace.traceId}", id).Replace(l.Query)
			res, err := http.Get(lines.URL + "/loki/api/v1/query_range?query=" + url.QueryEscape(query))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK || !strings.Contains(query, id) || strings.Contains(query, "$") || !strings.Contains(query, "service_name=") {
				t.Errorf("a trace asks for lines with %s: status %d", query, res.StatusCode)
			}
			found["to lines"]++
		}
		for _, q := range s.JSONData.TracesToMetrics.Queries {
			leads("a trace", s.JSONData.TracesToMetrics, "prometheus")
			var tags []string
			for _, tag := range s.JSONData.TracesToMetrics.Tags {
				tags = append(tags, tag.Value+`="x"`)
			}
			query := strings.ReplaceAll(q.Query, "$$__tags", strings.Join(tags, ", "))
			if problems := unknownMetrics(query, nil, map[string]bool{}); len(problems) > 0 || !strings.Contains(query, `workload="x"`) {
				t.Errorf("a trace asks %s: %v", query, problems)
			}
			found["to metrics"]++
		}
	}
	for what, n := range map[string]int{"exemplar": 1, "line": 4, "label": 4, "to lines": 1, "to metrics": 2} {
		if found[what] != n {
			t.Errorf("%s: %d, want %d", what, found[what], n)
		}
	}
}

// TestLinksToLines goes from values of a workload to its lines: the address is one, of the
// source of lines, and what it asks is answered.
func TestLinksToLines(t *testing.T) {
	text, err := os.ReadFile("../../../dashboards/aeo-workload.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title       string
			FieldConfig struct {
				Defaults struct{ Links []struct{ URL string } }
			}
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	lines := httptest.NewServer(loki.Handler(store.New(store.Settings{}, time.Now), time.Now))
	defer lines.Close()
	n := 0
	for _, p := range d.Panels {
		for _, l := range p.FieldConfig.Defaults.Links {
			n++
			address := strings.NewReplacer("${namespace}", "shop", "${__field.labels.workload}", "web", "${__from}", "1773000000000", "${__to}", "1773000600000").Replace(l.URL)
			to, err := url.Parse(address)
			if err != nil || to.Path != "/explore" {
				t.Fatalf("%s leads to %s: %v", p.Title, address, err)
			}
			var panes map[string]struct {
				Datasource string
				Queries    []struct{ Expr string }
				Range      struct{ From, To string }
			}
			if err := json.Unmarshal([]byte(to.Query().Get("panes")), &panes); err != nil {
				t.Fatalf("%s: %v in %s", p.Title, err, address)
			}
			x := panes["lines"]
			if x.Datasource != "aeo-logs" || len(x.Queries) != 1 || x.Range.From != "1773000000000" || x.Range.To != "1773000600000" {
				t.Fatalf("%s leads to %+v", p.Title, panes)
			}
			res, err := http.Get(lines.URL + "/loki/api/v1/query_range?query=" + url.QueryEscape(x.Queries[0].Expr))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK || x.Queries[0].Expr != `{namespace=~"shop", service_name="web"}` {
				t.Errorf("%s asks %s: status %d", p.Title, x.Queries[0].Expr, res.StatusCode)
			}
			for _, q := range p.Targets {
				if !strings.Contains(q.Expr, "workload") {
					t.Errorf("%s: %s has no label workload to go by", p.Title, q.Expr)
				}
			}
		}
	}
	if n != 7 {
		t.Errorf("%d panels lead to lines", n)
	}
}

// filled puts values in the place of Grafana's variables.
func filled(expr string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".+", "$application", ".+", "$workload", ".+", "$objective", ".+").Replace(expr)
}

// workloadSeries are the metrics of workloads.
var workloadSeries = watch.Metrics()

// unknownMetrics says what is wrong with an expression. What workloads measure themselves is
// known by name; TestWorkloadDashboardKnowsConventions asks for it.
func unknownMetrics(expr string, have map[string]map[string]bool, asked map[string]bool) (problems []string) {
	parsed, err := parser.ParseExpr(expr)
	if err != nil {
		return []string{err.Error()}
	}
	labels, others := map[string]bool{"le": true}, false
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		v, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		if slices.Contains(workloadSeries, v.Name) {
			others = true
			return nil
		}
		name := v.Name
		of := have[name]
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if base, cut := strings.CutSuffix(v.Name, suffix); cut && of == nil {
				name, of = base, have[base]
			}
		}
		if of == nil {
			problems = append(problems, "there is no metric "+v.Name)
			return nil
		}
		asked[name] = true
		for _, m := range v.LabelMatchers {
			if m.Name != "__name__" && !of[m.Name] {
				problems = append(problems, v.Name+" has no label "+m.Name)
			}
		}
		for l := range of {
			labels[l] = true
		}
		return nil
	})
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				if !labels[l] && !others {
					problems = append(problems, "it groups by "+l+", which none of its metrics has")
				}
			}
		}
		return nil
	})
	return problems
}
