package ledgertest

import (
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

// FilesOf presents files in memory as an export.
func FilesOf(files map[string][]byte) ledger.Source {
	m := fstest.MapFS{}
	for path, data := range files {
		m[path] = &fstest.MapFile{Data: data, Mode: fs.FileMode(0o644)}
	}
	return ledger.FromFS(m)
}

// Clock is a clock that is set by hand.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time that was set.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets the time.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// Fill appends records, so many in one call, and lets the clock go along.
func Fill(t testing.TB, l *ledger.Ledger, clock *Clock, records []ops.Record, each int) {
	t.Helper()
	for part := range slices.Chunk(records, each) {
		clock.Set(part[len(part)-1].Time)
		if _, err := l.Append(t.Context(), part...); err != nil {
			t.Fatal(err)
		}
	}
}
