package watch

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

func names(f Found) (out []string) {
	for _, w := range f.Watches {
		out = append(out, w.Name)
	}
	return out
}

func TestFind(t *testing.T) {
	http := []string{"http_request_duration_seconds_bucket", "http_request_duration_seconds_count", "http_request_duration_seconds_sum"}
	otel := []string{"http_server_request_duration_seconds_bucket", "http_server_request_duration_seconds_count", "http_server_request_duration_seconds_sum"}
	for _, c := range []struct {
		name   string
		there  []string
		want   []string
		partly int
	}{
		{"nothing", nil, nil, 0},
		{"strangers only", []string{"node_load1", "up"}, nil, 0},
		{"a histogram of the usual name has no errors", http, []string{"http/rate", "http/duration", "http/p95"}, 0},
		{"a counter beside it adds the errors", append([]string{"http_requests_total"}, http...), []string{"http/rate", "http/duration", "http/p95", "http-requests/code-errors", "http-requests/status-errors"}, 0},
		{"OpenTelemetry goes before the usual names", append(otel, http...), []string{"otel-http/rate", "otel-http/errors", "otel-http/duration", "otel-http/p95"}, 0},
		{"no buckets, no percentile", []string{"grpc_server_handled_total", "grpc_server_handling_seconds_sum", "grpc_server_handling_seconds_count"}, []string{"grpc/rate", "grpc/errors", "grpc/duration"}, 0},
		{"half of a convention is told", []string{"container_memory_working_set_bytes"}, []string{"cadvisor/memory"}, 0},
		{"a sum without its count", []string{"http_request_duration_seconds_sum"}, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Find(c.there, Options{})
			if got := names(f); !slices.Equal(got, c.want) {
				t.Errorf("got %v", got)
			}
			if len(f.Partly) != c.partly {
				t.Errorf("partly %q", f.Partly)
			}
			if (len(f.Watches) == 0) != (len(f.Conventions) == 0) {
				t.Errorf("conventions %v", f.Conventions)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	const template = `sum by () (rate(m{code="5)"}[W])) / sum by (le) (m{})`
	environment := strings.Join(environments, ", ")
	all := strings.Join(usual, ", ")
	for name, c := range map[string]struct {
		convention      convention
		template        string
		namespace, want string
	}{
		"the usual labels": {convention{by: []string{"one"}, only: []string{`a="b"`}}, template, "",
			`sum by (one, ` + all + `) (rate(m{a="b",code="5)"}[90s])) / sum by (le, one, ` + all + `) (m{a="b"})`},
		"one place": {convention{others: true, by: []string{"one"}, places: []place{{label: "at"}}}, template, `sh"op`,
			`sum by (one, ` + environment + `) (rate(m{at="sh\"op",code="5)"}[90s])) / sum by (le, one, ` + environment + `) (m{at="sh\"op"})`},
		"several places": {convention{others: true, only: []string{`a="b"`}, places: []place{{label: "x"}, {"y", "NAMESPACE/.+"}}}, `max by () (1 - m{})`, "s.p",
			`max by (` + environment + `) ((1 - m{a="b",x="s.p"}) or (1 - m{a="b",x="",y=~"s\\.p/.+"}))`},
		"several forms": {convention{only: []string{"a", "b"}, places: givenPlaces[1:]}, `m{}`, "shop", `(m{a,namespace="shop"}) or (m{b,namespace="shop"})`},
		"nothing to aggregate": {convention{places: givenPlaces}, `m{}`, "shop",
			`(m{exported_namespace="shop"}) or (m{exported_namespace="",namespace="shop"})`},
		"labels of its own": {convention{others: true, own: []rename{given("pod")}, once: []string{"pod"}, names: []rename{{to: "w", from: "pod", form: "(.)+"}}}, `sum by () (m{})`, "",
			`sum by (` + environment + `) (label_replace(max by (pod, ` + environment + `) (label_replace(m, "pod", "$1", "exported_pod", "(.+)")), "w", "$1", "pod", "(.)+"))`},
		"nothing": {convention{}, "", "shop", ""},
	} {
		if got := c.convention.expand(c.template, Options{Namespace: c.namespace, Window: 90 * time.Second}); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// TestExemplarsOf selects those of one signal, and of failures the failed.
func TestExemplarsOf(t *testing.T) {
	labels := map[string]string{"namespace": "shop", "app": `or"ders`, "job": ""}
	for _, o := range []Options{{}, {Namespace: "shop"}} {
		const bucket, app = "http_server_request_duration_seconds_bucket{", `app="or\"ders",`
		collector, itself := `exported_job=~"shop/[^/]+"}`, `namespace="shop",exported_job=""}`
		const failed = `http_response_status_code=~"5..",`
		want := map[string]string{
			"otel-http/rate": "", "otel-http/errors": bucket + failed + app + collector + " or " + bucket + failed + app + itself,
			"otel-http/duration": bucket + app + collector + " or " + bucket + app + itself, "http-requests/code-errors": `http_requests_total{code=~"5..",` + app + `namespace="shop"}`,
		}
		told := 0
		for _, w := range Find(Metrics(), o).Watches {
			if x, ok := want[w.Name]; ok {
				if told++; w.ExemplarsOf(labels) != x {
					t.Errorf("%s: %s, want %s", w.Name, w.ExemplarsOf(labels), x)
				}
			}
		}
		if told < 3 {
			t.Errorf("%d of them are watched", told)
		}
	}
	if got := (Watch{Exemplars: "m"}).ExemplarsOf(nil); got != "m{}" {
		t.Error(got)
	}
}

// TestWorkloadOfAPod takes pods' names as Kubernetes makes them.
func TestWorkloadOfAPod(t *testing.T) {
	form := regexp.MustCompile("^(?:" + ofPod.form + ")$")
	for pod, want := range map[string]string{
		"orders-5d9c7b6f4-x2x9k":      "orders",
		"orders-api-7f8d9c4b55-9fhzq": "orders-api",
		"redis-0":                     "redis",
		"my-redis-12":                 "my-redis",
		"fluent-bit-abcde":            "fluent-bit",
		"backup-28934560-q8z7k":       "backup",
		"web":                         "web",
	} {
		m := form.FindStringSubmatch(pod)
		if m == nil || m[1] != want {
			t.Errorf("%s is taken for %q, not %s", pod, m, want)
		}
	}
}

// TestARealServerReadsAll has a real Prometheus read every expression there is.
func TestARealServerReadsAll(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Prometheus")
	}
	server, err := prometheustest.Start(t.Context(), prometheustest.Need(t), t.TempDir(), "global: {}\n")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := prometheus.New(prometheus.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for i := range catalogue {
		c := &catalogue[i]
		for _, o := range []Options{{Window: time.Minute}, {Namespace: "shop", Window: 2 * time.Minute}} {
			for _, s := range c.signals {
				w := c.watch(s, o)
				for _, expr := range []string{w.Expr, w.Exemplars} {
					if expr == "" {
						continue
					}
					if _, err := client.Query(t.Context(), expr, time.Now()); err != nil {
						t.Errorf("%s: %s\n%v", w.Name, expr, err)
					}
					asked++
				}
				if problems := w.Settings().Validate(); len(problems) > 0 {
					t.Errorf("%s: %v", w.Name, problems)
				}
				for _, n := range s.needs {
					if !strings.Contains(w.Expr, n) || !slices.Contains(Metrics(), n) {
						t.Errorf("%s needs %s but does not ask for it", w.Name, n)
					}
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("only %d expressions", asked)
	}
}

func TestGolden(t *testing.T) {
	if Golden(9).String() != "golden(9)" || !Saturation.Internal() || Rate.Internal() || MonitorOf("a", "b").Name != "monitor/a" {
		t.Error("the words of golden signals")
	}
}
