package corpus

import (
	"encoding/binary"
	"fmt"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// SpansPerMessage is how many spans a message holds: what the SDKs send at a time.
const SpansPerMessage = 512

type spanStep struct {
	service, name string
	parent        int // place in spanSteps, -1 for none
	kind          tracepb.Span_SpanKind
	from, to      uint64 // milliseconds
}

const (
	server = tracepb.Span_SPAN_KIND_SERVER
	client = tracepb.Span_SPAN_KIND_CLIENT
)

// spanSteps are the spans of a trace.
func spanSteps() []spanStep {
	return []spanStep{
		{"web", "POST /buy", -1, server, 0, 100},
		{"web", "POST", 0, client, 5, 95},
		{"cart", "POST /cart", 1, server, 8, 92},
		{"cart", "SELECT carts", 2, client, 10, 20},
		{"price", "GET /price", 2, server, 25, 45},
		{"stock", "GET /stock", 2, server, 25, 80},
		{"stock", "GET /depot", 5, client, 30, 70},
		{"depot", "GET /depot", 6, server, 33, 66},
	}
}

// Spans are messages of OTLP whose trace ids change each time they are sent: traces of
// eight spans through five services and a database.
type Spans struct {
	start    time.Time
	messages []spanMessage
}

// spanMessage is a message and where the ids of its traces stand.
type spanMessage struct {
	text []byte
	ids  []int
}

func textAttribute(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

// Service is who a service is in the resources that it sends.
func Service(name string) *identity.Identity {
	return &identity.Identity{Key: identity.Key{Environment: "production", Namespace: "shop", Service: name}, Instance: name + "-5d9f7c6b8-x2x4z", KubeNamespace: "shop", Pod: name + "-5d9f7c6b8-x2x4z"}
}

// NewSpans makes a round of messages of 2,048 traces, which begin at start, a microsecond
// apart: each service sends its spans of the same traces in messages of its own.
func NewSpans(start time.Time) (*Spans, error) {
	l := &Spans{start: start}
	spans := map[string][]*tracepb.Span{}
	var order []string
	mark := func(trace int) []byte {
		id := make([]byte, 16)
		binary.BigEndian.PutUint64(id, 0xA1B2C3D4E5F60718) // where to find it; replaced before it is sent
		binary.BigEndian.PutUint64(id[8:], uint64(trace)+1)
		return id
	}
	for n := range SpansPerMessage * 4 {
		for i, s := range spanSteps() {
			if spans[s.service] == nil {
				order = append(order, s.service)
			}
			at := uint64(l.start.UnixNano()) + uint64(n)*1000
			p := &tracepb.Span{
				TraceId: mark(n), SpanId: spanID(i), Name: s.name, Kind: s.kind, StartTimeUnixNano: at + s.from*1e6, EndTimeUnixNano: at + s.to*1e6,
				Attributes: []*commonpb.KeyValue{textAttribute("http.request.method", "POST"), textAttribute("url.path", "/shop/items/of/the/day"), textAttribute("server.address", s.service+".shop.svc"), textAttribute("network.protocol.version", "1.1"), textAttribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"), textAttribute("thread.name", "worker-7"), textAttribute("code.function.name", "shop.handlers.buy"), textAttribute("url.scheme", "http")},
				Status:     &tracepb.Status{},
			}
			if s.parent >= 0 {
				p.ParentSpanId = spanID(s.parent)
			}
			if s.service == "cart" && s.kind == client {
				p.Attributes[0] = textAttribute("db.system.name", "postgresql")
			}
			if n%100 == 0 && s.service == "depot" {
				p.Status.Code = tracepb.Status_STATUS_CODE_ERROR
			}
			spans[s.service] = append(spans[s.service], p)
		}
	}
	for at := 0; at < SpansPerMessage*4*2; at += SpansPerMessage {
		for _, name := range order {
			all := spans[name]
			if at >= len(all) {
				continue
			}
			if err := l.add(name, all[at:min(len(all), at+SpansPerMessage)]); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

func spanID(i int) []byte { return []byte{1, 2, 3, 4, 5, 6, 7, byte(i + 1)} }

func (l *Spans) add(name string, spans []*tracepb.Span) error {
	if len(spans) != SpansPerMessage {
		return fmt.Errorf("a message of %d spans", len(spans))
	}
	of := Service(name)
	b, err := proto.Marshal(&coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{textAttribute("service.name", of.Service), textAttribute("service.namespace", of.Namespace), textAttribute("deployment.environment.name", of.Environment), textAttribute("k8s.pod.name", of.Pod), textAttribute("k8s.namespace.name", of.KubeNamespace), textAttribute("telemetry.sdk.language", "go")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "bench"}, Spans: spans}},
	}}})
	if err != nil {
		return err
	}
	t := spanMessage{text: b}
	for i := 0; i+16 <= len(b); i++ {
		if binary.BigEndian.Uint64(b[i:]) == 0xA1B2C3D4E5F60718 {
			t.ids = append(t.ids, i)
		}
	}
	if len(t.ids) != len(spans) {
		return fmt.Errorf("%d ids for %d spans", len(t.ids), len(spans))
	}
	l.messages = append(l.messages, t)
	return nil
}

// Round is how many messages there are until trace ids change.
func (l *Spans) Round() int { return len(l.messages) }

// Next returns the message to send as the i-th. It is valid until the next call.
func (l *Spans) Next(i int) []byte {
	t := l.messages[i%len(l.messages)]
	round := uint64(i/len(l.messages)) + 1
	for _, at := range t.ids {
		binary.BigEndian.PutUint64(t.text[at:], round)
	}
	return t.text
}
