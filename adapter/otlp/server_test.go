package otlp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/autoecoops/autoecoops/adapter/otlp"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// sink takes spans into a window, or says what it is told to.
type sink struct {
	otlp.Traces
	window *trace.Window
	mu     sync.Mutex
	err    error
	hold   chan struct{}
	// working is how many requests are dealt with just now.
	working atomic.Int32
}

func newSink(t testing.TB) *sink {
	t.Helper()
	w, err := trace.NewWindow(trace.Options{MaxSpans: 100})
	if err != nil {
		t.Fatal(err)
	}
	return &sink{Traces: otlp.Into(w, time.Now), window: w}
}

func (s *sink) Take(ctx context.Context, spans []trace.Span) (trace.Taken, error) {
	s.mu.Lock()
	err, hold := s.err, s.hold
	s.mu.Unlock()
	s.working.Add(1)
	defer s.working.Add(-1)
	if hold != nil {
		select {
		case <-hold:
		case <-time.After(time.Minute):
			return trace.Taken{}, errors.New("held for too long")
		}
	}
	if err != nil {
		return trace.Taken{}, err
	}
	return s.Traces.Take(ctx, spans)
}

func (s *sink) set(err error, hold chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.hold = err, hold
}

// TakeMetrics and TakeLogs reject one of what comes.
func (s *sink) TakeMetrics(_ context.Context, r *colmetrics.ExportMetricsServiceRequest) (int64, string, error) {
	return int64(len(r.ResourceMetrics)), "no metrics today", s.err
}

func (s *sink) TakeLogs(_ context.Context, r *collogs.ExportLogsServiceRequest) (int64, string, error) {
	return int64(len(r.ResourceLogs)), "no logs today", s.err
}

// running is a server on two ports of this machine.
type running struct {
	grpc, http string
	stop       func() error
	sink       *sink
}

func start(t testing.TB, change func(*otlp.Options)) running {
	t.Helper()
	r := running{sink: newSink(t)}
	o := otlp.Options{Traces: r.sink, Grace: time.Second}
	if change != nil {
		change(&o)
	}
	s, err := otlp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listeners[0], listeners[1]) }()
	var once sync.Once
	var result error
	r.stop = func() error {
		once.Do(func() { cancel(); result = <-done })
		return result
	}
	t.Cleanup(func() { _ = r.stop() })
	r.grpc, r.http = listeners[0].Addr().String(), listeners[1].Addr().String()
	return r
}

