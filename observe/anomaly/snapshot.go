package anomaly

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/autoecoops/autoecoops/fault"
)

// A snapshot is: four letters, the version, the length of what follows, the
// series, and a checksum of all before it. Numbers are little-endian.
const (
	letters    = "AEOa"
	version    = 5
	headLength = len(letters) + 2 + 4
	sumLength  = 4
)

// castagnoli is the polynomial with the best known error detection for
// messages of this length.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// Snapshot appends a series to b. Restore makes the same series of it, on any
// machine.
func (s *Series) Snapshot(b []byte) []byte {
	start := len(b)
	b = append(b, letters...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint32(b, 0)
	c := codec{out: b, version: version}
	c.series(s)
	b = c.out
	binary.LittleEndian.PutUint32(b[start+headLength-4:], uint32(len(b)-start-headLength))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli()))
}

// Restore reads a series from the start of b and returns what follows it. The
// error is of kind Invalid when b is cut off or damaged, or was written by a
// later program; the series is then as it was.
func (s *Series) Restore(b []byte) ([]byte, error) {
	if len(b) < headLength || string(b[:len(letters)]) != letters {
		return nil, damaged("it is no snapshot of a series")
	}
	v := binary.LittleEndian.Uint16(b[len(letters):])
	n := uint64(binary.LittleEndian.Uint32(b[len(letters)+2:]))
	if v < 1 || v > version {
		return nil, fault.New(fault.Invalid, "restore a series", "", fmt.Sprintf("its version is %d; this program reads 1 to %d", v, version), "use the program that wrote it, or a later one")
	}
	end := uint64(headLength) + n
	if uint64(len(b)) < end+sumLength {
		return nil, damaged("it is cut off")
	}
	if crc32.Checksum(b[:end], castagnoli()) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, damaged("its checksum is wrong")
	}
	var fresh Series
	c := codec{in: b[headLength:end], reading: true, version: v}
	c.series(&fresh)
	if c.short || len(c.in) != 0 {
		return nil, damaged("its length is wrong")
	}
	if !fresh.sound() {
		return nil, damaged("it holds values that no series has")
	}
	fresh.year.foretell()
	*s = fresh
	return b[end+sumLength:], nil
}

func damaged(why string) error {
	return fault.New(fault.Invalid, "restore a series", "", why, "drop the snapshot: the series is learned anew")
}

// codec writes or reads; one walk over the fields does both, so that they
// cannot differ.
type codec struct {
	out     []byte
	in      []byte
	reading bool
	short   bool
	version uint16 // what in was written as
}

// word moves the lowest n bytes of x: 1, 2, 4 or 8.
func (c *codec) word(x uint64, n int) uint64 {
	if !c.reading {
		switch n {
		case 1:
			c.out = append(c.out, byte(x))
		case 2:
			c.out = binary.LittleEndian.AppendUint16(c.out, uint16(x))
		case 4:
			c.out = binary.LittleEndian.AppendUint32(c.out, uint32(x))
		default:
			c.out = binary.LittleEndian.AppendUint64(c.out, x)
		}
		return 0
	}
	if len(c.in) < n {
		c.short, c.in = true, nil
		return 0
	}
	switch n {
	case 1:
		x = uint64(c.in[0])
	case 2:
		x = uint64(binary.LittleEndian.Uint16(c.in))
	case 4:
		x = uint64(binary.LittleEndian.Uint32(c.in))
	default:
		x = binary.LittleEndian.Uint64(c.in)
	}
	c.in = c.in[n:]
	return x
}

func (c *codec) i64(x *int64) {
	if v := c.word(uint64(*x), 8); c.reading {
		*x = int64(v)
	}
}

func (c *codec) f64(x *float64) {
	if v := c.word(math.Float64bits(*x), 8); c.reading {
		*x = math.Float64frombits(v)
	}
}

func (c *codec) f32(all ...*float32) {
	for _, x := range all {
		if v := c.word(uint64(math.Float32bits(*x)), 4); c.reading {
			*x = math.Float32frombits(uint32(v))
		}
	}
}

func (c *codec) f32s(all []float32) {
	for i := range all {
		c.f32(&all[i])
	}
}

func (c *codec) u32(all ...*uint32) {
	for _, x := range all {
		if v := c.word(uint64(*x), 4); c.reading {
			*x = uint32(v)
		}
	}
}

