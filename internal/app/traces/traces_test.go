package traces_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/jaeger"
	"github.com/autoecoops/autoecoops/adapter/otlp"
	"github.com/autoecoops/autoecoops/adapter/tempo"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/traces"
	"github.com/autoecoops/autoecoops/observe/trace"
)

const message = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeSpans":[{"spans":[{"traceId":"1","spanId":"2","name":"GET /","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000005000000"}]}]}]}`

func TestServe(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	r, err := traces.New(traces.Settings{GRPC: "127.0.0.1:0", HTTP: address, Window: trace.Options{Settle: time.Millisecond}}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Serve(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("an address in use: %v", err)
	}
	free.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx) }()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := http.Post("http://"+address+"/v1/traces", "application/json", bytes.NewReader([]byte(message)))
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			break
		}
	}
	// No more comes, and the trace is settled all the same.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		totals := r.Window.Between(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)).Totals
		if len(totals) == 1 && totals[0].Edge.Callee.Key.Service == "cart" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", totals)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNew(t *testing.T) {
	for _, s := range []traces.Settings{{Window: trace.Options{MaxBytes: -1}}, {Receiver: otlp.Options{MaxRequests: -1}}} {
		if _, err := traces.New(s, time.Now); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
	r, err := traces.New(traces.Settings{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader([]byte(message)))
	req.Header.Set("Content-Type", "application/json")
	if r.Handler().ServeHTTP(w, req); w.Code != 200 || r.Window.Usage().Spans != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestStores(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"trace":%s}`, message)
	}))
	defer server.Close()
	s, err := traces.Tempo(tempo.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Lookup(t.Context(), trace.ID{15: 1}); !ok || err != nil || got.Root != "GET /" {
		t.Error(got, ok, err)
	}
	if _, err := traces.Jaeger(jaeger.Options{URL: server.URL}); err != nil {
		t.Error(err)
	}
}
