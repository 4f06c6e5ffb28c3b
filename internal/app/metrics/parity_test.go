package metrics_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/util/compression"

	client "github.com/autoecoops/autoecoops/adapter/prometheus"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// open starts a keeper in a folder of the test.
func open(t *testing.T, s metrics.Settings) (*metrics.Keeper, *httptest.Server) {
	t.Helper()
	if s.Store.Dir == "" {
		s.Store.Dir = t.TempDir()
	}
	k, err := metrics.New(s)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(k.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k, server
}

// send writes a message of version 1 to a server and returns its answer.
func send(t *testing.T, base string, m *prompb.WriteRequest) (int, string) {
	t.Helper()
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return post(t, base, "application/x-protobuf", packed(t, text))
}

// packed packs a message as senders do.
func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	out, err := compression.Encode(compression.Snappy, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func post(t *testing.T, base, kind string, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/write", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Content-Encoding", "snappy")
	res, err := http.DefaultClient.Do(req)
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

// history are samples of some series before a moment, one each 15 seconds: counters with
// a reset, gauges with gaps and odd values, buckets, exemplars.
func history(end time.Time, n int) *prompb.WriteRequest {
	m := &prompb.WriteRequest{}
	add := func(v func(i int) (float64, bool), pairs ...string) {
		s := prompb.TimeSeries{}
		for i := 0; i < len(pairs); i += 2 {
			s.Labels = append(s.Labels, prompb.Label{Name: pairs[i], Value: pairs[i+1]})
		}
		for i := range n {
			if x, ok := v(i); ok {
				s.Samples = append(s.Samples, prompb.Sample{Timestamp: end.Add(time.Duration(i-n) * 15 * time.Second).UnixMilli(), Value: x})
			}
		}
		m.Timeseries = append(m.Timeseries, s)
	}
	for p, pod := range []string{"cart-5d9f-a", "cart-5d9f-b", "pay-77c-a"} {
		rate := float64(3 + 2*p)
		add(func(i int) (float64, bool) { return rate * float64((i+p*7)%130) * 15, true }, "__name__", "http_requests_total", "code", "200", "job", "shop/cart", "namespace", "shop", "pod", pod)
		add(func(i int) (float64, bool) { return float64(i / 9 * p), true }, "__name__", "http_requests_total", "code", "500", "job", "shop/cart", "namespace", "shop", "pod", pod)
		for _, le := range []string{"0.05", "0.1", "0.5", "+Inf"} {
			size, _ := strconv.ParseFloat(le, 64)
			share := 1 - math.Exp(-size*10*float64(p+1))
			add(func(i int) (float64, bool) { return math.Round(rate * float64(i) * share), true }, "__name__", "latency_seconds_bucket", "le", le, "pod", pod)
		}
		add(func(i int) (float64, bool) { return 100e6 + math.Sin(float64(i)/7)*1e6*rate, i%11 != 3 }, "__name__", "memory_bytes", "namespace", "shop", "pod", pod)
	}
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1e-9, 1e300, 123456789.25}
	for i, v := range odd {
		add(func(int) (float64, bool) { return v, true }, "__name__", "odd", "case", strconv.Itoa(i))
	}
	add(func(i int) (float64, bool) {
		if i == n-8 {
			return math.Float64frombits(value.StaleNaN), true
		}
		return 1, i < n-8
	}, "__name__", "up", "instance", "10.0.0.9:8080", "job", "gone")
	add(func(int) (float64, bool) { return 1, true }, "__name__", "up", "instance", "10.0.0.1:8080", "job", "cart", "text", "ü <b>&\"\\\n")
	first := &m.Timeseries[0]
	last := first.Samples[len(first.Samples)-3]
	first.Exemplars = append(first.Exemplars, prompb.Exemplar{Labels: []prompb.Label{{Name: "trace_id", Value: "0af7651916cd43dd8448eb211c80319c"}}, Value: 0.25, Timestamp: last.Timestamp})
	return m
}

// ask returns the status and the answer of a server.
func ask(t *testing.T, base, path string, values url.Values, method string) (int, map[string]any) {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(values.Encode())
	} else {
		path += "?" + values.Encode()
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+"/api/v1/"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var a map[string]any
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return res.StatusCode, a
}

// same tells whether two answers are the same, but for the last digits of numbers.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			if !same(a[k], b[k]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case string:
		b, ok := b.(string)
		if !ok || a == b {
			return ok
		}
		x, err1 := strconv.ParseFloat(a, 64)
		y, err2 := strconv.ParseFloat(b, 64)
		return err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y))
	}
	return reflect.DeepEqual(a, b)
}

