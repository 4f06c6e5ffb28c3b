package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// Archive reads an export as a ledger, without verifying it. There is no
// personal data in it.
func Archive(ctx context.Context, src Source) (Reader, error) {
	text, err := src.Read(ctx, fileKey, maxKeyFile)
	if err != nil {
		return nil, unreadable(fileKey, err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return nil, err
	}
	signed, err := src.Read(ctx, fileCheckpoint, maxCheckpoint)
	if err != nil {
		return nil, unreadable(fileCheckpoint, err)
	}
	c, err := OpenCheckpoint(signed, key)
	if err != nil {
		return nil, err
	}
	return archive{src, key, c}, nil
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.NotFound, "read the export's file", path, err, "name the folder that `aeo audit export` wrote")
	}
	return fault.Wrap(fault.Invalid, "read the export's file", path, err, "name the folder that `aeo audit export` wrote")
}

type archive struct {
	src  Source
	key  *Key
	head *Checkpoint
}

// Head implements Reader.
func (a archive) Head(context.Context) (Head, error) {
	return Head{Origin: a.key.name, Key: a.key.String(), Size: a.head.N}, nil
}

// Bodies implements Reader.
func (a archive) Bodies(ctx context.Context, from, to int64) ([][]byte, error) {
	if from < 0 || to < from || to > a.head.N {
		return nil, Beyond(from, to, a.head.N)
	}
	var out [][]byte
	for n := from >> TileHeight; n<<TileHeight < to; n++ {
		first := n << TileHeight
		t := tlog.Tile{H: TileHeight, L: -1, N: n, W: int(min(tileWidth, a.head.N-first))}
		b, err := a.src.Read(ctx, tilePath(t), maxBundle)
		if err != nil {
			return nil, unreadable(tilePath(t), err)
		}
		bodies, rest := splitBundle(b)
		if rest != 0 || len(bodies) != t.W {
			return nil, fault.New(fault.Invalid, "read the export's file", tilePath(t), fmt.Sprintf("it does not hold %d entries", t.W), "run `aeo audit verify` on the export")
		}
		out = append(out, bodies[max(from-first, 0):min(to-first, int64(t.W))]...)
	}
	return out, nil
}

// Tiles implements Reader.
func (a archive) Tiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		// The file is of the width that the tile has in the whole tree.
		file := t
		file.W = int(min(tileWidth, a.head.N>>(TileHeight*t.L)-t.N<<TileHeight))
		b, err := a.src.Read(ctx, tilePath(file), maxTileFile)
		if err != nil {
			return nil, unreadable(tilePath(file), err)
		}
		if len(b) != file.W*tlog.HashSize || t.W > file.W {
			return nil, fault.New(fault.Invalid, "read the export's file", tilePath(file), fmt.Sprintf("it does not hold %d hashes", file.W), "run `aeo audit verify` on the export")
		}
		out[i] = b[:t.W*tlog.HashSize]
	}
	return out, nil
}

// Checkpoints implements Reader.
func (a archive) Checkpoints(ctx context.Context, from int64, limit int) ([]Signed, error) {
	var out []Signed
	for n := max(from, 0) / span; n < histories(a.head.N) && len(out) < limit; n++ {
		b, err := a.src.Read(ctx, historyPath(n), maxHistoryFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, unreadable(historyPath(n), err)
		}
		notes, err := splitNotes(b)
		if err != nil {
			return nil, unreadable(historyPath(n), err)
		}
		for _, text := range notes {
			c, err := OpenCheckpoint(text, a.key)
			if err != nil {
				return nil, err
			}
			if c.N >= from && len(out) < limit {
				out = append(out, Signed{c.N, text})
			}
		}
	}
	return out, nil
}

// Sealed implements Reader.
func (a archive) Sealed(context.Context, int64) (Sealed, bool, error) {
	return Sealed{}, false, nil
}
