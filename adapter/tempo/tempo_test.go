package tempo_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/autoecoops/autoecoops/adapter/otlp"
	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/adapter/tempo"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// decode reads spans as the program does.
func decode(message []byte, json bool) ([]trace.Span, int, error) {
	read := otlp.Decode
	if json {
		read = otlp.DecodeJSON
	}
	b, err := read(message)
	return b.Spans, b.Dropped, err
}

func client(t testing.TB, address string, change func(*tempo.Options)) *tempo.Client {
	t.Helper()
	o := tempo.Options{URL: address, Decode: decode, Pause: func(context.Context, time.Duration) {}}
	if change != nil {
		change(&o)
	}
	c, err := tempo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var wanted = trace.ID{15: 1}

// message is a trace of one span as Tempo keeps it.
func message(t testing.TB, change func(*tracepb.Span)) []byte {
	t.Helper()
	s := &tracepb.Span{TraceId: wanted[:], SpanId: []byte{0, 0, 0, 0, 0, 0, 0, 2}, Name: "GET /", Kind: tracepb.Span_SPAN_KIND_SERVER, StartTimeUnixNano: 1_700_000_000_000_000_000, EndTimeUnixNano: 1_700_000_000_005_000_000}
	if change != nil {
		change(s)
	}
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "cart"}}}}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{s}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// second wraps a message as the second version of the API does.
func second(message []byte, partial bool) string {
	b := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), message)
	if partial {
		b = protowire.AppendVarint(protowire.AppendTag(b, 3, protowire.VarintType), 1)
		b = protowire.AppendString(protowire.AppendTag(b, 4, protowire.BytesType), "a querier is away")
	}
	return string(b)
}

const (
	protobuf = "application/protobuf"
	jsonType = "application/json"
	jsonBody = `{"trace":{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeSpans":[{"spans":[{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAI=","name":"GET /","kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000005000000"}]}]}]},"status":"COMPLETE"}`
)

// answering is a server that gives one answer to each version of the API.
func answering(t testing.TB, status int, kind, body string, headers ...string) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var tries atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.Header().Set("Content-Type", kind)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server, &tries
}

func TestGet(t *testing.T) {
	for name, c := range map[string]struct {
		kind, first, second string // "" means that this version does not exist
	}{
		"the second version": {protobuf, "", second(message(t, nil), false)},
		"the first version":  {protobuf, string(message(t, nil)), ""},
		"JSON":               {jsonType, "", jsonBody},
		"JSON of the first":  {jsonType, strings.Replace(strings.TrimSuffix(strings.TrimPrefix(jsonBody, `{"trace":`), `,"status":"COMPLETE"}`), "resourceSpans", "batches", 1), ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Scope-OrgID") != "shop" || r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Accept") != protobuf {
				t.Errorf("%v", r.Header)
			}
			body := map[string]string{"/tempo/api/traces/" + wanted.String(): c.first, "/tempo/api/v2/traces/" + wanted.String(): c.second}[r.URL.Path]
			if body == "" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", c.kind)
			fmt.Fprint(w, body)
		}))
		cl := client(t, server.URL+"/tempo", func(o *tempo.Options) { o.Token, o.Tenant = "secret", "shop" })
		spans, err := cl.Get(t.Context(), wanted)
		if err != nil || len(spans) != 1 || spans[0].Name != "GET /" || spans[0].From.Service != "cart" || spans[0].Kind != trace.Server || spans[0].Duration() != 5*time.Millisecond {
			t.Errorf("%s: %+v %v", name, spans, err)
		}
		if s, ok, err := cl.Lookup(t.Context(), wanted); !ok || err != nil || s.Root != "GET /" {
			t.Errorf("%s: %+v %v", name, s, err)
		}
		server.Close()
	}
}

