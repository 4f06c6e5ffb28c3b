package logs

import (
	"bytes"
	"cmp"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// Miner learns the templates of lines. It is not safe for concurrent use: give
// each goroutine its own, or one of them all lines.
type Miner struct {
	set     Settings
	seed    maphash.Seed
	scan    scan
	scratch []byte
	fields  fields

	buckets map[uint64]*bucket
	cache   []entry
	byID    map[ID]*node
	former  *memory[ID] // what forgotten or renamed templates became
	count   int         // templates
	size    int         // their estimated bytes
	line    uint64      // number of the line
	lost    Lost
	start   int64 // when the first line was written

	kin []kin // scratch of generalise
}

// Lost counts what was not used, or not as a whole.
type Lost struct {
	// Lines is the number of all lines given.
	Lines uint64 `json:"lines"`
	// Empty lines have no word and belong to no template.
	Empty uint64 `json:"empty"`
	// Cut lines were longer than Settings.LineBytes.
	Cut uint64 `json:"cut"`
	// Invalid lines held bytes that are no UTF-8; counted of new templates.
	Invalid uint64 `json:"invalid"`
	// Forgotten is the number of templates that were dropped because there
	// were too many.
	Forgotten uint64 `json:"forgotten"`
}

// New makes a miner. The error joins every problem of the settings.
func New(set Settings) (*Miner, error) {
	if err := errors.Join(set.Validate()...); err != nil {
		return nil, err
	}
	m := &Miner{set: set, seed: maphash.MakeSeed(), buckets: map[uint64]*bucket{}, byID: map[ID]*node{}}
	m.scan.seed = m.seed
	m.scratch = make([]byte, 0, set.LineBytes)
	size := 1
	for size < 4*set.Templates {
		size *= 2
	}
	m.cache = make([]entry, size)
	m.former = newMemory[ID](4 * set.Templates)
	return m, nil
}

// Hit is what a line was found to be.
type Hit struct {
	// ID is that of its template at this moment; Resolve follows it. It is 0
	// for a line without a word.
	ID ID
	// Level is that of its template.
	Level Level
	// New is set for the first line of a template that was never seen before,
	// not even by a former name.
	New bool
}

// Add takes a line that was written at a moment, in milliseconds since 1970,
// and tells its template. The line may be of several lines, as Joiner makes
// them: the first counts, the others are kept in the example. It is not
// retained.
func (m *Miner) Add(line []byte, at int64) Hit { return m.add(line, at, true) }

// Learn takes a line as Add does, but for its number: what comes of old logs, one after
// the other, says nothing of how many lines are usual.
func (m *Miner) Learn(line []byte, at int64) Hit { return m.add(line, at, false) }

func (m *Miner) add(line []byte, at int64, counts bool) Hit {
	m.line++
	m.lost.Lines++
	text := line
	if len(text) > m.set.LineBytes {
		text = text[:m.set.LineBytes]
		m.lost.Cut++
	}
	text, level := m.message(text)
	s := &m.scan
	s.read(text)
	if s.n == 0 {
		m.lost.Empty++
		return Hit{}
	}
	whole := s.whole
	if level != None {
		whole = mix(whole, uint64(level))
	}
	if m.start == 0 {
		m.start = at
	}
	e := &m.cache[whole&uint64(len(m.cache)-1)]
	if e.whole == whole && e.node != nil && e.turn == e.node.bucket.turn {
		return m.hit(e.node, at, false, counts)
	}
	n, fresh := m.place(s, level, line, at)
	*e = entry{whole, n, n.bucket.turn}
	return m.hit(n, at, fresh, counts)
}

// hit counts a line of a template, in its rate only if it counts there.
func (m *Miner) hit(n *node, at int64, fresh, counts bool) Hit {
	n.count++
	n.seen = m.line
	n.first, n.last = min(n.first, at), max(n.last, at)
	if counts {
		n.rate.add(at, m.set.Bucket, &m.set.Surge)
	}
	return Hit{n.id, n.level, fresh}
}

// message finds what is the message of a line: the first line of several, the
// field of a structured line, without the moment it starts with.
func (m *Miner) message(text []byte) ([]byte, Level) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 && len(bytes.TrimSpace(text[:i])) > 0 {
		text = text[:i]
	}
	if bytes.IndexByte(text, 0x1b) >= 0 {
		m.scratch = unescape(m.scratch[:0], text)
		text = m.scratch
	}
	if rest := bytes.TrimLeft(stamp(text), " "); len(rest) > 0 && rest[0] == '{' {
		text = rest // what a runtime's or a shipper's moment stands before
	}
	f := m.fields.read(text)
	if f.found {
		text = f.message
		if i := bytes.IndexByte(text, '\n'); i > 0 {
			text = text[:i]
		}
		return stamp(text), f.level
	}
	if f.level != None {
		return text, f.level
	}
	return stamp(text), klog(text)
}