// sorted puts series into an order: neither server promises any.
func sorted(data any) {
	list, ok := data.([]any)
	if m, is := data.(map[string]any); is {
		list, ok = m["result"].([]any)
	}
	if !ok {
		return
	}
	text := func(v any) string {
		if m, ok := v.(map[string]any); ok && m["metric"] != nil {
			v = m["metric"]
		}
		b, _ := json.Marshal(v)
		return string(b)
	}
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
}

var parity = []string{
	`up`, `odd`, `-odd`, `memory_bytes`, `vector(1)`, `scalar(vector(2))`, `"text"`, `time()`, `1/0`,
	`rate(http_requests_total[5m])`, `sum by (pod) (rate(http_requests_total[5m]))`, `increase(http_requests_total{code="500"}[10m])`,
	`sum(rate(http_requests_total{code="500"}[5m])) / sum(rate(http_requests_total[5m]))`,
	`histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))`, `topk(2, memory_bytes)`, `sort(memory_bytes)`,
	`avg_over_time(memory_bytes[7m])`, `stddev_over_time(memory_bytes[7m])`, `quantile_over_time(0.5, memory_bytes[7m])`, `max_over_time(memory_bytes[20m:1m])`,
	`deriv(memory_bytes[10m])`, `predict_linear(memory_bytes[10m], 3600)`, `changes(http_requests_total[15m])`, `resets(http_requests_total[15m])`,
	`memory_bytes offset 7m`, `absent(nothing)`, `absent_over_time(up[5m])`, `count_values("v", up)`, `label_replace(up, "host", "$1", "instance", "(.*):.*")`,
	`label_join(up, "x", "-", "job", "instance")`, `memory_bytes > bool 1e8`, `memory_bytes and on (pod) http_requests_total{code="500"}`,
	`http_requests_total{pod=~"cart-.*",code!~"5.."}`, `{__name__=~"http_.*|up"}`, `count({__name__=~".+"})`, `sum by (namespace) (memory_bytes) * on (namespace) group_left () count by (namespace) (memory_bytes)`,
	`present_over_time(up{job="gone"}[5m])`, `last_over_time(up{job="gone"}[20m])`, `timestamp(up)`, `rate(http_requests_total[5m] @ end())`, `min(odd)`, `sum(odd)`, `irate(http_requests_total[2m])`,
	`http_requests_total[2m]`, `day_of_week()`, `clamp(memory_bytes, 0, 1e8)`, `stdvar(memory_bytes)`, `up unless up{job="gone"}`,
}

var wrong = []string{`rate(up)`, `up{`, `{}`, `sum(`, `up + "x"`, `memory_bytes * on (namespace) memory_bytes`, `nosuch(up)`}

