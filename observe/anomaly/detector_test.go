package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

const minute = 60_000

// detector has the shipped settings, changed by change.
func detector(t testing.TB, change func(*anomaly.Settings)) *anomaly.Detector {
	t.Helper()
	set := anomaly.Default()
	if change != nil {
		change(&set)
	}
	d, err := anomaly.New(set)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// daily is a day's rhythm with noise, a value every five minutes.
func daily(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]float64, n)
	for i := range out {
		out[i] = 100 + 40*math.Sin(2*math.Pi*float64(i)/288) + 3*r.NormFloat64()
	}
	return out
}

// feed observes values five minutes apart, from the given index on.
func feed(d *anomaly.Detector, s *anomaly.Series, values []float64, from int) []anomaly.Verdict {
	out := make([]anomaly.Verdict, len(values))
	for i, v := range values {
		out[i] = d.Observe(s, anomaly.Sample{At: int64(from+i) * 5 * minute, Value: v})
	}
	return out
}

func onsets(all []anomaly.Verdict) (at []int) {
	for i, v := range all {
		if v.Onset {
			at = append(at, i)
		}
	}
	return at
}

func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(anomaly.Series{}); n > 4096 {
		t.Errorf("a series takes %d bytes, more than 4096", n)
	} else {
		t.Logf("%d bytes", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	d := detector(b, nil)
	values := daily(10000, 1)
	var s anomaly.Series
	feed(d, &s, values, 0)
	at := int64(len(values)) * 5 * minute
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		at += 5 * minute
		d.Observe(&s, anomaly.Sample{At: at, Value: values[i%len(values)]})
	}
}