// TestBadAnswers gives all that a server may answer instead.
func TestBadAnswers(t *testing.T) {
	good := second(message(t, nil), false)
	other := second(message(t, func(s *tracepb.Span) { s.TraceId = []byte("0123456789abcdef") }), false)
	timeless := second(message(t, func(s *tracepb.Span) { s.StartTimeUnixNano = 0 }), false)
	for name, c := range map[string]struct {
		status       int
		kind, body   string
		headers      []string
		want         fault.Kind
		text         string
		tries, spans int
	}{
		"a login page":         {200, "text/html", "<html>", nil, fault.Unavailable, "not application/protobuf", 1, 0},
		"no kind":              {200, "", "", nil, fault.Unavailable, "not application/protobuf", 1, 0},
		"half a message":       {200, protobuf, good[:40], nil, fault.Unavailable, "no whole protobuf", 1, 0},
		"half inside":          {200, protobuf, second(message(t, nil)[:40], false), nil, fault.Unavailable, "no trace", 1, 0},
		"no protobuf":          {200, protobuf, "\xff", nil, fault.Unavailable, "no whole protobuf", 1, 0},
		"half a JSON":          {200, jsonType, jsonBody[:99], nil, fault.Unavailable, "no whole JSON", 1, 0},
		"cut off":              {200, protobuf, good[:40], []string{"Content-Length", "5000"}, fault.Unavailable, "EOF", 3, 0},
		"nothing":              {200, protobuf, "", nil, fault.NotFound, "none of its spans", 1, 0},
		"an empty JSON":        {200, jsonType, "{}", nil, fault.NotFound, "none of its spans", 1, 0},
		"a partial one":        {200, protobuf, second(message(t, nil), true), nil, fault.Partial, "a querier is away", 1, 1},
		"a partial JSON":       {200, jsonType, strings.Replace(jsonBody, `"COMPLETE"`, `"PARTIAL","message":"too large"`, 1), nil, fault.Partial, "too large", 1, 1},
		"partial, with none":   {200, jsonType, `{"trace":null,"status":"PARTIAL"}`, nil, fault.Partial, "missing", 1, 0},
		"another trace":        {200, protobuf, other, nil, fault.Unavailable, "another trace", 1, 0},
		"a span without time":  {200, protobuf, timeless, nil, fault.Unavailable, "without an id or a time", 1, 0},
		"not there":            {404, "text/plain", "trace not found", nil, fault.NotFound, "none of its spans", 2, 0},
		"no tenant":            {401, "text/plain", "no org id", nil, fault.Denied, "no org id", 1, 0},
		"a bad question":       {400, "text/plain", "invalid TraceQL", nil, fault.Invalid, "invalid TraceQL", 1, 0},
		"limited":              {429, "", "", []string{"Retry-After", "1"}, fault.Unavailable, "429", 3, 0},
		"limited for long":     {429, "", "", []string{"Retry-After", "3600"}, fault.Unavailable, "429", 1, 0},
		"broken":               {500, "text/plain", strings.Repeat("x", 900), nil, fault.Unavailable, "xxx", 3, 0},
		"a proxy's apology":    {502, "text/html", "<html>", nil, fault.Unavailable, "502", 3, 0},
		"a redirect elsewhere": {302, "", "", []string{"Location", "https://login.example.com/?a=b"}, fault.Invalid, "redirect to login.example.com", 1, 0},
	} {
		server, tries := answering(t, c.status, c.kind, c.body, c.headers...)
		cl := client(t, server.URL, nil)
		spans, err := cl.Get(t.Context(), wanted)
		if err == nil || len(spans) != c.spans || fault.KindOf(err) != c.want || !strings.Contains(err.Error(), c.text) || int(tries.Load()) != c.tries || strings.Contains(err.Error(), "<html>") {
			t.Errorf("%s: %d spans, %d tries, %v, kind %s", name, len(spans), tries.Load(), err, fault.KindOf(err))
		}
		if _, ok, err := cl.Lookup(t.Context(), wanted); ok != (c.spans > 0) || (err == nil) != (ok || c.want == fault.NotFound) {
			t.Errorf("%s: looked up: %v %v", name, ok, err)
		}
		if found, err := cl.Search(t.Context(), trace.Query{}); err == nil && c.kind != jsonType {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

const found = `{"traces":[{"traceID":"1","rootServiceName":"cart","rootTraceName":"GET /","startTimeUnixNano":"1700000000000000000","durationMs":5},{"traceID":"2","rootServiceName":"cart","rootTraceName":"slow","startTimeUnixNano":"1700000000000000000","durationMs":900}],"metrics":{"inspectedTraces":2}}`

// TestSearch gives an answer only to the question that is asked last.
func TestSearch(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("q"))
		if r.URL.Path != "/api/search" || q.Get("limit") != "3" || q.Get("start") != "1699999999" || q.Get("end") != "1700000002" {
			t.Errorf("%s", r.URL)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if strings.Contains(q.Get("q"), "namespace") {
			fmt.Fprint(w, `{"metrics":{"inspectedTraces":9}}`)
			return
		}
		fmt.Fprint(w, found)
	}))
	defer server.Close()
	from := identity.FromMap(map[string]string{"service.name": `ca"rt`, "service.namespace": "shop", "env": "production", "k8s.namespace.name": "shop", "pod": "cart-1"})
	got, err := client(t, server.URL, nil).Search(t.Context(), trace.Query{From: from, Since: time.Unix(1_699_999_999, 0), Until: time.Unix(1_700_000_001, 0), MinDuration: time.Millisecond, Failed: true, Limit: 3})
	if err != nil || len(got) != 2 || got[0].Root != "slow" || got[0].By != identity.ByService || !got[0].Failed || got[0].Service.Service != "cart" || got[1].Duration != 5*time.Millisecond {
		t.Errorf("%+v %v", got, err)
	}
	want := []string{
		`{ resource.k8s.pod.name = "cart-1" && resource.k8s.namespace.name = "shop" && status = error && traceDuration >= 1000us }`,
		`{ resource.service.name = "ca\"rt" && resource.service.namespace = "shop" && resource.deployment.environment.name = "production" && status = error && traceDuration >= 1000us }`,
		`{ resource.service.name = "ca\"rt" && status = error && traceDuration >= 1000us }`,
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s", strings.Join(asked, "\n"))
	}
}

