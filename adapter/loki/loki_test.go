package loki_test

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/loki"
	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

func client(t testing.TB, address string, change func(*loki.Options)) *loki.Client {
	t.Helper()
	o := loki.Options{URL: address, Pause: func(context.Context, time.Duration) {}}
	if change != nil {
		change(&o)
	}
	c, err := loki.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// line is what the server below holds.
type line struct {
	at       int64
	stream   string
	text     string
	metadata map[string]string
}

// server answers queries for lines as Loki does: the first or last limit lines
// of [start, end), grouped by stream, structured metadata apart if that is asked
// for.
type server struct {
	lines []line
	asked atomic.Int32
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	q := r.URL.Query()
	number := func(name string) int64 {
		n, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil {
			http.Error(w, "bad "+name, http.StatusBadRequest)
		}
		return n
	}
	start, end, limit := number("start"), number("end"), int(number("limit"))
	if limit > 5000 {
		http.Error(w, "max entries limit per query exceeded, limit > max_entries_limit_per_query (6000 > 5000)", http.StatusBadRequest)
		return
	}
	var found []line
	for _, l := range s.lines {
		if l.at >= start && l.at < end {
			found = append(found, l)
		}
	}
	forward := q.Get("direction") == "forward"
	slices.SortStableFunc(found, func(a, b line) int {
		if !forward {
			a, b = b, a
		}
		return cmp.Compare(a.at, b.at)
	})
	found = found[:min(limit, len(found))]
	apart := r.Header.Get("X-Loki-Response-Encoding-Flags") == "categorize-labels"
	type stream struct {
		Stream map[string]string `json:"stream"`
		Values [][]any           `json:"values"`
	}
	var streams []*stream
	at := map[string]*stream{}
	for _, l := range found {
		if at[l.stream] == nil {
			at[l.stream] = &stream{Stream: map[string]string{"app": l.stream}}
			streams = append(streams, at[l.stream])
		}
		v := []any{strconv.FormatInt(l.at, 10), l.text}
		if apart {
			extra := map[string]any{}
			if l.metadata != nil {
				extra["structuredMetadata"] = l.metadata
			}
			v = append(v, extra)
		}
		at[l.stream].Values = append(at[l.stream].Values, v)
	}
	slices.SortFunc(streams, func(a, b *stream) int { return cmp.Compare(b.Stream["app"], a.Stream["app"]) })
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "warnings": []string{"mind the gap"}, "data": map[string]any{
		"resultType": "streams", "encodingFlags": []string{"categorize-labels"}, "result": streams, "stats": map[string]any{"summary": map[string]any{}},
	}})
}

func spanOf(from, to int64) loki.Span {
	return loki.Span{Query: `{app=~".+"}`, From: time.Unix(0, from), To: time.Unix(0, to)}
}

// TestEveryLineOnce reads logs with many lines of one moment, equal ones among
// them, in pages of many sizes and both directions.
func TestEveryLineOnce(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for round := range 60 {
		var s server
		for range random.Intn(400) {
			l := line{at: 1000 + int64(random.Intn(1+round*3)), stream: fmt.Sprint("s", random.Intn(4)), text: fmt.Sprint("t", random.Intn(3))}
			if random.Intn(2) == 0 {
				l.metadata = map[string]string{"trace_id": fmt.Sprint(random.Intn(3))}
			}
			s.lines = append(s.lines, l)
		}
		web := httptest.NewServer(&s)
		for _, backward := range []bool{false, true} {
			c := client(t, web.URL, func(o *loki.Options) { o.Page = 1 + random.Intn(50) })
			span := spanOf(1000, 1000+int64(round*2)+1)
			span.Backward = backward
			var want, got []string
			for _, l := range s.lines {
				if l.at < span.To.UnixNano() {
					want = append(want, fmt.Sprint(l.at, l.stream, l.text, l.metadata["trace_id"]))
				}
			}
			last := int64(math.MinInt64)
			read, err := c.Lines(t.Context(), span, func(e loki.Entry) error {
				got = append(got, fmt.Sprint(e.At, e.Labels["app"], e.Line, e.TraceID()))
				at := e.At
				if backward {
					at = -at
				}
				if at < last {
					t.Errorf("%d comes after %d", at, last)
				}
				last = at
				return nil
			})
			slices.Sort(want)
			slices.Sort(got)
			if err != nil || read.Cut || read.Lines != len(got) || !slices.Equal(got, want) {
				t.Fatalf("round %d, backward %v: %d lines, not %d: %+v %v", round, backward, len(got), len(want), read, err)
			}
			if len(want) > 0 && len(read.Warnings) != 1 {
				t.Errorf("%q", read.Warnings)
			}
		}
		web.Close()
	}
}