// export has the real SDK send a purchase: a server, its client, a failure.
func export(t *testing.T, exporter sdktrace.SpanExporter) {
	t.Helper()
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "cart"), attribute.String("service.namespace", "shop"), attribute.String("deployment.environment.name", "production"))))
	tracer := provider.Tracer("test")
	ctx, outer := tracer.Start(t.Context(), "POST /buy", oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	_, inner := tracer.Start(ctx, "INSERT", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithAttributes(attribute.String("db.system", "postgresql"), attribute.String("server.address", "db")))
	inner.RecordError(errors.New("disk full"))
	inner.SetStatus(otelcodes.Error, "")
	inner.End()
	outer.SetStatus(otelcodes.Error, "could not buy")
	outer.End()
	if err := errors.Join(provider.ForceFlush(t.Context()), provider.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
}

// checkPurchase looks for what export sent.
func checkPurchase(t *testing.T, w *trace.Window) {
	t.Helper()
	found := w.Find(trace.Query{Failed: true})
	if len(found) != 1 || found[0].Spans != 2 || found[0].Service.String() != "production:shop/cart" || found[0].Root != "POST /buy" {
		t.Fatalf("%+v", found)
	}
	tr, err := w.Get(found[0].ID)
	if err != nil || !tr.Whole() {
		t.Fatal(err)
	}
	calls := tr.Calls(nil)
	if len(calls) != 2 || calls[1].Edge.Callee.String() != "database:production:shop/postgresql/db" || !calls[1].Fault || calls[0].Fault || tr.Spans[1].Message != "disk full" {
		t.Errorf("%+v", calls)
	}
}

func TestTheRealSDK(t *testing.T) {
	secure := httptest.NewUnstartedServer(nil)
	secure.StartTLS()
	defer secure.Close()
	certificate := &tls.Config{Certificates: secure.TLS.Certificates, MinVersion: tls.VersionTLS12}
	trust := secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	for name, c := range map[string]struct {
		change   func(*otlp.Options)
		exporter func(r running) (sdktrace.SpanExporter, error)
	}{
		"http": {nil, func(r running) (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithInsecure())
		}},
		"http, compressed, with a token": {func(o *otlp.Options) { o.Token = secret }, func(r running) (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithHeaders(map[string]string{"Authorization": "Bearer secret"}))
		}},
		"https": {func(o *otlp.Options) { o.TLS = certificate }, func(r running) (sdktrace.SpanExporter, error) {
			trust.ServerName = "example.com"
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithTLSClientConfig(trust))
		}},
		"grpc": {nil, func(r running) (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure())
		}},
		"grpc, compressed, with a token": {func(o *otlp.Options) { o.Token = secret }, func(r running) (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"), otlptracegrpc.WithHeaders(map[string]string{"Authorization": "Bearer secret"}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, c.change)
			e, err := c.exporter(r)
			if err != nil {
				t.Fatal(err)
			}
			export(t, e)
			checkPurchase(t, r.sink.window)
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheRealSDKComesAgain: exporters understand that the receiver is busy.
func TestTheRealSDKComesAgain(t *testing.T) {
	quick := otlptracehttp.RetryConfig{Enabled: true, InitialInterval: 20 * time.Millisecond, MaxInterval: 100 * time.Millisecond, MaxElapsedTime: 20 * time.Second}
	for name, exporter := range map[string]func(r running) (sdktrace.SpanExporter, error){
		"http": func(r running) (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithInsecure(), otlptracehttp.WithRetry(quick))
		},
		"grpc": func(r running) (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig(quick)))
		},
	} {
		r := start(t, func(o *otlp.Options) { o.RetryAfter = time.Millisecond })
		r.sink.set(fault.New(fault.Unavailable, "take", "", "busy", ""), nil)
		free := time.AfterFunc(300*time.Millisecond, func() { r.sink.set(nil, nil) })
		e, err := exporter(r)
		if err != nil {
			t.Fatal(err)
		}
		export(t, e)
		free.Stop()
		checkPurchase(t, r.sink.window)
		if n := r.sink.window.Usage().Loss.Refused; n == 0 || n%2 != 0 {
			t.Errorf("%s: %d spans were refused", name, n)
		}
	}
}

