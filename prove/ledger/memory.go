package ledger

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// Memory is a Store that forgets: for tests, and for trying things out. Its
// zero value is empty and ready.
type Memory struct {
	mu          sync.RWMutex
	head        Head
	rows        []Row
	tiles       map[tlog.Tile][]byte // by the tile of full width
	keys        map[KeyRef]int64
	counts      map[string]int64
	checkpoints []Signed
	subjects    map[string]Subject // by name
	secrets     map[string][]byte  // by pseudonym
}

// Update implements Store.
func (m *Memory) Update(ctx context.Context, need Need, plan func(State) (Batch, error)) error {
	if err := ctx.Err(); err != nil {
		return gaveUp(err, "nothing was written")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := plan(m.state(need))
	if err != nil {
		return err
	}
	for i, r := range b.Rows {
		if _, twice := m.keys[KeyRef{r.Source, r.Key}]; twice || r.Index != m.head.Size+int64(i) {
			return damaged(fmt.Errorf("entry %d does not fit behind %d entries", r.Index, m.head.Size))
		}
	}
	m.write(b)
	return nil
}

func (m *Memory) state(need Need) State {
	s := State{Head: m.head, Edge: make([][]byte, levels(m.head.Size)), Known: map[KeyRef]Known{}, Counts: map[string]int64{}, Subjects: map[string]Subject{}}
	for _, t := range EdgeTiles(m.head.Size) {
		s.Edge[t.L] = slices.Clone(m.tiles[whole(t)])
	}
	for _, k := range need.Keys {
		if i, ok := m.keys[k]; ok {
			s.Known[k] = Known{i, slices.Clone(m.rows[i].Body)}
		}
	}
	for _, source := range need.Sources {
		s.Counts[source] = m.counts[source]
	}
	for _, name := range need.Subjects {
		if p, ok := m.subjects[name]; ok {
			s.Subjects[name] = p
		}
	}
	if n := len(m.checkpoints); n > 0 {
		last := m.checkpoints[n-1]
		s.Last = &last
	}
	for _, c := range m.checkpoints {
		if c.Size == need.Checkpoint && c.Size > 0 {
			s.Checkpoint = &c
		}
	}
	return s
}

// whole returns the tile that a partial one is a part of.
func whole(t tlog.Tile) tlog.Tile {
	t.W = tileWidth
	return t
}

func (m *Memory) write(b Batch) {
	if m.keys == nil {
		m.tiles, m.keys, m.counts = map[tlog.Tile][]byte{}, map[KeyRef]int64{}, map[string]int64{}
		m.subjects, m.secrets = map[string]Subject{}, map[string][]byte{}
	}
	if b.Identity != nil {
		m.head = Head{Origin: b.Identity.Origin, Key: b.Identity.Key, Size: m.head.Size}
	}
	for _, r := range b.Rows {
		m.rows = append(m.rows, r)
		m.keys[KeyRef{r.Source, r.Key}] = r.Index
		m.counts[r.Source] = r.Sequence
	}
	m.head.Size = int64(len(m.rows))
	for _, t := range b.Tiles {
		m.tiles[whole(t.Tile)] = t.Data
	}
	for _, p := range b.Subjects {
		m.subjects[p.Name], m.secrets[p.ID] = p, p.Secret
	}
	if b.Erase != "" {
		m.erase(b.Erase)
	}
	if c := b.Checkpoint; c != nil {
		i := sort.Search(len(m.checkpoints), func(i int) bool { return m.checkpoints[i].Size >= c.Size })
		if i < len(m.checkpoints) && m.checkpoints[i].Size == c.Size {
			m.checkpoints[i] = *c
		} else {
			m.checkpoints = slices.Insert(m.checkpoints, i, *c)
		}
	}
}

func (m *Memory) erase(id string) {
	delete(m.secrets, id)
	for name, p := range m.subjects {
		if p.ID == id {
			delete(m.subjects, name)
		}
	}
	for i := range m.rows {
		if s := m.rows[i].Sealed; s != nil && s.Subject == id {
			m.rows[i].Sealed = nil
		}
	}
}

// Head implements Store.
func (m *Memory) Head(context.Context) (Head, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.head, nil
}

// Bodies implements Store.
func (m *Memory) Bodies(_ context.Context, from, to int64) ([][]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if from < 0 || to < from || to > int64(len(m.rows)) {
		return nil, Beyond(from, to, m.head.Size)
	}
	var out [][]byte
	for _, r := range m.rows[from:to] {
		out = append(out, slices.Clone(r.Body))
	}
	return out, nil
}

// Beyond is the error of a Store that is asked for entries it does not have.
func Beyond(from, to, size int64) error {
	if to == from+1 {
		return fault.New(fault.NotFound, "read the ledger's entry", fmt.Sprint(from), fmt.Sprintf("the ledger has the entries 0 to %d", size-1), "")
	}
	return fault.New(fault.NotFound, "read the ledger's entries", fmt.Sprintf("%d to %d", from, to-1), fmt.Sprintf("the ledger has the entries 0 to %d", size-1), "")
}

// Tiles implements Store.
func (m *Memory) Tiles(_ context.Context, tiles []tlog.Tile) ([][]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data := m.tiles[whole(t)]
		if len(data) < t.W*tlog.HashSize {
			return nil, MissingTile(t)
		}
		out[i] = slices.Clone(data[:t.W*tlog.HashSize])
	}
	return out, nil
}

// MissingTile is the error of a Store that lacks a tile it should have.
func MissingTile(t tlog.Tile) error {
	return damaged(fmt.Errorf("%s is missing or too short", t.Path()))
}

// Checkpoints implements Store.
func (m *Memory) Checkpoints(_ context.Context, from int64, limit int) ([]Signed, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	i := sort.Search(len(m.checkpoints), func(i int) bool { return m.checkpoints[i].Size >= from })
	return slices.Clone(m.checkpoints[i:min(i+limit, len(m.checkpoints))]), nil
}

// Sealed implements Store.
func (m *Memory) Sealed(_ context.Context, index int64) (Sealed, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if index < 0 || index >= int64(len(m.rows)) {
		return Sealed{}, false, Beyond(index, index+1, m.head.Size)
	}
	s := m.rows[index].Sealed
	if s == nil {
		return Sealed{}, false, nil
	}
	return Sealed{Subject: s.Subject, Secret: m.secrets[s.Subject], Box: s.Box}, true, nil
}

// Close implements Store. What was written stays.
func (m *Memory) Close() error { return nil }
