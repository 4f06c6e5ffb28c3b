package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// A boot is what one series does from the start of its process on.
type boot struct {
	name    string
	counter bool
	// make draws a series: its value that many samples after a start.
	make func(r *rand.Rand) func(since int) float64
}

// boots are the kinds of series of a process, all of which change while it warms up.
func boots() []boot {
	// What is at a start is gone, but for a third, after so many samples.
	fades := func(since int, samples float64) float64 { return math.Exp(-float64(since) / samples) }
	return []boot{
		{"requests counted", true, func(r *rand.Rand) func(int) float64 {
			total := 0.0
			return func(since int) float64 {
				if since == 0 {
					total = 0
				}
				total += (1 - fades(since, 15)) * max(0, 600+60*r.NormFloat64())
				return total
			}
		}},
		{"memory", false, func(r *rand.Rand) func(int) float64 {
			return func(since int) float64 { return 360 - 300*fades(since, 40) + 6*r.NormFloat64() }
		}},
		{"latency", false, func(r *rand.Rand) func(int) float64 {
			return func(since int) float64 { return (0.05 + 0.6*fades(since, 12)) * math.Exp(0.15*r.NormFloat64()) }
		}},
		{"connections of a pool", false, func(*rand.Rand) func(int) float64 {
			return func(since int) float64 { return min(float64(since), 20) }
		}},
		{"processor", false, func(r *rand.Rand) func(int) float64 {
			return func(since int) float64 { return 0.3 + 0.7*fades(since, 8) + 0.04*r.NormFloat64() }
		}},
		{"queue", false, func(r *rand.Rand) func(int) float64 {
			return func(since int) float64 { return math.Floor(200*fades(since, 25) + 3*r.ExpFloat64()) }
		}},
	}
}

// TestBoot starts many series together and restarts them three times, far beyond the
// samples that are only learned. The first start opens no incident, for there was nothing
// else before. The first restart is news, once for each series at most; the second and
// the third are to fewer and fewer, mostly where noise grows with the value.
func TestBoot(t *testing.T) {
	const each, starts, between = 50, 4, 600
	var incidents [starts]int
	series, judged := 0, 0
	for _, b := range boots() {
		d := detector(t, func(set *anomaly.Settings) { set.Counter = b.counter })
		for seed := range uint64(each) {
			value := b.make(rand.New(rand.NewPCG(seed, 9)))
			var s anomaly.Series
			for i := range starts * between {
				v := d.Observe(&s, anomaly.Sample{At: int64(i) * minute / 2, Value: value(i % between)})
				if v.Onset {
					incidents[i/between]++
				}
				if v.State == anomaly.Normal || v.State == anomaly.Abnormal {
					judged++
				}
			}
			series++
		}
	}
	most := [starts]int{0, series, series / 4, series / 10}
	for i, n := range incidents {
		if n > most[i] {
			t.Errorf("start %d of %d series opened %d incidents, at most %d are expected", i, series, n, most[i])
		}
	}
	if judged < series*(starts*between-150) {
		t.Errorf("%d samples of %d series were judged", judged, series)
	}
}