// place finds the template of a line, or makes one.
func (m *Miner) place(s *scan, level Level, line []byte, at int64) (*node, bool) {
	key := mix(s.shape, uint64(level))
	b := m.buckets[key]
	if b == nil {
		b = &bucket{key: key}
		m.buckets[key] = b
	}
	if n := b.find(s); n != nil {
		return n, false
	}
	n := m.born(s, level, line)
	if !utf8.Valid(s.text) {
		m.lost.Invalid++
	}
	n.birth, n.first, n.last = m.line, 1<<62, -1<<62
	if into := m.generalise(b, n); into != nil {
		return into, false
	}
	if m.count >= m.set.Templates || m.size+n.size > m.set.Bytes {
		m.forget(m.nodes(), m.set.Bytes*15/16)
	} else if len(b.nodes) >= crowd {
		m.forget(slices.Clone(b.nodes), m.size)
	}
	m.buckets[key] = b
	_, known := m.byID[n.id]
	if !known {
		_, known = m.former.get(n.id)
	}
	b.add(n)
	m.byID[n.id] = n
	m.count++
	m.size += n.size
	n.news = !known && at-m.start >= m.set.Surge.Learn.Milliseconds()
	return n, !known
}

// rename changes a template and keeps its former ID.
func (m *Miner) rename(n *node, change func()) {
	old := n.id
	m.size -= n.size
	change()
	n.name()
	m.size += n.size
	m.became(n, old)
	m.byID[n.id] = n
}

// became keeps that an ID is now that of n.
func (m *Miner) became(n *node, old ID) {
	if old == n.id {
		return
	}
	if m.byID[old] == n {
		delete(m.byID, old)
	}
	m.former.put(old, n.id)
	if !slices.Contains(n.former, old) {
		n.former = append(n.former, old)
		if len(n.former) > maxFormer {
			n.former = n.former[1:]
		}
	}
}

// takeIn makes a template part of a more general one.
func (m *Miner) takeIn(n, part *node) {
	m.drop(part)
	n.count += part.count
	n.first, n.last = min(n.first, part.first), max(n.last, part.last)
	n.seen = max(n.seen, part.seen)
	n.level = max(n.level, part.level)
	n.news = n.news && part.news
	n.rate.merge(&part.rate)
	for _, id := range append(part.former, part.id) {
		m.became(n, id)
	}
}

// drop takes a template out of all lists.
func (m *Miner) drop(n *node) {
	n.bucket.remove(n)
	if len(n.bucket.nodes) == 0 {
		delete(m.buckets, n.bucket.key)
	}
	if m.byID[n.id] == n {
		delete(m.byID, n.id)
	}
	m.count--
	m.size -= n.size
}

// crowd is how many templates of one shape there may be: a line that is new is
// compared with all of them.
const crowd = 1024

// forget drops the sixteenth of templates that was not seen for longest, and
// more until all templates need no more than so many bytes. It is remembered
// that they were known.
func (m *Miner) forget(all []*node, bytes int) {
	slices.SortFunc(all, func(a, b *node) int { return cmp.Compare(a.seen, b.seen) })
	least := max(1, len(all)/16)
	for i, n := range all {
		if i >= least && m.size <= bytes {
			break
		}
		m.drop(n)
		m.former.put(n.id, n.id)
		m.lost.Forgotten++
	}
	for i, e := range m.cache {
		if e.node != nil && e.turn != e.node.bucket.turn {
			m.cache[i] = entry{}
		}
	}
}

func (m *Miner) nodes() []*node {
	all := make([]*node, 0, m.count)
	for _, b := range m.buckets {
		all = append(all, b.nodes...)
	}
	return all
}

// Templates returns what is known, the most frequent first.
func (m *Miner) Templates() []Template {
	all := make([]Template, 0, m.count)
	for _, n := range m.nodes() {
		all = append(all, n.view())
	}
	slices.SortFunc(all, func(a, b Template) int {
		if c := cmp.Compare(b.Count, a.Count); c != 0 {
			return c
		}
		if c := strings.Compare(a.Text, b.Text); c != 0 {
			return c
		}
		return int(a.Level) - int(b.Level)
	})
	return all
}

// Template returns the template of an ID, also of a former one.
func (m *Miner) Template(id ID) (Template, bool) {
	n := m.byID[m.Resolve(id)]
	if n == nil {
		return Template{}, false
	}
	return n.view(), true
}

// Resolve returns the ID that a template has now: the same if it did not
// become more general, or is not known any more.
func (m *Miner) Resolve(id ID) ID {
	for range 64 {
		if _, ok := m.byID[id]; ok {
			return id
		}
		next, ok := m.former.get(id)
		if !ok || next == id {
			return id
		}
		id = next
	}
	return id
}

// Count returns how many templates are known.
func (m *Miner) Count() int { return m.count }

// Lost returns what was counted so far.
func (m *Miner) Lost() Lost { return m.lost }

// memory is a map that forgets what was put first.
type memory[K comparable] struct {
	known map[K]K
	ring  []K
	next  int
}

func newMemory[K comparable](size int) *memory[K] {
	return &memory[K]{known: map[K]K{}, ring: make([]K, 0, size)}
}

func (m *memory[K]) get(k K) (K, bool) {
	v, ok := m.known[k]
	return v, ok
}

func (m *memory[K]) put(k, v K) {
	if _, ok := m.known[k]; !ok {
		if len(m.ring) < cap(m.ring) {
			m.ring = append(m.ring, k)
		} else {
			delete(m.known, m.ring[m.next])
			m.ring[m.next] = k
			m.next = (m.next + 1) % len(m.ring)
		}
	}
	m.known[k] = v
}