func TestBoundsOfReading(t *testing.T) {
	var s server
	for i := range 100 {
		s.lines = append(s.lines, line{at: int64(1000 + i), stream: "a", text: "0123456789"})
	}
	web := httptest.NewServer(&s)
	defer web.Close()
	c := client(t, web.URL, func(o *loki.Options) { o.Page = 7 })
	ignore := func(loki.Entry) error { return nil }
	for name, x := range map[string]struct {
		lines, bytes, want int
		backward, cut      bool
		next               int64
	}{
		"lines":    {lines: 20, want: 20, cut: true, next: 1020},
		"bytes":    {bytes: 255, want: 25, cut: true, next: 1025},
		"all":      {lines: 100, bytes: 1000, want: 100},
		"backward": {lines: 20, want: 20, cut: true, next: 1079, backward: true},
	} {
		span := spanOf(0, 5000)
		span.MaxLines, span.MaxBytes, span.Backward = x.lines, x.bytes, x.backward
		read, err := c.Lines(t.Context(), span, ignore)
		if err != nil || read.Lines != x.want || read.Bytes != 10*x.want || read.Cut != x.cut || read.Cut && read.Next.UnixNano() != x.next {
			t.Errorf("%s: %+v %v", name, read, err)
		}
	}
	// An error of the reader ends it.
	stop := errors.New("enough")
	if read, err := c.Lines(t.Context(), spanOf(0, 5000), func(loki.Entry) error { return stop }); !errors.Is(err, stop) || read.Lines != 0 {
		t.Errorf("%+v %v", read, err)
	}
	if _, err := c.Lines(t.Context(), spanOf(5, 5), ignore); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	// More lines of one moment than a page can have.
	s.lines = nil
	for i := range 5001 {
		s.lines = append(s.lines, line{at: 1000, stream: "a", text: strconv.Itoa(i)})
	}
	if read, err := c.Lines(t.Context(), spanOf(0, 5000), ignore); fault.KindOf(err) != fault.Partial || read.Lines != 5000 {
		t.Errorf("%+v %v", read, err)
	}
}

const streams = `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"a","traceID":"label"},"values":[["1000","one"],["1001","two",{"structuredMetadata":{"trace_id":"t","span_id":"s"},"parsed":{"level":"error"}}],["1002","three",{"trace_id":"old"}],["1003","four",{}]]}],"stats":{}}}`

