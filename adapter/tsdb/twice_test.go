package tsdb_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
)

func fractions(buckets map[int32]float64) *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{CounterResetHint: histogram.GaugeType}
	last := int32(0)
	for i := range int32(10) {
		v, ok := buckets[i]
		if !ok {
			continue
		}
		h.PositiveSpans = append(h.PositiveSpans, histogram.Span{Offset: i - last, Length: 1})
		h.PositiveBuckets = append(h.PositiveBuckets, v)
		h.Count += v
		last = i + 1
	}
	return h
}

func whole() *histogram.Histogram {
	return &histogram.Histogram{Count: 1, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []int64{1}}
}

// append1 appends one histogram and returns what that, and the commit, said.
func append1(t *testing.T, to storage.Appendable, l labels.Labels, at time.Time, h *histogram.Histogram, fh *histogram.FloatHistogram) error {
	t.Helper()
	a := to.Appender(t.Context())
	_, err := a.AppendHistogram(0, l, at.UnixMilli(), h, fh)
	return errors.Join(err, a.Commit())
}

// TestEndedTwice sends the mark of the end of a series twice, as a sender does that lost
// the answer: it is no other sample of the same time, but one is where a sample is.
func TestEndedTwice(t *testing.T) {
	s := open(t, tsdb.Options{Dir: t.TempDir()})
	to := s.Appendable("write", false)
	at := time.Now().Add(-time.Minute)
	ended := math.Float64frombits(value.StaleNaN)
	for kind, first := range map[string]func(l labels.Labels) error{
		"plain":     func(l labels.Labels) error { return put(t, to, l, at, 1) },
		"whole":     func(l labels.Labels) error { return append1(t, to, l, at, whole(), nil) },
		"fractions": func(l labels.Labels) error { return append1(t, to, l, at, nil, fractions(map[int32]float64{1: 2})) },
	} {
		l := labels.FromStrings("__name__", "m", "kind", kind)
		if err := first(l); err != nil {
			t.Fatal(err)
		}
		if err := put(t, to, l, at, ended); !errors.Is(err, storage.ErrDuplicateSampleForTimestamp) {
			t.Errorf("%s: an end where a sample is: %v", kind, err)
		}
		for range 2 {
			if err := put(t, to, l, at.Add(time.Second), ended); err != nil {
				t.Errorf("%s: the end: %v", kind, err)
			}
		}
	}
	if n := count(t, s); n != 6 || s.Refused("write", "duplicate") != 3 {
		t.Errorf("%d samples, %d refused", n, s.Refused("write", "duplicate"))
	}
}

// TestHistogramTwice sends histograms twice. That the storage put empty buckets into the
// first of them makes the second no other; another value does, and another series does
// not answer for it.
func TestHistogramTwice(t *testing.T) {
	s := open(t, tsdb.Options{Dir: t.TempDir()})
	to := s.Appendable("write", false)
	at := time.Now().Add(-time.Minute)
	l, more := labels.FromStrings("__name__", "m"), labels.FromStrings("__name__", "m", "a", "more")
	wide, narrow := map[int32]float64{1: 1, 3: 1, 5: 1, 7: 1}, map[int32]float64{3: 2}
	for range 2 {
		for i, buckets := range []map[int32]float64{wide, narrow} {
			if i == 0 && count(t, s) > 0 {
				continue // only the newest is in question
			}
			if err := append1(t, to, l, at.Add(time.Duration(i)*time.Second), nil, fractions(buckets)); err != nil {
				t.Errorf("%v: %v", buckets, err)
			}
		}
	}
	if err := append1(t, to, more, at.Add(time.Second), nil, fractions(map[int32]float64{3: 4})); err != nil {
		t.Fatal(err)
	}
	for what, other := range map[string]*histogram.FloatHistogram{"the value of another series": fractions(map[int32]float64{3: 4}), "an end": {Sum: math.Float64frombits(value.StaleNaN)}} {
		if err := append1(t, to, l, at.Add(time.Second), nil, other); !errors.Is(err, storage.ErrDuplicateSampleForTimestamp) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := append1(t, to, l, at.Add(time.Second), whole(), nil); !errors.Is(err, storage.ErrDuplicateSampleForTimestamp) {
		t.Errorf("whole numbers: %v", err)
	}
	if n := s.Refused("write", "duplicate"); n != 3 || count(t, s) != 3 {
		t.Errorf("%d refused, %d samples", n, count(t, s))
	}
	// A message of nothing but duplicates is not looked at for ever.
	a := to.Appender(t.Context())
	refused := 0
	for range 1100 {
		if _, err := a.AppendHistogram(0, l, at.Add(time.Second).UnixMilli(), nil, fractions(narrow)); err != nil {
			refused++
		}
	}
	if err := a.Commit(); err != nil || refused != 100 {
		t.Errorf("%d refused, %v", refused, err)
	}
}
