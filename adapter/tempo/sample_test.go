package tempo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

func TestSample(t *testing.T) {
	status := map[string]int{}
	answer := `{"traces":[{"traceID":"1","startTimeUnixNano":"1700000000000000000"},{"traceID":"2","startTimeUnixNano":"1700000000000000000"}],"metrics":{}}`
	whole := message(t, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/search" {
			if q := r.URL.Query(); q.Get("q") != "{  }" || q.Get("limit") != "9" || q.Get("start") != "1700000000" || q.Get("end") != "1700000060" {
				t.Errorf("%s", r.URL)
			}
			w.Header().Set("Content-Type", jsonType)
			fmt.Fprint(w, answer)
			return
		}
		id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if code := status[strings.TrimLeft(id, "0")]; code != 0 {
			http.Error(w, "no", code)
			return
		}
		w.Header().Set("Content-Type", protobuf)
		if strings.Contains(r.URL.Path, "/v2/") {
			fmt.Fprint(w, second(whole, false))
			return
		}
		w.Write(whole)
	}))
	defer server.Close()
	from := time.Unix(1_700_000_000, 0)
	c := client(t, server.URL, nil)
	status["2"] = http.StatusNotFound
	traces, err := c.Sample(t.Context(), from, from.Add(time.Minute), 9)
	if fault.KindOf(err) != fault.Partial || len(traces) != 1 {
		t.Errorf("one went meanwhile: %d traces, %v", len(traces), err)
	}
	status["2"] = http.StatusInternalServerError
	if traces, err := c.Sample(t.Context(), from, from.Add(time.Minute), 9); fault.KindOf(err) != fault.Unavailable || traces != nil {
		t.Errorf("one cannot be had: %d traces, %v", len(traces), err)
	}
	answer = `{"traces":[],"metrics":{}}`
	if traces, err := c.Sample(t.Context(), from, from.Add(time.Minute), 9); err != nil || len(traces) != 0 {
		t.Errorf("there are none: %d traces, %v", len(traces), err)
	}
	answer = `{`
	if _, err := c.Sample(t.Context(), from, from.Add(time.Minute), 9); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no answer: %v", err)
	}
}
