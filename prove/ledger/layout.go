package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// The files of an export. Those of tlog-tiles: checkpoint, tile/<L>/<N>,
// tile/entries/<N>. Ours: the public key, and the earlier checkpoints, each
// file those of a span of sizes.
const (
	fileKey        = "log.vkey"
	fileCheckpoint = "checkpoint"
	fileReadme     = "README.txt"
)

// span is how many sizes of the tree one file of checkpoints is for.
const span = 4096

// The most bytes that a file of each kind may have.
const (
	maxKeyFile     = 4 << 10
	maxHistoryFile = 64 << 20
	maxTileFile    = tileWidth * tlog.HashSize
	maxBundle      = tileWidth * (2 + MaxEntry)
)

// tilePath is the place of a tile; level -1 is the entries.
func tilePath(t tlog.Tile) string {
	p := strings.TrimPrefix(t.Path(), "tile/8/")
	if rest, ok := strings.CutPrefix(p, "data/"); ok {
		p = "entries/" + rest
	}
	return "tile/" + p
}

// historyPath is the place of the checkpoints of sizes span*n to span*(n+1)-1.
func historyPath(n int64) string {
	return "checkpoints/" + strings.TrimPrefix(tlog.Tile{H: TileHeight, L: 0, N: n, W: tileWidth}.Path(), "tile/8/0/")
}

// parsePath reads a path of an export: a tile or bundle, or a number of a file
// of checkpoints.
func parsePath(path string) (tile tlog.Tile, history int64, ok bool) {
	if rest, found := strings.CutPrefix(path, "checkpoints/"); found {
		t, err := tlog.ParseTilePath("tile/8/0/" + rest)
		return tlog.Tile{}, t.N, err == nil && t.W == tileWidth
	}
	rest, found := strings.CutPrefix(path, "tile/")
	if !found {
		return tlog.Tile{}, -1, false
	}
	if n, found := strings.CutPrefix(rest, "entries/"); found {
		rest = "data/" + n
	}
	t, err := tlog.ParseTilePath("tile/8/" + rest)
	return t, -1, err == nil
}

// joinBundle writes entries as a bundle: each behind its length.
func joinBundle(bodies [][]byte) []byte {
	var b []byte
	for _, body := range bodies {
		b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
		b = append(b, body...)
	}
	return b
}

// splitBundle reads a bundle as far as it is whole.
func splitBundle(b []byte) (bodies [][]byte, rest int) {
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n {
			break
		}
		bodies = append(bodies, b[2:2+n:2+n])
		b = b[2+n:]
	}
	return bodies, len(b)
}

// splitNotes reads a file of checkpoints: notes one behind the other, each a
// text and its signatures, with an empty line behind each of both.
func splitNotes(b []byte) ([][]byte, error) {
	var notes [][]byte
	for len(b) > 0 {
		text := bytes.Index(b, []byte("\n\n"))
		sigs := -1
		if text >= 0 {
			sigs = bytes.Index(b[text+2:], []byte("\n\n"))
		}
		if sigs < 0 {
			return notes, errors.New("the last checkpoint is cut short")
		}
		end := text + 2 + sigs + 1
		notes = append(notes, b[:end:end])
		b = b[end+1:]
	}
	return notes, nil
}

// errForm is in the chain of what is wrong with a file itself, as opposed to
// the reading of it.
var errForm = errors.New("not a file of an export")

// FromFS reads an export from a file system.
func FromFS(files fs.FS) Source { return fsSource{files} }

type fsSource struct{ files fs.FS }

// Read implements Source.
func (s fsSource) Read(ctx context.Context, path string, max int64) (data []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := s.files.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is no file", errForm)
	}
	data, err = io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(data)) > max {
		return nil, fmt.Errorf("%w: it has more than %d bytes", errForm, max)
	}
	return data, err
}

// Live presents a ledger as an export, as of its newest checkpoint. It also
// returns that checkpoint.
func Live(ctx context.Context, r Reader) (Source, *Checkpoint, error) {
	h, err := r.Head(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err := Newest(ctx, r, 1)
	if err != nil {
		return nil, nil, err
	}
	return live{r, h.Key, c}, c, nil
}

type live struct {
	from Reader
	key  string
	head *Checkpoint
}

// Read implements Source.
func (l live) Read(ctx context.Context, path string, _ int64) ([]byte, error) {
	switch path {
	case fileKey:
		return []byte(l.key + "\n"), nil
	case fileCheckpoint:
		return l.head.Note, nil
	}
	t, history, ok := parsePath(path)
	switch {
	case !ok:
		return nil, fault.Wrap(fault.NotFound, "read", path, fs.ErrNotExist, "")
	case history >= 0:
		return l.history(ctx, history)
	case t.L < 0:
		from := t.N << TileHeight
		bodies, err := l.from.Bodies(ctx, from, min(from+int64(t.W), l.head.N))
		return joinBundle(bodies), err
	}
	data, err := l.from.Tiles(ctx, []tlog.Tile{t})
	if err != nil {
		return nil, err
	}
	return data[0], nil
}

// history returns the checkpoints of a span of sizes.
func (l live) history(ctx context.Context, n int64) ([]byte, error) {
	var b []byte
	for next, end := n*span, min((n+1)*span, l.head.N+1); next < end; {
		list, err := l.from.Checkpoints(ctx, next, 256)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		for _, c := range list {
			if c.Size < end {
				b = append(append(b, c.Note...), '\n')
			}
			next = c.Size + 1
		}
	}
	if len(b) == 0 {
		return nil, fault.Wrap(fault.NotFound, "read", historyPath(n), fs.ErrNotExist, "")
	}
	return b, nil
}

// histories is how many files of checkpoints there can be for a size.
func histories(size int64) int64 { return size/span + 1 }

// tilesOf lists the tiles of a tree of a size, level -1 for bundles.
func tilesOf(size int64, level int) func(yield func(tlog.Tile) bool) {
	return func(yield func(tlog.Tile) bool) {
		n := size >> (TileHeight * max(level, 0))
		for i := int64(0); i<<TileHeight < n; i++ {
			if !yield(tlog.Tile{H: TileHeight, L: level, N: i, W: int(min(tileWidth, n-i<<TileHeight))}) {
				return
			}
		}
	}
}
