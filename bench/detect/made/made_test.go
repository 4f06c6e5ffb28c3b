package made_test

import (
	"slices"
	"testing"

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
