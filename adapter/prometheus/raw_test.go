package prometheus

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// matrix is an answer with the values of one series.
func rawAnswer(values string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"s":"a"},"values":` + values + `}]}}`
}

// TestRawMisbehaves has a Prometheus that answers as none should: each answer is
// an error or all of the samples, and nothing is handed over of half of one.
func TestRawMisbehaves(t *testing.T) {
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, text)
		}
	}
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, `{"status":"error","errorType":"x","error":"told so"}`)
		}
	}
	good := rawAnswer(`[[1700000000,"1"],[1700000015,"2"]]`)
	var many strings.Builder
	for i := range MaxSeries + 1 {
		fmt.Fprintf(&many, `{"metric":{"i":"%d"},"values":[[1,"1"]]},`, i)
	}
	for name, c := range map[string]struct {
		serve  http.HandlerFunc
		kind   fault.Kind
		says   string
		tries  int
		points int
	}{
		"good":              {write(good), 0, "", 1, 2},
		"no series":         {write(`{"status":"success","data":{"resultType":"matrix","result":[]}}`), 0, "", 1, 0},
		"no samples":        {write(rawAnswer(`[]`)), 0, "", 1, 0},
		"no numbers":        {write(rawAnswer(`[[1700000001,"NaN"],[1700000002,"+Inf"],[1700000003,"-Inf"],[1700000004,"1e999"]]`)), 0, "", 1, 4},
		"of 1970":           {write(rawAnswer(`[[1,"1"],[1700000000,"2"]]`)), fault.Unavailable, "another time", 1, 0},
		"of tomorrow":       {write(rawAnswer(`[[1700000000,"1"],[1700086400,"2"]]`)), fault.Unavailable, "another time", 1, 0},
		"incomplete":        {write(strings.Replace(good, `"success",`, `"success","warnings":["remote_read: a store is away"],`, 1)), fault.Unavailable, "a store is away", 1, 0},
		"of the language":   {write(strings.Replace(good, `"success",`, `"success","warnings":["PromQL warning: x"],`, 1)), 0, "", 1, 2},
		"only a note":       {write(strings.Replace(good, `"success",`, `"success","infos":["x"],`, 1)), 0, "", 1, 2},
		"half":              {write(good[:len(good)/2]), fault.Unavailable, "no whole JSON", 1, 0},
		"a vector":          {write(`{"status":"success","data":{"resultType":"vector","result":[]}}`), fault.Unavailable, "not a matrix", 1, 0},
		"no order":          {write(rawAnswer(`[[2,"1"],[1,"2"]]`)), fault.Unavailable, "values of a series are none", 1, 0},
		"twice":             {write(rawAnswer(`[[2,"1"],[2,"2"]]`)), fault.Unavailable, "values of a series are none", 1, 0},
		"a histogram":       {write(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[]}]}}`), fault.Unavailable, "histograms", 1, 0},
		"an error in a 200": {write(`{"status":"error","error":"oh"}`), fault.Unavailable, "oh", 1, 0},
		"nothing":           {write(""), fault.Unavailable, "no whole JSON", 1, 0},
		"too many series":   {write(`{"status":"success","data":{"resultType":"matrix","result":[` + strings.TrimSuffix(many.String(), ",") + `]}}`), fault.Invalid, "more than", 1, 0},
		"a login page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>log in</html>")
		}, fault.Unavailable, "not application/json", 1, 0},
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.CopyN(w, zeros{}, rest.MaxAnswer+1) // the reader may go away
		}, fault.Invalid, "larger than", 1, 0},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(good)))
			fmt.Fprint(w, good[:10])
		}, fault.Unavailable, "unexpected EOF", 3, 0},
		"slow":              {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, fault.TimedOut, "no answer in time", 1, 0},
		"bad query":         {status(400), fault.Invalid, "told so", 1, 0},
		"unauthorized":      {status(401), fault.Denied, "401", 1, 0},
		"not found":         {status(404), fault.NotFound, "404", 1, 0},
		"too large a query": {status(422), fault.Invalid, "422", 1, 0},
		"too often":         {status(429), fault.Unavailable, "429", 3, 0},
		"too often, wait":   {status(429, "Retry-After", "7"), fault.Unavailable, "429", 3, 0},
		"too often, long":   {status(429, "Retry-After", "3600"), fault.Unavailable, "429", 1, 0},
		"overloaded":        {status(503), fault.Unavailable, "503", 3, 0},
		"a redirect away":   {status(302, "Location", "http://elsewhere.example.com/"), fault.Invalid, "elsewhere.example.com", 1, 0},
	} {
		tries, asked := 0, ""
		s := httptest.NewServer(Storeless(func(w http.ResponseWriter, r *http.Request) {
			tries, asked = tries+1, r.URL.Query().Get("query")+" "+r.URL.Query().Get("time")
			c.serve(w, r)
		}))
		var longest time.Duration
		timeout := time.Minute // for all tries, with what is waited between them
		if name == "slow" {
			timeout = 300 * time.Millisecond
		}
		client, err := New(Options{URL: s.URL, Timeout: timeout, Pause: func(_ context.Context, d time.Duration) { longest = max(longest, d) }})
		if err != nil {
			t.Fatal(err)
		}
		points := 0
		err = client.Raw(t.Context(), `up{a="b"}`, 90*time.Second, time.UnixMilli(1_700_000_030_250), func(_ map[string]string, p []Point) error {
			points += len(p)
			return nil
		})
		s.Close()
		if (err != nil) != (c.says != "") || err != nil && (fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says)) || points != c.points || tries != c.tries {
			t.Errorf("%s: %v, %d points in %d tries", name, err, points, tries)
		}
		if asked != `up{a="b"}[90s] 1700000030.250` {
			t.Errorf("%s: asked for %s", name, asked)
		}
		if name == "too often, wait" && longest != 7*time.Second {
			t.Errorf("waited %s", longest)
		}
	}
}

// TestRawValues hands over what no number is, for the reader to judge.
func TestRawValues(t *testing.T) {
	s := httptest.NewServer(Storeless(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, rawAnswer(`[[1.001,"NaN"],[2,"+Inf"],[3,"-0.5"]]`))
	}))
	defer s.Close()
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	own := fault.New(fault.Invalid, "take", "it", "no more", "")
	err = c.Raw(t.Context(), "x", time.Minute, time.Unix(9, 0), func(l map[string]string, p []Point) error {
		if l["s"] != "a" || len(p) != 3 || p[0].At != 1001 || !math.IsNaN(p[0].Value) || !math.IsInf(p[1].Value, 1) || p[2].Value != -0.5 {
			t.Errorf("%v %v", l, p)
		}
		return own
	})
	if err != own {
		t.Errorf("the reader's error is lost: %v", err)
	}
	if err := c.Raw(t.Context(), "x", time.Millisecond, time.Unix(9, 0), nil); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Raw(ctx, "x", time.Minute, time.Unix(9, 0), nil); fault.KindOf(err) != fault.Interrupted {
		t.Error(err)
	}
}