func TestBadSearches(t *testing.T) {
	for body, want := range map[string]string{
		`{`:                            "no whole JSON",
		`{}`:                           "neither traces nor metrics",
		`{"traces":7}`:                 "no whole JSON",
		`{"traces":[{"traceID":"x"}]}`: "without an id",
		strings.Replace(found, `"1700000000000000000"`, `"soon"`, 1): "without an id",
		strings.Replace(found, `900`, `-1`, 1):                       "without an id",
	} {
		server, _ := answering(t, 200, jsonType, body)
		if got, err := client(t, server.URL, nil).Search(t.Context(), trace.Query{}); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v", body, got, err)
		}
	}
	empty, _ := answering(t, 200, jsonType, `{"traces":[],"metrics":{}}`)
	if got, err := client(t, empty.URL, nil).Search(t.Context(), trace.Query{}); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	wrong, _ := answering(t, 200, protobuf, "x")
	if _, err := client(t, wrong.URL, nil).Search(t.Context(), trace.Query{}); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	large, tries := answering(t, 200, protobuf, strings.Repeat("\x00", rest.MaxAnswer+1))
	if _, err := client(t, large.URL, nil).Get(t.Context(), wanted); fault.KindOf(err) != fault.Invalid || tries.Load() != 1 {
		t.Error(err)
	}
	good, _ := answering(t, 200, protobuf, second(message(t, nil), false))
	c := client(t, good.URL, func(o *tempo.Options) {
		o.Decode = func(m []byte, json bool) ([]trace.Span, int, error) {
			spans, _, err := decode(m, json)
			return spans, 9, err
		}
	})
	if spans, err := c.Get(t.Context(), wanted); len(spans) != 1 || fault.KindOf(err) != fault.Partial || !strings.Contains(err.Error(), "9 spans more") {
		t.Error(spans, err)
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hanging.Close()
	c := client(t, hanging.URL, func(o *tempo.Options) { o.Timeout = 50 * time.Millisecond })
	if _, err := c.Get(t.Context(), wanted); fault.KindOf(err) != fault.TimedOut {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, wanted); fault.KindOf(err) != fault.Interrupted {
		t.Error(err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if _, err := client(t, gone.URL, nil).Get(t.Context(), wanted); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprint(w, found)
	}))
	defer server.Close()
	if _, err := client(t, server.URL, nil).Search(t.Context(), trace.Query{}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if got, err := client(t, server.URL, func(o *tempo.Options) { o.CA = ca }).Search(t.Context(), trace.Query{}); err != nil || len(got) != 2 {
		t.Error(got, err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []tempo.Options{{}, {URL: "ftp://a"}, {URL: "http://a:b@c"}, {URL: "http://a?b"}, {URL: "http://a", Access: rest.Access{Login: rest.Login{Token: "a b"}}}, {URL: "http://a", Access: rest.Access{Tenant: "a\n"}}, {URL: "http://a", Access: rest.Access{CA: []byte("x")}}} {
		o.Decode = decode
		if _, err := tempo.New(o); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := tempo.New(tempo.Options{URL: "http://a"}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(second(message(f, nil), true), false)
	f.Add(jsonBody, true)
	body, kind := "", ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, body)
	}))
	f.Cleanup(server.Close)
	c := client(f, server.URL, nil)
	f.Fuzz(func(t *testing.T, text string, json bool) {
		body, kind = text, protobuf
		if json {
			kind = jsonType
		}
		spans, err := c.Get(t.Context(), wanted)
		if err == nil && len(spans) == 0 {
			t.Fatal("nothing is an answer")
		}
		for _, s := range spans {
			if s.ID.IsZero() || s.Start <= 0 || s.Trace != wanted {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// TestSearchTellsParts: a trace whose root has not come is told as a part, after the others.
func TestSearchTellsParts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, strings.Replace(strings.Replace(found, `"traceID":"2","rootServiceName":"cart"`, `"traceID":"2","rootServiceName":"<root span not yet received>"`, 1), `"rootTraceName":"slow",`, "", 1))
	}))
	defer server.Close()
	got, err := client(t, server.URL, nil).Search(t.Context(), trace.Query{Limit: 3})
	if err != nil || len(got) != 2 || got[0].Partial || got[0].Root != "GET /" || !got[1].Partial || got[1].Service.Service != "" || got[1].Duration != 900*time.Millisecond {
		t.Errorf("%+v %v", got, err)
	}
}
