package daemon

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"encoding/hex"

	"github.com/autoecoops/autoecoops/deliver"
)

func TestTracesAreExported(t *testing.T) {
	got := make(chan *collector.ExportTraceServiceRequest, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		text, err := io.ReadAll(body)
		var in collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(text, &in) != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		got <- &in
	}))
	defer s.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	tr, err := openTraces(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil || tr == nil {
		t.Fatalf("%v, %v", tr, err)
	}
	id, at := strings.Repeat("ab", 16), time.Unix(1700000000, 5000).UTC()
	tr.Span(deliver.Span{Trace: id, ID: "0000000000000001", Name: "release", Start: at, End: at.Add(time.Minute), Failed: "crash loop", Attributes: map[string]string{"autoecoops.phase": "Failed"}})
	tr.Span(deliver.Span{Trace: id, ID: "0000000000000002", Parent: "0000000000000001", Name: "fetch", Start: at, End: at.Add(time.Second)})
	tr.Span(deliver.Span{Trace: "no id", ID: "x"})
	tr.Span(deliver.Span{Trace: id, ID: "x"})
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := (<-got).ResourceSpans[0].ScopeSpans[0].Spans
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	root, child := spans[0], spans[1]
	if hex.EncodeToString(root.TraceId) != id || hex.EncodeToString(root.SpanId) != "0000000000000001" || len(root.ParentSpanId) != 0 ||
		root.StartTimeUnixNano != uint64(at.UnixNano()) || root.EndTimeUnixNano-root.StartTimeUnixNano != uint64(time.Minute) || root.Status.GetMessage() != "crash loop" {
		t.Errorf("%v", root)
	}
	if hex.EncodeToString(child.TraceId) != id || hex.EncodeToString(child.SpanId) != "0000000000000002" || hex.EncodeToString(child.ParentSpanId) != "0000000000000001" {
		t.Errorf("%v", child)
	}
}

func TestNoTracesWithoutAnAddress(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	if tr, err := openTraces(context.Background(), slog.New(slog.DiscardHandler)); tr != nil || err != nil {
		t.Errorf("%v, %v", tr, err)
	}
}

func TestFailingExportsAreHeard(t *testing.T) {
	code := http.StatusBadRequest
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	defer s.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	var out strings.Builder
	tr, err := openTraces(t.Context(), slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	send := func() {
		tr.Span(deliver.Span{Trace: strings.Repeat("ab", 16), ID: "0000000000000001", Name: "x", Start: time.Now(), End: time.Now()})
		_ = tr.provider.ForceFlush(t.Context()) // its failure is what is tested
	}
	send()
	send()
	if n := strings.Count(out.String(), "cannot be exported"); n != 1 {
		t.Errorf("said %d times:\n%s", n, out.String())
	}
	code = http.StatusOK
	send()
	if !strings.Contains(out.String(), "exported again") {
		t.Error(out.String())
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
