package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

func TestQueryExemplars(t *testing.T) {
	server := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/query_exemplars" || r.URL.Query().Get("query") != "x" || r.URL.Query().Get("start") != "1.000" || r.URL.Query().Get("end") != "2.000" {
			t.Errorf("%s", r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":[{"seriesLabels":{"__name__":"x","job":"shop/cart","pod":"cart-1"},"exemplars":[
{"labels":{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"},"value":"0.5","timestamp":1.5},{"labels":{"traceID":"ff"},"value":"+Inf","timestamp":1.75},{"labels":{"trace_id":"; drop"},"value":"1","timestamp":1.25}]}]}`)
	}))
	defer server.Close()
	got, dropped, err := client(t, server.URL, nil).QueryExemplars(t.Context(), "x", time.Unix(1, 0), time.Unix(2, 0))
	if err != nil || len(got) != 3 || dropped != 0 {
		t.Fatal(got, dropped, err)
	}
	if e := got[1]; e.Trace.String() != "0af7651916cd43dd8448eb211c80319c" || e.Span.String() != "b7ad6b7169203331" || e.Value != 0.5 || !e.At.Equal(time.UnixMilli(1500)) || e.Of.Service != "cart" || e.Of.Namespace != "shop" || e.Of.Pod != "cart-1" {
		t.Errorf("%+v", e)
	}
	if !strings.HasSuffix(got[0].Trace.String(), "00ff") || !got[2].Trace.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestBadExemplars(t *testing.T) {
	flood := `[{"seriesLabels":{},"exemplars":[` + strings.Repeat(`{"value":"1","timestamp":1},`, 9000) + `{"value":"2","timestamp":2}]}]`
	for data, want := range map[string]int{
		`null`: 0, `[]`: 0, flood: prometheus.MaxExemplars, `7`: -1, `[7]`: -1, `{}`: -1,
		`[{"exemplars":[{"value":"x","timestamp":1}]}]`: -1, `[{"exemplars":[{"value":"1","timestamp":1e300}]}]`: -1,
	} {
		server := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"status":"success","data":%s}`, data)
		}))
		got, dropped, err := client(t, server.URL, nil).QueryExemplars(t.Context(), "x", time.Now(), time.Now())
		server.Close()
		if want < 0 {
			if fault.KindOf(err) != fault.Unavailable || len(got) != 0 {
				t.Errorf("%.40s: %d, %v", data, len(got), err)
			}
			continue
		}
		if err != nil || len(got) != want || want > 0 && (dropped != 9001-want || got[0].Value != 2) {
			t.Errorf("%.40s: %d, %d dropped, %v", data, len(got), dropped, err)
		}
	}
}

// TestExemplarsOfARealPrometheus has one scrape a service that has exemplars.
func TestExemplarsOfARealPrometheus(t *testing.T) {
	programs := prometheustest.Need(t)
	const id = "0af7651916cd43dd8448eb211c80319c"
	service := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		fmt.Fprintf(w, "# TYPE requests counter\nrequests_total{service=\"cart\"} 7 # {trace_id=%q} 0.25 %d.0\n# EOF\n", id, time.Now().Unix())
	}))
	defer service.Close()
	config := "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: shop\n  static_configs: [{targets: ['" + strings.TrimPrefix(service.URL, "http://") + "']}]\n"
	server, err := prometheustest.Start(t.Context(), programs, t.TempDir(), config, "--enable-feature=exemplar-storage")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Stop() }()
	c := client(t, server.URL, nil)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got, _, err := c.QueryExemplars(t.Context(), "requests_total", time.Now().Add(-time.Minute), time.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > 0 {
			if e := got[0]; e.Trace.String() != id || e.Value != 0.25 || e.Of.Service != "cart" {
				t.Errorf("%+v", e)
			}
			return
		}
	}
	t.Error("there is no exemplar after half a minute")
}