func (c *codec) u16(x *uint16) {
	if v := c.word(uint64(*x), 2); c.reading {
		*x = uint16(v)
	}
}

func (c *codec) shorts(all []short) {
	for i := range all {
		if v := c.word(uint64(all[i]), 2); c.reading {
			all[i] = short(v)
		}
	}
}

func (c *codec) u8s(all []uint8) {
	for i := range all {
		c.u8(&all[i])
	}
}

func (c *codec) u8(all ...*uint8) {
	for _, x := range all {
		if v := c.word(uint64(*x), 1); c.reading {
			*x = uint8(v)
		}
	}
}

func (c *codec) flag(x *bool) {
	var b uint8
	if *x {
		b = 1
	}
	if c.u8(&b); c.reading {
		*x = b == 1
	}
}

// series walks over all fields. A field that a later version adds goes under
// a condition on c.version, so that older snapshots are read.
func (c *codec) series(s *Series) {
	in := &s.in
	c.i64(&in.last)
	c.f64(&in.value)
	c.f64(&in.base)
	c.f64(&in.unit)
	c.f32(&in.interval)
	c.u32(&in.rows)
	c.u8(&in.behind)
	c.i64(&in.behindAt)
	c.flag(&in.started)
	if c.version >= 2 {
		c.u32(&in.lost.Absent, &in.lost.Late, &in.lost.Restarted)
	}
	c.shorts(s.past[:])
	c.u8(&s.scale.n, &s.scale.head)
	c.u32(&s.scale.wait, &s.scale.stride, &s.scale.dice)
	c.f32(&s.scale.middle, &s.scale.width)
	for i := range s.span {
		c.span(&s.span[i], &s.known[i])
	}
	for i := range s.tail {
		if c.version < 3 && i == chStill {
			continue
		}
		t := s.tailOf(i)
		for j := range t.counts {
			c.u16(&t.counts[j])
		}
		c.u32(&t.n)
		if c.reading {
			t.add()
		}
	}
	c.shorts(s.year.mean[:])
	c.hourly(&s.year.seen)
	c.i64(&s.year.until)
	c.u8(&s.year.hour)
	c.flag(&s.year.holiday)
	c.u32(&s.year.n, &s.year.hours)
	c.f32(&s.year.sum, &s.year.plain, &s.year.level, &s.year.dayErr, &s.year.weekErr)
	l, m := &s.local, &s.mix
	c.f32(&l.level, &l.trend, &l.spread, &l.last, &l.brisk, &l.calm)
	c.f32s(m.surprise[:])
	c.f32s(m.off[:])
	c.f32(&m.residual, &m.away, &m.bar, &m.peak, &m.tired, &m.rank, &m.row)
	c.event(&s.event)
	if c.version < 3 {
		s.year.relate()
	} else {
		c.f32(&s.still.value, &m.still, &m.habit, &m.mean, &m.rest)
		c.u32(&s.still.run)
	}
	if c.version >= 4 {
		e := &s.evidence
		c.f32(&e.sum, &e.usual, &e.spread)
		c.u32(&e.n, &s.suspicion.left)
		c.i64(&s.suspicion.why.since)
		c.reason(&s.suspicion.why)
	}
	if c.version >= 5 {
		c.f32(&s.evidence.width)
		c.u32(&s.evidence.pause)
		c.recurrence(&s.year.recurrence)
	}
}

func (c *codec) i8(x *int8) {
	b := uint8(*x)
	if c.u8(&b); c.reading {
		*x = int8(b)
	}
}

func (c *codec) recurrence(r *recurrence) {
	c.u8s(r.came[:])
	for i := range r.far {
		c.i8(&r.far[i])
	}
	c.i8(&r.reach)
	c.u8(&r.spell)
}

// relate makes the hours of a season, which versions 1 and 2 kept as levels,
// relative to its level.
func (s *season) relate() {
	for i, x := range s.mean {
		if s.seen.at(uint8(i)) > 0 {
			s.mean[i] = toShort(narrow(float64(x.long()) - float64(s.level)))
		}
	}
}

