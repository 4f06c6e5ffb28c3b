package promql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/fault"
)

// kept is a store of 200 series with a sample each minute for an hour.
type kept struct {
	*tsdb.DB
	slow chan struct{}
	bad  bool
}

func (k kept) Cardinality(n int) *tsdb.Stats { return k.Head().Stats("__name__", n) }
func (k kept) Chunks() int64                 { return 7 }

func (k kept) Querier(mint, maxt int64) (storage.Querier, error) {
	if k.slow != nil {
		<-k.slow
	}
	if k.bad {
		panic("out of order")
	}
	return k.DB.Querier(mint, maxt)
}

var end = time.Unix(1_700_000_000, 0)

func fill(t *testing.T) kept {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.EnableExemplarStorage, o.MaxExemplars = true, 10
	db, err := tsdb.Open(t.TempDir(), nil, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	a := db.Appender(context.Background())
	for i := range 200 {
		l := labels.FromStrings("__name__", "m_total", "i", fmt.Sprint(i), "path", strings.Repeat("é\"", 20))
		for m := range 60 {
			if _, err := a.Append(0, l, end.Add(time.Duration(m-60)*time.Minute).UnixMilli(), float64(m)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ref, err := a.AppendHistogram(0, labels.FromStrings("__name__", "h"), end.UnixMilli(), &histogram.Histogram{
		Count: 4, Sum: 5, ZeroCount: 1, ZeroThreshold: 0.1, PositiveSpans: []histogram.Span{{Length: 2}}, PositiveBuckets: []int64{1, 0}, NegativeSpans: []histogram.Span{{Length: 1}}, NegativeBuckets: []int64{1},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.AppendExemplar(ref, labels.FromStrings("__name__", "h"), exemplar.Exemplar{Labels: labels.FromStrings("trace_id", "1"), Value: 0.5, Ts: end.UnixMilli() - 5, HasTs: true}); err != nil {
		t.Fatal(err)
	}
	if err := a.Commit(); err != nil {
		t.Fatal(err)
	}
	return kept{DB: db}
}

type reply struct {
	Status, ErrorType, Error string
	Data                     json.RawMessage
	Warnings                 []string
}

func ask(t *testing.T, h http.Handler, method, path string, v url.Values) (int, reply) {
	t.Helper()
	var r *http.Request
	if method == http.MethodPost {
		r = httptest.NewRequest(method, "/api/v1/"+path, strings.NewReader(v.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, "/api/v1/"+path+"?"+v.Encode(), nil)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var a reply
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%s %v: %v in %.300s", path, v, err, w.Body)
	}
	return w.Code, a
}

func TestAnswers(t *testing.T) {
	h := promql.Handler(fill(t), promql.Options{Now: func() time.Time { return end }, Targets: func() any { return []string{"a"} }, Version: "x"})
	now := "1700000000"
	for _, c := range []struct {
		path   string
		values url.Values
		code   int
		has    string
	}{
		{"query", url.Values{"query": {"count(m_total)"}}, 200, `"value":[1700000000,"200"]`},
		{"query", url.Values{"query": {"h"}}, 200, `{"count":"4","sum":"5","buckets":[[1,"-1","-0.5","1"],[3,"-0.1","0.1","1"],[0,"0.5","1","1"],[0,"1","2","1"]]}`},
		{"query", url.Values{"query": {`h[1m]`}}, 200, `"histograms":[[1700000000,{"count":"4"`},
		{"query", url.Values{"query": {`"te\"xt"`}}, 200, `"resultType":"string","result":[1700000000,"te\"xt"]`},
		{"query", url.Values{"query": {"1"}, "time": {"-0.5"}}, 200, `"result":[-0.500,"1"]`},
		{"query", url.Values{"query": {"1"}, "time": {"2023-11-14T22:13:20Z"}, "timeout": {"5s"}, "lookback_delta": {"1m"}, "stats": {"all"}}, 200, `"stats":{"timings"`},
		{"query", url.Values{"query": {"m_total"}, "limit": {"3"}}, 200, "results truncated"},
		{"query", url.Values{"query": {"m_total[2m]"}, "limit": {"3"}}, 200, "results truncated"},
		{"query", url.Values{"query": {"1"}, "limit": {"-1"}}, 400, "non-negative"},
		{"query", url.Values{"query": {"1"}, "lookback_delta": {"x"}}, 400, "lookback"},
		{"query", url.Values{"query": {"1"}, "timeout": {"1e300"}}, 400, "overflows"},
		{"query", url.Values{"query": {"1"}, "time": {"NaN"}}, 400, "moment"},
		{"query", url.Values{"query": {"m_total + on () m_total"}}, 422, "execution"},
		{"query", url.Values{"query": {"m_total"}, "timeout": {"0.000000001"}}, 503, "timeout"},
		{"query", url.Values{"query": {strings.Repeat("(", 300_000)}}, 400, "bad_data"},
		{"query", url.Values{"query": {strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000)}}, 200, `"1"`},
		{"query_range", url.Values{"query": {"count(m_total)"}, "start": {"1699999940"}, "end": {now}, "step": {"30s"}}, 200, `"values":[[1699999940,"200"],[1699999970,"200"],[1700000000,"200"]]`},
		{"query_range", url.Values{"query": {"1"}, "start": {"x"}}, 400, "start"},
		{"query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {"x"}}, 400, "end"},
		{"query_range", url.Values{"query": {"1"}, "start": {"2"}, "end": {"1"}}, 400, "before start"},
		{"query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {"2"}, "step": {"-1"}}, 400, "zero or negative"},
		{"query_range", url.Values{"query": {"1"}, "start": {"1"}, "end": {now}, "step": {"1"}}, 400, "11,000"},
		{"query", url.Values{"query": {"max_over_time(m_total[100y:1ms])"}}, 400, "1,000,000 moments"},
		{"query", url.Values{"query": {"max_over_time(m_total[690d])"}}, 200, `"59"`},
		{"query", url.Values{"query": {"count(max_over_time(m_total[690d:]))"}}, 200, `"200"`},
		{"query", url.Values{"query": {"max_over_time(m_total[700d:])"}}, 400, "longer step"},
		{"query", url.Values{"query": {"sum(max_over_time(min_over_time(m_total[1h:1s])[20d:1h]))"}}, 400, "[1h0m0s:1s]"},
		{"query_range", url.Values{"query": {"max_over_time(m_total[1m:100ms])"}, "start": {"1699800000"}, "end": {now}, "step": {"1m"}}, 400, "[1m0s:100ms]"},
		{"query_exemplars", url.Values{"query": {"h"}, "start": {"1699999000"}, "end": {now}}, 200, `"exemplars":[{"labels":{"trace_id":"1"},"value":"0.5","timestamp":1699999999.995}]`},
		{"query_exemplars", url.Values{"query": {"1"}}, 200, `"data":[]`},
		{"query_exemplars", url.Values{"query": {"h"}, "start": {"x"}}, 400, "start"},
		{"query_exemplars", url.Values{"query": {"h"}, "start": {"5"}, "end": {"1"}}, 400, "before start"},
		{"series", url.Values{}, 400, "no match[]"},
		{"series", url.Values{"match[]": {"m_total"}, "limit": {"2"}}, 200, "results truncated"},
		{"series", url.Values{"match[]": {`h`, `m_total{i="1"}`}}, 200, `{"__name__":"h"}`},
		{"series", url.Values{"match[]": {`h`}, "end": {"x"}}, 400, "end"},
		{"series", url.Values{"match[]": {`h`}, "limit": {"x"}}, 400, "limit"},
		{"labels", url.Values{}, 200, `["__name__","i","path"]`},
		{"labels", url.Values{"match[]": {"h", `{i="1"}`}, "limit": {"1"}}, 200, `["__name__"]`},
		{"label/i/values", url.Values{"match[]": {`m_total{i=~"1."}`}}, 200, `"10","11"`},
		{"label/U__i/values", url.Values{"limit": {"1"}}, 200, `["0"]`},
		{"label/%ff/values", url.Values{}, 400, "invalid label name"},
		{"metadata", url.Values{}, 200, `"data":{}`}, {"rules", url.Values{}, 200, `"groups":[]`}, {"alerts", url.Values{}, 200, `"alerts":[]`},
		{"targets", url.Values{}, 200, `["a"]`}, {"status/buildinfo", url.Values{}, 200, `"version":"2.42.0+x"`},
		{"status/tsdb", url.Values{"limit": {"1"}}, 200, `"seriesCountByMetricName":[{"name":"m_total","value":200}]`},
		{"status/tsdb", url.Values{"limit": {"0"}}, 400, "1 to 10000"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if method == http.MethodPost && !strings.HasPrefix(c.path, "query") && c.path != "series" && c.path != "labels" {
				continue
			}
			code, a := ask(t, h, method, c.path, c.values)
			whole, _ := json.Marshal(a)
			text := string(a.Data) + string(whole)
			if code != c.code || !strings.Contains(strings.Replace(text, `\u0026`, "&", -1)+`"data":`+string(a.Data), c.has) || (code == 200) != (a.Status == "success") {
				t.Errorf("%s %s %.200v: %d %.600s, want %d with %s", method, c.path, c.values, code, text, c.code, c.has)
			}
		}
	}
}

// TestAskerBounds has who asks within the process refused what would last for hours.
func TestAskerBounds(t *testing.T) {
	a := promql.NewAsker(fill(t), promql.Options{})
	err := a.Range(t.Context(), "max_over_time(m_total[100y:1ms])", end, end.Add(time.Minute), time.Minute, nil)
	if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), "1,000,000 moments") {
		t.Error(err)
	}
}

// TestBounds meets each bound; what is over it is an error.
func TestBounds(t *testing.T) {
	k := fill(t)
	for has, c := range map[string]struct {
		o      promql.Options
		path   string
		values url.Values
	}{
		"too many samples":          {promql.Options{MaxSamples: 100}, "query", url.Values{"query": {"m_total"}}},
		"larger than":               {promql.Options{MaxAnswer: 1000}, "query", url.Values{"query": {"m_total"}}},
		"more than 50 series":       {promql.Options{MaxItems: 50}, "series", url.Values{"match[]": {"m_total"}}},
		"more than 50 names or val": {promql.Options{MaxItems: 50}, "label/i/values", url.Values{}},
	} {
		c.o.Now = func() time.Time { return end }
		if code, a := ask(t, promql.Handler(k, c.o), http.MethodGet, c.path, c.values); code != http.StatusUnprocessableEntity || !strings.Contains(a.Error, has) {
			t.Errorf("%s: %d %+v", has, code, a)
		}
	}
	if code, a := ask(t, promql.Handler(kept{DB: k.DB, bad: true}, promql.Options{}), http.MethodGet, "labels", nil); code != http.StatusInternalServerError || strings.Contains(a.Error, "order") {
		t.Errorf("a panic: %d %+v", code, a)
	}
	slow := kept{DB: k.DB, slow: make(chan struct{})}
	h := promql.Handler(slow, promql.Options{Concurrency: 1, Patience: 20 * time.Millisecond})
	first := make(chan int)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/labels", nil))
		first <- w.Code
	}()
	for end := time.Now().Add(time.Minute); ; {
		if code, a := ask(t, h, http.MethodGet, "status/buildinfo", nil); code == http.StatusTooManyRequests && a.Status == "error" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody was told to come again")
		}
	}
	close(slow.slow)
	if code := <-first; code != http.StatusOK {
		t.Errorf("the first: %d", code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	promql.Handler(k, promql.Options{}).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/query?query=m_total", nil))
	if w.Code == http.StatusOK {
		t.Errorf("an asker who went: %d %s", w.Code, w.Body)
	}
}
