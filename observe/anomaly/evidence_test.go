package anomaly_test

import (
	"math/rand/v2"
	"testing"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// TestEvidence: a weak thing that goes on is told late and dated back, one
// far beyond all that was seen at once, and chance records are not told.
func TestEvidence(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	noise := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = 50 + 2*r.NormFloat64()
		}
		return x
	}
	told := func(values []float64, evidence float32) (at []int, since int64) {
		d := detector(t, func(s *anomaly.Settings) { s.Evidence = evidence })
		var s anomaly.Series
		for i, v := range feed(d, &s, values, 0) {
			if v.Onset {
				at, since = append(at, i), v.Since
				if v.Probability < anomaly.Default().Threshold {
					t.Errorf("an incident of probability %v", v.Probability)
				}
			}
		}
		return at, since
	}
	plain := 0
	for range 6 {
		values := noise(8000)
		without, _ := told(values, 0)
		plain += len(without)
		if at, _ := told(values, anomaly.Default().Evidence); len(at) > 0 {
			t.Errorf("noise opens incidents at %v", at)
		}
	}
	if plain == 0 {
		t.Error("without evidence noise never opened an incident")
	}
	values := noise(4000)
	for i := 3000; i < 3100; i++ {
		values[i] += 14
	}
	at, since := told(values, anomaly.Default().Evidence)
	if len(at) != 1 || at[0] <= 3000 || at[0] > 3030 || since < 3000*5*minute || since >= int64(at[0])*5*minute {
		t.Errorf("a shift by seven deviations at 3000 is told at %v, since %d", at, since/5/minute)
	}
	values = noise(4000)
	values[3000] = 500
	if at, since := told(values, anomaly.Default().Evidence); len(at) != 1 || at[0] != 3000 || since != 3000*5*minute {
		t.Errorf("a spike far beyond all at 3000 is told at %v, since %d", at, since/5/minute)
	}
}

// TestNoBlindMoment: a jump far beyond all is told whichever sample it begins with, also
// with one that the usual range is taken from.
func TestNoBlindMoment(t *testing.T) {
	d := detector(t, func(s *anomaly.Settings) { s.Counter = true })
	for from := 340; from <= 360; from++ {
		r := rand.New(rand.NewPCG(uint64(from), 3))
		var s anomaly.Series
		total, told := 0.0, false
		for i := range from + 50 {
			rate := 20 + r.NormFloat64()
			if i >= from {
				rate *= 20
			}
			total += rate * 15
			v := d.Observe(&s, anomaly.Sample{At: int64(i) * 15_000, Value: total})
			told = told || v.Onset && i >= from
		}
		if !told {
			t.Errorf("a counter that grows twenty times as fast from sample %d on is not told", from)
		}
	}
}
