package tsdb_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
)

// exemplars compares what is told of exemplars: those that are kept, pushed out and late.
func exemplars(t *testing.T, s *tsdb.Store, kept, pushed, late int) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(s)
	want := fmt.Sprintf(`# HELP aeo_observe_exemplars Exemplars that are kept.
# TYPE aeo_observe_exemplars gauge
aeo_observe_exemplars %d
# HELP aeo_observe_exemplars_late_total Exemplars that are not kept because a newer one of their series came before.
# TYPE aeo_observe_exemplars_late_total counter
aeo_observe_exemplars_late_total %d
# HELP aeo_observe_exemplars_pushed_out_total Exemplars that newer ones took the place of.
# TYPE aeo_observe_exemplars_pushed_out_total counter
aeo_observe_exemplars_pushed_out_total %d
`, kept, late, pushed)
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "aeo_observe_exemplars", "aeo_observe_exemplars_late_total", "aeo_observe_exemplars_pushed_out_total"); err != nil {
		t.Error(err)
	}
}

// TestExemplarFlood takes a hundred thousand exemplars and keeps as many as there may be;
// what is hostile is refused. Whatever is not kept is counted, whoever brought it.
func TestExemplarFlood(t *testing.T) {
	s := open(t, tsdb.Options{Dir: t.TempDir()})
	now := time.Now()
	of := func(id string, v float64, at time.Time) exemplar.Exemplar {
		return exemplar.Exemplar{Labels: labels.FromStrings("trace_id", id), Value: v, Ts: at.UnixMilli(), HasTs: true}
	}
	const rounds, series = 100, 1000
	for round := range rounds {
		at := now.Add(time.Duration(round-rounds) * time.Second)
		a := s.Appendable("scrape", true).Appender(t.Context())
		for i := range series {
			ref, err := a.Append(0, name(i), at.UnixMilli(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.AppendExemplar(ref, name(i), of(fmt.Sprintf("%032x", round*series+i), 1, at)); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	exemplars(t, s, 20_000, rounds*series-20_000, 0)
	for _, source := range []string{"scrape", "write"} {
		to := s.Appendable(source, source == "scrape")
		for _, e := range []exemplar.Exemplar{
			of(strings.Repeat("f", 1<<20), 1, now), of(strings.Repeat("f", 129), 1, now), of("old", 1, now.Add(-time.Hour)), of("coming", 1, now.Add(time.Hour)),
			{Labels: labels.FromStrings("bad\xff", "x"), Value: 1, Ts: now.UnixMilli(), HasTs: true}, of("\xff\xfe", math.NaN(), now),
		} {
			a := to.Appender(t.Context())
			if _, err := a.AppendExemplar(storage.SeriesRef(1), name(0), e); err == nil {
				t.Errorf("%s: %.20s is taken", source, e.Labels)
			}
			if err := a.Commit(); err != nil {
				t.Error(err)
			}
		}
		if n := s.Refused(source, "exemplar"); n != 6 {
			t.Errorf("%s: %d are counted", source, n)
		}
	}
	exemplars(t, s, 20_000, rounds*series-20_000, 0)
	// Those of one message are only put in their order when all of it is kept.
	a := s.Appendable("write", false).Appender(t.Context())
	ref, err := a.Append(0, name(0), now.UnixMilli(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := a.AppendExemplar(ref, name(0), of("x", 1, now.Add(time.Duration(-i)*time.Millisecond))); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Commit(); err != nil {
		t.Fatal(err)
	}
	exemplars(t, s, 20_000, rounds*series-20_000+1, 9)
}
