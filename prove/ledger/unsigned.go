package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// VerifyLive verifies a ledger where it is, as Verify does an export. Its entries
// behind the newest checkpoint are counted as unsigned, and held to the tree that the
// next checkpoint will be of.
func VerifyLive(ctx context.Context, r Reader, o VerifyOptions) (*Report, error) {
	src, head, err := Live(ctx, r)
	if fault.KindOf(err) == fault.NotFound && len(o.Kept) > 0 {
		return emptied(ctx, r, o, err)
	}
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

// emptied reports on a ledger that has no checkpoint though somebody kept one of it.
func emptied(ctx context.Context, r Reader, o VerifyOptions, none error) (*Report, error) {
	h, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	key := o.Key
	if key == nil {
		if key, err = ParseKey(h.Key); err != nil {
			return nil, none
		}
	}
	rep := &Report{Origin: key.name, Key: key.String(), KeyGiven: o.Key != nil, Unsigned: h.Size, Findings: []Finding{}, Cosigned: []Cosignature{}}
	for _, k := range o.Kept {
		f := Finding{From: -1, To: -1}
		c, err := OpenCheckpoint(k.Note, key, o.Witnesses...)
		switch {
		case err != nil:
			f.Problem = fmt.Sprintf("the kept checkpoint %s is not of this log: %s", k.Name, public(err))
		case c.N == 0:
			continue
		default:
			f.From, f.To = 0, c.N
			f.Problem = fmt.Sprintf("missing: the kept checkpoint %s is of %d entries, signed at %s, and the log has no checkpoint any more", k.Name, c.N, stamp(c.Time))
		}
		rep.Total++
		rep.Findings = append(rep.Findings, f)
	}
	if rep.Total == 0 {
		return nil, none
	}
	return rep, nil
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
		if fault.KindOf(err) == fault.Blocked && err != nil {
			findings = append(findings, Finding{From: from, To: to, Problem: "not all of them are in the tree: something was added behind the ledger's back, or the tree was cut"})
			from = to
			continue
		}
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

// Changed returns those of some items whose text is not the one that is in the tree.
func Changed(ctx context.Context, r Reader, items []*Item) (changed []int64, err error) {
	h, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	var leaves []byte
	loaded := int64(-1)
	for _, i := range items {
		n := i.Index >> TileHeight
		if n != loaded {
			tile := tlog.Tile{H: TileHeight, L: 0, N: n, W: int(min(tileWidth, h.Size-n<<TileHeight))}
			data, err := r.Tiles(ctx, []tlog.Tile{tile})
			if err != nil && fault.KindOf(err) != fault.Blocked {
				return nil, err
			}
			leaves, loaded = nil, n
			if err == nil {
				leaves = data[0]
			}
		}
		at := int(i.Index-n<<TileHeight) * tlog.HashSize
		if len(leaves) < at+tlog.HashSize || unsignedProblem(i.Body, leaves[at:at+tlog.HashSize]) != "" {
			changed = append(changed, i.Index)
		}
	}
	return changed, nil
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
