package webhook

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Limits of a Memory.
const (
	// MaxRemembered is how many messages are remembered; the oldest go first.
	MaxRemembered = 4096
	// RememberFor is how long. A message that comes again later is taken
	// again: it costs a question to the repository, which finds nothing new.
	RememberFor = 10 * time.Minute
)

// Memory remembers messages, so that one that is sent again, by a forge that
// got no answer or by who recorded it, isn't acted on again. It goes by the
// content: the id that forges put in a header is not signed. The zero value is
// empty. It is safe for concurrent use.
type Memory struct {
	mu    sync.Mutex
	times map[[sha256.Size]byte]time.Time
	order [][sha256.Size]byte // oldest first
}

// First reports whether a message was not seen lately, and remembers it.
func (m *Memory) First(e Event, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times == nil {
		m.times = map[[sha256.Size]byte]time.Time{}
	}
	for len(m.order) > 0 && (len(m.order) >= MaxRemembered || now.Sub(m.times[m.order[0]]) > RememberFor) {
		delete(m.times, m.order[0])
		m.order = m.order[1:]
	}
	if _, seen := m.times[e.Digest]; seen {
		return false
	}
	m.times[e.Digest] = now
	m.order = append(m.order, e.Digest)
	return true
}
