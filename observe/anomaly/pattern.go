package anomaly

import (
	"math"
	"slices"
)

// A book holds the patterns that a series is known to show, each the levels
// of a few blocks in a row. It is bounded: when it is full, the patterns that
// are most alike become one, and those not seen for long are forgotten.
type book struct {
	size   int
	levels []short // size of each pattern, one after the other
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

func (b book) pattern(i int) []short { return b.levels[i*b.size : (i+1)*b.size] }

// nearness is one comparison's result.
type nearness struct {
	distance float32 // in widths
	at       int     // -1 when the book is empty
}

// nearest finds the known pattern most like x. It looks first at the one that
// was nearest last time: when it is well within the
// radius, no other is looked at.
func (b book) nearest(x []float32, width float32) nearness {
	n := int(b.head.n)
	if n == 0 {
		return nearness{0, -1}
	}
	best := nearness{at: min(int(b.head.last), n-1)}
	if b.size == 1 {
		best.distance = abs(x[0] - b.levels[best.at].long())
		if best.distance > b.head.radius*0.5*width {
			for i, p := range b.levels[:n] {
				if d := abs(x[0] - p.long()); d < best.distance {
					best = nearness{d, i}
				}
			}
		}
		best.distance = bounded(best.distance / width)
	} else {
		m := b.measure(x, width)
		best.distance = m.square(b.pattern(best.at))
		if near := b.head.radius * 0.5; best.distance > near*near*blocks {
			m.scan(b.levels[:n*blocks], &best)
		}
		best.distance = bounded(float32(math.Sqrt(float64(best.distance) / blocks)))
	}
	b.head.last = uint8(best.at)
	return best
}

// measure is a pattern ready to be compared with others of three levels.
type measure struct {
	level         [blocks]float32
	form          [blocks]float32
	inverse, flat float32
	weight        float32
}

func (b book) measure(x []float32, width float32) measure {
	m := measure{inverse: 1 / width, flat: max(b.tuning.Flat*width, smallest), weight: b.tuning.Shape * b.tuning.Shape}
	copy(m.level[:], x)
	lo := min(x[0], x[1], x[2])
	height := 1 / max(max(x[0], x[1], x[2])-lo, m.flat)
	for i := range m.form {
		m.form[i] = (x[i] - lo) * height
	}
	return m
}

// scan puts into best what is nearer among the patterns. It compares levels
// first: the pattern of the nearest levels is a good guess, and most others are
// farther by their levels alone.
func (m *measure) scan(levels []short, best *nearness) {
	var room [knownPatterns]float32
	x0, x1, x2 := m.level[0], m.level[1], m.level[2]
	square := m.inverse * m.inverse
	n := min(len(levels)/blocks, knownPatterns)
	least, guess := largest, 0
	for i := range n {
		l := levels[i*blocks : i*blocks+blocks : i*blocks+blocks]
		d0, d1, d2 := x0-l[0].long(), x1-l[1].long(), x2-l[2].long()
		d := (d0*d0 + d1*d1 + d2*d2) * square
		room[i] = d
		if d < least {
			least, guess = d, i
		}
	}
	if d := m.square(levels[guess*blocks : guess*blocks+blocks]); d < best.distance {
		*best = nearness{d, guess}
	}
	for i, d := range room[:n] {
		if d >= best.distance || i == guess {
			continue
		}
		if d := m.square(levels[i*blocks : i*blocks+blocks]); d < best.distance {
			*best = nearness{d, i}
		}
	}
}

// square is the squared distance from q, finite.
func (m *measure) square(q []short) float32 {
	p := [blocks]float32{q[0].long(), q[1].long(), q[2].long()}
	d0 := bounded(abs(m.level[0]-p[0]) * m.inverse)
	d1 := bounded(abs(m.level[1]-p[1]) * m.inverse)
	d2 := bounded(abs(m.level[2]-p[2]) * m.inverse)
	lo := min(p[0], p[1], p[2])
	height := 1 / max(max(p[0], p[1], p[2])-lo, m.flat)
	s0 := m.form[0] - (p[0]-lo)*height
	s1 := m.form[1] - (p[1]-lo)*height
	s2 := m.form[2] - (p[2]-lo)*height
	return d0*d0 + d1*d1 + d2*d2 + m.weight*(s0*s0+s1*s1+s2*s2)
}

// see returns the nearest known pattern and learns x. The pattern as it was
// before is kept in found, where that is wanted.
func (b book) see(x []float32, width float32, age uint8, found *nearest) nearness {
	near := b.nearest(x, width)
	if found != nil && near.at >= 0 {
		found.seen = b.tags[near.at] & 15
		for i, p := range b.pattern(near.at) {
			found.levels[i] = p.long()
		}
	}
	if b.head.radius < b.tuning.Radius {
		b.head.radius = b.tuning.Radius
	}
	if near.at >= 0 && near.distance <= b.head.radius {
		n := min(b.tags[near.at]&15+1, often)
		b.tags[near.at] = n | age<<4
		for i, p := range b.pattern(near.at) {
			b.levels[near.at*b.size+i] = toShort(p.long() + (x[i]-p.long())/float32(n))
		}
		return near
	}
	if int(b.head.n) == len(b.tags) {
		b.make(width, age)
	}
	at := int(b.head.n)
	for i, p := range x {
		b.levels[at*b.size+i] = toShort(p)
	}
	b.tags[at] = 1 | age<<4
	b.head.n++
	return near
}

// make makes room: it forgets what is stale, and failing that joins patterns
// that are alike, until a quarter is free.
func (b book) make(width float32, age uint8) {
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
func (b book) widen(width float32) {
	var room [max(knownLevels, knownPatterns)]float32
	near := room[:b.head.n]
	for i := range near {
		near[i] = largest
	}
	for i := range near {
		m := b.against(i, width)
		for j := i + 1; j < len(near); j++ {
			d := m.from(b.pattern(j))
			near[i], near[j] = min(near[i], d), min(near[j], d)
		}
	}
	slices.Sort(near)
	half := bounded(float32(math.Sqrt(float64(near[len(near)/2]) / float64(b.size))))
	b.head.radius = max(b.head.radius, half)
}

// forget drops the patterns not seen for staleAge ages.
func (b book) forget(age uint8) bool {
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
func (b book) join(i int, width float32) {
	m := b.against(i, width)
	limit := b.head.radius * b.head.radius * float32(b.size)
	for j := i + 1; j < int(b.head.n); j++ {
		if m.from(b.pattern(j)) > limit {
			continue
		}
		n, m := float32(b.tags[i]&15), float32(b.tags[j]&15)
		for k, p := range b.pattern(i) {
			b.levels[i*b.size+k] = toShort((p.long()*n + b.levels[j*b.size+k].long()*m) / (n + m))
		}
		seen := min(b.tags[i]&15+b.tags[j]&15, often)
		b.tags[i] = seen | b.tags[i]&0xf0
		b.drop(j)
		j--
	}
}

// against is pattern i ready to be compared.
func (b book) against(i int, width float32) measure {
	if b.size == 1 {
		return measure{level: [blocks]float32{b.levels[i].long()}, inverse: 1 / width}
	}
	p := b.pattern(i)
	return b.measure([]float32{p[0].long(), p[1].long(), p[2].long()}, width)
}

// from is the squared distance of the pattern from q, of either size.
func (m *measure) from(q []short) float32 {
	if len(q) == 1 {
		d := bounded(abs(m.level[0]-q[0].long()) * m.inverse)
		return d * d
	}
	return m.square(q)
}

// drop puts the last pattern in the place of pattern i.
func (b book) drop(i int) {
	last := int(b.head.n) - 1
	copy(b.pattern(i), b.pattern(last))
	b.tags[i] = b.tags[last]
	b.head.n--
}