func (c *codec) span(p *span, k *known) {
	c.shorts(k.levels[:])
	c.u8s(k.levelTags[:])
	for i := range knownPatterns {
		for j := range blocks {
			c.shorts(k.patterns[j*knownPatterns+i:][:1])
		}
	}
	c.u8s(k.patternTags[:])
	c.u8(&k.levelHead.n, &k.patternHead.n, &p.filled)
	c.f32(&k.levelHead.radius, &k.patternHead.radius, &p.sum, &p.lo, &p.hi)
	c.u32(&p.n)
	c.f32s(p.recent[:])
	c.near(&p.near)
	c.u8(&k.levelHead.last, &k.patternHead.last)
}

// hourly moves a byte for each hour.
func (c *codec) hourly(h *hourly) {
	for hour := range uint8(hoursOfWeek) {
		n := h.at(hour)
		if c.u8(&n); c.reading {
			h.set(hour, min(n, weeks))
		}
	}
}

func (c *codec) event(e *event) {
	c.flag(&e.open)
	c.i64(&e.why.since)
	c.u32(&e.quiet)
	c.reason(&e.why)
}

func (c *codec) reason(r *reason) {
	side := uint8(r.direction + 1)
	if c.u8(&side); c.reading {
		r.direction = Direction(side) - 1
	}
	n := len(r.surprise)
	if c.version < 3 {
		n = chStill
	}
	c.f32s(r.surprise[:n])
	c.near(&r.near)
	c.u8(&r.nearSpan)
	c.f32(&r.low, &r.high)
	if c.version >= 4 {
		c.f32(&r.probability)
	}
}

func (c *codec) near(n *nearest) {
	c.f32s(n.levels[:])
	c.u8(&n.seen)
}

// sound tells whether a series can be one: a checksum does not help against
// who can compute it.
func (s *Series) sound() bool {
	ok := int(s.scale.n) <= keptValues && int(s.scale.head) < keptValues && s.scale.stride < 1<<31 &&
		s.year.hour < hoursOfWeek && s.event.why.sound() && s.suspicion.why.sound() && s.suspicion.left <= confirm &&
		s.evidence.n <= evidenceRows && s.evidence.pause <= settle && min(s.evidence.sum, s.evidence.spread, s.evidence.width) >= 0 && s.year.recurrence.sound() && finite(s.evidence.sum, s.evidence.usual, s.evidence.spread, s.evidence.width) &&
		finite(s.in.interval, s.scale.middle, s.scale.width, s.year.sum, s.year.plain, s.year.level, s.year.dayErr, s.year.weekErr) &&
		finite(s.local.level, s.local.trend, s.local.spread, s.local.last, s.local.brisk, s.local.calm) &&
		finite(s.mix.residual, s.mix.away, s.mix.bar, s.mix.peak, s.mix.tired, s.mix.rank, s.mix.row) &&
		finite(s.still.value, s.mix.still, s.mix.habit, s.mix.mean, s.mix.rest) &&
		finite(s.mix.surprise[:]...) && finite(s.mix.off[:]...) &&
		math.Abs(s.in.base) <= math.MaxFloat64 && math.Abs(s.in.value) <= math.MaxFloat64 && whole(s.past[:]) && whole(s.year.mean[:])
	for i := range s.span {
		p, k := &s.span[i], &s.known[i]
		ok = ok && k.levelHead.n <= knownLevels && k.patternHead.n <= knownPatterns && p.filled <= blocks && p.n < lengths[i] &&
			whole(k.levels[:]) && whole(k.patterns[:]) && finite(p.sum, p.lo, p.hi, k.levelHead.radius, k.patternHead.radius) && finite(p.recent[:]...) && finite(p.near.levels[:]...)
	}
	for i := range s.tail {
		var n uint32
		for _, c := range s.tail[i].counts {
			n += uint32(c)
		}
		ok = ok && n == s.tail[i].n && n < 2*memory*unit
	}
	return ok
}

func (r *reason) sound() bool {
	return r.direction >= Below && r.direction <= Above && r.nearSpan < spans &&
		finite(r.low, r.high, r.probability) && finite(r.surprise[:]...) && finite(r.near.levels[:]...)
}

func (r *recurrence) sound() bool {
	return r.spell <= longestSpell+1 && slices.Min(r.far[:]) > math.MinInt8 && r.reach > math.MinInt8
}

func finite(all ...float32) bool {
	for _, x := range all {
		if !(abs(x) <= 8*largest) {
			return false
		}
	}
	return true
}

// whole tells whether all are numbers that toShort makes.
func whole(all []short) bool {
	for _, x := range all {
		if x&0x7c00 == 0x7c00 {
			return false
		}
	}
	return true
}
