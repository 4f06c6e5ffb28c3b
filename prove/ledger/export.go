package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Export writes a ledger as files, as of its newest checkpoint, which it
// returns. They are what Verify needs, and hold no personal data. progress may
// be nil; it is told how many entries are written.
func Export(ctx context.Context, r Reader, to Folder, progress func(done, total int64)) (*Checkpoint, error) {
	src, head, err := Live(ctx, r)
	if err != nil {
		return nil, err
	}
	copyFile := func(path string) error {
		data, err := src.Read(ctx, path, 0)
		if err != nil {
			return err
		}
		return to.Write(ctx, path, data)
	}
	for level := -1; level < levels(head.N); level++ {
		for t := range tilesOf(head.N, level) {
			if err := copyFile(tilePath(t)); err != nil {
				return nil, err
			}
			if level < 0 && progress != nil {
				progress(t.N<<TileHeight+int64(t.W), head.N)
			}
		}
	}
	for n := range histories(head.N) {
		if err := copyFile(historyPath(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := to.Write(ctx, fileReadme, []byte(readme(head))); err != nil {
		return nil, err
	}
	if err := copyFile(fileKey); err != nil {
		return nil, err
	}
	// The checkpoint comes last: an export that has one is whole.
	return head, copyFile(fileCheckpoint)
}

func readme(c *Checkpoint) string {
	return fmt.Sprintf(`The ledger %s with its first %d entries, signed at %s.

Check it, without any server:      aeo audit verify .
Check it against what you kept:    aeo audit verify . --checkpoint KEPT --key KEY
Read one entry with its proof:     aeo audit show 0 --proof --ledger .

The key in log.vkey came with these files. It is worth as much as where they
came from: compare it with the key as the ledger's owner publishes it. Keep the
file "checkpoint": a later export must continue it.

Formats: C2SP tlog-tiles (tile/, checkpoint), tlog-cosignature; RFC 6962
hashing; each entry is canonical JSON (RFC 8785). checkpoints/ has the earlier
checkpoints, one behind the other.
`, c.Origin, c.N, c.Time.Format("2006-01-02 15:04:05 MST"))
}
