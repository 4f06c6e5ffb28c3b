package daemon

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/autoecoops/autoecoops/fault"
)

// TestSpansAreReceived sends one and looks at the metrics.
func TestSpansAreReceived(t *testing.T) {
	reg := prometheus.NewRegistry()
	r, err := openSpans(Spans{HTTP: "127.0.0.1:0"}, reg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	sight := func(want string) {
		t.Helper()
		err := testutil.GatherAndCompare(reg, strings.NewReader(want), "aeo_observe_spans_received_total", "aeo_observe_traces_sight")
		if err != nil {
			t.Error(err)
		}
	}
	const about = `# HELP aeo_observe_spans_received_total Spans that came.
# TYPE aeo_observe_spans_received_total counter
aeo_observe_spans_received_total %n
# HELP aeo_observe_traces_sight 1 for how much of the traces is seen: seeing, partial or blind.
# TYPE aeo_observe_traces_sight gauge
aeo_observe_traces_sight{sight="blind"} %b
aeo_observe_traces_sight{sight="partial"} 0
aeo_observe_traces_sight{sight="seeing"} %s
`
	sight(strings.NewReplacer("%n", "0", "%b", "1", "%s", "0").Replace(about))
	req := httptest.NewRequest(http.MethodPost, "/v1/traces", strings.NewReader(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeSpans":[{"spans":[{"traceId":"1","spanId":"2","name":"GET /","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000005000000"}]}]}]}`))
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	sight(strings.NewReplacer("%n", "1", "%b", "0", "%s", "1").Replace(about))
	if n, err := testutil.GatherAndCount(reg, "aeo_observe_spans_lost_total"); n != 8 || err != nil {
		t.Errorf("%d reasons of losses, %v", n, err)
	}
}

func TestSpansNeedGoodSettings(t *testing.T) {
	if r, err := openSpans(Spans{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); r != nil || err != nil {
		t.Errorf("nobody wants a receiver: %v, %v", r, err)
	}
	empty := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, kind := range map[string]fault.Kind{empty: fault.Invalid, empty + ".none": fault.NotFound} {
		if _, err := openSpans(Spans{GRPC: "127.0.0.1:0", TokenFile: file}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); err == nil || fault.KindOf(err) != kind {
			t.Errorf("%s: %v", file, err)
		}
	}
	o := Default()
	o.Signals.Spans.TokenFile = empty
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "--otlp-token-file") {
		t.Errorf("a token for nobody: %v", err)
	}
}