func TestStructuredMetadata(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.URL.Path != "/prefix/loki/api/v1/query_range" || r.Header.Get("X-Scope-OrgID") != "a|b" || user != "me" || password != "pa:ss" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		fmt.Fprint(w, streams)
	}))
	defer web.Close()
	c := client(t, web.URL+"/prefix/", func(o *loki.Options) { o.User, o.Password, o.Tenant = "me", "pa:ss", "a|b" })
	var got []string
	if _, err := c.Lines(t.Context(), spanOf(0, 5000), func(e loki.Entry) error {
		got = append(got, fmt.Sprint(e.Line, " ", e.TraceID(), " ", e.SpanID(), " ", e.Parsed["level"]))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"one label  ", "two t s error", "three old  ", "four label  "}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestQuery(t *testing.T) {
	body := `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"p"},"value":[1588889221,"1.5"]},{"metric":{},"value":[1,"NaN"]}],"stats":{}}}`
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/loki/api/v1/query" || r.URL.Query().Get("time") != "12345000000" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	defer web.Close()
	c := client(t, web.URL, func(o *loki.Options) { o.Token = "secret" })
	got, err := c.Query(t.Context(), "x", time.UnixMilli(12345))
	if err != nil || len(got) != 2 || got[0].Labels["pod"] != "p" || got[0].Value != 1.5 || !math.IsNaN(got[1].Value) {
		t.Errorf("%v %v", got, err)
	}
	body = `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`
	if got, err := c.Query(t.Context(), "x", time.UnixMilli(12345)); err != nil || len(got) != 1 || got[0].Value != 2 {
		t.Errorf("%v %v", got, err)
	}
	for _, body = range []string{streams, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}`, `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}`, `{"status":"success","data":{"resultType":"scalar","result":[1,"2",3]}}`} {
		if got, err := c.Query(t.Context(), "x", time.UnixMilli(12345)); err == nil || got != nil {
			t.Errorf("%s: %v", body, got)
		}
	}
}

// TestBadAnswers gives all that a server may answer instead.
func TestBadAnswers(t *testing.T) {
	header := func(kv ...string) [2]string { return [2]string{kv[0], kv[1]} }
	for name, c := range map[string]struct {
		status int
		kind   string
		body   string
		header [2]string
		tries  int32
		want   fault.Kind
		text   string
	}{
		"a login page":          {200, "text/html", "<html>", [2]string{}, 1, fault.Unavailable, "not application/json"},
		"no kind":               {200, "", "", [2]string{}, 1, fault.Unavailable, "not application/json"},
		"half a text":           {200, "application/json", streams[:120], [2]string{}, 1, fault.Unavailable, "no whole JSON"},
		"a short text":          {200, "application/json", streams, header("Content-Length", "9999"), 3, fault.Unavailable, "EOF"},
		"an error with 200":     {200, "application/json", `{"status":"error","error":"boom"}`, [2]string{}, 1, fault.Unavailable, "boom"},
		"something else":        {200, "application/json", `{}`, [2]string{}, 1, fault.Unavailable, `status is ""`},
		"a matrix":              {200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[]}}`, [2]string{}, 1, fault.Invalid, "not lines"},
		"lines of one part":     {200, "application/json", `{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["1"]]}]}}`, [2]string{}, 1, fault.Unavailable, "streams are none"},
		"a word as moment":      {200, "application/json", `{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["x","y"]]}]}}`, [2]string{}, 1, fault.Unavailable, "streams are none"},
		"odd metadata":          {200, "application/json", `{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["1000","y",[]]]}]}}`, [2]string{}, 1, fault.Unavailable, "streams are none"},
		"another time":          {200, "application/json", `{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["9999","y"]]}]}}`, [2]string{}, 1, fault.Unavailable, "another time"},
		"more than asked for":   {200, "application/json", `{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[` + strings.Repeat(`["1000","y"],`, 9) + `["1000","y"]]}]}}`, [2]string{}, 1, fault.Unavailable, "10 lines"},
		"a bad query":           {400, "text/plain; charset=utf-8", "parse error at line 1,\ncol 2: syntax error", [2]string{}, 1, fault.Invalid, "parse error at line 1, col 2"},
		"a bad query, as JSON":  {400, "application/json", `{"code":400,"status":"error","message":"no"}`, [2]string{}, 1, fault.Invalid, "400: no"},
		"no tenant":             {401, "text/plain", "no org id", [2]string{}, 1, fault.Denied, "no org id"},
		"forbidden":             {403, "text/html", "<b>no", [2]string{}, 1, fault.Denied, "403"},
		"not there":             {404, "text/plain", "404 page not found", [2]string{}, 1, fault.NotFound, "404"},
		"limited":               {429, "text/plain", "too many outstanding requests", header("Retry-After", "1"), 3, fault.Unavailable, "outstanding"},
		"limited for long":      {429, "text/plain", "", header("Retry-After", "3600"), 1, fault.Unavailable, "429"},
		"limited until a date":  {429, "text/plain", "", header("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), 1, fault.Unavailable, "429"},
		"broken":                {500, "text/plain", "", [2]string{}, 3, fault.Unavailable, "500"},
		"a proxy's apology":     {502, "text/html", "<html>", [2]string{}, 3, fault.Unavailable, "502"},
		"busy":                  {503, "application/json", `{"error":"down"}`, header("Retry-After", "x"), 3, fault.Unavailable, "down"},
		"a redirect elsewhere":  {302, "text/html", "", header("Location", "https://login.example.com/?a=b"), 1, fault.Invalid, "redirect to login.example.com"},
		"a redirect in circles": {302, "text/html", "", header("Location", "/again"), 3, fault.Invalid, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tries.Add(1)
				w.Header()["Content-Type"] = nil
				if c.kind != "" {
					w.Header().Set("Content-Type", c.kind)
				}
				if c.header[0] != "" {
					w.Header().Set(c.header[0], c.header[1])
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer web.Close()
			_, err := client(t, web.URL, func(o *loki.Options) { o.Page = 5 }).Lines(t.Context(), spanOf(0, 5000), func(loki.Entry) error {
				t.Error("a line of a bad answer")
				return nil
			})
			if err == nil || fault.KindOf(err) != c.want || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, kind %s", err, fault.KindOf(err))
			}
			if tries.Load() != c.tries {
				t.Errorf("%d tries, not %d", tries.Load(), c.tries)
			}
		})
	}
}

