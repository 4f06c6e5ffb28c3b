package tap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/tap"
	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/stream"
)

// rest is what nobody calls.
type rest = storage.Appender

// store is one that notes what it is given.
type store struct {
	rest
	fail, commit error
	refs         map[string]storage.SeriesRef
	given        []string
}

func (s *store) Appender(context.Context) storage.Appender { return s }

func (s *store) Append(ref storage.SeriesRef, l labels.Labels, _ int64, v float64) (storage.SeriesRef, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	if v < 0 { // what a lenient store leaves out
		return 0, nil
	}
	if ref == 0 {
		ref = storage.SeriesRef(len(s.refs) + 1)
	}
	s.refs[l.String()] = ref
	s.given = append(s.given, fmt.Sprint(l.Get("__name__"), "=", v))
	return ref, nil
}

func (s *store) AppendHistogram(ref storage.SeriesRef, l labels.Labels, _ int64, _ *histogram.Histogram, _ *histogram.FloatHistogram) (storage.SeriesRef, error) {
	s.given = append(s.given, fmt.Sprint(l.Get("__name__"), " histogram ", ref))
	return 1, nil
}

func (s *store) AppendExemplar(ref storage.SeriesRef, _ labels.Labels, _ exemplar.Exemplar) (storage.SeriesRef, error) {
	s.given = append(s.given, fmt.Sprint("exemplar ", ref))
	return ref, nil
}

func (s *store) GetRef(l labels.Labels, _ uint64) (storage.SeriesRef, labels.Labels) {
	return s.refs[l.String()], l
}
func (s *store) Commit() error   { return s.commit }
func (s *store) Rollback() error { return nil }

func picked(l labels.Labels) bool { return strings.HasPrefix(l.Get("__name__"), "picked") }

func tapped(t *testing.T, keep bool) (*tap.Table, *tap.Tap, *store) {
	t.Helper()
	table, err := stream.NewTable(stream.Options[labels.Labels]{
		MaxSeries: 100, Turned: func([]stream.Turn) {},
		Naming: stream.Naming[labels.Labels]{
			Same: labels.Equal, Hash: tap.Hash, Picked: picked, Kind: func(labels.Labels) stream.Kind { return stream.Gauge },
			Signal: func(labels.Labels, stream.Kind) observe.Signal { return observe.Signal{} },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return table, tap.New(table, picked, keep, time.Now), &store{refs: map[string]storage.SeriesRef{}}
}

func name(n string) labels.Labels { return labels.FromStrings("__name__", n, "a", "b") }

// TestOnlyWhatIsKept: what the store refuses, leaves out, or does not commit is not judged,
// nor what is undone; what it takes is.
func TestOnlyWhatIsKept(t *testing.T) {
	table, tp, s := tapped(t, true)
	now := time.Now().UnixMilli()
	judged := func() uint64 { return table.Count().Samples[anomaly.Learning] }
	for what, c := range map[string]struct {
		spoil func()
		value float64
		undo  bool
	}{
		"refused": {func() { s.fail = storage.ErrOutOfOrderSample }, 1, false}, "left out": {func() {}, -1, false},
		"not committed": {func() { s.commit = errors.New("the disk is gone") }, 1, false}, "undone": {func() {}, 1, true},
	} {
		s.fail, s.commit = nil, nil
		c.spoil()
		a := tp.Before(s).Appender(t.Context())
		_, _ = a.Append(0, name("picked"), now, c.value)
		if c.undo {
			_ = a.Rollback()
		} else {
			_ = a.Commit()
		}
		if judged() != 0 {
			t.Errorf("%s, and judged", what)
		}
	}
	s.fail, s.commit = nil, nil
	a := tp.Before(s).Appender(t.Context())
	for _, n := range []string{"picked", "other", "picked too"} {
		if _, err := a.Append(0, name(n), now, 1); err != nil {
			t.Fatal(err)
		}
	}
	if judged() != 0 {
		t.Error("judged before it is kept")
	}
	if err := a.Commit(); err != nil || judged() != 2 {
		t.Errorf("%d judged, error %v", judged(), err)
	}
}

// TestAlone: what is picked goes by the store, at first and by its reference later; all
// else, and what cannot be judged, goes to it.
func TestAlone(t *testing.T) {
	table, tp, s := tapped(t, false)
	now := time.Now().UnixMilli()
	s.refs[name("picked").String()] = 7 // from a time in which it was kept
	a := tp.Before(s).Appender(t.Context())
	known := a.(storage.GetRef)
	ref, _ := known.GetRef(name("picked"), name("picked").Hash())
	ref, err := a.Append(ref, name("picked"), now, 1)
	if err != nil || ref == 0 || ref == 7 {
		t.Fatal(ref, err)
	}
	if again, err := a.Append(ref, name("picked"), now+1, 1); again != ref || err != nil {
		t.Error(again, err)
	}
	other, _ := a.Append(0, name("other"), now, 2)
	_, _ = a.AppendExemplar(ref, name("picked"), exemplar.Exemplar{})
	_, _ = a.AppendExemplar(other, name("other"), exemplar.Exemplar{})
	_, _ = a.AppendHistogram(ref, name("picked"), now, &histogram.Histogram{}, nil)
	s.fail = storage.ErrOutOfBounds // the store refuses, and counts, what is yet to come
	if _, err := a.Append(ref, name("picked"), now+time.Hour.Milliseconds(), 1); !errors.Is(err, storage.ErrOutOfBounds) {
		t.Errorf("a sample of the future: %v", err)
	}
	if err := a.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.given, ", "); got != fmt.Sprintf("other=2, exemplar %d, picked histogram 0", other) {
		t.Errorf("the store has %s", got)
	}
	if c := table.Count(); c.Samples[anomaly.Learning] != 2 || tp.Histograms() != 1 {
		t.Errorf("%+v, %d histograms", c, tp.Histograms())
	}
	a = tp.Before(s).Appender(t.Context())
	found, l := a.(storage.GetRef).GetRef(name("picked"), name("picked").Hash())
	if found != ref || !labels.Equal(l, name("picked")) {
		t.Errorf("%d %s", found, l)
	}
	if found, _ = a.(storage.GetRef).GetRef(name("other"), name("other").Hash()); found != other {
		t.Errorf("%d", found)
	}
	_ = a.Rollback()
}

// TestTyped: the type that the sender says is that of the samples that follow.
func TestTyped(t *testing.T) {
	table, tp, s := tapped(t, true)
	a := tp.Before(s).Appender(t.Context())
	for i, kind := range []model.MetricType{model.MetricTypeCounter, model.MetricTypeHistogram, model.MetricTypeGauge, model.MetricTypeCounter} {
		a.(interface{ Typed(model.MetricType) }).Typed(kind)
		_, _ = a.Append(0, name(fmt.Sprint("picked", i)), time.Now().UnixMilli(), 1)
	}
	_ = a.Commit()
	if c := table.Count(); c.Samples[anomaly.Restarted] != 2 || c.Samples[anomaly.Learning] != 2 {
		t.Errorf("%+v", c)
	}
}
