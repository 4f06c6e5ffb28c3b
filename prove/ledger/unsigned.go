package ledger

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// VerifyLive verifies a ledger where it is, as Verify does an export. Its entries
// behind the newest checkpoint are counted as unsigned, and held to the tree that the
// next checkpoint will be of.
func VerifyLive(ctx context.Context, r Reader, o VerifyOptions) (*Report, error) {
	src, head, err := Live(ctx, r)
	if err != nil {
		return nil, err
	}
	rep, err := Verify(ctx, src, o)
	if err != nil {
		return rep, err
	}
	count, findings, err := Unsigned(ctx, r, head.N)
	rep.Unsigned = count
	rep.Total += len(findings)
	rep.Findings = append(rep.Findings, findings...)
	return rep, err
}

// Unsigned counts a ledger's entries from index signed on, and says which of them are
// not what the tree has: to sign that tree would be to vouch for other entries than
// those that are there.
func Unsigned(ctx context.Context, r Reader, signed int64) (count int64, findings []Finding, err error) {
	h, err := r.Head(ctx)
	if err != nil {
		return 0, nil, err
	}
	for from := signed; from < h.Size; {
		tile := tlog.Tile{H: TileHeight, L: 0, N: from >> TileHeight}
		first := tile.N << TileHeight
		to := min(first+tileWidth, h.Size)
		tile.W = int(to - first)
		bodies, err := r.Bodies(ctx, from, to)
		if err != nil {
			return 0, nil, err
		}
		hashes, err := r.Tiles(ctx, []tlog.Tile{tile})
		if err != nil {
			return 0, nil, err
		}
		for i, body := range bodies {
			at := from + int64(i)
			if problem := unsignedProblem(body, hashes[0][(at-first)*tlog.HashSize:][:tlog.HashSize]); problem != "" {
				findings = append(findings, Finding{From: at, To: at + 1, Problem: problem})
			}
		}
		from = to
	}
	return max(h.Size-signed, 0), findings, nil
}

// unsignedProblem says what is wrong with an entry that no checkpoint covers, "" if
// nothing is.
func unsignedProblem(body, leaf []byte) string {
	if h := leafHash(body); !slices.Equal(h[:], leaf) {
		return "it is not the one that was added to the tree"
	}
	if _, err := Decode(body); err != nil {
		return "it is no entry: " + public(err)
	}
	return ""
}

// sound is an error if what no checkpoint covers yet is not what was added: Blocked.
func sound(ctx context.Context, r Reader, signed int64) error {
	_, findings, err := Unsigned(ctx, r, signed)
	if err != nil || len(findings) == 0 {
		return err
	}
	return damaged(errors.New(findings[0].String()))
}
