package jaeger_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/jaeger"
	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func client(t testing.TB, address string, change func(*jaeger.Options)) *jaeger.Client {
	t.Helper()
	o := jaeger.Options{URL: address, Pause: func(context.Context, time.Duration) {}}
	if change != nil {
		change(&o)
	}
	c, err := jaeger.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answering is a server that gives one answer.
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

const (
	spanJSON = `{"traceID":"1","spanID":"2","operationName":"GET","references":[{"refType":"CHILD_OF","traceID":"1","spanID":"3"},{"refType":"FOLLOWS_FROM","traceID":"9","spanID":"8"},{"refType":"CHILD_OF","traceID":"x"}],"startTime":1700000000000000,"duration":5000,"processID":"p1",
"tags":[{"key":"span.kind","type":"string","value":"client"},{"key":"error","type":"bool","value":true},{"key":"peer.service","value":"bank"},{"key":"x","value":{"a":1}}],"logs":[{"fields":[{"key":"exception.message","value":"refused"}]}]}`
	goodJSON = `{"data":[{"traceID":"1","spans":[` + spanJSON + `],"processes":{"p1":{"serviceName":"cart","tags":[{"key":"k8s.pod.name","value":"cart-1"}]}}}],"errors":null}`
)

func TestGet(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ui/api/traces/00000000000000000000000000000001" || r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("X-Tenant") != "shop" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, goodJSON)
	}))
	defer server.Close()
	c := client(t, server.URL+"/ui", func(o *jaeger.Options) { o.Token, o.Tenant = "secret", "shop" })
	spans, err := c.Get(t.Context(), trace.ID{15: 1})
	if err != nil || len(spans) != 1 {
		t.Fatal(spans, err)
	}
	s := spans[0]
	if s.Kind != trace.Client || !s.Failed || s.Message != "refused" || s.Remote.Name != "bank" || s.From.Service != "cart" || s.From.Pod != "cart-1" || s.Parent.String() != "0000000000000003" || len(s.Links) != 1 || s.Duration() != 5*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

