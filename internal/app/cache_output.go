package app

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/autoecoops/autoecoops/adapter/cachedir"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// replaced is what JSON has in place of a byte that is no text.
const replaced = `\ufffd`

// exactText passes JSON on and notes whether it can be read back as it was:
// file names and values need not be UTF-8.
type exactText struct {
	w     io.Writer
	tail  []byte
	lossy bool
}

// Write implements io.Writer.
func (e *exactText) Write(p []byte) (int, error) {
	// A mark may lie across two pieces.
	edge := append(e.tail, p[:min(len(p), len(replaced)-1)]...)
	e.lossy = e.lossy || bytes.Contains(edge, []byte(replaced)) || bytes.Contains(p, []byte(replaced))
	last := edge
	if len(p) >= len(replaced)-1 {
		last = p
	}
	e.tail = append(e.tail[:0:0], last[max(0, len(last)-len(replaced)+1):]...)
	return e.w.Write(p)
}

// outputKey names an output: what it stands on, the target as it is printed,
// and how it is shown.
func (c *resultCache) outputKey(fact cachedir.Key, view string) cachedir.Key {
	h := newAbsorber()
	h.put(string(fact[:]), "output", c.target.Path, c.target.Commit, view)
	return h.key()
}

// Recall implements cli.Memory.
func (c *resultCache) Recall(view string) (s assess.Summary, text cli.Text, ok bool) {
	for _, fact := range c.facts {
		entry, found := c.dir.Find(c.outputKey(fact, view))
		if !found {
			continue
		}
		if head, cut := entry.Line(); cut && json.Unmarshal(head, &s) == nil {
			return s, entry, true
		}
		_ = entry.Close() // it was only read
	}
	return s, nil, false
}

// Keep implements cli.Memory.
func (c *resultCache) Keep(view string, s assess.Summary, w io.Writer, write func(io.Writer) error) error {
	draft := c.draft(view, s)
	if draft == nil {
		return write(w)
	}
	defer draft.Discard()
	if err := write(io.MultiWriter(w, quietly{draft})); err != nil {
		return err
	}
	// The writer may have read the files: what it met must be what was judged.
	if c.witness.sound() {
		_ = draft.Commit() // a cache that cannot be written is no failure
	}
	return nil
}

// draft begins an output's entry, nil if it cannot be kept.
func (c *resultCache) draft(view string, s assess.Summary) *cachedir.Draft {
	head, err := json.Marshal(s)
	if err != nil || !c.known || !c.witness.sound() {
		return nil
	}
	draft, err := c.dir.Create(c.outputKey(c.fact, view))
	if err != nil {
		return nil
	}
	_, _ = draft.Write(append(head, '\n')) // Commit says if it went wrong
	return draft
}

// quietly writes to a draft whose errors are told by Commit, not to the reader
// of the output.
type quietly struct{ draft *cachedir.Draft }

// Write implements io.Writer.
func (q quietly) Write(p []byte) (int, error) {
	_, _ = q.draft.Write(p)
	return len(p), nil
}
