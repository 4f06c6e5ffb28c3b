package worktree

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/assess"
)

// Stamp tells one state of a file from another without reading it. The zero
// Stamp says nothing and equals no file's.
type Stamp struct {
	Device, Inode uint64
	// Size is in bytes, Modified and Changed are nanoseconds since 1970. Nobody
	// can set Changed: the kernel does with every write and rename.
	Size, Modified, Changed int64
}

// Settled is how old a file's last change must be for its stamp to count. The
// next write is stamped by a clock that ticks every ten milliseconds at worst;
// the rest is margin.
const Settled = 2 * time.Second

// settled reports whether every later change will change the stamp: the last
// one is past, and the file system keeps times finer than a second.
func (s Stamp) settled(now time.Time) bool {
	return s.Changed%int64(time.Second) != 0 && s.Changed < now.Add(-Settled).UnixNano() && s.Modified < now.Add(-Settled).UnixNano()
}

// Stamped is Entries with the stamps of the files that are to be read; they are
// zero where stamps are not to be trusted: on file systems of other machines,
// on those that other systems write to, and where the kernel cannot vouch.
func (t *Tree) Stamped(ctx context.Context) ([]assess.Entry, []Stamp, error) {
	found, err := t.walk(ctx, t.device())
	if err != nil {
		return nil, nil, err
	}
	entries, stamps := make([]assess.Entry, len(found)), make([]Stamp, len(found))
	for i, f := range found {
		entries[i], stamps[i] = f.Entry, f.stamp
	}
	return entries, stamps, nil
}

// Entries implements assess.Source. Folders are walked in parallel.
func (t *Tree) Entries(ctx context.Context) ([]assess.Entry, error) {
	found, err := t.walk(ctx, 0)
	if err != nil {
		return nil, err
	}
	entries := make([]assess.Entry, len(found))
	for i, f := range found {
		entries[i] = f.Entry
	}
	return entries, nil
}

// stamped is an entry with its stamp.
type stamped struct {
	assess.Entry
	stamp Stamp
}

func sortByPath(found []stamped) {
	slices.SortFunc(found, func(a, b stamped) int { return cmp.Compare(a.Path, b.Path) })
}
