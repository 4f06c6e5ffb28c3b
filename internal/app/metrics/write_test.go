package metrics_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/autoecoops/autoecoops/adapter/remotewrite"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/metrics"
	"github.com/autoecoops/autoecoops/test/prometheustest"
)

const second = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

// TestPrometheusSends has a real Prometheus scrape itself and send that here, where one
// series of it is watched.
func TestPrometheusSends(t *testing.T) {
	k, ours := open(t, metrics.Settings{Watch: &metrics.WatchOptions{Selectors: []string{`up{cluster="test"}`}}})
	theirs, err := prometheustest.Start(t.Context(), prometheustest.Need(t), t.TempDir(), fmt.Sprintf(`
global: {scrape_interval: 1s, external_labels: {cluster: test}}
scrape_configs: [{job_name: self, static_configs: [{targets: [localhost:1]}]}]
remote_write: [{url: %q, queue_config: {batch_send_deadline: 200ms}}]
`, ours.URL+"/api/v1/write"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Stop() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		_, a := ask(t, ours.URL, "query", url.Values{"query": {`up{job="self",cluster="test"}`}}, http.MethodGet)
		if list := a["data"].(map[string]any)["result"].([]any); len(list) == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("nothing came: %v", a)
		}
	}
	if k.Store.Accepted("write") == 0 {
		t.Error("what came is not counted")
	}
	soon(t, "what is picked of it is not watched", func() bool { return k.Watcher().Followed() == 1 })
}

func v2(t *testing.T, base string, m *writev2.Request) (int, string, http.Header) {
	t.Helper()
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/write", bytes.NewReader(packed(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", second)
	req.Header.Set("Content-Encoding", "snappy")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	why, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(why), res.Header
}

// TestVersion2 sends samples, a histogram and an exemplar; then some that are refused
// beside others that are kept.
func TestVersion2(t *testing.T) {
	k, server := open(t, metrics.Settings{Write: remotewrite.Options{Accept: `{namespace="shop"}`}})
	now := time.Now().UnixMilli()
	m := &writev2.Request{Symbols: []string{"", "__name__", "requests_total", "namespace", "shop", "latency", "trace_id", "0af7651916cd43dd", "other"}}
	m.Timeseries = []writev2.TimeSeries{
		{LabelsRefs: []uint32{1, 2, 3, 4}, Samples: []writev2.Sample{{Value: 1, Timestamp: now - 2000}, {Value: 2, Timestamp: now - 1000}}, Exemplars: []writev2.Exemplar{{LabelsRefs: []uint32{6, 7}, Value: 1, Timestamp: now - 1000}}},
		{LabelsRefs: []uint32{1, 5, 3, 4}, Histograms: []writev2.Histogram{{Count: &writev2.Histogram_CountInt{CountInt: 3}, Sum: 4, Schema: 0, PositiveSpans: []writev2.BucketSpan{{Offset: 0, Length: 2}}, PositiveDeltas: []int64{1, 1}, Timestamp: now - 1000}}},
		{LabelsRefs: []uint32{1, 2, 3, 8}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}},
	}
	code, why, h := v2(t, server.URL, m)
	written := func(h http.Header) string {
		return h.Get("X-Prometheus-Remote-Write-Samples-Written") + h.Get("X-Prometheus-Remote-Write-Histograms-Written") + h.Get("X-Prometheus-Remote-Write-Exemplars-Written")
	}
	if code != http.StatusNoContent || written(h) != "311" { // what is left out here was not lost
		t.Errorf("%d %s, written %s", code, why, written(h))
	}
	if n := k.Store.Refused("write", "unselected"); n != 1 {
		t.Errorf("%d left out", n)
	}
	_, a := ask(t, server.URL, "query", url.Values{"query": {`histogram_count(latency)`}}, http.MethodGet)
	if list := a["data"].(map[string]any)["result"].([]any); len(list) != 1 || list[0].(map[string]any)["value"].([]any)[1] != "3" {
		t.Errorf("the histogram: %v", a)
	}
	_, a = ask(t, server.URL, "query", url.Values{"query": {`latency`}}, http.MethodGet)
	if !strings.Contains(fmt.Sprint(a), "histogram") || !strings.Contains(fmt.Sprint(a), "[0 0.5 1 1]") {
		t.Errorf("the histogram's buckets: %v", a)
	}
	m.Timeseries = []writev2.TimeSeries{
		{LabelsRefs: []uint32{1, 2, 3, 4}, Samples: []writev2.Sample{{Value: 7, Timestamp: now - 1000}, {Value: 3, Timestamp: now}}}, // a duplicate, a good one
		{LabelsRefs: []uint32{1, 99}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}},
		{LabelsRefs: []uint32{1, 2, 1, 5}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}},
		{LabelsRefs: []uint32{1}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}},
		{LabelsRefs: []uint32{3, 4}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}},
		{LabelsRefs: []uint32{1, 2, 3, 4}},
	}
	code, why, h = v2(t, server.URL, m)
	if code != http.StatusBadRequest || written(h) != "100" || !strings.Contains(why, "duplicate") {
		t.Errorf("%d %s, written %s", code, why, written(h))
	}
	if d, l := k.Store.Refused("write", "duplicate"), k.Store.Refused("write", "labels"); d != 1 || l != 5 {
		t.Errorf("%d duplicates, %d labels", d, l)
	}
}

