package record

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShareOf measures figures in parts of their goals.
func TestShareOf(t *testing.T) {
	for _, c := range []struct {
		goal  string
		value float64
		share float64
		ok    bool
	}{
		{"≤ 40", 20, 0.5, true}, {"≥ 8", 16, 0.5, true}, {"", 3, 0, false}, {"≤ 0", 0, 0, true}, {"≤ 0", 1, math.Inf(1), true}, {"≥ 5", 0, math.Inf(1), true}, {"≤ 3", -1, 0, true},
	} {
		if share, ok := shareOf(Figure{Value: c.value, Goal: c.goal}); share != c.share || ok != c.ok {
			t.Errorf("%g of %q: %g %v", c.value, c.goal, share, ok)
		}
	}
}

// TestChart draws what has a goal, with room for the longest name and with no number that
// is none.
func TestChart(t *testing.T) {
	r := &Results{machine: "a machine"}
	long := strings.Repeat("long & ", 20)
	r.AtMost(long, 0, "s", 0)
	r.AtLeast("none", 0, "/s", 5)
	r.Note("left out", 1, "s")
	file := filepath.Join(t.TempDir(), "x.svg")
	if err := r.Chart(file, "Title"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	svg := string(text)
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Contains(svg, "left out") || !strings.Contains(svg, "long &amp; long") || !strings.Contains(svg, `viewBox="0 0 1360 `) {
		t.Error(svg)
	}
}
