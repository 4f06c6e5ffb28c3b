package kustomize

import (
	"crypto/sha256"
	"sync"

	"go.yaml.in/yaml/v3"
)

// maxMemo bounds, in bytes of text, what a memo holds.
const maxMemo = 8 << 20

// memo remembers parsed texts by their hash. The zero value works; a nil memo
// remembers nothing.
type memo struct {
	mu    sync.Mutex
	size  int
	texts map[[sha256.Size]byte]*parsed
}

// parsed is what a text parses to. It is not changed once it is made.
type parsed struct {
	docs []*yaml.Node
	err  error
}

func (m *memo) parse(data []byte) *parsed {
	if m == nil {
		docs, err := parse(data)
		return &parsed{docs, err}
	}
	key := sha256.Sum256(data)
	m.mu.Lock()
	known := m.texts[key]
	m.mu.Unlock()
	if known != nil {
		return known
	}
	docs, err := parse(data)
	known = &parsed{docs, err}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size+len(data) <= maxMemo {
		if m.texts == nil {
			m.texts = map[[sha256.Size]byte]*parsed{}
		}
		m.texts[key] = known
		m.size += len(data)
	}
	return known
}
