package follow_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

func monitor(t *testing.T, start time.Time) *slo.Monitor {
	t.Helper()
	m, err := slo.New(*subject().Objective, slo.Options{Interval: time.Minute, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func add(t *testing.T, a *follow.Answer, role slo.Role, series string, points ...follow.Point) {
	t.Helper()
	if err := a.Add(role, map[string]string{"s": series}, points); err != nil {
		t.Fatal(err)
	}
}

func at(minutes int) int64 { return noon.Add(time.Duration(minutes) * time.Minute).UnixMilli() }

// TestSelectors asks for what an indicator has, and for nothing else.
func TestSelectors(t *testing.T) {
	var i slo.Indicator
	if got := follow.Selectors(i); got != nil {
		t.Error(got)
	}
	i.Total.Selector, i.Good.Selector = "t", "g"
	if got := fmt.Sprint(follow.Selectors(i)); got != fmt.Sprint([]follow.Selector{{Text: "t", Role: slo.Total}, {Text: "g", Role: slo.Good}}) {
		t.Error(got)
	}
	i = slo.Indicator{}
	i.Gauge.Selector = "q"
	if got := follow.Selectors(i); len(got) != 1 || got[0].Role != slo.Gauge {
		t.Error(got)
	}
}

// TestSamples has the same points come by two selectors, twice, and out of order:
// each is there once, with both roles.
func TestSamples(t *testing.T) {
	m := monitor(t, noon)
	var a follow.Answer
	if first, ok := a.First(); ok || a.Series() != 0 {
		t.Error(first)
	}
	add(t, &a, slo.Total, "x", follow.Point{At: at(1), Value: 10}, follow.Point{At: at(2), Value: 20})
	add(t, &a, slo.Bad, "x", follow.Point{At: at(1), Value: 10}, follow.Point{At: at(2), Value: 20})
	add(t, &a, slo.Total, "y", follow.Point{At: at(2), Value: 1}, follow.Point{At: at(1), Value: math.NaN()})
	if first, ok := a.First(); !ok || first.UnixMilli() != at(1) || a.Series() != 2 {
		t.Error(first, a.Series())
	}
	got := a.Samples(m)
	if len(got) != 4 {
		t.Fatalf("%+v", got)
	}
	for i, s := range got {
		if i > 0 && got[i-1].At > s.At {
			t.Error("they are not in the order of time")
		}
		if s.Series == follow.Key(map[string]string{"s": "x"}) && s.Role != slo.Total|slo.Bad {
			t.Errorf("%+v", s)
		}
	}
	m.Observe(slo.Batch{At: noon.Add(2 * time.Minute), Samples: got})
	add(t, &a, slo.Total, "x", follow.Point{At: at(3), Value: 21})
	if again := a.Samples(m); len(again) != 1 || again[0].At != at(3) {
		t.Errorf("what is known is there again: %+v", again)
	}
}

func TestTooManyPoints(t *testing.T) {
	var a follow.Answer
	if err := a.Add(slo.Total, nil, make([]follow.Point, follow.MaxPoints)); err != nil {
		t.Fatal(err)
	}
	if err := a.Add(slo.Total, nil, make([]follow.Point, 1)); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

// TestReplay feeds the past. The steps that are lost are no time without errors,
// and what is fed twice counts once.
func TestReplay(t *testing.T) {
	for name, c := range map[string]struct {
		lost       func(minute int) bool
		state      slo.State
		bad, total float64
	}{
		"whole":              {func(int) bool { return false }, slo.Measured, 59, 5900},
		"a step is lost":     {func(i int) bool { return i == 30 }, slo.Measured, 59, 5900},
		"an hour's gap":      {func(i int) bool { return i > 20 && i < 50 }, slo.Measured, 59, 5900},
		"the end is missing": {func(i int) bool { return i > 54 }, slo.Unmeasured, 53, 5300},
		"long ago":           {func(i int) bool { return i > 30 }, slo.Blind, 29, 2900},
	} {
		m := monitor(t, noon)
		var a follow.Answer
		for i := 1; i <= 60; i++ {
			if !c.lost(i) {
				add(t, &a, slo.Total, "all", follow.Point{At: at(i), Value: float64(100 * i)})
				add(t, &a, slo.Bad, "bad", follow.Point{At: at(i), Value: float64(i)})
			}
		}
		end := noon.Add(time.Hour)
		s := follow.Replay(m, &a, noon, end, time.Minute)
		if s.State != c.state {
			t.Errorf("%s: %s, want %s", name, s.State, c.state)
		}
		if s.Budget.Bad != c.bad || s.Budget.Total != c.total {
			t.Errorf("%s: %v of %v, want %v of %v", name, s.Budget.Bad, s.Budget.Total, c.bad, c.total)
		}
		follow.Replay(m, &a, noon, end, time.Minute)
		if again := m.Evaluate(end); again.Budget.Bad != c.bad || again.Budget.Total != c.total {
			t.Errorf("%s: fed twice: %v of %v", name, again.Budget.Bad, again.Budget.Total)
		}
	}
}

// TestRhythm says how often is asked, for the tiers of 30 days and short ones.
func TestRhythm(t *testing.T) {
	short, slices := *subject().Objective, *subject().Objective
	short.Alerting.Tiers = []slo.Tier{{Short: 10 * time.Second, Long: time.Minute}}
	slices.Budgeting, slices.Slice.Width = slo.TimeSlices, 15*time.Second
	slices.Alerting.Tiers = nil
	for name, c := range map[string]struct {
		o               *slo.Objective
		scrape          time.Duration
		every, interval time.Duration
	}{
		"usual":              {subject().Objective, 15 * time.Second, 30 * time.Second, 30 * time.Second},
		"a minute":           {subject().Objective, time.Minute, 30 * time.Second, time.Minute},
		"samples are rare":   {subject().Objective, 10 * time.Minute, 30 * time.Second, 10 * time.Minute},
		"short windows":      {&short, time.Second, time.Second, time.Second},
		"shorter than known": {&short, 15 * time.Second, 7500 * time.Millisecond, 15 * time.Second},
		"slices":             {&slices, 10 * time.Second, 15 * time.Second, 15 * time.Second},
	} {
		r := follow.NewRhythm(c.o, c.scrape)
		if r.Every != c.every || r.Interval != c.interval {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := follow.Rhythm{Every: 30 * time.Second, Interval: time.Minute}
	for gap, missed := range map[time.Duration]bool{0: false, 4 * time.Minute: false, 4*time.Minute + 1: true, -time.Hour: false} {
		if r.Missed(noon, noon.Add(gap)) != missed {
			t.Errorf("missed after %s: %v", gap, !missed)
		}
		if w := r.Window(noon, noon.Add(gap)); w < 2*time.Minute+max(gap, 0) || w > 2*time.Minute+max(gap, 0)+time.Second {
			t.Errorf("after %s: %s", gap, w)
		}
	}
	early, late := false, false
	for i := range 100 {
		p := r.Phase(fmt.Sprint("objective ", i))
		if p < 0 || p >= r.Every || p != r.Phase(fmt.Sprint("objective ", i)) {
			t.Errorf("%s", p)
		}
		early, late = early || p < r.Every/3, late || p > 2*r.Every/3
	}
	if !early || !late {
		t.Error("they are not spread")
	}
	for series, steps := range map[int]int{0: 10_000, 1: 10_000, 1000: 500, 10_000: 50, 10_000_000: 10} {
		if got := follow.Steps(series); got != steps {
			t.Errorf("%d series: %d steps", series, got)
		}
	}
	if follow.Whole(noon, noon.Add(150*time.Second), time.Minute) != 2 || follow.Whole(noon, noon.Add(-time.Hour), time.Minute) != 0 {
		t.Error("whole steps")
	}
}

// TestDue has what is done at an interval done once in each, and not by all at the
// same time.
func TestDue(t *testing.T) {
	at := map[int]int{}
	for i := range 1000 {
		id, last, n := fmt.Sprint("objective ", i), noon, 0
		for minute := range 60 {
			if now := noon.Add(time.Duration(minute) * time.Minute); follow.Due(id, 10*time.Minute, last, now) {
				last = now
				n++
				at[minute%10]++
			}
		}
		if n < 5 || n > 6 {
			t.Errorf("%s: %d times in an hour", id, n)
		}
	}
	for minute := range 10 {
		if n := at[minute]; n < 400 || n > 800 {
			t.Errorf("%d are due in minute %d of ten", n, minute)
		}
	}
	if follow.Due("x", time.Minute, noon, noon) || !follow.Due("x", time.Minute, noon, noon.Add(time.Minute)) || !follow.Due("x", time.Minute, time.Time{}, noon) {
		t.Error("an interval")
	}
}

// TestReplayCountsOnce counts nothing of the time that was answered for, also of a series
// that ended then and is not known any more.
func TestReplayCountsOnce(t *testing.T) {
	m := monitor(t, noon)
	var ended, lives []follow.Point
	for i := range 20 {
		ended = append(ended, follow.Point{At: at(i), Value: float64(100 * i)})
	}
	for i := range 40 {
		lives = append(lives, follow.Point{At: at(i), Value: float64(100 * i)})
	}
	var first follow.Answer
	add(t, &first, slo.Total, "lives", lives[:20]...)
	add(t, &first, slo.Total, "ended", ended...)
	follow.Replay(m, &first, noon.Add(-time.Minute), noon.Add(19*time.Minute), time.Minute)
	m.Observe(slo.Batch{At: noon.Add(20 * time.Minute), Samples: []slo.Sample{
		{Series: follow.Key(map[string]string{"s": "ended"}), Role: slo.Total, At: at(20), Value: math.Float64frombits(0x7ff0000000000002)},
		{Series: follow.Key(map[string]string{"s": "lives"}), Role: slo.Total, At: at(20), Value: 2000},
	}})
	before := m.Evaluate(noon.Add(20 * time.Minute)).Budget.Total
	// The range begins before what is known.
	var again follow.Answer
	add(t, &again, slo.Total, "lives", lives[10:]...)
	add(t, &again, slo.Total, "ended", ended[10:]...)
	s := follow.Replay(m, &again, noon.Add(9*time.Minute), noon.Add(39*time.Minute), time.Minute)
	if got := s.Budget.Total - before; math.Abs(got-1900) > 1 {
		t.Errorf("%v events in 19 minutes of 100, after %v", got, before)
	}
}
