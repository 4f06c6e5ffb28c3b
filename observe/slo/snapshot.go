package slo

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// The form of a snapshot: magic, version, fingerprint of the definition, the
// state, and a checksum of all before it. Numbers are little-endian.
const (
	snapshotMagic   = "aeoslo"
	snapshotVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Snapshot returns all that a Monitor knows, for Restore. The same knowledge
// gives the same bytes.
func (m *Monitor) Snapshot() []byte {
	c := &codec{out: make([]byte, 0, m.history.bytes()+1024)}
	c.out = append(c.out, snapshotMagic...)
	c.out = binary.LittleEndian.AppendUint16(c.out, snapshotVersion)
	c.out = binary.LittleEndian.AppendUint64(c.out, m.plan.fingerprint())
	m.code(c)
	return binary.LittleEndian.AppendUint32(c.out, crc32.Checksum(c.out, castagnoli))
}

// Restore returns a Monitor that goes on where a snapshot ended. It refuses
// one that is damaged, of a newer version, or of another definition; then begin
// with New, and say that the history is lost.
func Restore(o Objective, opts Options, snapshot []byte) (*Monitor, error) {
	m, err := New(o, opts)
	if err != nil {
		return nil, err
	}
	refuse := func(why, hint string) error {
		return fault.New(fault.Invalid, "restore objective", o.ID(), why, hint)
	}
	const head = len(snapshotMagic) + 2 + 8
	if len(snapshot) < head+4 || string(snapshot[:len(snapshotMagic)]) != snapshotMagic {
		return nil, refuse("this is no snapshot of an objective", "begin anew")
	}
	if v := binary.LittleEndian.Uint16(snapshot[len(snapshotMagic):]); v != snapshotVersion {
		return nil, refuse("the snapshot is of a version that this program does not know", "use the program that wrote it, or a newer one")
	}
	body, sum := snapshot[:len(snapshot)-4], binary.LittleEndian.Uint32(snapshot[len(snapshot)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, refuse("the snapshot is damaged: its checksum differs", "take an older snapshot, or begin anew")
	}
	if binary.LittleEndian.Uint64(body[len(snapshotMagic)+2:]) != m.plan.fingerprint() {
		return nil, refuse("the snapshot is of another definition of the objective", "begin anew: the counts do not mean the same any more")
	}
	c := &codec{in: body[head:], reading: true}
	m.code(c)
	if c.failed || len(c.in) > 0 || m.alerts.tier >= max(1, len(m.plan.tiers)) || m.alerts.peak >= max(1, len(m.plan.tiers)) {
		return nil, refuse("the snapshot has not the form that its version says", "begin anew")
	}
	return m, nil
}

// code reads or writes the state, field by field in the same order.
func (m *Monitor) code(c *codec) {
	f, a := &m.feed, &m.alerts
	for _, v := range []*int64{&f.start, &f.answered, &f.present, &f.usable, &f.presentSince, &f.usableSince, &f.excused} {
		c.int(v)
	}
	c.bool(&f.ever)
	c.bool(&f.overflow)
	c.bool(&f.invalid)
	for i := range f.recent {
		c.counts(&f.recent[i])
	}
	turn := int64(f.turn)
	c.int(&turn)
	f.turn = int(max(0, turn))
	c.uint(&f.batches)
	m.history.code(c)
	m.times.code(c)
	c.int(&m.slicer.first)
	list(c, &m.slicer.open, maxOpen, c.counts)
	a.code(c)
	list(c, &m.ledger, maxLedger, c.excluded)
	r := &m.rejected
	for _, v := range []*uint64{&r.NaN, &r.Negative, &r.Late, &r.Duplicate, &r.Future, &r.Overflow, &r.Invalid} {
		c.uint(v)
	}
	m.codeSeries(c)
}

func (h *history) code(c *codec) {
	c.int(&h.head)
	c.failed = c.failed || h.head < 0
	c.counts(&h.now)
	for i := range h.levels {
		h.levels[i].code(c, h.head)
	}
}

// code reads or writes all moments that a level reaches: those of which nothing is
// held, too. That of k·step is at k mod size.
func (l *level) code(c *codec, head int64) {
	newest := head / l.step
	oldest := newest - l.size + 1
	whole := make([]counts, l.size)
	for k := max(oldest, 0); k <= newest && !c.reading; k++ {
		whole[k%l.size] = l.at(k)
	}
	for j := range whole {
		c.counts(&whole[j])
	}
	if !c.reading || c.failed {
		return
	}
	for k := max(oldest, 0); k <= newest; k++ {
		if at := whole[k%l.size]; len(l.points) > 0 || at != (counts{}) {
			l.hold(k, k, k-1)
			l.points[k%int64(len(l.points))] = at
		}
	}
}

func (m *Monitor) codeSeries(c *codec) {
	keys := slices.Sorted(maps.Keys(m.series))
	list(c, &keys, MaxSeries, func(key *string) {
		c.text(key)
		s := m.series[*key]
		if s == nil {
			s = &counter{}
			m.series[*key] = s
		}
		c.int(&s.at)
		c.int(&s.created)
		c.float(&s.value)
	})
}

func (a *alerts) code(c *codec) {
	c.int(&a.at)
	state := int64(a.state)
	c.int(&state)
	if state < 0 || state > int64(Measured) {
		c.failed, state = true, 0
	}
	a.state = State(state)
	c.int(&a.stateSince)
	for i := range a.tiers {
		c.alert(&a.tiers[i])
	}
	for _, x := range []*alert{&a.blind, &a.absent, &a.invalid} {
		c.alert(x)
	}
	c.int(&a.opened)
	tier, peak := int64(a.tier), int64(a.peak)
	c.int(&tier)
	c.int(&peak)
	if tier < 0 || peak < 0 || tier > maxTiers || peak > maxTiers {
		c.failed, tier, peak = true, 0, 0
	}
	a.tier, a.peak = int(tier), int(peak)
	c.bool(&a.everything)
}

// codec reads from in or writes to out.
type codec struct {
	in, out         []byte
	reading, failed bool
}

func (c *codec) uint(v *uint64) {
	switch {
	case !c.reading:
		c.out = binary.LittleEndian.AppendUint64(c.out, *v)
	case len(c.in) < 8:
		c.failed, c.in, *v = true, nil, 0
	default:
		*v, c.in = binary.LittleEndian.Uint64(c.in), c.in[8:]
	}
}

func (c *codec) int(v *int64) {
	u := uint64(*v)
	c.uint(&u)
	*v = int64(u)
}

func (c *codec) bool(v *bool) {
	var u uint64
	if *v {
		u = 1
	}
	c.uint(&u)
	*v = u == 1
	c.failed = c.failed || u > 1
}

// float refuses what no sum can be.
func (c *codec) float(v *float64) {
	u := math.Float64bits(*v)
	c.uint(&u)
	*v = math.Float64frombits(u)
	if math.IsNaN(*v) || math.IsInf(*v, 0) {
		c.failed, *v = true, 0
	}
}

func (c *codec) counts(v *counts) {
	c.float(&v.bad)
	c.float(&v.total)
}

func (c *codec) alert(v *alert) {
	phase := int64(v.phase)
	c.int(&phase)
	if phase < 0 || phase > int64(Firing) {
		c.failed, phase = true, 0
	}
	v.phase = Phase(phase)
	c.int(&v.since)
}

func (c *codec) text(v *string) {
	n := uint64(len(*v))
	c.uint(&n)
	switch {
	case !c.reading:
		c.out = append(c.out, *v...)
	case n > uint64(len(c.in)):
		c.failed, c.in, *v = true, nil, ""
	default:
		*v, c.in = string(c.in[:n]), c.in[n:]
	}
}

func (c *codec) excluded(v *Excluded) {
	c.text(&v.Name)
	start, end := v.Start.UnixMilli(), v.End.UnixMilli()
	c.int(&start)
	c.int(&end)
	v.Start, v.End = time.UnixMilli(start).UTC(), time.UnixMilli(end).UTC()
	c.float(&v.Total)
	c.float(&v.Bad)
}

// list reads or writes a list of at most most entries.
func list[T any](c *codec, v *[]T, most int, entry func(*T)) {
	n := uint64(len(*v))
	c.uint(&n)
	if n > uint64(most) {
		c.failed = true
		return
	}
	if c.reading {
		*v = make([]T, 0, min(n, 64))
	}
	for i := 0; i < int(n) && !c.failed; i++ {
		if c.reading {
			var zero T
			*v = append(*v, zero)
		}
		entry(&(*v)[i])
	}
}
