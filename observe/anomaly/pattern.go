package anomaly

import (
	"math"
	"slices"
)

// A book holds the patterns that a series is known to show, each the levels
// of a few blocks in a row. It is bounded: when it is full, the patterns that
// are most alike become one, and those not seen for long are forgotten.
type book struct {
	size   int     // levels of a pattern: 1 or blocks
	levels []short // all first levels, then all second ones, and so on
	tags   []uint8 // how often seen, up to 15, and how lately
	head   *bookHead
	tuning *Tuning
}

// bookHead is what changes besides the patterns.
type bookHead struct {
	n      uint8
	last   uint8   // the nearest pattern of last time
	radius float32 // in widths
}

// The tag's low half counts sightings, the high half is the age at the last.
const (
	often    = 15
	ages     = 16
	staleAge = 13
)

// level is the k-th level of pattern i.
func (b *book) level(i, k int) *short { return &b.levels[k*len(b.tags)+i] }

// pattern is pattern i, the levels beyond its size 0.
func (b *book) pattern(i int) (p [blocks]float32) {
	for k := range b.size {
		p[k] = b.level(i, k).long()
	}
	return p
}

// nearness is one comparison's result.
type nearness struct {
	distance float32 // in widths
	at       int     // -1 when the book is empty
}

// distances are those of all patterns of a book.
type distances [max(knownLevels, knownPatterns)]float32

// nearest finds the known pattern most like x. It looks first at the one that
// was nearest last time: when it is well within the
// radius, no other is looked at.
func (b *book) nearest(x *[blocks]float32, width float32) nearness {
	n := int(b.head.n)
	if n == 0 {
		return nearness{0, -1}
	}
	last := min(int(b.head.last), n-1)
	near := nearness{at: last}
	if b.size == 1 {
		near.distance = abs(x[0] - b.levels[last].long())
		if near.distance > b.head.radius*0.5*width {
			var room distances
			if at := nearestLevel((*[knownLevels]short)(b.levels), n, x[0], &room); room[at] < near.distance {
				near = nearness{room[at], at}
			}
		}
		near.distance = bounded(near.distance / width)
	} else {
		var m measure
		b.measure(&m, x, width)
		p := b.pattern(last)
		near.distance = m.square(p[0], p[1], p[2])
		if least := b.head.radius * 0.5; near.distance > least*least*blocks {
			var room distances
			if at := nearestPattern((*[blocks * knownPatterns]short)(b.levels), n, &m, &room); room[at] < near.distance {
				near = nearness{room[at], at}
			}
		}
		near.distance = root(near.distance, blocks)
	}
	b.head.last = uint8(near.at)
	return near
}

// root is the distance a level of a squared one over some levels.
func root(square float32, levels int) float32 {
	return bounded(float32(math.Sqrt(float64(square) / float64(levels))))
}

// measure is a pattern ready to be compared with others of three levels. The
// order of its fields is known to the vector code.
type measure struct {
	level         [blocks]float32
	form          [blocks]float32
	inverse, flat float32
	weight        float32
}

func (b *book) measure(m *measure, x *[blocks]float32, width float32) {
	m.inverse, m.flat, m.weight = 1/width, max(b.tuning.Flat*width, smallest), b.tuning.Shape*b.tuning.Shape
	m.level = *x
	lo := min(x[0], x[1], x[2])
	height := 1 / max(max(x[0], x[1], x[2])-lo, m.flat)
	for i := range m.form {
		m.form[i] = (x[i] - lo) * height
	}
}

// square is the squared distance from a pattern, finite.
func (m *measure) square(p0, p1, p2 float32) float32 {
	d0 := bounded(abs(m.level[0]-p0) * m.inverse)
	d1 := bounded(abs(m.level[1]-p1) * m.inverse)
	d2 := bounded(abs(m.level[2]-p2) * m.inverse)
	lo := min(p0, p1, p2)
	height := 1 / max(max(p0, p1, p2)-lo, m.flat)
	s0 := m.form[0] - (p0-lo)*height
	s1 := m.form[1] - (p1-lo)*height
	s2 := m.form[2] - (p2-lo)*height
	return d0*d0 + d1*d1 + d2*d2 + m.weight*(s0*s0+s1*s1+s2*s2)
}

// plainLevel is nearestLevel for any processor.
func plainLevel(levels *[knownLevels]short, n int, x float32, room *distances) (at int) {
	least := largest
	for i, p := range levels[:n] {
		if d := abs(x - p.long()); d < least {
			at, least = i, d
		}
	}
	room[at] = least
	return at
}

// farApart is the least square of a distance that is bounded.
const farApart = 1e9 * 1e9

