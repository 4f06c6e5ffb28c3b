package app

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/internal/app/traces"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// The traces of ordersKept: one that an exemplar of the slow time names, one of that time
// that none names, one of before, and one that is named by an exemplar of another workload.
var (
	slowTrace    = trace.ID{15: 1}
	unnamedTrace = trace.ID{15: 2}
	earlyTrace   = trace.ID{15: 3}
	othersTrace  = trace.ID{15: 4}
)

// send posts a message, which must be taken.
func send(t *testing.T, url string, body []byte, headers ...string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode/100 != 2 {
		t.Fatalf("%s: %s", url, res.Status)
	}
}

// ordersKept is a store of metrics to which two hours of the requests of orders were sent,
// with exemplars; in the last six minutes they took ten times as long.
func ordersKept(t *testing.T, end time.Time) http.Handler {
	t.Helper()
	keeper, err := metrics.New(metrics.Settings{Store: tsdb.Options{Dir: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(keeper.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := keeper.Close(); err != nil {
			t.Error(err)
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	var all, seconds float64
	for at := end.Add(-2 * time.Hour); !at.After(end); at = at.Add(30 * time.Second) {
		mean := 0.020 + 0.002*random.NormFloat64()
		if at.After(end.Add(-6 * time.Minute)) {
			mean *= 10
		}
		all, seconds = all+300, seconds+300*mean
		series := func(app, name string, v float64, labels ...string) prompb.TimeSeries {
			s := prompb.TimeSeries{Samples: []prompb.Sample{{Value: v, Timestamp: at.UnixMilli()}}}
			for i, l := 0, append([]string{"__name__", "http_request_duration_seconds_" + name, "app", app, "job", "shop", "namespace", "shop", "pod", app + "-1"}, labels...); i < len(l); i += 2 {
				s.Labels = append(s.Labels, prompb.Label{Name: l[i], Value: l[i+1]})
			}
			return s
		}
		bucket, others := series("orders", "bucket", all, "le", "+Inf"), series("web", "bucket", all, "le", "+Inf")
		exemplar := func(to *prompb.TimeSeries, when time.Duration, id trace.ID, value float64) {
			if at.Equal(end.Add(when)) {
				to.Exemplars = append(to.Exemplars, prompb.Exemplar{Labels: []prompb.Label{{Name: "trace_id", Value: id.String()}}, Value: value, Timestamp: at.UnixMilli()})
			}
		}
		exemplar(&bucket, -90*time.Minute, earlyTrace, 7)
		exemplar(&bucket, -2*time.Minute, slowTrace, 0.2)
		exemplar(&others, -time.Minute, othersTrace, 9)
		text, err := (&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{bucket, others, series("orders", "count", all), series("orders", "sum", seconds)}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := compression.Encode(compression.Snappy, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		send(t, server.URL+"/api/v1/write", packed, "Content-Type", "application/x-protobuf", "Content-Encoding", "snappy")
	}
	return keeper.Handler()
}

// ordersTraced is the window of traces of an aeod.
func ordersTraced(t *testing.T, end time.Time) string {
	t.Helper()
	r, err := traces.New(traces.Settings{Window: trace.Options{MaxAge: 3 * time.Hour}}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.Handler())
	t.Cleanup(server.Close)
	for _, x := range []struct {
		id      trace.ID
		service string
		when    time.Duration
	}{{slowTrace, "orders", -2 * time.Minute}, {unnamedTrace, "orders", -3 * time.Minute}, {earlyTrace, "orders", -90 * time.Minute}, {othersTrace, "web", -time.Minute}} {
		begin := end.Add(x.when).Add(-200 * time.Millisecond).UnixNano()
		send(t, server.URL+"/v1/traces", fmt.Appendf(nil, `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":%q}},{"key":"service.namespace","value":{"stringValue":"shop"}}]},
"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"2","name":"GET /","kind":2,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}`, x.service, x.id, begin, begin+int64(200*time.Millisecond)), "Content-Type", "application/json")
	}
	return server.URL
}

// TestExplainByExemplars leads from a slow signal to the trace that its exemplar names, all
// kept by an aeod, and to the lines of its workload in a Loki; where the source of metrics knows no exemplars the trace is found by who
// and when, and that is said.
func TestExplainByExemplars(t *testing.T) {
	end := time.Now().Truncate(30 * time.Second)
	kept, jaeger := ordersKept(t, end), ordersTraced(t, end)
	loki := httptest.NewServer(&shopLoki{t: t, shift: end.Sub(logNoon) + 6*time.Minute})
	defer loki.Close()
	for name, c := range map[string]struct {
		without bool
		want    string
		note    bool
	}{
		"with exemplars":    {want: slowTrace.String() + "  " + end.Add(-2*time.Minute-200*time.Millisecond).UTC().Format("15:04:05") + "  200ms  GET /    named by an exemplar"},
		"without exemplars": {without: true, want: "by service and time", note: true},
	} {
		t.Run(name, func(t *testing.T) {
			source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.without && strings.HasSuffix(r.URL.Path, "/query_exemplars") {
					http.NotFound(w, r)
					return
				}
				kept.ServeHTTP(w, r)
			}))
			defer source.Close()
			var out, errs bytes.Buffer
			code := cli.Main(t.Context(), backend{clock: func() time.Time { return end }}, &cli.Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, cli.Build{},
				[]string{"observe", "explain", "shop/orders", "--prometheus", source.URL, "--jaeger", jaeger, "--loki", loki.URL, "--history", "2h", "--since", "20m"})
			text := out.String()
			if code != 0 || !strings.Contains(text, c.want) || strings.Contains(text, "named by an exemplar") == c.without || strings.Contains(errs.String(), "exemplars could not be asked for") != c.note {
				t.Errorf("code %d\n%s%s", code, text, &errs)
			}
			if !strings.Contains(text, "┤") || !strings.Contains(text, "was lost: disk full") || !strings.Contains(text, "password=[redacted]") || strings.Contains(text+errs.String(), "hunter2") {
				t.Errorf("it does not tell all of it\n%s%s", text, &errs)
			}
			for id, want := range map[trace.ID]bool{slowTrace: true, unnamedTrace: true, earlyTrace: false, othersTrace: false} {
				if strings.Contains(text, id.String()) != want {
					t.Errorf("trace %s is told: %v\n%s", id, !want, text)
				}
			}
		})
	}
}
