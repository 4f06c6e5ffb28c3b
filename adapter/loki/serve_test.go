package loki

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs/store"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// serveLines serves 3,000 lines of three pods, a second apart, and one that is none.
func serveLines(t *testing.T) (*Client, string) {
	t.Helper()
	s := store.New(store.Settings{Age: 24 * time.Hour}, func() time.Time { return noon })
	for i := range 3000 {
		level := "INFO"
		if i%100 == 7 {
			level = "ERROR"
		}
		name := fmt.Sprintf("web-%d", i%3)
		s.Stream(map[string]string{"namespace": "shop", "pod": name, "service_name": "web"}).Add(noon.Add(time.Duration(i-3000)*time.Second).UnixNano(), fmt.Appendf(nil, "%s request %d", level, i))
	}
	s.Stream(map[string]string{"namespace": "db", "pod": "db-0"}).Add(noon.Add(-time.Second).UnixNano(), []byte("bytes \xff\xfe"))
	server := httptest.NewServer(Handler(s, func() time.Time { return noon }))
	t.Cleanup(server.Close)
	c, err := New(Options{URL: server.URL, Page: 100})
	if err != nil {
		t.Fatal(err)
	}
	return c, server.URL
}

// TestServed asks what is served with the client that asks a Loki.
func TestServed(t *testing.T) {
	c, _ := serveLines(t)
	ctx := context.Background()
	read := func(query string, backward bool) (out []Entry) {
		t.Helper()
		r, err := c.Lines(ctx, Span{Query: query, From: noon.Add(-2 * time.Hour), To: noon, Backward: backward}, func(e Entry) error { out = append(out, e); return nil })
		if err != nil || r.Lines != len(out) || r.Cut {
			t.Fatalf("%s: %+v, %v", query, r, err)
		}
		return out
	}
	forward := read(`{namespace="shop"}`, false)
	if len(forward) != 3000 || forward[0].Line != "INFO request 0" || forward[2999].Line != "INFO request 2999" || forward[1].Labels["pod"] != "web-1" {
		t.Errorf("%d lines, %+v", len(forward), forward[0])
	}
	if back := read(`{namespace="shop"}`, true); len(back) != 3000 || back[0].Line != "INFO request 2999" {
		t.Errorf("%d lines, %+v", len(back), back[0])
	}
	for query, want := range map[string]int{
		`{namespace="shop"} |= "ERROR"`:                                      30,
		`{namespace=~"sho.", pod!="web-0"} |~ "request 1[0-9]$"`:             7,
		"{namespace=`shop`} != \"INFO\" !~ \"request .07\"":                  21,
		`{namespace="shop", pod!~"web-[01]"}`:                                1000,
		`{pod="db-0"}`:                                                       1,
		`{namespace="nobody"}`:                                               0,
		` { service_name = "web" , pod = "web-1" } |= "request 1" != "ERR" `: 370,
		`{namespace="shop"} |= "a text with \"quotes\" and a line\nbreak"`:   0,
	} {
		if got := len(read(query, false)); got != want {
			t.Errorf("%s: %d lines, want %d", query, got, want)
		}
	}
	for query, want := range map[string]string{
		`sum(count_over_time({namespace="shop"} [10m]))`:                           "map[] 600",
		`sum by (pod) (count_over_time({namespace="shop"} |= "ERROR" [1h]))`:       "map[pod:web-0] 10, map[pod:web-1] 10, map[pod:web-2] 10",
		`sum(count_over_time({namespace="shop"} [600000ms])) by (namespace)`:       "map[namespace:shop] 600",
		`rate({namespace="db"}[10s])`:                                              "map[namespace:db pod:db-0] 0.1",
		`count_over_time({namespace="db"}[1h])`:                                    "map[namespace:db pod:db-0] 1",
		`sum by (none, namespace) (rate({namespace=~"shop|db",pod="web-2"}[30s]))`: "map[namespace:shop] 0.3333333333333333",
	} {
		samples, err := c.Query(ctx, query, noon)
		var got []string
		for _, s := range samples {
			got = append(got, fmt.Sprint(s.Labels, " ", s.Value))
		}
		if strings.Join(got, ", ") != want || err != nil {
			t.Errorf("%s: %s, want %s; %v", query, strings.Join(got, ", "), want, err)
		}
	}
}