// plainPattern is nearestPattern for any processor. It compares levels
// first: the pattern of the nearest levels is a good guess, and most others are
// farther by their levels alone.
func plainPattern(levels *[blocks * knownPatterns]short, n int, m *measure, room *distances) (at int) {
	l0, l1, l2 := levels[:n], levels[knownPatterns:][:n], levels[2*knownPatterns:][:n]
	square := m.inverse * m.inverse * (1 - 1.0/1024) // less, so that rounding hides none
	least := largest
	for i := range l0 {
		d0, d1, d2 := m.level[0]-l0[i].long(), m.level[1]-l1[i].long(), m.level[2]-l2[i].long()
		d := (d0*d0 + d1*d1 + d2*d2) * square
		room[i] = d
		if d < least {
			at, least = i, d
		}
	}
	guess := at
	least = m.square(l0[at].long(), l1[at].long(), l2[at].long())
	for i := range l0 {
		if i == guess || min(room[i], farApart) > least {
			continue
		}
		d := m.square(l0[i].long(), l1[i].long(), l2[i].long())
		if d < least || d == least && i < at {
			at, least = i, d
		}
	}
	room[at] = least
	return at
}

// see returns the nearest known pattern and learns x. The pattern as it was
// before is kept in found, where that is wanted.
func (b *book) see(x *[blocks]float32, width float32, age uint8, found *nearest) nearness {
	near := b.nearest(x, width)
	if found != nil && near.at >= 0 {
		found.seen = b.tags[near.at] & 15
		found.levels = b.pattern(near.at)
	}
	if b.head.radius < b.tuning.Radius {
		b.head.radius = b.tuning.Radius
	}
	if near.at >= 0 && near.distance <= b.head.radius {
		n := min(b.tags[near.at]&15+1, often)
		b.tags[near.at] = n | age<<4
		for k := range b.size {
			p := b.level(near.at, k)
			*p = toShort(p.long() + (x[k]-p.long())/float32(n))
		}
		return near
	}
	if int(b.head.n) == len(b.tags) {
		b.make(width, age)
	}
	at := int(b.head.n)
	for k := range b.size {
		*b.level(at, k) = toShort(x[k])
	}
	b.tags[at] = 1 | age<<4
	b.head.n++
	return near
}

// make makes room: it forgets what is stale, and failing that joins patterns
// that are alike, until a quarter is free.
func (b *book) make(width float32, age uint8) {
	if b.forget(age) {
		b.head.radius *= 0.8 // there is room to tell finer again
		return
	}
	b.widen(width)
	for int(b.head.n) > len(b.tags)*3/4 {
		for i := 0; i < int(b.head.n); i++ {
			b.join(i, width)
		}
		b.head.radius = bounded(b.head.radius * 1.1)
	}
}

// widen makes the radius such that half of the patterns have another in it.
func (b *book) widen(width float32) {
	var all, room distances
	n := int(b.head.n)
	near := all[:n]
	for i := range near {
		b.apart(i, width, &room)
		room[i] = largest
		near[i] = slices.Min(room[:n])
	}
	slices.Sort(near)
	half := root(near[n/2], b.size)
	b.head.radius = max(b.head.radius, half)
}

// forget drops the patterns not seen for staleAge ages.
func (b *book) forget(age uint8) bool {
	before := b.head.n
	for i := 0; i < int(b.head.n); i++ {
		if (age-b.tags[i]>>4)%ages >= staleAge {
			b.drop(i)
			i--
		}
	}
	return b.head.n < before
}

// join makes one of pattern i and all later ones within the radius.
func (b *book) join(i int, width float32) {
	var room distances
	b.apart(i, width, &room)
	limit := b.head.radius * b.head.radius * float32(b.size)
	for j := i + 1; j < int(b.head.n); j++ {
		if room[j] > limit {
			continue
		}
		n, m := float32(b.tags[i]&15), float32(b.tags[j]&15)
		for k := range b.size {
			p := b.level(i, k)
			*p = toShort((p.long()*n + b.level(j, k).long()*m) / (n + m))
		}
		seen := min(b.tags[i]&15+b.tags[j]&15, often)
		b.tags[i] = seen | b.tags[i]&0xf0
		b.drop(j)
		room[j] = room[b.head.n]
		j--
	}
}

// apart is the squared distances of all patterns from pattern i.
func (b *book) apart(i int, width float32, room *distances) {
	x := b.pattern(i)
	if b.size == 1 {
		for j, p := range b.levels[:b.head.n] {
			d := bounded(abs(x[0]-p.long()) / width)
			room[j] = d * d
		}
		return
	}
	var m measure
	b.measure(&m, &x, width)
	allPatterns((*[blocks * knownPatterns]short)(b.levels), int(b.head.n), &m, room)
}

// plainPatterns is allPatterns for any processor.
func plainPatterns(levels *[blocks * knownPatterns]short, n int, m *measure, room *distances) {
	for i := range n {
		room[i] = m.square(levels[i].long(), levels[knownPatterns+i].long(), levels[2*knownPatterns+i].long())
	}
}

// drop puts the last pattern in the place of pattern i.
func (b *book) drop(i int) {
	last := int(b.head.n) - 1
	for k := range b.size {
		*b.level(i, k) = *b.level(last, k)
	}
	b.tags[i] = b.tags[last]
	b.head.n--
}
