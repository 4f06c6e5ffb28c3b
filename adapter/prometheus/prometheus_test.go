package prometheus_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

func client(t testing.TB, address string, change func(*prometheus.Options)) *prometheus.Client {
	t.Helper()
	o := prometheus.Options{URL: address, Pause: func(context.Context, time.Duration) {}}
	if change != nil {
		change(&o)
	}
	c, err := prometheus.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const vector = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[12.345,"1.5"]},{"metric":{},"value":[12,"NaN"]},{"metric":{},"value":[13.3,"+Inf"]}]}}`

func TestQuery(t *testing.T) {
	server := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prefix/api/v1/query" || r.URL.Query().Get("query") != `up{a="b"}` || r.URL.Query().Get("time") != "12.345" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, vector)
	}))
	defer server.Close()
	c := client(t, server.URL+"/prefix/", func(o *prometheus.Options) { o.Token = "secret" })
	got, err := c.Query(t.Context(), `up{a="b"}`, time.UnixMilli(12345))
	if err != nil || len(got) != 3 || got[0].Labels["a"] != "b" || got[0].Value != 1.5 || !math.IsNaN(got[1].Value) || !math.IsInf(got[2].Value, 1) {
		t.Errorf("%v %v", got, err)
	}
}

// TestBadAnswers gives all that a server may answer instead.
func TestBadAnswers(t *testing.T) {
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
		"half a text":           {200, "application/json", vector[:80], [2]string{}, 1, fault.Unavailable, "no whole JSON"},
		"an error with 200":     {200, "application/json", `{"status":"error","error":"boom"}`, [2]string{}, 1, fault.Unavailable, "boom"},
		"something else":        {200, "application/json", `{}`, [2]string{}, 1, fault.Unavailable, `status is ""`},
		"a matrix":              {200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[]}}`, [2]string{}, 1, fault.Unavailable, "not a vector"},
		"a histogram":           {200, "application/json", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}`, [2]string{}, 1, fault.Unavailable, "no value"},
		"a point of three":      {200, "application/json", `{"status":"success","data":{"resultType":"scalar","result":[1,"2","3"]}}`, [2]string{}, 1, fault.Unavailable, "scalar"},
		"a word as value":       {200, "application/json", `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}`, [2]string{}, 1, fault.Unavailable, "vector"},
		"a scalar of 1970":      {200, "application/json", `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`, [2]string{}, 1, fault.Unavailable, "another time"},
		"a vector of 1970":      {200, "application/json", vector, [2]string{}, 1, fault.Unavailable, "another time"},
		"a vector of 2500":      {200, "application/json", strings.ReplaceAll(vector, "12.345", "16725225600"), [2]string{}, 1, fault.Unavailable, "another time"},
		"a vector of no time":   {200, "application/json", strings.ReplaceAll(vector, "12.345", "1e300"), [2]string{}, 1, fault.Unavailable, "another time"},
		"a bad query":           {400, "application/json", `{"status":"error","errorType":"bad_data","error":"parse error"}`, [2]string{}, 1, fault.Invalid, "parse error"},
		"too many samples":      {422, "application/json", `{"status":"error","error":"too many samples"}`, [2]string{}, 1, fault.Invalid, "too many samples"},
		"not allowed":           {401, "text/plain", "no", [2]string{}, 1, fault.Denied, "401"},
		"forbidden":             {403, "text/plain", "no", [2]string{}, 1, fault.Denied, "403"},
		"not there":             {404, "text/plain", "no", [2]string{}, 1, fault.NotFound, "404"},
		"limited":               {429, "text/plain", "", [2]string{"Retry-After", "1"}, 3, fault.Unavailable, "429"},
		"limited for long":      {429, "text/plain", "", [2]string{"Retry-After", "3600"}, 1, fault.Unavailable, "429"},
		"broken":                {500, "text/plain", "", [2]string{}, 3, fault.Unavailable, "500"},
		"a proxy's apology":     {502, "text/html", "<html>", [2]string{}, 3, fault.Unavailable, "502"},
		"busy":                  {503, "application/json", `{"status":"error","error":"query timed out"}`, [2]string{"Retry-After", "x"}, 3, fault.Unavailable, "timed out"},
		"a redirect elsewhere":  {302, "text/html", "", [2]string{"Location", "https://login.example.com/?a=b"}, 1, fault.Invalid, "redirect to login.example.com"},
		"a redirect in circles": {302, "text/html", "", [2]string{"Location", "/again"}, 3, fault.Invalid, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			server := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, _ *http.Request) {
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
			defer server.Close()
			got, err := client(t, server.URL, nil).Query(t.Context(), "up", time.Now())
			if err == nil || got != nil || fault.KindOf(err) != c.want || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, kind %s", err, fault.KindOf(err))
			}
			if tries.Load() != c.tries {
				t.Errorf("%d tries, not %d", tries.Load(), c.tries)
			}
		})
	}
}

func TestALargeAnswerIsCut(t *testing.T) {
	server := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		piece := strings.Repeat(" ", 1<<20)
		for range rest.MaxAnswer>>20 + 1 {
			if _, err := fmt.Fprint(w, piece); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	if _, err := client(t, server.URL, nil).Query(t.Context(), "up", time.Now()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "larger than 32 MiB") {
		t.Error(err)
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(prometheus.Storeless(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(release)
	c := client(t, hanging.URL, func(o *prometheus.Options) { o.Timeout = 50 * time.Millisecond })
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
	_, err := client(t, gone.URL, nil).Query(t.Context(), "secret_metric", time.Now())
	if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "secret_metric") {
		t.Error(err)
	}
}

func TestASecondTryHelps(t *testing.T) {
	tries := 0
	server := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`)
	}))
	defer server.Close()
	if got, err := client(t, server.URL, nil).Query(t.Context(), "2", time.Unix(1, 0)); err != nil || len(got) != 1 || got[0].Value != 2 {
		t.Errorf("%v %v", got, err)
	}
}

func TestAddresses(t *testing.T) {
	for _, o := range []prometheus.Options{
		{}, {URL: "prometheus:9090"}, {URL: "ftp://a"}, {URL: "http://u:p@a"}, {URL: "http://a?b=c"}, {URL: "http://a#b"}, {URL: "http://a", Access: rest.Access{Login: rest.Login{Token: "a\nb"}}}, {URL: "http://[::1"},
	} {
		if _, err := prometheus.New(o); fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// FuzzAnswer gives any text as an answer.
func FuzzAnswer(f *testing.F) {
	f.Add(vector)
	f.Add(`{"status":"success","data":{"resultType":"scalar","result":[12,"2"]}}`)
	f.Add(`{"status":"success","data":{"resultType":"vector","result":null}}`)
	var body string
	server := httptest.NewServer(prometheus.Storeless(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	f.Cleanup(server.Close)
	c := client(f, server.URL, nil)
	f.Fuzz(func(t *testing.T, text string) {
		body = text
		got, err := c.Query(t.Context(), "up", time.UnixMilli(12345))
		if err != nil && len(got) > 0 {
			t.Error("an error and an answer")
		}
		if err == nil && !strings.Contains(text, "success") {
			t.Errorf("%q is an answer", text)
		}
	})
}
