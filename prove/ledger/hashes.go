package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// readHashes reads the nodes of a tree of a size from a store's tiles.
func readHashes(ctx context.Context, from Reader, size int64) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return nodes(ctx, from, size, indexes) })
}

func nodes(ctx context.Context, from Reader, size int64, indexes []int64) ([]tlog.Hash, error) {
	var tiles []tlog.Tile
	at := map[tlog.Tile]int{}
	of := make([]int, len(indexes))
	for i, x := range indexes {
		t := tlog.TileForIndex(TileHeight, x)
		// Ask for as much of the tile as there is, so that each is read once.
		t.W = tileWidth
		if n := size>>(TileHeight*t.L) - t.N<<TileHeight; n < tileWidth {
			t.W = int(n)
		}
		j, ok := at[t]
		if !ok {
			j = len(tiles)
			at[t] = j
			tiles = append(tiles, t)
		}
		of[i] = j
	}
	data, err := from.Tiles(ctx, tiles)
	if err != nil {
		return nil, err
	}
	if len(data) != len(tiles) {
		return nil, fault.New(fault.Internal, "read the ledger's tree", "", fmt.Sprintf("%d tiles were asked for and %d came", len(tiles), len(data)), "")
	}
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if out[i], err = tlog.HashFromTile(tiles[of[i]], data[of[i]], x); err != nil {
			return nil, damaged(err)
		}
	}
	return out, nil
}
