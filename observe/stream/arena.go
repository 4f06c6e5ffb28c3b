package stream

import (
	"sync"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// arena is the room for what detectors know of series: a few large arrays that never move,
// shared by all shards, so that no shard has room that it does not use. Who has a place of
// it has it alone.
type arena struct {
	// arrays are made when they are needed; there is an entry for each that may be.
	arrays []*[seriesTogether]anomaly.Series

	mu   sync.Mutex
	used uint32   // places that were ever given away
	free []uint32 // of these, those that were given back
}

// seriesTogether series take just less than whole pages of 8 KiB, which is what an array
// takes: with one more or less, the room of a page were lost.
const seriesTogether = 40

func (a *arena) init(most int) {
	a.arrays = make([]*[seriesTogether]anomaly.Series, (most+seriesTogether-1)/seriesTogether)
}

// take gives a place away, of which nothing is known. There are as many as were said.
func (a *arena) take() uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		place := a.free[n-1]
		a.free = a.free[:n-1]
		return place
	}
	place := a.used
	a.used++
	if array := &a.arrays[place/seriesTogether]; *array == nil {
		*array = new([seriesTogether]anomaly.Series)
	}
	return place
}

// give takes a place back.
func (a *arena) give(place uint32) {
	*a.at(place) = anomaly.Series{}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, place)
}

func (a *arena) at(place uint32) *anomaly.Series {
	return &a.arrays[place/seriesTogether][place%seriesTogether]
}