// TestBadAnswers gives all that a server may answer instead.
func TestBadAnswers(t *testing.T) {
	const json = "application/json"
	for name, c := range map[string]struct {
		status       int
		kind, body   string
		headers      []string
		want         fault.Kind
		text         string
		tries, spans int
	}{
		"a login page":         {200, "text/html", "<html>", nil, fault.Unavailable, "not application/json", 1, 0},
		"no kind":              {200, "", "", nil, fault.Unavailable, "not application/json", 1, 0},
		"half a text":          {200, json, goodJSON[:200], nil, fault.Unavailable, "no whole JSON", 1, 0},
		"cut off":              {200, json, goodJSON[:200], []string{"Content-Length", "5000"}, fault.Unavailable, "EOF", 3, 0},
		"something else":       {200, json, "{}", nil, fault.Unavailable, "no data", 1, 0},
		"other data":           {200, json, `{"data":7}`, nil, fault.Unavailable, "none of Jaeger's", 1, 0},
		"an error with 200":    {200, json, `{"data":null,"errors":[{"code":500,"msg":"storage is away"}]}`, nil, fault.Unavailable, "storage is away", 1, 0},
		"errors beside data":   {200, json, strings.Replace(goodJSON, `"errors":null`, `"errors":[{"code":500,"msg":"a shard is away"}]`, 1), nil, fault.Partial, "a shard is away", 1, 1},
		"no traces":            {200, json, `{"data":[]}`, nil, fault.NotFound, "none of its spans", 1, 0},
		"another trace":        {200, json, strings.ReplaceAll(goodJSON, `"traceID":"1"`, `"traceID":"7"`), nil, fault.Unavailable, "another trace", 1, 0},
		"a span without an id": {200, json, strings.Replace(goodJSON, `"spanID":"2"`, `"spanID":""`, 1), nil, fault.Partial, "", 1, 0},
		"a negative duration":  {200, json, strings.Replace(goodJSON, `"duration":5000`, `"duration":-1`, 1), nil, fault.Partial, "", 1, 0},
		"not there":            {404, json, `{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}`, nil, fault.NotFound, "none of its spans", 1, 0},
		"not allowed":          {401, "text/plain", "no", nil, fault.Denied, "401", 1, 0},
		"a bad question":       {400, json, `{"errors":[{"msg":"cannot parse"}]}`, nil, fault.Invalid, "cannot parse", 1, 0},
		"limited":              {429, "", "", []string{"Retry-After", "1"}, fault.Unavailable, "429", 3, 0},
		"limited for long":     {429, "", "", []string{"Retry-After", "3600"}, fault.Unavailable, "429", 1, 0},
		"limited oddly":        {429, "", "", []string{"Retry-After", "soon"}, fault.Unavailable, "429", 3, 0},
		"broken":               {500, json, `{"errors":[{"msg":"` + strings.Repeat("x", 500) + `"}]}`, nil, fault.Unavailable, "x…", 3, 0},
		"a proxy's apology":    {502, "text/html", "<html>", nil, fault.Unavailable, "502", 3, 0},
		"a redirect elsewhere": {302, "", "", []string{"Location", "https://login.example.com/?a=b"}, fault.Invalid, "redirect to login.example.com", 1, 0},
	} {
		server, tries := answering(t, c.status, c.kind, c.body, c.headers...)
		spans, err := client(t, server.URL, nil).Get(t.Context(), trace.ID{15: 1})
		if c.want == fault.Partial && c.text == "" { // a damaged span makes the whole answer no answer
			c.want, c.text = fault.NotFound, ""
			if fault.KindOf(err) == fault.Unavailable {
				c.want = fault.Unavailable
			}
		}
		if err == nil || len(spans) != c.spans || fault.KindOf(err) != c.want || !strings.Contains(err.Error(), c.text) || int(tries.Load()) != c.tries {
			t.Errorf("%s: %d spans, %d tries, %v, kind %s", name, len(spans), tries.Load(), err, fault.KindOf(err))
		}
		if _, ok, err := client(t, server.URL, nil).Lookup(t.Context(), trace.ID{15: 1}); (err == nil) != (c.want == fault.NotFound || c.want == fault.Partial) || ok != (c.spans > 0) {
			t.Errorf("%s: looked up %v %v", name, ok, err)
		}
		if c.spans == 0 && c.want != fault.NotFound {
			if all, err := client(t, server.URL, nil).Search(t.Context(), trace.Query{From: identity.Identity{Key: identity.Key{Service: "cart"}}}); err == nil && name != "another trace" {
				t.Errorf("%s: found %v", name, all)
			}
		}
	}
}

