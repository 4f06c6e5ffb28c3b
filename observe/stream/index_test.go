package stream

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestIndex puts rows in and takes them out at random, many of them of one hash, and finds
// what a map finds.
func TestIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var x index
	hashes := map[uint32]uint64{}
	hashAt := func(at uint32) uint64 { return hashes[at] }
	for step := range 20_000 {
		at := uint32(random.IntN(500))
		if _, there := hashes[at]; there {
			x.remove(hashes[at], at, hashAt)
			delete(hashes, at)
		} else {
			hashes[at] = random.Uint64N(40) * (1 + uint64(step%3)<<33)
			x.put(hashes[at], at, hashAt)
		}
		if x.n != len(hashes) {
			t.Fatalf("step %d: %d rows, not %d", step, x.n, len(hashes))
		}
		probe := uint32(random.IntN(500))
		hash, there := hashes[probe]
		if found := x.find(hash, func(at uint32) bool { return at == probe }); (found == probe) != there {
			t.Fatalf("step %d: row %d is there: %v, found %d", step, probe, there, found)
		}
	}
}

func TestSketch(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 10, 1000, 10_000} {
		var s sketch
		for range n {
			hash := random.Uint64()
			s.add(hash)
			s.add(hash)
		}
		if got := s.count(); math.Abs(float64(got-n)) > 0.06*float64(n)+1 {
			t.Errorf("%d for %d", got, n)
		}
	}
}
