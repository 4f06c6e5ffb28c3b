package ledger_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// files is an export in memory.
type files map[string][]byte

// victim is a ledger that was exported, and what its owner and its auditors
// have.
type victim struct {
	files        files
	bodies       [][]byte
	key, witness *ledger.SigningKey
	log, watcher *ledger.Key
	// kept is a checkpoint that an auditor kept, of a part of the log.
	kept *ledger.Checkpoint
	// marks are all checkpoints in the export, the newest last.
	marks []*ledger.Checkpoint
}

// newVictim makes a ledger of n entries with a checkpoint after every few.
func newVictim(t *testing.T, rng *rand.Rand, n int) *victim {
	t.Helper()
	v := &victim{key: ledgertest.Key(t, "shop.example/ledger"), witness: ledgertest.Key(t, "witness.example")}
	v.log = ledgertest.Public(t, v.key)
	var err error
	if v.watcher, err = ledger.ParseKey(v.witness.Witness()); err != nil {
		t.Fatal(err)
	}
	var m ledger.Memory
	var clock ledgertest.Clock
	l := ledgertest.Open(t, &m, ledger.Options{Key: v.key, Now: clock.Now, CheckpointEntries: 1 + rng.Int64N(60), CheckpointAge: time.Hour})
	records := ledgertest.History(rng, time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), n)
	cut := 1 + rng.IntN(n)
	ledgertest.Fill(t, l, &clock, records[:cut], 1+rng.IntN(9))
	if v.kept, err = l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	ledgertest.Fill(t, l, &clock, records[cut:], 1+rng.IntN(9))
	head, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ledger.Cosign(v.witness, v.log, nil, head.Note, nil, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Cosign(t.Context(), signed, v.watcher); err != nil {
		t.Fatal(err)
	}
	v.files = files{}
	if _, err := ledger.Export(t.Context(), &m, v.files, nil); err != nil {
		t.Fatal(err)
	}
	if v.bodies, err = m.Bodies(t.Context(), 0, int64(n)); err != nil {
		t.Fatal(err)
	}
	all, err := m.Checkpoints(t.Context(), 0, n+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		c, err := ledger.OpenCheckpoint(s.Note, v.log)
		if err != nil {
			t.Fatal(err)
		}
		v.marks = append(v.marks, c)
	}
	return v
}

// verify verifies files against what the auditor has, as far as it is used.
func verify(t *testing.T, f files, o ledger.VerifyOptions) *ledger.Report {
	t.Helper()
	rep, err := ledger.Verify(t.Context(), ledgertest.FilesOf(f), o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func (v *victim) keeps() ledger.VerifyOptions {
	return ledger.VerifyOptions{Kept: []ledger.Kept{{Name: "kept", Note: v.kept.Note}}}
}

// bundles replaces the entries of an export and nothing else.
func (f files) bundles(bodies [][]byte, size int) {
	for path := range f {
		if len(path) > 12 && path[:12] == "tile/entries" {
			delete(f, path)
		}
	}
	for n := 0; n*256 < size; n++ {
		w := min(256, size-n*256)
		part := bodies[min(n*256, len(bodies)):min(n*256+w, len(bodies))]
		f[ledger.TilePath(tlog.Tile{H: 8, L: -1, N: int64(n), W: w})] = ledger.JoinBundle(part)
	}
}

// hashes computes all nodes of a tree.
func hashes(t *testing.T, bodies [][]byte) tlog.HashReader {
	t.Helper()
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, b := range bodies {
		h, err := tlog.StoredHashes(int64(i), b, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, h...)
	}
	return read
}

// tiles replaces the tree of an export by that of other entries.
func (f files) tiles(t *testing.T, bodies [][]byte) tlog.HashReader {
	t.Helper()
	read := hashes(t, bodies)
	maps.DeleteFunc(f, func(path string, _ []byte) bool { return len(path) > 6 && path[:5] == "tile/" && path[5] != 'e' })
	for _, tile := range tlog.NewTiles(8, 0, int64(len(bodies))) {
		data, err := tlog.ReadTileData(tile, read)
		if err != nil {
			t.Fatal(err)
		}
		f[ledger.TilePath(tile)] = data
	}
	return read
}

func root(t *testing.T, read tlog.HashReader, n int64) tlog.Tree {
	t.Helper()
	h, err := tlog.TreeHash(n, read)
	if err != nil {
		t.Fatal(err)
	}
	return tlog.Tree{N: n, Hash: h}
}

// rewrite makes the export of other entries, signed with a key at the times
// of some checkpoints.
func rewrite(t *testing.T, bodies [][]byte, key *ledger.SigningKey, marks []*ledger.Checkpoint) files {
	t.Helper()
	f := files{}
	f.bundles(bodies, len(bodies))
	read := f.tiles(t, bodies)
	history := map[int64][]byte{}
	for i, m := range marks {
		n := m.N
		if i == len(marks)-1 {
			n = int64(len(bodies))
		}
		if n > int64(len(bodies)) || n < m.N {
			continue
		}
		signed := key.Sign(root(t, read, n), m.Time)
		history[n/4096] = append(append(history[n/4096], signed...), '\n')
		f["checkpoint"] = signed
	}
	for n, text := range history {
		f[ledger.HistoryPath(n)] = text
	}
	f["log.vkey"] = []byte(key.Public() + "\n")
	return f
}

// entries reads the bodies of an entry back and forth.
func change(t *testing.T, body []byte, how func(*ledger.Entry)) []byte {
	t.Helper()
	e, err := ledger.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	how(e)
	out, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// edited changes an entry so that it is a good entry that says something else.
func edited(t *testing.T, rng *rand.Rand, body []byte) []byte {
	return change(t, body, func(e *ledger.Entry) {
		switch rng.IntN(5) {
		case 0:
			e.Actor.Name += "x"
		case 1:
			e.Action = "deliver.nothing"
		case 2:
			e.Time = e.Time.Add(time.Microsecond)
		case 3:
			e.After = fmt.Sprintf("sha256:%064x", rng.Uint64())
		default:
			e.Details = map[string]string{"note": fmt.Sprint(rng.Uint64())}
		}
	})
}

func remove[T any](list []T, i int) []T { return slices.Delete(slices.Clone(list), i, i+1) }

// Write implements ledger.Folder.
func (f files) Write(_ context.Context, path string, data []byte) error {
	f[path] = data
	return nil
}
