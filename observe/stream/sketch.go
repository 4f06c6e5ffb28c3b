package stream

import (
	"math"
	"math/bits"
)

// sketch counts different hashes in 512 bytes: exactly as long as they are few, within a
// few in a hundred up to some 10,000.
type sketch [64]uint64

func (s *sketch) add(hash uint64) { s[hash>>12%64] |= 1 << (hash >> 18 % 64) }

// count is about how many there were.
func (s *sketch) count() int {
	const all = 64 * len(s)
	set := 0
	for _, word := range s {
		set += bits.OnesCount64(word)
	}
	empty := max(all-set, 1)
	return int(math.Round(float64(all) * math.Log(float64(all)/float64(empty))))
}
