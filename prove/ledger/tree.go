package ledger

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is the height of tiles: 256 hashes wide, as tlog-tiles has it.
const TileHeight = 8

const tileWidth = 1 << TileHeight

// tree is a Merkle tree that grows: its size and its right edge, from which
// the root follows.
type tree struct {
	size int64
	// edge are the hashes of the rightmost tile of each level, fewer than 256.
	edge [][]byte
}

// edgeTiles returns the tiles, not full, at the right edge of a tree.
func edgeTiles(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level := 0; size>>(TileHeight*level) > 0; level++ {
		n := size >> (TileHeight * level)
		if w := int(n % tileWidth); w > 0 {
			tiles = append(tiles, tlog.Tile{H: TileHeight, L: level, N: n >> TileHeight, W: w})
		}
	}
	return tiles
}

// EdgeTiles returns the tiles that a Store reads into State.Edge: those at the
// right edge of a tree that are not full, from the leaves up. Levels that have
// none get an empty element.
func EdgeTiles(size int64) []tlog.Tile { return edgeTiles(size) }

// newTree takes up a tree where a store left it.
func newTree(size int64, edge [][]byte) (*tree, error) {
	t := &tree{size: size, edge: make([][]byte, levels(size))}
	for level := range t.edge {
		want := int(size>>(TileHeight*level)%tileWidth) * tlog.HashSize
		if want == 0 {
			continue
		}
		if level >= len(edge) || len(edge[level]) != want {
			return nil, fmt.Errorf("the tree of %d entries lacks hashes at level %d", size, level)
		}
		t.edge[level] = append(make([]byte, 0, tileWidth*tlog.HashSize), edge[level]...)
	}
	return t, nil
}

func levels(size int64) int { return (bits.Len64(uint64(size)) + TileHeight - 1) / TileHeight }

// add appends a leaf's hash. Each tile that it completes is given to full.
func (t *tree) add(leaf tlog.Hash, full func(tlog.Tile, []byte)) {
	h := leaf
	for level := 0; ; level++ {
		if level == len(t.edge) {
			t.edge = append(t.edge, make([]byte, 0, tileWidth*tlog.HashSize))
		}
		t.edge[level] = append(t.edge[level], h[:]...)
		if len(t.edge[level]) < tileWidth*tlog.HashSize {
			break
		}
		if full != nil {
			full(tlog.Tile{H: TileHeight, L: level, N: t.size >> (TileHeight * (level + 1)), W: tileWidth}, t.edge[level])
		}
		h = subtree(t.edge[level])
		t.edge[level] = t.edge[level][:0]
	}
	t.size++
}

// root returns the hash of the whole tree.
func (t *tree) root() tlog.Hash {
	var root tlog.Hash
	if t.size == 0 {
		root, _ = tlog.TreeHash(0, nil) // the hash of nothing; it cannot fail
		return root
	}
	// Complete subtrees from the right, small ones first.
	first := true
	for _, hashes := range t.edge {
		for n := len(hashes) / tlog.HashSize; n > 0; {
			width := n & -n
			h := subtree(hashes[(n-width)*tlog.HashSize : n*tlog.HashSize])
			if first {
				root, first = h, false
			} else {
				root = tlog.NodeHash(h, root)
			}
			n -= width
		}
	}
	return root
}

// partial gives the tiles at the right edge that are not full.
func (t *tree) partial(give func(tlog.Tile, []byte)) {
	for _, tile := range edgeTiles(t.size) {
		give(tile, t.edge[tile.L])
	}
}

// subtree returns the root above 2^k hashes.
func subtree(hashes []byte) tlog.Hash {
	if len(hashes) == tlog.HashSize {
		return tlog.Hash(hashes)
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}
