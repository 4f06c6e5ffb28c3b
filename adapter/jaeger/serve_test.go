package jaeger_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/jaeger"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// kept is a window with a purchase in it, which failed in its database.
func kept(t *testing.T) (*trace.Window, []trace.Span) {
	t.Helper()
	w, err := trace.NewWindow(trace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	who := func(name string) *identity.Identity {
		i := identity.FromMap(map[string]string{"service.name": name, "service.namespace": "shop", "deployment.environment.name": "production", "k8s.namespace.name": "shop", "k8s.pod.name": name + "-1"})
		return &i
	}
	at := time.Unix(1_700_000_000, 0).UnixNano()
	id := trace.ID{15: 1}
	spans := []trace.Span{
		{Trace: id, ID: trace.SpanID{1}, Kind: trace.Server, Name: "POST /buy", From: who("web"), Start: at, End: at + int64(40*time.Millisecond), Failed: true},
		{Trace: id, ID: trace.SpanID{2}, Parent: trace.SpanID{1}, Kind: trace.Client, Name: "INSERT", From: who("web"), Start: at + int64(time.Millisecond), End: at + int64(30*time.Millisecond), Failed: true, Message: "disk full", Remote: trace.Remote{Kind: trace.Database, Name: "postgresql/orders"}},
		{Trace: id, ID: trace.SpanID{3}, Parent: trace.SpanID{1}, Kind: trace.Producer, Name: "publish", From: who("web"), Start: at + int64(31*time.Millisecond), End: at + int64(32*time.Millisecond), Remote: trace.Remote{Kind: trace.Queue, Name: "kafka/mails"}, Links: []trace.Link{{Trace: trace.ID{9}, Span: trace.SpanID{8}}}},
		{Trace: id, ID: trace.SpanID{4}, Parent: trace.SpanID{1}, Kind: trace.Client, Name: "GET", From: who("web"), Start: at + int64(33*time.Millisecond), End: at + int64(34*time.Millisecond), Remote: trace.Remote{Kind: trace.External, Name: "bank", Host: true}},
	}
	w.Add(time.Unix(1_700_000_001, 0), spans)
	quick := trace.Span{Trace: trace.ID{15: 2}, ID: trace.SpanID{5}, Kind: trace.Server, Name: "GET /", From: who("cart"), Start: at + int64(time.Second), End: at + int64(time.Second+time.Millisecond)}
	w.Add(time.Unix(1_700_000_002, 0), []trace.Span{quick})
	return w, spans
}

// TestWhatIsServedIsRead asks our own answers with our own client: it finds the
// very spans.
func TestWhatIsServedIsRead(t *testing.T) {
	w, spans := kept(t)
	server := httptest.NewServer(jaeger.Handler(w))
	defer server.Close()
	c := client(t, server.URL, nil)
	if all, err := c.Services(t.Context()); err != nil || strings.Join(all, " ") != "cart web" {
		t.Errorf("services %v, %v", all, err)
	}
	got, err := c.Get(t.Context(), spans[0].Trace)
	if err != nil || !reflect.DeepEqual(got, spans) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, spans)
	}
	if _, err := c.Get(t.Context(), trace.ID{15: 9}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a trace that is not there: %v", err)
	}
	from := identity.FromMap(map[string]string{"service.name": "web", "service.namespace": "shop", "env": "production"})
	q := trace.Query{From: from, Since: time.Unix(1_700_000_000, 0), Until: time.Unix(1_700_000_001, 0), Failed: true, MinDuration: 40 * time.Millisecond}
	if found, err := c.Search(t.Context(), q); err != nil || len(found) != 1 || found[0].By != identity.ByKey || found[0].Root != "POST /buy" {
		t.Errorf("found %+v, %v", found, err)
	}
	q.MinDuration = time.Second
	if found, err := c.Search(t.Context(), q); err != nil || len(found) != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
	sample, err := c.Sample(t.Context(), time.Unix(1_700_000_000, 0), time.Unix(1_700_000_010, 0), 10)
	if err != nil || len(sample) != 2 || trace.CostsOf(sample).Traces != 2 {
		t.Errorf("a sample of %d, %v", len(sample), err)
	}
}

func TestServedAnswers(t *testing.T) {
	w, _ := kept(t)
	handler := jaeger.Handler(w)
	for _, c := range []struct {
		path string
		code int
		want string
	}{
		{"/api/services/web/operations", 200, `"data":["POST /buy","INSERT","publish","GET"]`},
		{"/api/services/nobody/operations", 200, `"data":[]`},
		{"/api/traces?service=cart", 200, `"serviceName":"cart"`},
		{"/api/traces?service=cart&limit=1&lookback=1h", 200, `"serviceName":"cart"`},
		{"/api/traces?service=cart&start=1700000009000000", 200, `"data":[]`},
		{"/api/traces/9", 404, "trace not found"},
		{"/api/traces/zz", 400, "hexadecimal"},
		{"/api/traces", 400, "parameter 'service' is required"},
		{"/api/traces?service=a&start=now", 400, "no time"},
		{"/api/traces?service=a&limit=0", 400, "no number"},
		{"/api/traces?service=a&minDuration=x", 400, "no duration"},
		{"/api/traces?service=a&tags=x", 400, "no JSON"},
		{"/api/traces?service=a&tags=%7B%22user%22:%227%22%7D", 400, "is not kept"},
		{"/api/traces?service=a&operation=GET", 400, "not searched for"},
	} {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, c.path, nil))
		if rec.Code != c.code || !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %d with %s", c.path, rec.Code, rec.Body, c.code, c.want)
		}
	}
}

// TestServedAnswersAreBounded asks for more spans than one answer has.
func TestServedAnswersAreBounded(t *testing.T) {
	w, err := trace.NewWindow(trace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	who := identity.FromMap(map[string]string{"service.name": "web"})
	at := time.Unix(1_700_000_000, 0)
	for i := range 5 {
		spans := make([]trace.Span, 9000)
		for j := range spans {
			spans[j] = trace.Span{Trace: trace.ID{1, byte(i)}, ID: trace.SpanID{1, byte(j), byte(j >> 8)}, Kind: trace.Server, Name: "x", From: &who, Start: at.UnixNano() + int64(i), End: at.UnixNano() + 1000}
		}
		w.Add(at, spans)
	}
	server := httptest.NewServer(jaeger.Handler(w))
	defer server.Close()
	traces, err := client(t, server.URL, nil).Sample(t.Context(), at.Add(-time.Second), at.Add(time.Second), 100)
	if fault.KindOf(err) != fault.Partial || len(traces) != 3 {
		t.Errorf("%d traces, %v", len(traces), err)
	}
}
