package anomaly

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// TestVectors: whatever the processor can do, the same patterns are found.
func TestVectors(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	number := func() float32 {
		switch r.IntN(8) {
		case 0:
			return 0
		case 1:
			return float32(r.IntN(4))
		case 2:
			return float32(r.NormFloat64() * 1e5)
		case 3:
			return float32(r.NormFloat64() * 1e-5)
		}
		return float32(r.NormFloat64())
	}
	var known known
	settings := DefaultTuning()
	for range 20_000 {
		for i := range known.levels {
			known.levels[i] = toShort(number())
		}
		for i := range known.patterns {
			known.patterns[i] = toShort(number())
		}
		x := [blocks]float32{number(), number(), number()}
		width := max(smallest, abs(number()))
		var fast, plain distances
		n := 1 + r.IntN(knownLevels)
		a, b := nearestLevel(&known.levels, n, x[0], &fast), plainLevel(&known.levels, n, x[0], &plain)
		if a != b || fast[a] != plain[b] {
			t.Fatalf("of %d levels %d at %v is nearest, plainly %d at %v", n, a, fast[a], b, plain[b])
		}
		var m measure
		(&book{tuning: &settings}).measure(&m, &x, width)
		n = 1 + r.IntN(knownPatterns)
		a, b = nearestPattern(&known.patterns, n, &m, &fast), plainPattern(&known.patterns, n, &m, &plain)
		if a != b || fast[a] != plain[b] {
			t.Fatalf("of %d patterns %d at %v is nearest, plainly %d at %v", n, a, fast[a], b, plain[b])
		}
		allPatterns(&known.patterns, n, &m, &fast)
		plainPatterns(&known.patterns, n, &m, &plain)
		for i := range n {
			if fast[i] != plain[i] {
				t.Fatalf("pattern %d of %d is %v off, plainly %v", i, n, fast[i], plain[i])
			}
		}
	}
}

// TestPrefetched: what every sample touches lies where it is fetched.
func TestPrefetched(t *testing.T) {
	var s Series
	from, to := unsafe.Offsetof(s.in)-64, unsafe.Offsetof(s.in)+16*64
	if at := unsafe.Offsetof(s.year) + unsafe.Offsetof(s.year.until); at < from {
		t.Errorf("the hour is at %d, fetched is from %d", at, from)
	}
	for _, c := range []int{chVariation, chResidual, chStill, 0, 1} {
		if end := unsafe.Offsetof(s.tail) + (uintptr(places[c])+1)*unsafe.Sizeof(tail{}); end > to {
			t.Errorf("the tail of channel %d ends at %d, fetched is to %d", c, end, to)
		}
	}
	if n := unsafe.Sizeof(known{}); n > 8*64 {
		t.Errorf("books take %d bytes", n)
	}
	s.Prefetch()
	if s != (Series{}) {
		t.Error("the series was changed")
	}
}
