package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// TestNoAllocation: a sample costs no memory beyond the series, whatever the series is
// like and also where an incident opens, values are missing, late, or of a counter that
// begins anew.
func TestNoAllocation(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	for _, c := range []struct {
		name    string
		counter bool
		value   func(i int) float64
	}{
		{"daily", false, func(i int) float64 { return 100 + 40*math.Sin(2*math.Pi*float64(i)/288) + 3*r.NormFloat64() }},
		{"constant", false, func(int) float64 { return 7 }},
		{"walk", false, func(i int) float64 { return float64(i) + 10*r.NormFloat64() }},
		{"heavy tails", false, func(int) float64 { return math.Exp(3 * r.NormFloat64()) }},
		{"counter", true, func(i int) float64 { return float64(i%700) * 300 }},
		{"levels", false, func(i int) float64 { return math.Exp(float64(i / 500 % 7)) }},
		{"gaps", false, func(i int) float64 {
			if i%3 == 0 {
				return math.NaN()
			}
			return 5 + r.NormFloat64()
		}},
	} {
		d := detector(t, func(set *anomaly.Settings) { set.Counter, set.Evidence = c.counter, 20 })
		var s anomaly.Series
		i, opened := 0, 0
		push := func() {
			at := int64(i) * 5 * minute
			if i%50 == 0 {
				at -= 20 * minute // late
			}
			if d.Observe(&s, anomaly.Sample{At: at, Value: c.value(i)}).Onset {
				opened++
			}
			i++
		}
		many := func() {
			for range 5000 {
				push()
			}
		}
		if n := testing.AllocsPerRun(1, many); n != 0 {
			t.Errorf("%s: %v allocations in 5,000 samples", c.name, n)
		}
		if c.name == "levels" && opened == 0 {
			t.Error("no incident opened: that was not looked at")
		}
	}
}
