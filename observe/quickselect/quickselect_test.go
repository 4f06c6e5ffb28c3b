package quickselect_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autoecoops/autoecoops/observe/quickselect"
)

// TestKth finds what sorting finds, and parts the values around it.
func TestKth(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		v := make([]float32, 1+chance.IntN(140))
		few := 1 + chance.IntN(200)
		for i := range v {
			v[i] = float32(chance.IntN(few)) - 3
		}
		if chance.IntN(9) == 0 {
			v[chance.IntN(len(v))] = float32(math.Inf(chance.IntN(2)*2 - 1))
		}
		switch chance.IntN(4) {
		case 0:
			slices.Sort(v)
		case 1:
			slices.Sort(v)
			slices.Reverse(v)
		}
		sorted := slices.Sorted(slices.Values(v))
		k := chance.IntN(len(v))
		if got := quickselect.Kth(v, k); got != sorted[k] || v[k] != got {
			t.Fatalf("the %d. of %v is %g, not %g", k, sorted, got, sorted[k])
		}
		for i, x := range v {
			if i < k && x > v[k] || i > k && x < v[k] {
				t.Fatalf("%v is not parted at %d", v, k)
			}
		}
		slices.Sort(v)
		if !slices.Equal(v, sorted) {
			t.Fatal("values were lost")
		}
	}
}

func BenchmarkKth(b *testing.B) {
	chance := rand.New(rand.NewPCG(1, 2))
	var from, v [128]float32
	for i := range from {
		from[i] = chance.Float32()
	}
	for b.Loop() {
		v = from
		quickselect.Kth(v[:], 64)
	}
}