// dial returns a client of the gRPC service.
func dial(t testing.TB, r running) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(r.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func post(t testing.TB, r running, path string, body []byte, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.http+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, text
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

// TestHostileBodies sends what must be refused, with the right answer, and after
// each one the server must still take what is good.
func TestHostileBodies(t *testing.T) {
	r := start(t, func(o *otlp.Options) { o.MaxMessage = 1 << 16 })
	good := encode(t, example())
	for name, c := range map[string]struct {
		body    []byte
		headers []string
		want    int
	}{
		"no protobuf":             {[]byte("hello, I am no protobuf"), nil, 400},
		"no JSON":                 {[]byte("{"), []string{"Content-Type", "application/json"}, 400},
		"cut off":                 {good[:len(good)-3], nil, 400},
		"nothing":                 {nil, nil, 200},
		"another type":            {good, []string{"Content-Type", "text/plain"}, 415},
		"no type":                 {good, []string{"Content-Type", ";"}, 415},
		"another compression":     {good, []string{"Content-Encoding", "br"}, 415},
		"not compressed":          {good, []string{"Content-Encoding", "gzip"}, 400},
		"compressed and cut":      {zipped(good)[:40], []string{"Content-Encoding", "gzip"}, 400},
		"too large":               {make([]byte, 1<<16+1), nil, 413},
		"too large once unpacked": {zipped(make([]byte, 50<<20)), []string{"Content-Encoding", "gzip"}, 413},
		"the wrong token":         {good, []string{"Authorization", "Bearer x"}, 200},
		"good":                    {good, nil, 200},
		"good and compressed":     {zipped(good), []string{"Content-Encoding", "gzip"}, 200},
		"good JSON":               {[]byte(exampleJSON), []string{"Content-Type", "application/json; charset=utf-8"}, 200},
	} {
		res, text := post(t, r, "/v1/traces", c.body, c.headers...)
		if res.StatusCode != c.want {
			t.Errorf("%s: %d, %q", name, res.StatusCode, text)
		}
		// What was understood as a message is answered with one.
		if res.StatusCode == 413 && (res.Header.Get("Content-Type") != "application/x-protobuf" || !strings.Contains(string(text), "send smaller ones")) {
			t.Errorf("%s: %v %q", name, res.Header, text)
		}
		if res, _ := post(t, r, "/v1/traces", good); res.StatusCode != 200 {
			t.Errorf("after %s: %d", name, res.StatusCode)
		}
	}
	if n := r.sink.window.Usage().Loss.Refused; n != 5 {
		t.Errorf("%d were counted as refused", n)
	}
	res, err := http.Get("http://" + r.http + "/v1/traces")
	if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Error(res, err)
	}
	res.Body.Close()
	if res, _ := post(t, r, "/v1/metrics", nil); res.StatusCode != 404 {
		t.Errorf("metrics that nobody takes: %d", res.StatusCode)
	}
}

func TestPartialSuccess(t *testing.T) {
	r := start(t, nil)
	m := example()  // one of its two spans has no time
	for range 150 { // and a trace may have 100
		s := proto.Clone(m.ResourceSpans[0].ScopeSpans[0].Spans[0]).(*tracepb.Span)
		m.ResourceSpans[0].ScopeSpans[0].Spans = append(m.ResourceSpans[0].ScopeSpans[0].Spans, s)
	}
	res, text := post(t, r, "/v1/traces", encode(t, m))
	var got coltrace.ExportTraceServiceResponse
	if err := proto.Unmarshal(text, &got); err != nil || res.StatusCode != 200 || got.PartialSuccess.GetRejectedSpans() != 52 || !strings.Contains(got.PartialSuccess.ErrorMessage, "too many spans") {
		t.Errorf("%d %v %v", res.StatusCode, &got, err)
	}
	_, text = post(t, r, "/v1/traces", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}`), "Content-Type", "application/json")
	if !strings.Contains(string(text), `"rejectedSpans":"1"`) {
		t.Errorf("%s", text)
	}
	answer, err := coltrace.NewTraceServiceClient(dial(t, r)).Export(t.Context(), m)
	if err != nil || answer.PartialSuccess.GetRejectedSpans() == 0 {
		t.Error(answer, err)
	}
	_, text = post(t, r, "/v1/traces", bomb(60_000))
	if err := proto.Unmarshal(text, &got); err != nil || got.PartialSuccess.RejectedSpans != 60_000 || !strings.Contains(got.PartialSuccess.ErrorMessage, "50000 spans") {
		t.Errorf("%v %v", &got, err)
	}
}

// TestBackPressure fills all slots, then looks what others are told.
func TestBackPressure(t *testing.T) {
	r := start(t, func(o *otlp.Options) {
		o.MaxRequests, o.Patience, o.RetryAfter = 4, 20*time.Millisecond, 1500*time.Millisecond
	})
	hold := make(chan struct{})
	r.sink.set(nil, hold)
	good := encode(t, example())
	var group sync.WaitGroup
	for range 3 { // one address has three quarters at most
		group.Go(func() { post(t, r, "/v1/traces", good) })
	}
	client := coltrace.NewTraceServiceClient(dial(t, r))
	var refused error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, refused = client.Export(ctx, example())
		cancel()
		if status.Code(refused) == codes.ResourceExhausted {
			break
		}
	}
	if st := status.Convert(refused); st.Code() != codes.ResourceExhausted || len(st.Proto().Details) != 1 || !strings.HasSuffix(st.Proto().Details[0].TypeUrl, "RetryInfo") {
		t.Errorf("%v", st.Proto())
	}
	// Those whose senders have given up are worked on all the same.
	if n := r.sink.working.Load(); n != 3 {
		t.Errorf("%d at a time, not 3", n)
	}
	res, _ := post(t, r, "/v1/traces", good)
	if res.StatusCode != 429 || res.Header.Get("Retry-After") != "2" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	res, text := post(t, r, "/v1/traces", []byte("{}"), "Content-Type", "application/json")
	if res.StatusCode != 429 || !strings.Contains(string(text), `"code":8`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	close(hold)
	group.Wait()
	r.sink.set(nil, nil)
	if res, _ := post(t, r, "/v1/traces", good); res.StatusCode != 200 {
		t.Errorf("%d after all were free again", res.StatusCode)
	}
	if _, err := client.Export(t.Context(), example()); err != nil {
		t.Error(err)
	}
	if n := r.sink.window.Usage().Loss.Refused; n < 3 {
		t.Errorf("%d were counted as refused", n)
	}
}

func TestABusySink(t *testing.T) {
	r := start(t, nil)
	client := coltrace.NewTraceServiceClient(dial(t, r))
	for _, c := range []struct {
		err  error
		http int
		grpc codes.Code
	}{
		{fault.New(fault.Unavailable, "take", "", "the window is busy", ""), 429, codes.ResourceExhausted},
		{fault.New(fault.Invalid, "take", "", "no", ""), 400, codes.InvalidArgument},
		{errors.New("secret cause"), 500, codes.Internal},
	} {
		r.sink.set(c.err, nil)
		res, text := post(t, r, "/v1/traces", encode(t, example()))
		if res.StatusCode != c.http || strings.Contains(string(text), "secret") {
			t.Errorf("%v: %d %q", c.err, res.StatusCode, text)
		}
		if _, err := client.Export(t.Context(), example()); status.Code(err) != c.grpc {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}

func secret(bool) string { return "secret" }

func TestTokens(t *testing.T) {
	r := start(t, func(o *otlp.Options) { o.Token = secret })
	client := coltrace.NewTraceServiceClient(dial(t, r))
	for header, ok := range map[string]bool{"": false, "Bearer": false, "Bearer secre": false, "Basic secret": false, "secret": false, "Bearer secret": true, "bearer secret": true} {
		res, _ := post(t, r, "/v1/traces", encode(t, example()), "Authorization", header)
		if (res.StatusCode == 200) != ok || !ok && res.StatusCode != 401 {
			t.Errorf("%q: %d", header, res.StatusCode)
		}
		if _, err := client.Export(metadata.AppendToOutgoingContext(t.Context(), "authorization", header), example()); (err == nil) != ok || !ok && status.Code(err) != codes.Unauthenticated {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func TestMetricsAndLogs(t *testing.T) {
	none := start(t, nil)
	if _, err := collogs.NewLogsServiceClient(dial(t, none)).Export(t.Context(), &collogs.ExportLogsServiceRequest{}); status.Code(err) != codes.Unimplemented {
		t.Error(err)
	}
	r := start(t, func(o *otlp.Options) { o.Metrics, o.Logs = o.Traces.(*sink), o.Traces.(*sink) })
	if res, text := post(t, r, "/v1/metrics", []byte(`{"resourceMetrics":[{}]}`), "Content-Type", "application/json"); res.StatusCode != 200 || !strings.Contains(string(text), "no metrics today") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	if res, text := post(t, r, "/v1/logs", []byte(`{"resourceLogs":[{}]}`), "Content-Type", "application/json"); res.StatusCode != 200 || !strings.Contains(string(text), "no logs today") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	for _, path := range []string{"/v1/metrics", "/v1/logs"} {
		for kind, body := range map[string]string{"application/json": "{", "application/x-protobuf": "x"} {
			if res, _ := post(t, r, path, []byte(body), "Content-Type", kind); res.StatusCode != 400 {
				t.Errorf("%s of %s: %d", path, kind, res.StatusCode)
			}
		}
	}
	conn := dial(t, r)
	if got, err := collogs.NewLogsServiceClient(conn).Export(t.Context(), &collogs.ExportLogsServiceRequest{}); err != nil || got.PartialSuccess != nil {
		t.Error(got, err)
	}
	if got, err := colmetrics.NewMetricsServiceClient(conn).Export(t.Context(), &colmetrics.ExportMetricsServiceRequest{}); err != nil || got.PartialSuccess != nil {
		t.Error(got, err)
	}
	r.sink.set(errors.New("away"), nil)
	for _, path := range []string{"/v1/metrics", "/v1/logs"} {
		if res, _ := post(t, r, path, nil); res.StatusCode != 500 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// TestSlowSenders open requests and never send them.
func TestSlowSenders(t *testing.T) {
	r := start(t, func(o *otlp.Options) { o.MaxRequests, o.MaxTime, o.Patience = 1, 200*time.Millisecond, 2*time.Second })
	conn, err := net.Dial("tcp", r.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 100\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	if res, _ := post(t, r, "/v1/traces", encode(t, example())); res.StatusCode != 200 {
		t.Errorf("%d after one that never ends", res.StatusCode)
	}
	stream, err := dial(t, r).NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&coltrace.ExportTraceServiceResponse{}); err == nil {
		t.Error("a stream without a request is answered")
	}
	if res, _ := post(t, r, "/v1/traces", encode(t, example())); res.StatusCode != 200 {
		t.Errorf("%d after a stream that never ends", res.StatusCode)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	r := start(t, func(o *otlp.Options) { o.MaxConnections = 1 })
	first, err := net.Dial("tcp", r.http)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan int)
	go func() {
		res, _ := post(t, r, "/v1/traces", encode(t, example()))
		answered <- res.StatusCode
	}()
	select {
	case code := <-answered:
		t.Errorf("%d while another has the only connection", code)
	case <-time.After(200 * time.Millisecond):
	}
	first.Close()
	if code := <-answered; code != 200 {
		t.Error(code)
	}
}

// TestStopWaits for what is under way, and no longer than it may.
func TestStopWaits(t *testing.T) {
	r := start(t, func(o *otlp.Options) { o.Grace = 10 * time.Second })
	hold := make(chan struct{})
	r.sink.set(nil, hold)
	conn := dial(t, r)
	results := make(chan error, 2)
	go func() {
		_, err := coltrace.NewTraceServiceClient(conn).Export(context.Background(), example())
		results <- err
	}()
	go func() {
		res, err := http.Post("http://"+r.http+"/v1/traces", "application/x-protobuf", bytes.NewReader(encode(t, example())))
		if err == nil {
			res.Body.Close()
		}
		results <- err
	}()
	time.Sleep(200 * time.Millisecond)
	stopped := make(chan error)
	go func() { stopped <- r.stop() }()
	time.Sleep(100 * time.Millisecond)
	close(hold)
	if err := errors.Join(<-results, <-results, <-stopped); err != nil {
		t.Error(err)
	}
	if u := r.sink.window.Usage(); u.Spans != 2 {
		t.Errorf("%+v", u)
	}
}

func TestAListenerThatFails(t *testing.T) {
	s, err := otlp.New(otlp.Options{Traces: newSink(t)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := s.Serve(t.Context(), nil, l); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
	for _, o := range []otlp.Options{{}, {Traces: newSink(t), MaxRequests: -1}} {
		if _, err := otlp.New(o); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
