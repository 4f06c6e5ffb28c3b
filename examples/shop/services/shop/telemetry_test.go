package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace/noop"
)

// TestRequestsAreMeasuredAndTraced asks one page, and looks at what Prometheus and
// the collector get.
func TestRequestsAreMeasuredAndTraced(t *testing.T) {
	sent := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent <- r.Method + " " + r.URL.Path }))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	done, err := traces(t.Context(), "catalog")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { otel.SetTracerProvider(noop.NewTracerProvider()) })
	s, measured := &service{name: "catalog", latency: time.Millisecond, client: http.DefaultClient, log: slog.New(slog.DiscardHandler)}, newMeasures()
	measured.page("/", s.page).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if err := done(context.Background()); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-sent:
		if got != "POST /v1/traces" {
			t.Errorf("the collector got %s", got)
		}
	default:
		t.Error("the collector got nothing")
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text")
	measured.handler().ServeHTTP(w, r)
	for _, want := range []string{`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/"} 1`, `# {trace_id="`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metrics have no %s:\n%s", want, w.Body)
		}
	}
}

func TestRefusesNonsensicalLatency(t *testing.T) {
	for _, latency := range []string{"slow", "-1s"} {
		t.Setenv("LATENCY", latency)
		if err := run(slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), latency) {
			t.Errorf("%s: %v", latency, err)
		}
	}
}
