package jaeger_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/jaeger"
	"github.com/autoecoops/autoecoops/fault"
)

// TestSampleOfASlowServer has a server that is slow with each of many services cost so
// much time and no more, and be told apart from one that knows no more.
func TestSampleOfASlowServer(t *testing.T) {
	for quick, want := range map[int]int{0: 0, 1: 1, 2: 1} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/api/services" {
				fmt.Fprint(w, `{"data":["web","cart","db","none"],"errors":null}`)
				return
			}
			if asked++; asked > quick {
				<-r.Context().Done()
				return
			}
			fmt.Fprint(w, goodJSON)
		}))
		c := client(t, server.URL, func(o *jaeger.Options) { o.SampleTime = 100 * time.Millisecond })
		traces, err := c.Sample(t.Context(), time.Unix(0, 0), time.Now(), 7)
		if len(traces) != want || (fault.KindOf(err) == fault.Partial) != (quick > 0) || err == nil {
			t.Errorf("%d answers: %d traces, %v", quick, len(traces), err)
		}
		if quick > 0 && !strings.Contains(err.Error(), fmt.Sprint(quick, " of 4 services within 100ms")) {
			t.Error(err)
		}
		server.CloseClientConnections()
		server.Close()
	}
}

func TestSample(t *testing.T) {
	broken, errs := "", "null"
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/services" {
			fmt.Fprint(w, `{"data":["web","cart","none"],"errors":null}`)
			return
		}
		q := r.URL.Query()
		asked = append(asked, q.Get("service"))
		if q.Get("limit") != "7" || q.Get("start") != "1700000000000000" || q.Get("end") != "1700000059999999" {
			t.Errorf("%s", r.URL)
		}
		switch q.Get("service") {
		case broken:
			fmt.Fprint(w, `{"data":[{"traceID":"1","spans":[{}]}]}`)
		case "none":
			fmt.Fprint(w, `{"data":[],"errors":null}`)
		default:
			fmt.Fprint(w, strings.Replace(goodJSON, `"errors":null`, `"errors":`+errs, 1))
		}
	}))
	defer server.Close()
	from := time.Unix(1_700_000_000, 0)
	var progress []string
	c := client(t, server.URL, func(o *jaeger.Options) {
		o.Progress = func(done, total int) { progress = append(progress, fmt.Sprint(done, "/", total)) }
	})
	traces, err := c.Sample(t.Context(), from, from.Add(time.Minute), 7)
	if got := strings.Join(progress, " "); got != "0/3 1/3 2/3" {
		t.Errorf("progress: %s", got)
	}
	if err != nil || len(traces) != 1 || len(traces[0]) != 1 || strings.Join(asked, " ") != "cart none web" {
		t.Errorf("%d traces of %v, %v", len(traces), asked, err)
	}
	errs = `[{"code":500,"msg":"a store is down"}]`
	if traces, err := c.Sample(t.Context(), from, from.Add(time.Minute), 7); fault.KindOf(err) != fault.Partial || len(traces) != 1 {
		t.Errorf("%d traces, %v", len(traces), err)
	}
	broken = "web"
	if traces, err := c.Sample(t.Context(), from, from.Add(time.Minute), 7); fault.KindOf(err) != fault.Unavailable || traces != nil {
		t.Errorf("%d traces, %v", len(traces), err)
	}
	down, _ := answering(t, http.StatusInternalServerError, "text/plain", "no")
	if traces, err := client(t, down.URL, nil).Sample(t.Context(), from, from.Add(time.Minute), 7); err == nil || traces != nil {
		t.Errorf("of a server that is down: %d traces", len(traces))
	}
}

// TestSampleWithoutOne has one service of which nothing is told not cost what is told of
// the others, and three in a row end it.
func TestSampleWithoutOne(t *testing.T) {
	for _, x := range []struct {
		failing     string
		asked, told int
		kind        fault.Kind
	}{
		{"b", 5, 4, fault.Partial}, {"a", 5, 4, fault.Partial}, {"ace", 5, 2, fault.Partial}, {"bcd", 4, 1, fault.Partial}, {"abcde", 3, 0, fault.Unavailable},
	} {
		asked := map[string]bool{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			service := r.URL.Query().Get("service")
			switch {
			case r.URL.Path == "/api/services":
				fmt.Fprint(w, `{"data":["a","b","c","d","e"],"errors":null}`)
				return
			case strings.Contains(x.failing, service):
				w.WriteHeader(http.StatusInternalServerError)
			default:
				fmt.Fprint(w, goodJSON)
			}
			asked[service] = true
		}))
		traces, err := client(t, server.URL, nil).Sample(t.Context(), time.Unix(0, 0), time.Now(), 7)
		if len(asked) != x.asked || len(traces) != min(x.told, 1) || fault.KindOf(err) != x.kind {
			t.Errorf("without %s: %d asked, %d traces, %v", x.failing, len(asked), len(traces), err)
		}
		if x.told > 0 && !strings.Contains(err.Error(), fmt.Sprint(x.told, " of 5 services")) {
			t.Error(err)
		}
		server.Close()
	}
}
