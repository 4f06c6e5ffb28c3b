// Package store keeps the newest lines of many streams in bounded memory, packed, so
// that what pods said before they went can still be read.
package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Settings bound what is kept. Zero fields mean the defaults.
type Settings struct {
	// Bytes is the memory that lines may take, packed; 0 means 64 MiB.
	Bytes int
	// Age is how long a line is kept; 0 means an hour.
	Age time.Duration
	// Streams is how many streams there may be; 0 means 2,000.
	Streams int
	// Line is how many bytes of a line are kept; 0 means 8 KiB.
	Line int
}

// The least and the usual bounds.
const (
	usualBytes, leastBytes = 64 << 20, 1 << 20
	usualAge               = time.Hour
	usualStreams           = 2000
	usualLine              = 8 << 10
)

// Usage is what a store keeps and what it had to let go.
type Usage struct {
	// Streams and Lines are kept; Bytes is the memory that they take.
	Streams, Lines, Bytes int
	// Received counts the lines that came.
	Received uint64
	// Cut counts lines that were longer than is kept, Evicted those that went to make
	// room before they were old, Refused those of streams beyond the bound.
	Cut, Evicted, Refused uint64
	// Oldest is the moment of the oldest line, zero if there is none.
	Oldest time.Time
}

// Store keeps lines. It is safe for concurrent use.
type Store struct {
	settings Settings
	now      func() time.Time

	mu      sync.RWMutex
	streams map[string]*Stream
	// sealed are the packed chunks in the order in which they were sealed: the first
	// goes first.
	sealed []*chunk
	bytes  int
	packer packer
	usage  Usage
}

// Stream is the lines of one source, such as a container.
type Stream struct {
	store  *Store
	key    string
	labels map[string]string
	open   *chunk
	chunks int // that are sealed
	// closed tells that no more lines come, refused that none are kept.
	closed, refused bool
}

// New returns an empty store. now is the clock.
func New(s Settings, now func() time.Time) *Store {
	s.Bytes = max(cmp.Or(s.Bytes, usualBytes), leastBytes)
	s.Age = cmp.Or(s.Age, usualAge)
	s.Streams = cmp.Or(s.Streams, usualStreams)
	s.Line = cmp.Or(s.Line, usualLine)
	return &Store{settings: s, now: now, streams: map[string]*Stream{}}
}

// keyOf writes labels so that different ones differ.
func keyOf(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(k)
		b.WriteByte(0)
		b.WriteString(labels[k])
		b.WriteByte(1)
	}
	return b.String()
}

// Stream returns the stream of these labels, which is made if it is new. Where there
// are too many it returns one that counts its lines and keeps none.
func (s *Store) Stream(labels map[string]string) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(labels)
	if st := s.streams[key]; st != nil {
		st.closed = false
		return st
	}
	if len(s.streams) >= s.settings.Streams {
		return &Stream{store: s, refused: true}
	}
	st := &Stream{store: s, key: key, labels: maps.Clone(labels)}
	s.streams[key] = st
	return st
}

// Add keeps a line that was written at a moment, in nanoseconds since 1970.
func (st *Stream) Add(at int64, line []byte) {
	s := st.store
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage.Received++
	if st.refused {
		s.usage.Refused++
		return
	}
	if len(line) > s.settings.Line {
		line = line[:s.settings.Line]
		s.usage.Cut++
	}
	if s.streams[st.key] != st {
		s.streams[st.key] = st // it was dropped when its last line was
	}
	if st.open == nil {
		st.open = &chunk{stream: st}
	}
	s.bytes += st.open.add(at, line)
	if len(st.open.data) >= chunkSize {
		s.seal(st)
	}
	s.shrink()
}

// Close tells that no more lines come: the stream is forgotten with its last line.
func (st *Stream) Close() {
	s := st.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.refused {
		return
	}
	st.closed = true
	if st.open != nil {
		s.seal(st)
	}
	s.drop(st)
}

// seal packs a stream's open chunk. The lock is held.
func (s *Store) seal(st *Stream) {
	c := st.open
	st.open = nil
	s.bytes -= c.size()
	s.packer.pack(c)
	s.bytes += c.size()
	st.chunks++
	s.sealed = append(s.sealed, c)
}

// shrink lets go of what is too old and of what there is no room for. The lock is
// held.
func (s *Store) shrink() {
	oldest := s.now().Add(-s.settings.Age).UnixNano()
	n := 0
	for ; n < len(s.sealed); n++ {
		c := s.sealed[n]
		if c.last >= oldest {
			if s.bytes <= s.settings.Bytes {
				break
			}
			s.usage.Evicted += uint64(c.lines)
		}
		s.bytes -= c.size()
		c.stream.chunks--
		s.drop(c.stream)
		s.sealed[n] = nil
	}
	s.sealed = s.sealed[n:]
	if s.bytes <= s.settings.Bytes {
		return
	}
	// Only open chunks are left: many streams of a few lines each.
	for _, st := range s.streams {
		if st.open != nil {
			s.seal(st)
		}
	}
	if len(s.sealed) > 0 && s.bytes > s.settings.Bytes {
		s.shrink()
	}
}

// drop forgets a stream that has no lines and gets none. The lock is held.
func (s *Store) drop(st *Stream) {
	if st.chunks == 0 && st.open == nil && st.closed && s.streams[st.key] == st {
		delete(s.streams, st.key)
	}
}

// Usage tells what is kept and what was let go.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shrink()
	u := s.usage
	u.Streams, u.Bytes = len(s.streams), s.bytes
	oldest := int64(0)
	each := func(c *chunk) {
		u.Lines += c.lines
		if oldest == 0 || c.first < oldest {
			oldest = c.first
		}
	}
	for _, c := range s.sealed {
		each(c)
	}
	for _, st := range s.streams {
		if st.open != nil {
			each(st.open)
		}
	}
	if oldest != 0 {
		u.Oldest = time.Unix(0, oldest)
	}
	return u
}

// Labels returns the labels of all streams that have lines. The maps must not be
// changed.
func (s *Store) Labels() []map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]map[string]string, 0, len(s.streams))
	for _, st := range s.streams {
		if st.open != nil || st.chunks > 0 {
			out = append(out, st.labels)
		}
	}
	return out
}
