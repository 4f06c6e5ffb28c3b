package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// mark is a checkpoint that the log must agree with at its size.
type mark struct {
	tlog.Tree
	// Time is when the log signed; witnessed the earliest time at which an asked
	// witness says that it was there. Zero if not said.
	Time, witnessed time.Time
	// name is what a kept checkpoint is called, "" for one of the log's files.
	name, file string
}

// marks are the checkpoints in the order of their sizes: those in the files,
// read span by span, the newest, and those that were kept.
type marks struct {
	size int64
	// head is the newest checkpoint's text.
	head []byte
	// kept are the newest checkpoint and those that somebody kept.
	kept []mark
	// queue are the next ones; loaded is the next file to read.
	queue  []mark
	loaded int64
	// floor is the time of the last checkpoint that the log agreed with, at its
	// size.
	floor     time.Time
	floorSize int64
	// last is the last one read from the files.
	last mark
	// covered is how many entries each asked witness vouches for.
	covered map[string]int64
}

// newMarks begins with the newest checkpoint.
func newMarks(head *Checkpoint, signed bool) *marks {
	m := &marks{size: head.N, head: head.Note, covered: map[string]int64{}}
	if signed {
		m.keep(head, "")
		m.kept[0].file = fileCheckpoint
	} else {
		m.kept = append(m.kept, mark{Tree: head.Tree, file: fileCheckpoint})
	}
	return m
}

// keep adds a checkpoint that somebody kept.
func (m *marks) keep(c *Checkpoint, name string) {
	m.kept = append(m.kept, m.mark(c, name))
}

func (m *marks) mark(c *Checkpoint, name string) mark {
	k := mark{Tree: c.Tree, Time: c.Time, name: name}
	for _, w := range c.Witnesses {
		if k.witnessed.IsZero() || w.Time.Before(k.witnessed) {
			k.witnessed = w.Time
		}
		m.covered[w.Witness] = max(m.covered[w.Witness], c.N)
	}
	return k
}

// next returns the size of the next checkpoint, -1 if there is none.
func (m *marks) next() int64 {
	if len(m.queue) == 0 {
		return -1
	}
	return m.queue[0].N
}

// take removes the checkpoints of the next size.
func (m *marks) take() []mark {
	n := 0
	for n < len(m.queue) && m.queue[n].N == m.queue[0].N {
		n++
	}
	taken := m.queue[:n]
	m.queue = m.queue[n:]
	return taken
}

// pass notes that the log agrees with a checkpoint.
func (m *marks) pass(k mark) {
	if k.Time.After(m.floor) {
		m.floor, m.floorSize = k.Time, k.N
	}
}

// timely says what is wrong with the time of an entry between the last
// checkpoint that the log agreed with and the next one in its files; "" if
// nothing.
func (m *marks) timely(t time.Time) string {
	if !m.floor.IsZero() && t.Before(m.floor.Add(-Tolerance)) {
		return fmt.Sprintf("back-dated: it says %s, and was added behind the checkpoint of %d entries, signed at %s", stamp(t), m.floorSize, stamp(m.floor))
	}
	i := slices.IndexFunc(m.queue, func(k mark) bool { return k.name == "" })
	if i < 0 {
		return ""
	}
	next := m.queue[i]
	by := next.Time
	if !next.witnessed.IsZero() && (by.IsZero() || next.witnessed.Before(by)) {
		by = next.witnessed
	}
	if !by.IsZero() && t.After(by.Add(Tolerance)) {
		return fmt.Sprintf("post-dated: it says %s, and is in the checkpoint of %d entries, signed at %s", stamp(t), next.N, stamp(by))
	}
	return ""
}

// stretch says that checkpoints are gone between the last one and one of a size, ""
// if none need to have been there. Without them entries could not be held to the
// times between which they were signed.
func (m *marks) stretch(size int64) string {
	if size-m.last.N <= maxUnsigned {
		return ""
	}
	return fmt.Sprintf("checkpoints are missing: none of these %d entries has one, and a ledger signs one of %d at least", size-m.last.N, maxUnsigned)
}

// ahead is how many files of checkpoints are looked into for the next one. A
// size that is claimed and not there must not keep us reading.
const ahead = 64

// refill reads files of checkpoints until there is a next one behind entry at,
// or none for long.
func (m *marks) refill(ctx context.Context, at int64, src Source, key *Key, witnesses []*Key) (problems []Finding, err error) {
	for len(m.queue) == 0 && m.loaded < min(histories(m.size), at/span+ahead) {
		n := m.loaded
		m.loaded++
		found, wrong, err := m.read(ctx, src, n, key, witnesses)
		if err != nil {
			return problems, err
		}
		problems = append(problems, wrong...)
		m.queue = append(m.queue, found...)
		for _, k := range m.kept {
			if k.N/span == n && k.N > 0 {
				m.queue = append(m.queue, k)
			}
		}
		slices.SortStableFunc(m.queue, func(a, b mark) int { return int(a.N - b.N) })
	}
	return problems, nil
}

// read reads one file of checkpoints.
func (m *marks) read(ctx context.Context, src Source, n int64, key *Key, witnesses []*Key) (found []mark, problems []Finding, err error) {
	path := historyPath(n)
	text, problem, err := read(ctx, src, path, maxHistoryFile)
	if err != nil {
		return nil, nil, err
	}
	wrong := func(from, to int64, format string, args ...any) {
		problems = append(problems, Finding{from, to, path, fmt.Sprintf(format, args...)})
	}
	if problem == missing {
		return nil, nil, nil // none was signed at these sizes
	}
	if problem != "" {
		wrong(-1, -1, "%s", problem)
		return nil, problems, nil
	}
	notes, err := splitNotes(text)
	if err != nil {
		wrong(-1, -1, "%s", err)
	}
	for i, signed := range notes {
		c, err := OpenCheckpoint(signed, key, witnesses...)
		switch {
		case err != nil:
			wrong(-1, -1, "checkpoint %d in it: %s", i+1, public(err))
			continue
		case c.N > m.size:
			wrong(m.size, c.N, "missing: the log's own checkpoint of %d entries, signed at %s, is newer than the newest", c.N, stamp(c.Time))
			continue
		case c.N/span != n || c.N <= m.last.N && m.last.N > 0:
			wrong(-1, -1, "checkpoint %d in it is of %d entries, and does not belong here", i+1, c.N)
			continue
		case c.Time.IsZero():
			wrong(-1, -1, "checkpoint %d in it does not say when it was signed", i+1)
		case c.N == m.size && m.head != nil && !bytes.Equal(signed, m.head):
			wrong(-1, -1, "checkpoint %d in it is of %d entries like the newest, and has other signatures", i+1, c.N)
		case c.Time.Before(m.last.Time):
			wrong(-1, -1, "checkpoint %d in it, of %d entries, was signed at %s, before one of %d entries", i+1, c.N, stamp(c.Time), m.last.N)
		}
		if why := m.stretch(c.N); why != "" {
			wrong(m.last.N, c.N, "%s", why)
		}
		k := m.mark(c, "")
		k.file = path
		m.last = k
		if c.N > 0 {
			found = append(found, k)
		}
	}
	return found, problems, nil
}
