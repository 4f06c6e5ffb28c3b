package made_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/bench/detect/made"
)

func TestSeries(t *testing.T) {
	a, b := made.Disturbed(1, 1, 28), made.Disturbed(1, 1, 28)
	if len(a) != 49 {
		t.Errorf("%d series", len(a))
	}
	for i, s := range a {
		if !slices.Equal(s.Values, b[i].Values) {
			t.Errorf("%s differs from itself", s.Name)
		}
		if len(s.Times) != len(s.Values) || !slices.IsSorted(s.Times) || len(s.Events) == 0 {
			t.Errorf("%s: %d times, %d values, events %v", s.Name, len(s.Times), len(s.Values), s.Events)
		}
		for _, e := range s.Events {
			if e[0] < len(s.Values)/4 || e[1] >= len(s.Values) || e[1] < e[0] {
				t.Errorf("%s: event %v", s.Name, e)
			}
		}
	}
	counters := 0
	for _, s := range made.Undisturbed(1, 14, 28) {
		if s.Counter {
			counters++
			if s.Values[100] < s.Values[0] {
				t.Errorf("%s does not count", s.Name)
			}
		}
		if len(s.Events) != 0 || s.Days() < 27.9 || s.Days() > 28 {
			t.Errorf("%s: %v, %v days", s.Name, s.Events, s.Days())
		}
	}
	if counters != 1 {
		t.Errorf("%d counters", counters)
	}
}

func TestPrecision(t *testing.T) {
	s := &made.Series{Values: make([]float64, 1000), Events: [][2]int{{500, 519}}}
	best, worst := make([]float64, 1000), make([]float64, 1000)
	for i := range best {
		near := 24 - max(500-i, i-519)
		best[i], worst[i] = float64(near), float64(-near)
	}
	if p := s.Precision(best); p < 0.999 {
		t.Errorf("the right order has %v", p)
	}
	if p := s.Precision(worst); p > 0.05 {
		t.Errorf("the wrong order has %v", p)
	}
}

func TestVaried(t *testing.T) {
	a, b := made.Varied(1, 110), made.Varied(1, 110)
	kinds := map[string]bool{}
	for i, s := range a {
		if !slices.Equal(s.Values, b[i].Values) || !slices.Equal(s.Events, b[i].Events) {
			t.Errorf("%s differs from itself", s.Name)
		}
		kinds[s.Name] = true
		if len(s.Values) < 1200 || len(s.Values) > 20_000 || len(s.Times) != len(s.Values) || !slices.IsSorted(s.Times) {
			t.Errorf("%s: %d values, %d times", s.Name, len(s.Values), len(s.Times))
		}
		last := len(s.Values) / 3
		for _, e := range s.Events {
			if e[0] < last || e[1] < e[0] || e[1] >= len(s.Values) {
				t.Errorf("%s: event %v after row %d of %d", s.Name, e, last, len(s.Values))
			}
			last = e[1] + 1
		}
		if len(s.Events) == 0 || slices.ContainsFunc(s.Values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			t.Errorf("%s: events %v, or a value that is none", s.Name, s.Events)
		}
	}
	if len(kinds) < 75 {
		t.Errorf("%d kinds", len(kinds))
	}
	calm := made.Calm(1, 11, 1000)
	for _, s := range calm {
		if len(s.Events) != 0 || len(s.Values) != 1000 {
			t.Errorf("%s: %v, %d rows", s.Name, s.Events, len(s.Values))
		}
	}
}

func TestVolume(t *testing.T) {
	events := [][2]int{{500, 519}, {800, 809}}
	best, worst, half, same := make([]float64, 1000), make([]float64, 1000), make([]float64, 1000), make([]float64, 1000)
	for i := range best {
		near := max(-100, -max(events[0][0]-i, i-events[0][1]), -max(events[1][0]-i, i-events[1][1]))
		best[i], worst[i], half[i] = float64(near), float64(-near), float64(near)
		if i > 700 {
			half[i] = -200
		}
	}
	if v := made.Volume(best, events, 100); v < 0.95 {
		t.Errorf("the right order has %v", v)
	}
	if v := made.Volume(worst, events, 100); v > 0.1 {
		t.Errorf("the wrong order has %v", v)
	}
	if v := made.Volume(half, events, 100); v > 0.6 {
		t.Errorf("half of the events has %v", v)
	}
	if v := made.Volume(same, events, 0); math.Abs(v-0.03) > 1e-9 {
		t.Errorf("no order has %v", v)
	}
	if v := made.Volume(best, nil, 100); v != 0 {
		t.Errorf("no event has %v", v)
	}
}

// TestHabitual: an hour of each night or each week is six times as high, or the office hours
// of five days of seven are, and nothing is a disturbance.
func TestHabitual(t *testing.T) {
	for name, hours := range map[string][2]float64{
		"nightly job": {1, 1}, "nightly job at no fixed minute": {2.0 / 3, 4.0 / 3}, "weekly job": {1.0 / 7, 1.0 / 7}, "office week": {5 * 7.0 / 7, 5 * 12.0 / 7},
	} {
		for _, s := range made.Habitual(name, 3, 4, 14, 5*time.Minute) {
			low, high := slices.Min(s.Values), 0
			for _, v := range s.Values {
				if v > 3.5*low {
					high++
				}
			}
			if per := float64(high) / 12 / 14; len(s.Values) != 14*288 || len(s.Events) != 0 || per < hours[0]-0.01 || per > hours[1]+0.01 {
				t.Errorf("%s: %d values, events %v, %v hours a day are high", s.Name, len(s.Values), s.Events, per)
			}
		}
	}
	if a, b := made.Habitual("office week", 1, 1, 3, time.Minute), made.Habitual("office week", 1, 1, 3, time.Minute); !slices.Equal(a[0].Values, b[0].Values) {
		t.Error("it differs from itself")
	}
	if len(made.Habits()) != 4 || len(made.Habitual("no such", 1, 1, 1, time.Minute)) != 0 {
		t.Error(made.Habits())
	}
}
