package ledger

import (
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What attackers of these tests can do as well as we: the log's own ways of
// writing its files.
var (
	JoinBundle  = joinBundle
	SplitBundle = splitBundle
	SplitNotes  = splitNotes
	HistoryPath = historyPath
	TilePath    = tilePath
	CompareUTF  = compareUTF16
)

// Sign signs a tree as of a time.
func (k *SigningKey) Sign(t tlog.Tree, at time.Time) []byte {
	s, err := k.sign(t, at)
	if err != nil {
		panic(err)
	}
	return s.Note
}

// Resign signs the text of a note with this key under another name and hash.
func (k *SigningKey) Resign(text, name string, hash uint32) []byte {
	out, err := note.Sign(&note.Note{Text: text}, impostor{k, name, hash})
	if err != nil {
		panic(err)
	}
	return out
}

type impostor struct {
	*SigningKey
	as   string
	hash uint32
}

func (i impostor) Name() string                     { return i.as }
func (i impostor) KeyHash() uint32                  { return i.hash }
func (i impostor) Sign(text []byte) ([]byte, error) { return noteSigner{i.SigningKey}.Sign(text) }

// NoteHash is the hash that stands for a log's key in its signatures.
func (k *Key) NoteHash() uint32 { return plain{k}.KeyHash() }

// Waiting waits until so many calls are queued.
func (l *Ledger) Waiting(t testing.TB, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		l.mu.Lock()
		have := len(l.queue)
		l.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d calls wait, want %d", have, n)
		}
		<-time.After(time.Millisecond)
	}
}

// Count follows the numbers of sources.
func Count() (count func(source string, n int64) string, lose func()) {
	c := newCounts()
	return c.count, c.lose
}
