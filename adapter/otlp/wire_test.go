package otlp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/autoecoops/autoecoops/adapter/otlp"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func bytesOf(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }

// example is a request with all that is read.
func example() *coltrace.ExportTraceServiceRequest {
	return &coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "cart"), text("service.namespace", "shop"), text("deployment.environment.name", "production"), text("k8s.pod.name", "cart-1"), text("unknown", "x")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{
			{
				TraceId: bytesOf(16, 1), SpanId: bytesOf(8, 2), ParentSpanId: bytesOf(8, 3), Name: "SELECT", Kind: tracepb.Span_SPAN_KIND_CLIENT, StartTimeUnixNano: 1000, EndTimeUnixNano: 5000,
				Attributes: []*commonpb.KeyValue{text("db.system", "postgresql"), text("server.address", "db"), {Key: "http.response.status_code", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 500}}}},
				Status:     &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR},
				Events:     []*tracepb.Span_Event{{Name: "exception", Attributes: []*commonpb.KeyValue{text("exception.message", "no such table")}}},
				Links:      []*tracepb.Span_Link{{TraceId: bytesOf(16, 4), SpanId: bytesOf(8, 5)}, {TraceId: []byte{1}, SpanId: bytesOf(8, 5)}},
			},
			{TraceId: bytesOf(16, 1), SpanId: bytesOf(8, 3), Name: "GET /", Kind: tracepb.Span_SPAN_KIND_SERVER, StartTimeUnixNano: math.MaxUint64, Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_OK}},
		}}},
	}}}
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func checkExample(t *testing.T, b otlp.Batch) {
	t.Helper()
	if len(b.Spans) != 2 || b.Dropped != 0 {
		t.Fatalf("%+v", b)
	}
	s := b.Spans[0]
	if s.Trace.String() != strings.Repeat("01", 16) || s.ID.String() != strings.Repeat("02", 8) || s.Parent.String() != strings.Repeat("03", 8) || s.Name != "SELECT" || s.Kind != trace.Client || s.Start != 1000 || s.End != 5000 {
		t.Errorf("%+v", s)
	}
	if s.Remote != (trace.Remote{Kind: trace.Database, Name: "postgresql/db", Host: true}) || !s.Failed || s.Message != "no such table" || len(s.Links) != 1 || s.Links[0].Span.String() != strings.Repeat("05", 8) {
		t.Errorf("%+v", s)
	}
	if s.From.Key != (identity.Key{Environment: "production", Namespace: "shop", Service: "cart"}) || s.From.Pod != "cart-1" {
		t.Errorf("%+v", s.From)
	}
	if s := b.Spans[1]; s.Failed || !s.Parent.IsZero() || s.Kind != trace.Server || s.Start != 0 || s.Remote.Kind != "" {
		t.Errorf("%+v", s)
	}
}

func TestDecode(t *testing.T) {
	b, err := otlp.Decode(encode(t, example()))
	if err != nil {
		t.Fatal(err)
	}
	checkExample(t, b)
}

// TestTheResourceMayComeLast: protobuf has no order of fields.
func TestTheResourceMayComeLast(t *testing.T) {
	r := example().ResourceSpans[0]
	resource, scopes := encode(t, &tracepb.ResourceSpans{Resource: r.Resource}), encode(t, &tracepb.ResourceSpans{ScopeSpans: r.ScopeSpans})
	m := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), append(scopes, resource...))
	b, err := otlp.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	checkExample(t, b)
}

const exampleJSON = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"service.namespace","value":{"stringValue":"shop"}},
{"key":"deployment.environment.name","value":{"stringValue":"production"}},{"key":"k8s.pod.name","value":{"stringValue":"cart-1"}},{"key":"x","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}]},
"scopeSpans":[{"scope":{"name":"s"},"spans":[{"traceId":"01010101010101010101010101010101","spanId":"0202020202020202","parentSpanId":"0303030303030303","name":"SELECT","kind":3,
"startTimeUnixNano":"1000","endTimeUnixNano":5000,"attributes":[{"key":"db.system","value":{"stringValue":"postgresql"}},{"key":"server.address","value":{"stringValue":"db"}},{"key":"net.peer.name","value":{"intValue":"7"}}],
"status":{"code":"STATUS_CODE_ERROR"},"events":[{"name":"exception","attributes":[{"key":"exception.message","value":{"stringValue":"no such table"}}]}],
"links":[{"traceId":"04040404040404040404040404040404","spanId":"0505050505050505"},{"traceId":"x"}]},
{"traceId":"01010101010101010101010101010101","spanId":"0303030303030303","parentSpanId":"","name":"GET /","kind":"SPAN_KIND_SERVER","startTimeUnixNano":"18446744073709551615","status":{"code":1},"future":[1]}]}]}]}`

func TestDecodeJSON(t *testing.T) {
	b, err := otlp.DecodeJSON([]byte(exampleJSON))
	if err != nil {
		t.Fatal(err)
	}
	checkExample(t, b)
	b, err = otlp.DecodeJSON([]byte(strings.Replace(exampleJSON, "resourceSpans", "batches", 1)))
	if err != nil {
		t.Fatal(err)
	}
	checkExample(t, b)
	for _, bad := range []string{"", "[]", "{", "null1", `{"resourceSpans":{}}`, `{"resourceSpans":[1]}`, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":1}]}]}]}`, `{"resourceSpans":[{"resource":{"attributes":5}}]}`} {
		if b, err := otlp.DecodeJSON([]byte(bad)); fault.KindOf(err) != fault.Invalid || len(b.Spans) != 0 {
			t.Errorf("%q: %v %v", bad, b, err)
		}
	}
	for _, empty := range []string{"{}", `{"resourceSpans":null}`, `{"resourceSpans":[{"scopeSpans":null}]}`} {
		if b, err := otlp.DecodeJSON([]byte(empty)); err != nil || len(b.Spans) != 0 {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

// bomb is a message of n spans of nothing, two bytes each.
func bomb(n int) []byte {
	spans := bytes.Repeat([]byte{2<<3 | 2, 0}, n)
	scope := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), spans)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), scope)
}