// TestServedByHand asks as Grafana and people do.
func TestServedByHand(t *testing.T) {
	_, base := serveLines(t)
	ask := func(path string, form url.Values) (int, string) {
		t.Helper()
		res, err := http.PostForm(base+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	for _, q := range []struct {
		path, form, want string
		code             int
	}{
		{"/ready", "", "", 405},
		{"/loki/api/v1/labels", "", `["namespace","pod","service_name"]`, 200},
		{"/loki/api/v1/label", "query={pod=\"db-0\"}", `["namespace","pod"]`, 200},
		{"/loki/api/v1/label/pod/values", "query={namespace=\"shop\"}", `["web-0","web-1","web-2"]`, 200},
		{"/loki/api/v1/label/none/values", "", `"data":[]`, 200},
		{"/loki/api/v1/series", "match[]={pod=\"db-0\"}&match[]={pod=\"web-1\"}", `[{"namespace":"db","pod":"db-0"},{"namespace":"shop","pod":"web-1","service_name":"web"}]`, 200},
		{"/loki/api/v1/series", "match={pod=\"db-0\"}", `[{"namespace":"db","pod":"db-0"}]`, 200},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}", `bytes �`, 200},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&since=1ms", `"result":[]`, 200},
		{"/loki/api/v1/query_range", "query={namespace=\"shop\"}&limit=1&end=2026-11-26T11:59:59.5Z", `INFO request 2999`, 200},
		{"/loki/api/v1/query_range", "query={namespace=\"shop\"}&limit=1&direction=FORWARD&start=1795694398&end=1795694400.5", `INFO request 2998`, 200},
		{"/loki/api/v1/query", "query=count_over_time({pod=\"db-0\"}[1h])&time=1795694400.25", `"1"`, 200},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&start=1500-01-01T00:00:00Z&end=2500-01-01T00:00:00Z", `bytes`, 200},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&start=9999999998&end=9999999999", "start", 400},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&end=1600-01-01T00:00:00Z", "start", 400},
		{"/loki/api/v1/query", "query=count_over_time({pod=\"db-0\"}[9000000000s])&time=1700-01-01T00:00:00Z", `"result":[]`, 200},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&limit=0", "limit", 400},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&limit=9999999", "limit", 400},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&direction=up", "direction", 400},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&start=9&end=8", "start", 400},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&start=yesterday", "start", 400},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&end=tomorrow", "end", 400},
		{"/loki/api/v1/query_range", "query={pod=\"db-0\"}&since=-1h", "since", 400},
		{"/loki/api/v1/query_range", "query=sum(rate({a=\"b\"}[1m]))", "one moment", 400},
		{"/loki/api/v1/query", "query={pod=\"db-0\"}", "query_range", 400},
		{"/loki/api/v1/query", "query=rate({a=\"b\"}[1m])&time=soon", "time", 400},
		{"/loki/api/v1/labels", "query={", "parse error", 400},
		{"/loki/api/v1/label/pod/values", "query={", "parse error", 400},
		{"/loki/api/v1/series", "match={", "parse error", 400},
		{"/loki/api/v1/query_range", "query=" + strings.Repeat("x", 70<<10), "too large", 400},
	} {
		form := url.Values{}
		for pair := range strings.SplitSeq(q.form, "&") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				form.Add(k, v)
			}
		}
		code, text := ask(q.path, form)
		if code != q.code || !strings.Contains(text, q.want) || code == 200 && !json.Valid([]byte(text)) {
			t.Errorf("%s %.200s: %d %.300s", q.path, q.form, code, text)
		}
	}
	for path, want := range map[string]string{"/ready": "ready", "/loki/api/v1/status/buildinfo": "version", "/loki/api/v1/labels": "pod"} {
		res, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
	req, _ := http.NewRequest(http.MethodDelete, base+"/loki/api/v1/labels", nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("%v %v", res, err)
	}
	res.Body.Close()
}

// bad are queries that are none, or that are not served.
var bad = []string{
	"", "{", "{}", "{a}", "{a=}", "{a=b}", `{a="b"`, `{a="b" c="d"}`, `{a=~"("}`, `{a=""}`, `{a=~".*"}`, `{a!="b"}`, `{1a="b"}`, `{a='b'}`,
	`{a="b"} |= `, `{a="b"} |~ "("`, `{a="b"} | json`, `{a="b"} | line_format "x"`, `{a="b"} extra`, `{a="b"}[5m]`, "{a=\"\xff", strings.Repeat("{", 20<<10),
	`sum`, `sum(`, `sum by`, `sum by (`, `sum by (1)`, `sum by (a b)`, `sum(avg({a="b"}[1m]))`, `max({a="b"}[1m])`, `rate({a="b"})`, `rate({a="b"}[1m]`, `rate({a="b"}[])`,
	`rate({a="b"}[-1m])`, `rate({a="b"}[1x])`, `rate({a="b"}[1m)`, `rate({a="b"}[1m]) + 1`, `sum(rate({a="b"}[1m])) by`, `topk(5, rate({a="b"}[1m]))`, `rate {`, "s" + strings.Repeat("x", 20<<10),
}

func TestBadQueries(t *testing.T) {
	for _, text := range bad {
		var err error
		if counts(text) {
			_, err = parseCount(text)
		} else {
			_, err = parseLogs(text)
		}
		if fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%.80q: %v", text, err)
		}
	}
}

// FuzzQuery reads what people and programs may send.
func FuzzQuery(f *testing.F) {
	for _, text := range append(bad, `sum by (pod) (count_over_time({namespace="shop"} |= "ERROR" !~ "x+" [1h]))`, `{a="b", c=~"d.*"} != "e"`) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if q, err := parseLogs(text); err == nil {
			q.selects(map[string]string{"a": "b"})
			q.keeps([]byte(text))
		}
		if q, err := parseCount(text); err == nil && q.over <= 0 {
			t.Errorf("%q counts over %v", text, q.over)
		}
	})
}