// TestParity gives the same samples to us and to a real Prometheus, and asks both the
// same. Moments are beside those of the samples: at the very border of a range Prometheus
// 3, whose engine ours is, and 2 differ by design.
func TestParity(t *testing.T) {
	theirs, err := prometheustest.Start(t.Context(), prometheustest.Need(t), t.TempDir(), "global: {}\n", "--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Stop() })
	_, ours := open(t, metrics.Settings{})
	end := time.Now().Truncate(time.Second).Add(-20 * time.Second)
	for _, base := range []string{theirs.URL, ours.URL} {
		if code, text := send(t, base, history(end, 240)); code != http.StatusNoContent {
			t.Fatalf("%s: %d %s", base, code, text)
		}
	}
	at := end.Add(-7 * time.Second).Add(-400 * time.Millisecond)
	moment := func(x time.Time) string { return strconv.FormatFloat(float64(x.UnixMilli())/1000, 'f', 3, 64) }
	compared := 0
	compare := func(path string, v url.Values, method string) {
		t.Helper()
		compared++
		c1, a1 := ask(t, theirs.URL, path, v, method)
		c2, a2 := ask(t, ours.URL, path, v, method)
		if !strings.HasPrefix(v.Get("query"), "sort(") {
			sorted(a1["data"])
			sorted(a2["data"])
		}
		if c1 != c2 || a1["status"] != a2["status"] || a1["errorType"] != a2["errorType"] || !same(a1["data"], a2["data"]) {
			x, _ := json.Marshal(a1)
			y, _ := json.Marshal(a2)
			t.Errorf("%s %s %v\ntheirs %d %.1500s\nours   %d %.1500s", method, path, v, c1, x, c2, y)
		}
	}
	for i, expr := range append(parity, wrong...) {
		method := []string{http.MethodGet, http.MethodPost}[i%2]
		compare("query", url.Values{"query": {expr}, "time": {moment(at)}}, method)
		compare("query_range", url.Values{"query": {expr}, "start": {moment(at.Add(-40 * time.Minute))}, "end": {moment(at)}, "step": {"45"}}, method)
	}
	window := func(more ...string) url.Values {
		v := url.Values{"start": {moment(at.Add(-time.Hour))}, "end": {moment(at)}}
		for i := 0; i < len(more); i += 2 {
			v.Add(more[i], more[i+1])
		}
		return v
	}
	for _, v := range []url.Values{window("match[]", `up`), window("match[]", `{namespace="shop"}`, "match[]", `odd{case=~"[0-3]"}`), window("match[]", `nothing`), window(), window("match[]", `{x=""}`), window("match[]", `up{`)} {
		compare("series", v, http.MethodGet)
		compare("labels", v, http.MethodPost)
		compare("label/pod/values", v, http.MethodGet)
		compare("label/__name__/values", v, http.MethodGet)
	}
	compare("query_exemplars", window("query", "http_requests_total"), http.MethodGet)
	compare("query_exemplars", window("query", "up{"), http.MethodPost)
	for _, v := range []url.Values{
		{"query": {"up"}, "time": {"soon"}}, {"query": {"up"}, "timeout": {"x"}}, {"query": {"up"}, "time": {"2026-01-01T00:00:00Z"}},
		{"query": {"up"}, "time": {"1e400"}, "timeout": {"5s"}},
	} {
		compare("query", v, http.MethodGet)
	}
	for _, v := range []url.Values{
		window("query", "up", "step", "0"), window("query", "up", "step", "0.01"), window("query", "up"), window("query", "up", "step", "1m"),
		{"query": {"up"}, "start": {moment(at)}, "end": {moment(at.Add(-time.Minute))}, "step": {"15"}},
	} {
		compare("query_range", v, http.MethodPost)
	}
	t.Logf("%d questions answered alike", compared)

	// Our own client gets the same from both.
	var got [2]any
	for i, base := range []string{theirs.URL, ours.URL} {
		c, err := client.New(client.Options{URL: base})
		if err != nil {
			t.Fatal(err)
		}
		var points []client.Point
		if err := c.Range(t.Context(), `sum(rate(http_requests_total[5m]))`, at.Add(-30*time.Minute), at, 30*time.Second, func(_ map[string]string, p []client.Point) error {
			for _, p := range p {
				p.Value = math.Round(p.Value*1e9) / 1e9 // the order of a sum shows in the last digits
				points = append(points, p)
			}
			return nil
		}); err != nil || len(points) < 50 {
			t.Fatalf("%s: %d points, %v", base, len(points), err)
		}
		x, dropped, err := c.QueryExemplars(t.Context(), `http_requests_total`, at.Add(-time.Hour), at)
		if err != nil || len(x) != 1 || dropped != 0 {
			t.Fatalf("%s: exemplars %v, %v", base, x, err)
		}
		names, err := c.Names(t.Context(), []string{`{__name__=~".*_total"}`}, at.Add(-time.Hour), at)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = []any{points, x, names}
	}
	if !reflect.DeepEqual(got[0], got[1]) {
		t.Errorf("our client reads\n%v\n%v", got[0], got[1])
	}
}
