package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// authority reads tiles and tells which of them are those that were signed:
// the tiles at the right edge give the root together; every other is hashed
// into one above it. It keeps one tile of each level.
type authority struct {
	src  Source
	size int64
	// edge are the tiles at the right edge by level; empty where there is none.
	edge []tileState
	// rooted tells that the tiles at the edge give the root.
	rooted bool
	// full is the last full tile of each level that was asked for.
	full map[int]tileState
}

// tileState is what is known of a tile.
type tileState struct {
	n      int64
	hashes []tlog.Hash
	// authentic tells that it is the one that was signed.
	authentic bool
	// known tells that above, the hash that stands for it in the tile above, is
	// authentic.
	known bool
	above tlog.Hash
	// problems are what is wrong with its file, and those of the tiles above it
	// that were read for it.
	problems []Finding
}

// open reads the tiles at the edge and checks that they give the root.
func (a *authority) open(ctx context.Context, root tlog.Hash) ([]Finding, error) {
	a.full = map[int]tileState{}
	a.edge = make([]tileState, levels(a.size))
	edge := make([][]byte, len(a.edge))
	var problems []Finding
	for _, t := range edgeTiles(a.size) {
		data, problem, err := read(ctx, a.src, tilePath(t), maxTileFile)
		if err != nil {
			return nil, err
		}
		if problem == "" && len(data) != t.W*tlog.HashSize {
			problem = fmt.Sprintf("it has %d bytes and not %d", len(data), t.W*tlog.HashSize)
		}
		if problem != "" {
			problems = append(problems, Finding{-1, -1, tilePath(t), problem})
			continue
		}
		edge[t.L] = data
		a.edge[t.L] = tileState{n: t.N, hashes: splitHashes(data)}
	}
	if len(problems) > 0 {
		return problems, nil
	}
	tree, err := newTree(a.size, edge)
	if err != nil {
		return nil, damaged(err) // every tile has its width
	}
	if a.rooted = tree.root() == root; !a.rooted {
		return nil, nil
	}
	for i := range a.edge {
		a.edge[i].authentic = a.edge[i].hashes != nil
	}
	return nil, nil
}

func splitHashes(data []byte) []tlog.Hash {
	out := make([]tlog.Hash, len(data)/tlog.HashSize)
	for i := range out {
		out[i] = tlog.Hash(data[i*tlog.HashSize:])
	}
	return out
}

// leaves returns the tile of the leaves of one bundle.
func (a *authority) leaves(ctx context.Context, n int64, width int) (tileState, error) {
	if width < tileWidth {
		return a.edge[0], nil
	}
	return a.get(ctx, 0, n)
}

// get returns a full tile.
func (a *authority) get(ctx context.Context, level int, n int64) (tileState, error) {
	if t, ok := a.full[level]; ok && t.n == n {
		t.problems = nil // they were told
		return t, nil
	}
	t := tileState{n: n}
	up, err := a.up(ctx, level+1, n>>TileHeight)
	if err != nil {
		return t, err
	}
	t.problems = up.problems
	if i := int(n % tileWidth); up.authentic {
		t.known, t.above = true, up.hashes[i]
	}
	path := tilePath(tlog.Tile{H: TileHeight, L: level, N: n, W: tileWidth})
	data, problem, err := read(ctx, a.src, path, maxTileFile)
	if err != nil {
		return t, err
	}
	switch {
	case problem != "":
	case len(data) != maxTileFile:
		problem = fmt.Sprintf("it has %d bytes and not %d", len(data), maxTileFile)
	case t.known && subtree(data) != t.above:
		problem = "it is not the tile that was signed"
	default:
		t.hashes, t.authentic = splitHashes(data), t.known
	}
	if problem != "" {
		t.problems = append(t.problems, Finding{-1, -1, path, problem})
	}
	a.full[level] = t
	return t, nil
}

// up returns the tile above: one at the edge, or a full one.
func (a *authority) up(ctx context.Context, level int, n int64) (tileState, error) {
	if (n+1)<<TileHeight <= a.size>>(TileHeight*level) {
		return a.get(ctx, level, n)
	}
	if level >= len(a.edge) {
		return tileState{}, nil
	}
	return a.edge[level], nil
}
