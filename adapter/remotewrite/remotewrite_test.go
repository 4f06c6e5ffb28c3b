package remotewrite_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/autoecoops/autoecoops/adapter/remotewrite"
)

// sink takes samples and checks what must hold of each.
type sink struct {
	storage.Appender
	t         testing.TB
	samples   int
	exemplars int
	committed bool
	fail      error
}

// appendable gives the sink to whoever wants to append.
type appendable struct{ sink *sink }

func (a appendable) Appender(context.Context) storage.Appender { return a.sink }

func (s *sink) Append(_ storage.SeriesRef, l labels.Labels, _ int64, _ float64) (storage.SeriesRef, error) {
	if _, twice := l.HasDuplicateLabelNames(); twice || l.Get("__name__") == "" || l.Len() > 64 || !l.IsValid(model.UTF8Validation) {
		s.t.Errorf("the labels %.300s came through", l.String())
	}
	s.samples++
	return 1, s.fail
}

func (s *sink) AppendHistogram(ref storage.SeriesRef, l labels.Labels, at int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (storage.SeriesRef, error) {
	if (h == nil) == (fh == nil) {
		s.t.Error("a histogram of no kind")
	}
	if h != nil && h.Validate() == nil {
		_ = h.ToFloat(nil)
	}
	return s.Append(ref, l, at, 0)
}

func (s *sink) AppendExemplar(ref storage.SeriesRef, _ labels.Labels, e exemplar.Exemplar) (storage.SeriesRef, error) {
	if e.Labels.Len() > 16 {
		s.t.Errorf("an exemplar of %d labels", e.Labels.Len())
	}
	s.exemplars++
	if s.exemplars > 1 {
		return 0, storage.ErrOutOfOrderExemplar
	}
	return ref, nil
}

func (s *sink) Commit() error   { s.committed = true; return nil }
func (s *sink) Rollback() error { s.samples = 0; return nil }

func serve(t testing.TB, into *sink, kind string, body []byte) *httptest.ResponseRecorder {
	r, err := remotewrite.New(remotewrite.Options{Into: appendable{into}})
	if err != nil {
		t.Fatal(err)
	}
	return answer(r, kind, bytes.NewReader(body))
}

// answer is what a receiver says to a message.
func answer(r *remotewrite.Receiver, kind string, body io.Reader) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/api/v1/write", body)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Content-Encoding", "snappy")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

const (
	one = "application/x-protobuf"
	two = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
)

