package ledger

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/mod/sumdb/tlog"
)

// bundle is a file of entries, read and hashed.
type bundle struct {
	path string
	// first is the index of its first entry, width how many it should have.
	first int64
	width int
	// hashes are of the entries that it has; entries are nil where errs says
	// why.
	hashes  []tlog.Hash
	entries []*Entry
	errs    []string
	// rest counts the bytes that are no whole entry.
	rest int
	// problem says why it could not be read at all; err why not even that.
	problem string
	err     error
}

// bundles reads all bundles in their order, several at once.
func (v *verifier) bundles(ctx context.Context) <-chan chan *bundle {
	workers := runtime.GOMAXPROCS(0)
	ordered := make(chan chan *bundle, workers)
	free := make(chan struct{}, workers)
	go func() {
		defer close(ordered)
		for t := range tilesOf(v.head.N, -1) {
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return
			}
			out := make(chan *bundle, 1)
			go func() {
				out <- readBundle(ctx, v.src, t)
				<-free
			}()
			select {
			case ordered <- out:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ordered
}

func readBundle(ctx context.Context, src Source, t tlog.Tile) *bundle {
	b := &bundle{path: tilePath(t), first: t.N << TileHeight, width: t.W}
	var data []byte
	data, b.problem, b.err = read(ctx, src, b.path, maxBundle)
	if b.err != nil || b.problem != "" {
		return b
	}
	var bodies [][]byte
	bodies, b.rest = splitBundle(data)
	n := len(bodies)
	b.hashes, b.entries, b.errs = make([]tlog.Hash, n), make([]*Entry, n), make([]string, n)
	for i, body := range bodies {
		b.hashes[i] = leafHash(body)
		e, err := Decode(body)
		if err != nil {
			b.errs[i] = public(err)
			continue
		}
		b.entries[i] = e
	}
	return b
}

func joinHashes(hashes []tlog.Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

// compare says how the entries of a bundle differ from the hashes of those
// that belong there; true if they do not.
func (v *verifier) compare(b *bundle, want []tlog.Hash) bool {
	if b.problem != "" {
		v.find(b.first, b.first+int64(b.width), b.path, b.problem)
		return false
	}
	got := b.hashes
	head := 0
	for head < len(want) && head < len(got) && want[head] == got[head] {
		head++
	}
	tail := 0
	for tail < len(want)-head && tail < len(got)-head && want[len(want)-1-tail] == got[len(got)-1-tail] {
		tail++
	}
	lost, found := want[head:len(want)-tail], got[head:len(got)-tail]
	from := b.first + int64(head)
	to := from + int64(len(lost))
	switch {
	case len(lost) == 0 && len(found) == 0 && b.rest == 0:
		return true
	case len(lost) == 0 && len(found) == 0:
		v.findFile(b.path, "there are %d bytes behind the last entry", b.rest)
	case len(found) == 0:
		v.find(from, to, b.path, "missing from the file")
	case len(lost) == 0:
		v.findFile(b.path, "%d entries that are not in the log were put in before entry %d", len(found), from)
	case len(lost) == len(found):
		v.places(b, from, want, lost, found)
	default:
		v.find(from, to, b.path, fmt.Sprintf("%d entries belong here, and the file has %d others in their place", len(lost), len(found)))
	}
	return false
}

// places says for each place what is wrong in it.
func (v *verifier) places(b *bundle, from int64, want, lost, found []tlog.Hash) {
	home := make(map[tlog.Hash]int64, len(want))
	for i, h := range want {
		home[h] = b.first + int64(i)
	}
	for i := range lost {
		at := from + int64(i)
		if lost[i] == found[i] {
			continue
		}
		if from, moved := home[found[i]]; moved {
			v.find(at, at+1, b.path, fmt.Sprintf("moved: entry %d stands in its place", from))
			continue
		}
		v.find(at, at+1, b.path, "changed: it is not what was recorded")
	}
}
