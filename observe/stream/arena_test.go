package stream

import (
	"testing"
	"unsafe"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// TestRoom: with what a table knows of it besides, a series takes 4 KiB at most, and no room
// of pages is lost. Where the detector's part grows, another number of series may fit better.
func TestRoom(t *testing.T) {
	const page = 8192
	size := int(unsafe.Sizeof([seriesTogether]anomaly.Series{}))
	lost := ((size+page-1)/page*page - size) / seriesTogether
	// An entry of the index has room for itself and, after it grew, for another.
	all := int(unsafe.Sizeof(anomaly.Series{})) + lost + int(unsafe.Sizeof(row[string]{})) + 2*int(unsafe.Sizeof(entry{}))
	if lost > 16 || all > 4096 {
		t.Errorf("%d bytes a series, %d of them are lost", all, lost)
	}
}

// TestArena gives places away and takes them back: nobody's is another's, and what was
// known is forgotten.
func TestArena(t *testing.T) {
	var a arena
	a.init(100)
	d, err := anomaly.New(anomaly.Default())
	if err != nil {
		t.Fatal(err)
	}
	taken := map[uint32]bool{}
	for range 100 {
		place := a.take()
		if taken[place] {
			t.Fatalf("%d is somebody's", place)
		}
		taken[place] = true
		d.Observe(a.at(place), anomaly.Sample{At: 1, Value: 1})
	}
	a.give(40)
	a.give(99)
	for range 2 {
		if place := a.take(); place != 40 && place != 99 || *a.at(place) != (anomaly.Series{}) {
			t.Errorf("%d is somebody's, or not empty", place)
		}
	}
}