// TestHostile sends what nobody should; memory stays bounded, and each is answered.
func TestHostile(t *testing.T) {
	k, server := open(t, metrics.Settings{Store: tsdb.Options{MaxSeries: 2000}})
	now := time.Now().UnixMilli()
	series := func(name string, labels ...prompb.Label) prompb.TimeSeries {
		return prompb.TimeSeries{Labels: append([]prompb.Label{{Name: "__name__", Value: name}}, labels...), Samples: []prompb.Sample{{Value: 1, Timestamp: now}}}
	}
	one := func(s prompb.TimeSeries) []byte {
		text, err := (&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{s}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return packed(t, text)
	}
	bomb := &prompb.WriteRequest{}
	for i := range 20_000 {
		bomb.Timeseries = append(bomb.Timeseries, series("bomb", prompb.Label{Name: "id", Value: fmt.Sprint(i)}))
	}
	text, err := bomb.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	empty := bytes.Repeat([]byte{0x0a, 0x00}, 2_000_000) // two million series of two bytes each
	many := &writev2.Request{Symbols: []string{"", "__name__", "m", strings.Repeat("x", 1<<20)}}
	for range 10_000 {
		many.Timeseries = append(many.Timeseries, writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 3, 3, 3, 3}, Samples: []writev2.Sample{{Value: 1, Timestamp: now}}})
	}
	repeated, err := many.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	huge := binary.AppendUvarint(nil, 3<<30)
	labels := make([]prompb.Label, 100)
	for i := range labels {
		labels[i] = prompb.Label{Name: fmt.Sprintf("l%d", i), Value: "v"}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for what, c := range map[string]struct {
		kind string
		body []byte
		want int
	}{
		"a cardinality bomb":       {"application/x-protobuf", packed(t, text), http.StatusBadRequest},
		"empty series":             {"application/x-protobuf", packed(t, empty), http.StatusBadRequest},
		"a text named often":       {second, packed(t, repeated), http.StatusBadRequest},
		"a huge declared size":     {"application/x-protobuf", append(huge, 0, 0, 0), http.StatusRequestEntityTooLarge},
		"no end of a size":         {"application/x-protobuf", bytes.Repeat([]byte{0xff}, 20), http.StatusBadRequest},
		"no snappy":                {"application/x-protobuf", []byte("hello"), http.StatusBadRequest},
		"cut":                      {"application/x-protobuf", packed(t, text)[:1000], http.StatusBadRequest},
		"nothing":                  {"application/x-protobuf", nil, http.StatusBadRequest},
		"no message":               {"application/x-protobuf", packed(t, []byte{0x0a, 0xff, 0xff}), http.StatusBadRequest},
		"too large, packed":        {"application/x-protobuf", make([]byte, 5<<20), http.StatusRequestEntityTooLarge},
		"no UTF-8":                 {"application/x-protobuf", one(series("m\xff\xfe")), http.StatusBadRequest},
		"no UTF-8 in a label":      {"application/x-protobuf", one(series("m", prompb.Label{Name: "a", Value: "\xff"})), http.StatusBadRequest},
		"a giant value":            {"application/x-protobuf", one(series("m", prompb.Label{Name: "a", Value: strings.Repeat("x", 1<<20)})), http.StatusBadRequest},
		"many labels":              {"application/x-protobuf", one(series("m", labels...)), http.StatusBadRequest},
		"a label twice":            {"application/x-protobuf", one(series("m", prompb.Label{Name: "a", Value: "1"}, prompb.Label{Name: "a", Value: "2"})), http.StatusBadRequest},
		"no name":                  {"application/x-protobuf", one(series("")), http.StatusBadRequest},
		"another message":          {"application/x-protobuf;proto=x", nil, http.StatusUnsupportedMediaType},
		"another type":             {"text/plain", nil, http.StatusUnsupportedMediaType},
		"a first symbol":           {second, packed(t, []byte{0x22, 0x01, 'x'}), http.StatusBadRequest},
		"version 2 for version 1":  {"application/x-protobuf", packed(t, repeated), http.StatusBadRequest},
		"half a message":           {second, packed(t, []byte{0x2a, 0x10, 0x0a}), http.StatusBadRequest},
		"version 1 for version 2":  {second, packed(t, text), http.StatusBadRequest},
		"a message of no samples":  {"application/x-protobuf", []byte{0}, http.StatusNoContent},
		"a long type of a message": {strings.Repeat("a", 4000) + "/" + strings.Repeat("b", 4000), nil, http.StatusUnsupportedMediaType},
	} {
		if code, why := post(t, server.URL, c.kind, c.body); code != c.want || code >= 400 && (why == "" || len(why) > 4000) {
			t.Errorf("%s: %d %.300s", what, code, why)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := k.Store.Cardinality(1).NumSeries; n > 2000 {
		t.Errorf("%d series", n)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("%d MiB more", grown>>20)
	}
	if k.Store.Refused("write", "series") != 18_000 {
		t.Errorf("%d refused for the number of series", k.Store.Refused("write", "series"))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/v1/write", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("not packed: %d", res.StatusCode)
	}
}

// TestBackPressure fills all places, and a disk: senders are told to come again, and
// nothing is half kept.
func TestBackPressure(t *testing.T) {
	full := false
	now := time.Now()
	k, server := open(t, metrics.Settings{
		Store: tsdb.Options{Now: func() time.Time { now = now.Add(2 * time.Second); return now }, Free: func(string) (int64, error) {
			if full {
				return 0, nil
			}
			return 1 << 40, nil
		}},
		Write: remotewrite.Options{MaxRequests: 1},
	})
	// A sender that does not come to an end holds the only place: its body is read as soon
	// as it has the place, not before.
	slow, held := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/v1/write", slow)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	t.Cleanup(client.CloseIdleConnections)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	if _, err := held.Write([]byte{0x10}); err != nil {
		t.Fatal(err)
	}
	m := &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{Labels: []prompb.Label{{Name: "__name__", Value: "m"}}, Samples: []prompb.Sample{{Value: 1, Timestamp: time.Now().UnixMilli()}}}}}
	if code, why := send(t, server.URL, m); code != http.StatusServiceUnavailable || !strings.Contains(why, "at a time") {
		t.Fatalf("was not told to come again: %d %s", code, why)
	}
	_ = held.CloseWithError(io.ErrUnexpectedEOF)
	<-done
	full = true
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; {
		code, why := post(t, server.URL, "application/x-protobuf", packed(t, text))
		if code == http.StatusServiceUnavailable && strings.Contains(why, "disk") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a full disk: %d %s", code, why)
		}
	}
	if k.Store.Refused("write", "disk") == 0 || k.Store.Refused("write", "busy") == 0 {
		t.Error("not counted")
	}
	full = false
	if code, why := send(t, server.URL, m); code != http.StatusNoContent {
		t.Errorf("with room again: %d %s", code, why)
	}
}

// TestSettings refuses a token and a selector that are none, and lets nobody in without
// the token.
func TestSettings(t *testing.T) {
	for _, s := range []metrics.Settings{{Write: remotewrite.Options{Accept: "{"}}, {Store: tsdb.Options{Retention: time.Second}}} {
		s.Store.Dir = t.TempDir()
		if _, err := metrics.New(s); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v", err)
		}
	}
	_, server := open(t, metrics.Settings{Token: func(bool) string { return "secret" }})
	for token, want := range map[string]int{"": 401, "Bearer wrong": 401, "Basic secret": 401, "Bearer secret": 200, "bearer secret": 200} {
		for _, path := range []string{"/api/v1/query?query=1", "/-/ready"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", token)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%q %s: %d", token, path, res.StatusCode)
			}
		}
	}
}