func TestSearch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := map[string]string{"service": "cart", "limit": "12", "start": "1699999999000000", "end": "1700000001000000", "tags": `{"error":"true"}`, "minDuration": "1000us"}
		for k, v := range want {
			if got := r.URL.Query().Get(k); got != v {
				t.Errorf("%s is %q, not %q", k, got, v)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, goodJSON)
	}))
	defer server.Close()
	c := client(t, server.URL, nil)
	q := trace.Query{From: identity.FromMap(map[string]string{"service": "cart", "pod": "cart-1"}), Since: time.Unix(1_699_999_999, 0), Until: time.Unix(1_700_000_001, 0), Failed: true, MinDuration: time.Millisecond, Limit: 3}
	found, err := c.Search(t.Context(), q)
	if err != nil || len(found) != 1 || found[0].By != identity.ByPod || found[0].Root != "GET" {
		t.Errorf("%+v %v", found, err)
	}
	if _, err := c.Search(t.Context(), trace.Query{}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func TestServices(t *testing.T) {
	for body, want := range map[string]string{`{"data":["b","a\u0000"]}`: "a b", `{"data":null,"total":0}`: ""} {
		server, _ := answering(t, 200, "application/json", body)
		got, err := client(t, server.URL, nil).Services(t.Context())
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q %v", got, err)
		}
	}
	many, _ := answering(t, 200, "application/json", `{"data":["x"`+strings.Repeat(`,"x"`, jaeger.MaxServices)+`]}`)
	if got, err := client(t, many.URL, nil).Services(t.Context()); len(got) != jaeger.MaxServices || fault.KindOf(err) != fault.Partial {
		t.Errorf("%d %v", len(got), err)
	}
	for _, body := range []string{`{"data":null,"errors":[{"msg":"away"}]}`, "x", `{"data":[1]}`} {
		server, _ := answering(t, 200, "application/json", body)
		if _, err := client(t, server.URL, nil).Services(t.Context()); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestManySpans reads no more than it may.
func TestManySpans(t *testing.T) {
	server, _ := answering(t, 200, "application/json", strings.Replace(goodJSON, spanJSON, spanJSON+strings.Repeat(`,{"traceID":"1","spanID":"4","startTime":1}`, jaeger.MaxSpans), 1))
	spans, err := client(t, server.URL, nil).Get(t.Context(), trace.ID{15: 1})
	if len(spans) != jaeger.MaxSpans || fault.KindOf(err) != fault.Partial {
		t.Errorf("%d spans, %v", len(spans), err)
	}
	large, tries := answering(t, 200, "application/json", strings.Repeat(" ", rest.MaxAnswer+1))
	if _, err := client(t, large.URL, nil).Get(t.Context(), trace.ID{15: 1}); fault.KindOf(err) != fault.Invalid || tries.Load() != 1 {
		t.Error(err)
	}
}

// TestNothings takes little memory for an answer of millions of nothings.
func TestNothings(t *testing.T) {
	many := strings.Repeat("{},", 5<<20) + "{}"
	for _, body := range []string{`{"data":[` + many + `]}`, `{"data":[{"spans":[` + many + `]}]}`} {
		server, _ := answering(t, 200, "application/json", body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := client(t, server.URL, nil).Get(t.Context(), trace.ID{15: 1})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Error("nothings are a trace")
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 300 {
			t.Errorf("%d MiB were taken: %v", took, err)
		}
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hanging.Close()
	c := client(t, hanging.URL, func(o *jaeger.Options) { o.Timeout = 50 * time.Millisecond })
	if _, err := c.Services(t.Context()); fault.KindOf(err) != fault.TimedOut {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Services(ctx); fault.KindOf(err) != fault.Interrupted {
		t.Error(err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if _, err := client(t, gone.URL, nil).Services(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"data":["a"]}`)
	}))
	defer server.Close()
	if _, err := client(t, server.URL, nil).Services(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if got, err := client(t, server.URL, func(o *jaeger.Options) { o.CA = ca }).Services(t.Context()); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []jaeger.Options{{}, {URL: "ftp://a"}, {URL: "http://a:b@c"}, {URL: "http://a?b"}, {URL: "http://a", Access: rest.Access{Login: rest.Login{Token: "a b"}}}, {URL: "http://a", Access: rest.Access{Tenant: "a\n"}}, {URL: "http://a", Access: rest.Access{CA: []byte("x")}}} {
		if _, err := jaeger.New(o); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := jaeger.New(jaeger.Options{URL: "http://127.0.0.1:1"}); err != nil {
		t.Error(err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(goodJSON)
	f.Add(`{"data":[{"spans":[{"traceID":"1","spanID":"2","startTime":1,"tags":[{"key":"error","value":1}]}]}]}`)
	body := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	f.Cleanup(server.Close)
	c := client(f, server.URL, nil)
	f.Fuzz(func(t *testing.T, text string) {
		body = text
		spans, err := c.Get(t.Context(), trace.ID{15: 1})
		if err == nil && len(spans) == 0 {
			t.Fatal("nothing is an answer")
		}
		for _, s := range spans {
			if s.ID.IsZero() || s.Start <= 0 || s.End < s.Start {
				t.Fatalf("%+v", s)
			}
		}
	})
}
