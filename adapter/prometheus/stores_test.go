package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// told is a server that answers each path with a status and a text of its own, and
// everything else with none.
type told map[string]struct {
	status int
	text   string
}

func (a told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, ok := a[strings.TrimPrefix(r.URL.Path, "/api/v1/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(x.status)
	fmt.Fprint(w, x.text)
}

// questions asks each question that has an answer, for the hour before a moment.
func questions(t *testing.T, c *Client, at time.Time) map[string]error {
	t.Helper()
	drop := func(map[string]string, []Point) error { return nil }
	from := at.Add(-time.Hour)
	_, query := c.Query(t.Context(), "x", at)
	_, names := c.Names(t.Context(), nil, from, at)
	_, _, exemplars := c.QueryExemplars(t.Context(), "x", from, at)
	return map[string]error{
		"query": query, "label/__name__/values": names, "query_exemplars": exemplars,
		"raw": c.Raw(t.Context(), "x", time.Hour, at, drop), "query_range": c.Range(t.Context(), "x", from, at, time.Minute, drop),
	}
}

// TestNoAnswerOfLess has a Thanos warn of a store, refuse for one, and leave one out
// without a word: no question is answered as if that were all.
func TestNoAnswerOfLess(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	const ok = `{"status":"success",%s"data":{"resultType":"vector","result":[]}}`
	const down = `{"status":"success","data":{"sidecar":[{"name":"a:1","lastError":null,"minTime":0,"maxTime":9223372036854775807},{"name":"b:1","lastError":%s,"minTime":%d,"maxTime":%d}]}}`
	lost := func(from, to time.Duration) string {
		return fmt.Sprintf(down, `"rpc error: code = Unavailable"`, at.Add(from).UnixMilli(), at.Add(to).UnixMilli())
	}
	for name, c := range map[string]struct {
		status       int
		text, stores string
		kind         fault.Kind
		says         string
	}{
		"all":                 {200, fmt.Sprintf(ok, ""), fmt.Sprintf(down, "null", 0, 1), 0, ""},
		"a warning":           {200, fmt.Sprintf(ok, `"warnings":["No StoreAPIs matched"],`), "", fault.Unavailable, "may not be whole: No StoreAPIs"},
		"of the language":     {200, fmt.Sprintf(ok, `"warnings":["PromQL warning: x"],`), "", 0, ""},
		"a store is refused":  {422, `{"status":"error","errorType":"execution","error":"expand series: rpc error: code = Aborted desc = receive series from b:1: rpc error: code = Unavailable"}`, "", fault.Unavailable, "a store that it reads from failed: expand"},
		"limits of a store":   {422, `{"status":"error","errorType":"execution","error":"rpc error: code = ResourceExhausted desc = too many"}`, "", fault.Invalid, "too many"},
		"no sense":            {422, `{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}`, "", fault.Invalid, "many-to-many"},
		"no query":            {400, `{"status":"error","errorType":"bad_data","error":"parse error: rpc error: code = Unavailable"}`, "", fault.Invalid, "parse error"},
		"too slow":            {503, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`, "", fault.TimedOut, "the query took too long: query timed out"},
		"too slow a store":    {422, `{"status":"error","errorType":"execution","error":"rpc error: code = Aborted desc = receive series: rpc error: code = DeadlineExceeded desc = x"}`, "", fault.TimedOut, "the query took too long: rpc error"},
		"left out":            {200, fmt.Sprintf(ok, ""), lost(-2*time.Hour, time.Hour), fault.Unavailable, "its sidecar b:1 does not answer: rpc error"},
		"left out, later":     {200, fmt.Sprintf(ok, ""), lost(time.Minute, time.Hour), 0, ""},
		"a list of another":   {200, fmt.Sprintf(ok, ""), `{"status":"success","data":["a"]}`, 0, ""},
		"a list that is none": {200, fmt.Sprintf(ok, ""), `{"status":"error"}`, 0, ""},
	} {
		answers := told{}
		set := func(path, text string, status int) {
			answers[path] = struct {
				status int
				text   string
			}{status, text}
		}
		set("query", c.text, c.status)
		set("query_range", strings.Replace(c.text, "vector", "matrix", 1), c.status)
		list := strings.Replace(c.text, `{"resultType":"vector","result":[]}`, `[]`, 1)
		set("label/__name__/values", list, c.status)
		set("query_exemplars", list, c.status)
		if c.stores != "" {
			set("stores", c.stores, 200)
		}
		s := httptest.NewServer(answers)
		client, err := New(Options{URL: s.URL, Pause: func(context.Context, time.Duration) {}})
		if err != nil {
			t.Fatal(err)
		}
		for question, err := range questions(t, client, at) {
			if question == "raw" && c.says == "" && err != nil && strings.Contains(err.Error(), "not a matrix") {
				continue // query answers with a vector here
			}
			if c.says == "" && err != nil || c.says != "" && (fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%s, %s: %v", name, question, err)
			}
		}
		s.Close()
	}
}

// TestAStoreOfThePast is missed by what may reach back to it, and by no other question.
func TestAStoreOfThePast(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	gone := fmt.Sprintf(`{"status":"success","data":{"store":[{"name":"old:1","lastError":"EOF","minTime":0,"maxTime":%d}]}}`, at.Add(-2*time.Hour).UnixMilli())
	answers := told{
		"query": {200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`}, "query_range": {200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`},
		"label/__name__/values": {200, `{"status":"success","data":[]}`}, "query_exemplars": {200, `{"status":"success","data":[]}`}, "stores": {200, gone},
	}
	s := httptest.NewServer(answers)
	defer s.Close()
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	for question, err := range questions(t, c, at) {
		reaches := question == "query" || question == "query_range"
		if told := err != nil && strings.Contains(err.Error(), "its store old:1 does not answer: EOF"); told != reaches || !reaches && err != nil {
			t.Errorf("%s: %v", question, err)
		}
	}
}

// TestTheListOfStores is asked for with each answer of a Thanos and hardly ever of any
// other server; one that a Thanos does not give is no list of none.
func TestTheListOfStores(t *testing.T) {
	const empty = `{"status":"success","data":{"resultType":"vector","result":[]}}`
	asked, status := 0, 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/query") {
			fmt.Fprint(w, empty)
			return
		}
		asked++
		w.WriteHeader(status)
		fmt.Fprint(w, `{"status":"success","data":{}}`)
	}))
	defer s.Close()
	fresh := func() *Client {
		c, err := New(Options{URL: s.URL, Pause: func(context.Context, time.Duration) {}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ask := func(c *Client, code int) (n int, err error) {
		before := asked
		status = code
		_, err = c.Query(t.Context(), "x", time.Now())
		return asked - before, err
	}
	thanos := fresh()
	for range 2 {
		if n, err := ask(thanos, 200); n != 1 || err != nil {
			t.Error(n, err)
		}
	}
	if _, err := ask(thanos, 502); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a Thanos that does not tell its stores: %v", err)
	}
	if _, err := ask(thanos, 200); err != nil {
		t.Error(err)
	}
	for _, code := range []int{404, 403, 400, 502} {
		other := fresh()
		if _, err := ask(other, code); err != nil {
			t.Errorf("%d: %v", code, err)
		}
		if n, err := ask(other, code); n != 0 || err != nil {
			t.Errorf("%d: asked %d times more, %v", code, n, err)
		}
	}
}

// TestNamesOfRemoteStores are not known to a Prometheus, which tells so each time.
func TestNamesOfRemoteStores(t *testing.T) {
	s := httptest.NewServer(told{
		"label/__name__/values": {200, `{"status":"success","warnings":["not implemented"],"data":["up"]}`},
		"query":                 {200, `{"status":"success","warnings":["not implemented"],"data":{"resultType":"vector","result":[]}}`},
	})
	defer s.Close()
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if names, err := c.Names(t.Context(), nil, time.Now(), time.Now()); err != nil || len(names) != 1 {
		t.Error(names, err)
	}
	if _, err := c.Query(t.Context(), "x", time.Now()); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}