// TestSmallMessagesStaySmall sends what would be large once it is unmarshalled.
func TestSmallMessagesStaySmall(t *testing.T) {
	attributes := example()
	attributes.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes = []*commonpb.KeyValue{text("secret.blob", strings.Repeat("x", 10<<20)), text("db.system", strings.Repeat("y", 1<<20)), text("server.address", "\xff\x00\x01\u202e")}
	hostile, err := proto.Marshal(attributes)
	if err != nil { // text that is no UTF-8 is refused by the library; put it in by hand
		attributes.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes[2] = text("server.address", "ZZZZ")
		hostile = bytes.Replace(encode(t, attributes), []byte("ZZZZ"), []byte("\xff\x00\x01Z"), 1)
	}
	for name, c := range map[string]struct {
		message []byte
		spans   int
		dropped int
	}{
		"two million empty spans": {bomb(2_000_000), otlp.MaxSpans, 2_000_000 - otlp.MaxSpans},
		"attributes of 10 MB":     {hostile, 2, 0},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b, err := otlp.Decode(c.message)
		runtime.ReadMemStats(&after)
		if err != nil || len(b.Spans) != c.spans || b.Dropped != c.dropped {
			t.Errorf("%s: %d spans, %d dropped, %v", name, len(b.Spans), b.Dropped, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
		for _, s := range b.Spans[:2] {
			if len(s.Remote.Name) > 1024 || strings.ContainsFunc(s.Remote.Name, unicode.IsControl) || !utf8.ValidString(s.Remote.Name) {
				t.Errorf("%s: %q", name, s.Remote.Name)
			}
		}
	}
	many := `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat("{},", 200_000) + `{}]}]}]}`
	if b, err := otlp.DecodeJSON([]byte(many)); err != nil || b.Dropped != 200_001-otlp.MaxSpans {
		t.Errorf("%d dropped, %v", b.Dropped, err)
	}
}

func TestCutOff(t *testing.T) {
	whole := encode(t, example())
	for i := range whole {
		if b, err := otlp.Decode(whole[:i]); err == nil && len(b.Spans) > 1 && i > 0 {
			t.Errorf("%d of %d bytes hold all spans", i, len(whole))
		} else if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Error(err)
		}
	}
	deep := []byte{}
	for range 20_000 { // groups within groups
		deep = append(deep, 1<<3|3)
	}
	if _, err := otlp.Decode(deep); err == nil {
		t.Error("a group without an end is read")
	}
}

// FuzzDecode compares with the official library: what it reads we read alike.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, example()))
	f.Add(bomb(3))
	f.Add([]byte{1<<3 | 3, 1<<3 | 4})
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := otlp.Decode(message)
		for i := range got.Spans {
			trace.Trim(&got.Spans[i])
		}
		var want coltrace.ExportTraceServiceRequest
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(message, &want) != nil {
			return
		}
		if err != nil {
			t.Fatalf("the library reads it: %v", err)
		}
		i := 0
		for _, r := range want.ResourceSpans {
			for _, sc := range r.ScopeSpans {
				for _, w := range sc.Spans {
					if i >= len(got.Spans) {
						t.Fatal("a span is missing")
					}
					g := got.Spans[i]
					i++
					if len(w.TraceId) == 16 && g.Trace.String() != hex.EncodeToString(w.TraceId) || len(w.SpanId) == 8 && g.ID.String() != hex.EncodeToString(w.SpanId) || g.Failed != (w.GetStatus().GetCode() == 2) ||
						w.StartTimeUnixNano <= math.MaxInt64 && g.Start != int64(w.StartTimeUnixNano) || w.Kind >= 0 && w.Kind <= 5 && int32(g.Kind) != int32(w.Kind) {
						t.Fatalf("%+v is read as %+v", w, g)
					}
				}
			}
		}
		if i != len(got.Spans) {
			t.Fatalf("%d spans, the library has %d", len(got.Spans), i)
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(exampleJSON))
	f.Add([]byte(`{"batches":[{"scopeSpans":[{"spans":[{"traceId":"1","spanId":"2","kind":"SPAN_KIND_SERVER"}]}]}]}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		b, err := otlp.DecodeJSON(message)
		if err == nil && !json.Valid(message) {
			t.Fatal("what is no JSON is read")
		}
		for _, s := range b.Spans {
			if s.From == nil || s.Kind > trace.Consumer {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func ExampleDecode() {
	m, _ := proto.Marshal(example())
	b, _ := otlp.Decode(m)
	fmt.Println(b.Spans[0].From.Key, b.Spans[0].Name, b.Spans[0].Remote.Name)
	// Output: production:shop/cart SELECT postgresql/db
}
