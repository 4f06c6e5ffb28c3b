package anomaly

import (
	"slices"

	"github.com/autoecoops/autoecoops/observe/quickselect"
)

// scale knows a series' usual middle and range from a few values spread over
// what it has seen: the first day fills it, and later it reaches back about
// two months.
type scale struct {
	n      uint8  // of the kept values
	head   uint8  // the oldest, once time is covered
	wait   uint32 // samples until the next is kept
	stride uint32 // samples between two kept ones, on average
	dice   uint32
	middle float32
	width  float32 // half of the range of nine tenths of the values
}

// keptValues is how many values are kept.
const keptValues = 128

// reach is how far apart kept values may be, in milliseconds: 128 of them are
// 64 days.
const reach = 12 * 3600 * 1000

// see takes a value; kept holds those that are kept, and interval is the usual one between samples, in
// milliseconds. It reports whether width changed.
func (s *scale) see(kept *[keptValues]short, x, interval float32) bool {
	if s.wait > 0 {
		s.wait--
		return false
	}
	if s.stride == 0 {
		s.stride, s.dice = 1, 0x9e3779b9
	}
	if int(s.n) == keptValues {
		if float32(s.stride)*2*interval <= reach {
			s.thin(kept)
		} else {
			kept[s.head] = toShort(x)
			s.head = (s.head + 1) % keptValues
			s.next()
			if s.head%8 != 0 {
				return false
			}
			s.fit(kept)
			return true
		}
	}
	kept[s.n] = toShort(x)
	s.n++
	s.next()
	if s.n%4 != 0 && s.n > 8 {
		return false
	}
	s.fit(kept)
	return true
}

// thin drops every second value and doubles the stride.
func (s *scale) thin(kept *[keptValues]short) {
	for i := range keptValues / 2 {
		kept[i] = kept[2*i]
	}
	s.n = uint8(keptValues / 2)
	s.stride *= 2
}

// next draws when to keep a value again: once a stride, but not always at the
// same place of it, so that no rhythm of the series is taken for its range.
func (s *scale) next() {
	s.dice ^= s.dice << 13
	s.dice ^= s.dice >> 17
	s.dice ^= s.dice << 5
	s.wait = s.stride/2 + s.dice%s.stride
	if s.stride == 1 {
		s.wait = 0
	}
}

func (s *scale) fit(kept *[keptValues]short) {
	var sorted [keptValues]float32
	c := sorted[:s.n]
	for i := range c {
		c[i] = kept[i].long()
	}
	at := func(q float32) int { return int(q*float32(len(c)-1) + 0.5) }
	low, middle, high := at(0.05), at(0.5), at(0.95)
	s.middle = quickselect.Kth(c, middle)
	least, most := quickselect.Kth(c[:middle+1], low), quickselect.Kth(c[middle:], high-middle)
	// A series that hardly ever moves has no range of nine tenths: then some
	// of its whole range.
	s.width = max((most-least)/2, 0.05*(slices.Max(c[high:])-slices.Min(c[:low+1])), smallest)
}