func TestALargeAnswerIsCut(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		piece := strings.Repeat(" ", 1<<20)
		for range rest.MaxAnswer>>20 + 1 {
			if _, err := fmt.Fprint(w, piece); err != nil {
				return
			}
		}
	}))
	defer web.Close()
	if _, err := client(t, web.URL, nil).Query(t.Context(), "up", time.Now()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "larger than 32 MiB") {
		t.Error(err)
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(release)
	c := client(t, hanging.URL, func(o *loki.Options) { o.Timeout = 50 * time.Millisecond })
	if _, err := c.Query(t.Context(), "up", time.Now()); fault.KindOf(err) != fault.TimedOut {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Query(ctx, "up", time.Now()); fault.KindOf(err) != fault.Interrupted {
		t.Error(err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	_, err := client(t, gone.URL, nil).Query(t.Context(), "secret_query", time.Now())
	if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "secret_query") {
		t.Error(err)
	}
}

func TestCertificates(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`)
	}))
	defer web.Close()
	web.Config.ErrorLog = nil
	if _, err := client(t, web.URL, nil).Query(t.Context(), "2", time.Now()); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if got, err := client(t, web.URL, func(o *loki.Options) { o.CA = ca }).Query(t.Context(), "2", time.Now()); err != nil || len(got) != 1 {
		t.Errorf("%v %v", got, err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []loki.Options{
		{}, {URL: "loki:3100"}, {URL: "ftp://a"}, {URL: "http://u:p@a"}, {URL: "http://a?b=c"}, {URL: "http://a#b"}, {URL: "http://[::1"},
		{URL: "http://a", Access: rest.Access{Login: rest.Login{Token: "a\nb"}}}, {URL: "http://a", Access: rest.Access{Login: rest.Login{Token: "a b"}}}, {URL: "http://a", Access: rest.Access{Login: rest.Login{Token: "a", User: "b"}}}, {URL: "http://a", Access: rest.Access{Tenant: "a\r\nX: y"}},
		{URL: "http://a", Access: rest.Access{Login: rest.Login{User: "a:b"}}}, {URL: "http://a", Access: rest.Access{CA: []byte("none")}}, {URL: "http://a", Page: 5001}, {URL: "http://a", Page: -1},
	} {
		if _, err := loki.New(o); fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestSelector(t *testing.T) {
	got, err := loki.Selector([]loki.Match{{"namespace", "=", `a"} |= "`}, {"pod", "!~", `x\d+`}, {"app", "=", "é\x00\xff\n"}}, `say "no"`, "", "`")
	if want := `{namespace="a\"} |= \"", pod!~"x\\d+", app="é\x00\xff\n"} |= "say \"no\"" |= "` + "`" + `"`; err != nil || got != want {
		t.Errorf("%s %v", got, err)
	}
	for _, m := range [][]loki.Match{
		nil, {{"a", "!=", "b"}}, {{"a", "=", ""}}, {{"a", "=~", ".*"}}, {{"a-b", "=", "c"}}, {{"1a", "=", "c"}}, {{"", "=", "c"}}, {{"a", "==", "c"}}, {{`a="b"} or {c`, "=", "c"}},
	} {
		if got, err := loki.Selector(m); fault.KindOf(err) != fault.Invalid || got != "" {
			t.Errorf("%v: %s", m, got)
		}
	}
	// What is quoted is read back as it was.
	f := func(value string) bool {
		got, err := loki.Selector([]loki.Match{{"a", "=", value}})
		text, unquoted := strconv.Unquote(strings.TrimSuffix(strings.TrimPrefix(got, "{a="), "}"))
		return value == "" || err == nil && unquoted == nil && text == value
	}
	random := rand.New(rand.NewSource(1))
	for range 1000 {
		b := make([]byte, random.Intn(12))
		random.Read(b)
		if !f(string(b)) {
			t.Errorf("%q", b)
		}
	}
}

// FuzzAnswer gives any text as an answer.
func FuzzAnswer(f *testing.F) {
	f.Add(streams)
	f.Add(`{"status":"success","data":{"resultType":"streams","result":null}}`)
	f.Add(`{"status":"success","data":{"resultType":"streams","result":[{"stream":null,"values":[["1","",{"structuredMetadata":null}]]}]}}`)
	var body string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	f.Cleanup(web.Close)
	c := client(f, web.URL, nil)
	f.Fuzz(func(t *testing.T, text string) {
		body = text
		read, err := c.Lines(t.Context(), spanOf(0, 5000), func(loki.Entry) error { return nil })
		if err != nil && read.Lines > 0 {
			t.Error("an error and an answer")
		}
		if err == nil && !strings.Contains(text, "success") {
			t.Errorf("%q is an answer", text)
		}
	})
}