func message1(t testing.TB) []byte {
	b, err := (&prompb.WriteRequest{
		Timeseries: []prompb.TimeSeries{{
			Labels:    []prompb.Label{{Name: "__name__", Value: "m"}},
			Samples:   []prompb.Sample{{Value: 1, Timestamp: 1}},
			Exemplars: []prompb.Exemplar{{Labels: []prompb.Label{{Name: "trace_id", Value: "1"}}, Timestamp: 1}, {Timestamp: 2}},
			Histograms: []prompb.Histogram{
				prompb.FromIntHistogram(2, &histogram.Histogram{Count: 1, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []int64{1}}),
				prompb.FromFloatHistogram(3, &histogram.FloatHistogram{Count: 1, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []float64{1}}),
			},
		}},
		Metadata: []prompb.MetricMetadata{{MetricFamilyName: "m", Help: "Something."}},
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func message2(t testing.TB) []byte {
	b, err := (&writev2.Request{
		Symbols: []string{"", "__name__", "m", "trace_id", "1"},
		Timeseries: []writev2.TimeSeries{{
			LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Value: 1, Timestamp: 1}}, Exemplars: []writev2.Exemplar{{LabelsRefs: []uint32{3, 4}, Timestamp: 1}, {LabelsRefs: []uint32{3, 99}}, {LabelsRefs: []uint32{3}}},
			Histograms: []writev2.Histogram{
				writev2.FromFloatHistogram(3, &histogram.FloatHistogram{Count: 1, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []float64{1}}),
			},
		}},
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func packed(t testing.TB, text []byte) []byte {
	b, err := compression.Encode(compression.Snappy, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBoth reads one message of each version with all that it may have.
func TestBoth(t *testing.T) {
	s := &sink{t: t}
	if w := serve(t, s, one, packed(t, message1(t))); w.Code != http.StatusNoContent || s.samples != 3 || s.exemplars != 2 || !s.committed || w.Header().Get("X-Prometheus-Remote-Write-Samples-Written") != "" {
		t.Errorf("version 1: %d %s, %+v", w.Code, w.Body, s)
	}
	s = &sink{t: t}
	w := serve(t, s, two, packed(t, message2(t)))
	if w.Code != http.StatusNoContent || s.samples != 2 || !s.committed || w.Header().Get("X-Prometheus-Remote-Write-Samples-Written") != "1" || w.Header().Get("X-Prometheus-Remote-Write-Exemplars-Written") != "1" {
		t.Errorf("version 2: %d %s, %+v, %v", w.Code, w.Body, s, w.Header())
	}
	// What cannot be kept for now is asked for again, and nothing of it stays.
	for _, c := range []struct {
		kind string
		text []byte
	}{{one, message1(t)}, {two, message2(t)}} {
		s = &sink{t: t, fail: errors.New("the disk is gone")}
		if w := serve(t, s, c.kind, packed(t, c.text)); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || s.committed {
			t.Errorf("%s: %d %s", c.kind, w.Code, w.Body)
		}
	}
}

// TestLeftOut picks none of the series: nothing of it is kept, and the sender, which takes
// for lost what is not counted, is told that all is dealt with.
func TestLeftOut(t *testing.T) {
	left := map[string]int{}
	s := &sink{t: t}
	r, err := remotewrite.New(remotewrite.Options{Into: appendable{s}, Accept: `{__name__="other"}`, Refused: func(reason string, n int) { left[reason] += n }})
	if err != nil {
		t.Fatal(err)
	}
	w := answer(r, two, bytes.NewReader(packed(t, message2(t))))
	h := w.Header()
	if w.Code != http.StatusNoContent || s.samples+s.exemplars != 0 || left["unselected"] != 2 {
		t.Errorf("%d %s, %+v, %v", w.Code, w.Body, s, left)
	}
	for what, want := range map[string]string{"Samples": "1", "Histograms": "1", "Exemplars": "3"} {
		if n := h.Get("X-Prometheus-Remote-Write-" + what + "-Written"); n != want {
			t.Errorf("%s: %s written", what, n)
		}
	}
}

// TestBusy sends a message while another holds the only place: the sender is told to come
// again, by a status after which every Prometheus does.
func TestBusy(t *testing.T) {
	s := &sink{t: t}
	busy := 0
	r, err := remotewrite.New(remotewrite.Options{Into: appendable{s}, MaxRequests: 1, Refused: func(string, int) { busy++ }})
	if err != nil {
		t.Fatal(err)
	}
	body := &during{do: func() {
		w := answer(r, two, bytes.NewReader(packed(t, message2(t))))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || s.samples != 0 || busy != 1 {
			t.Errorf("%d %s, %v, %d samples, %d times busy", w.Code, w.Body, w.Header(), s.samples, busy)
		}
	}}
	answer(r, two, body)
	if !body.done {
		t.Error("the first was not read")
	}
	if w := answer(r, two, bytes.NewReader(packed(t, message2(t)))); w.Code != http.StatusNoContent {
		t.Errorf("the place is not free again: %d %s", w.Code, w.Body)
	}
}

// during does something when it is read, and ends.
type during struct {
	do   func()
	done bool
}

// Read implements io.Reader.
func (d *during) Read([]byte) (int, error) {
	if !d.done {
		d.done = true
		d.do()
	}
	return 0, io.EOF
}

// TestUnknown sends messages of other kinds: each is told what is taken.
func TestUnknown(t *testing.T) {
	for kind, want := range map[string]int{
		"application/x-protobuf;proto=io.prometheus.write.v3.Request": http.StatusUnsupportedMediaType, "application/json": http.StatusUnsupportedMediaType, "": http.StatusUnsupportedMediaType,
		`application/x-protobuf; proto="io.prometheus.write.v2.Request"`: http.StatusNoContent,
	} {
		w := serve(t, &sink{t: t}, kind, packed(t, message2(t)))
		if w.Code != want || want != http.StatusNoContent && !strings.Contains(w.Body.String(), "io.prometheus.write.v2.Request") {
			t.Errorf("%q: %d %s", kind, w.Code, w.Body)
		}
	}
}

// rememberer is a store that remembers labels as it was given them, and knows them again.
type rememberer struct {
	sink
	given []labels.Labels
	types []model.MetricType
}

func (r *rememberer) Appender(context.Context) storage.Appender { return r }

func (r *rememberer) Typed(t model.MetricType) { r.types = append(r.types, t) }

func (r *rememberer) GetRef(l labels.Labels, hash uint64) (storage.SeriesRef, labels.Labels) {
	for i, known := range r.given {
		if known.Hash() == hash && labels.Equal(known, l) {
			return storage.SeriesRef(i + 1), known
		}
	}
	return 0, labels.EmptyLabels()
}

func (r *rememberer) Append(ref storage.SeriesRef, l labels.Labels, _ int64, _ float64) (storage.SeriesRef, error) {
	if r.samples++; ref == 0 {
		r.given = append(r.given, l)
		ref = storage.SeriesRef(len(r.given))
	}
	if !labels.Equal(r.given[ref-1], l) {
		r.t.Errorf("the reference of %s with %s", r.given[ref-1], l)
	}
	return ref, nil
}

// TestKnown: labels that a store keeps stay what they were, whatever is read after them;
// it is asked for those that it knows, in whatever order labels come, and told their types.
func TestKnown(t *testing.T) {
	s := &rememberer{sink: sink{t: t}}
	r, err := remotewrite.New(remotewrite.Options{Into: s})
	if err != nil {
		t.Fatal(err)
	}
	m := &prompb.WriteRequest{}
	for i := range 100 {
		n := strconv.Itoa(i)
		m.Timeseries = append(m.Timeseries, prompb.TimeSeries{Labels: []prompb.Label{{Name: "z", Value: n}, {Name: "__name__", Value: "m" + n}, {Name: "a", Value: n}}, Samples: make([]prompb.Sample, 2)})
	}
	for range 2 {
		if refused, err := r.Take(t.Context(), m); refused != 0 || err != nil {
			t.Fatal(refused, err)
		}
	}
	if len(s.given) != 100 || s.samples != 400 {
		t.Errorf("%d series, %d samples", len(s.given), s.samples)
	}
	for i, l := range s.given {
		if n := strconv.Itoa(i); l.String() != `{__name__="m`+n+`", a="`+n+`", z="`+n+`"}` {
			t.Errorf("series %d became %s", i, l)
		}
	}
	if _, err := r.Take(t.Context(), &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{Labels: []prompb.Label{{Name: "a", Value: "1"}}, Samples: make([]prompb.Sample, 1)}}}); err != nil || len(s.given) != 100 {
		t.Errorf("labels without a name: %d series, error %v", len(s.given), err)
	}
	two := &writev2.Request{Symbols: []string{"", "__name__", "m0"}}
	for _, kind := range []writev2.Metadata_MetricType{0, 1, 2, 3, 4, 5, 6, 7} {
		two.Timeseries = append(two.Timeseries, writev2.TimeSeries{LabelsRefs: []uint32{1, 2}, Metadata: writev2.Metadata{Type: kind}, Samples: make([]writev2.Sample, 1)})
	}
	text, err := two.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(packed(t, text)))
	req.Header.Set("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request")
	req.Header.Set("Content-Encoding", "snappy")
	r.ServeHTTP(httptest.NewRecorder(), req)
	for i, kind := range s.types {
		if got := writev2.FromMetadataType(kind); int(got) != i {
			t.Errorf("type %d became %s", i, kind)
		}
	}
	if len(s.types) != 8 {
		t.Errorf("%v", s.types)
	}
}

// FuzzMessage gives any bytes as unpacked message.
func FuzzMessage(f *testing.F) {
	f.Add(false, message1(f))
	f.Add(true, message2(f))
	f.Add(true, message1(f))
	f.Add(false, bytes.Repeat([]byte{0x0a, 0x00}, 300))
	f.Fuzz(func(t *testing.T, second bool, text []byte) {
		kind := one
		if second {
			kind = two
		}
		s := &sink{t: t}
		w := serve(t, s, kind, packed(t, text))
		if w.Code/100 == 5 || w.Code == http.StatusNoContent != (w.Body.Len() == 0) {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	})
}

// FuzzPacked gives any bytes as they come.
func FuzzPacked(f *testing.F) {
	f.Add(packed(f, message1(f)))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		if w := serve(t, &sink{t: t}, one, body); w.Code/100 == 5 {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	})
}

// BenchmarkMessage takes messages of 2000 samples of series with eight labels, as a
// Prometheus sends them, up to where they would be kept.
func BenchmarkMessage(b *testing.B) {
	m := &prompb.WriteRequest{}
	for i := range 2000 {
		n := strconv.Itoa(i)
		s := prompb.TimeSeries{Samples: []prompb.Sample{{Value: float64(i), Timestamp: 1}}}
		for _, l := range [][2]string{{"__name__", "http_requests_total"}, {"code", "200"}, {"container", "app"}, {"instance", "10.0.0.7:8080"}, {"job", "shop/cart"}, {"namespace", "shop"}, {"path", "/api/v1/items/" + n}, {"pod", "cart-" + n + "-5d9f7c"}} {
			s.Labels = append(s.Labels, prompb.Label{Name: l[0], Value: l[1]})
		}
		m.Timeseries = append(m.Timeseries, s)
	}
	text, err := m.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	body := packed(b, text)
	b.ReportAllocs()
	for b.Loop() {
		if w := serve(b, &sink{t: b}, one, body); w.Code != http.StatusNoContent {
			b.Fatal(w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/sample")
}
