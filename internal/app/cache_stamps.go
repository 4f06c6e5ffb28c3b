package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/cachedir"
	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/assess"
)

// stampedSource is a tree whose files have stamps (see worktree.Stamp).
type stampedSource interface {
	Stamped(ctx context.Context) ([]assess.Entry, []worktree.Stamp, error)
	ReadStamped(dst []byte, name string, now time.Time) ([]byte, worktree.Stamp, error)
}

// contents reads files and tells what they hold. Of files that did not change
// since they were read, it knows without reading: it remembers their digests by
// their stamps, as Git's index does, but only where the kernel vouched that
// every change would change the stamp. What it does not know, it reads.
type contents struct {
	src     assess.Source
	entries []assess.Entry
	dir     *cachedir.Dir
	key     cachedir.Key
	now     time.Time

	// known are the files that are as they were.
	known map[string]fileDigest
	mu    sync.Mutex
	// fresh are the files that were read and whose stamp can be trusted.
	fresh map[string]fileDigest
}

// fileDigest is a file's stamp and the digest of its content.
type fileDigest struct {
	stamp  worktree.Stamp
	digest string
}

// openContents lists a tree and loads what is known of it. name is the path
// that the tree was opened by.
func openContents(ctx context.Context, src assess.Source, dir *cachedir.Dir, name string, now time.Time) (*contents, error) {
	c := &contents{src: src, dir: dir, now: now, known: map[string]fileDigest{}, fresh: map[string]fileDigest{}}
	tree, ok := src.(stampedSource)
	if !ok {
		var err error
		c.entries, err = src.Entries(ctx)
		return c, err
	}
	entries, stamps, err := tree.Stamped(ctx)
	if err != nil {
		return nil, err
	}
	c.entries = entries
	c.key = stampsKey(name)
	text, ok := dir.Get(c.key)
	if !ok {
		return c, nil
	}
	rows, written := parseStamps(text)
	if written > now.UnixNano() {
		return c, nil // the clock was set back: times mean nothing
	}
	// Both are sorted by path.
	for i, r := 0, 0; i < len(entries) && r < len(rows); {
		switch order := cmp.Compare(entries[i].Path, rows[r].path); {
		case order < 0:
			i++
		case order > 0:
			r++
		default:
			if stamps[i] == rows[r].stamp && stamps[i] != (worktree.Stamp{}) {
				c.known[rows[r].path] = rows[r].fileDigest
			}
			i++
			r++
		}
	}
	return c, nil
}

// stampsKey names what is known of the tree at a path. Who may read a file may
// not be who may see its stamp, so it is not shared between users.
func stampsKey(name string) cachedir.Key {
	h := newAbsorber()
	abs, err := filepath.Abs(name)
	if err != nil {
		abs = name
	}
	groups, err := os.Getgroups()
	h.put(cacheVersion, "stamps", abs, fmt.Sprint(os.Geteuid(), os.Getegid(), groups, err))
	return h.key()
}

// answer tells what a file holds now, as contentAnswer does. room is as in
// look.take.
func (c *contents) answer(name string, room []byte) (answer string, used []byte) {
	if f, ok := c.known[name]; ok {
		return f.digest, room
	}
	text, answer, _ := c.read(room[:0], name) // the answer holds the error
	return answer, text
}

// read reads a file and tells what it holds.
func (c *contents) read(room []byte, name string) (text []byte, answer string, err error) {
	tree, ok := c.src.(stampedSource)
	if !ok || !c.listed(name) {
		text, err = appendFile(c.src, room, name)
		return text, contentAnswer(text, err), err
	}
	text, stamp, err := tree.ReadStamped(room, name, c.now)
	answer = contentAnswer(text, err)
	if err == nil && stamp != (worktree.Stamp{}) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if f, ok := c.known[name]; !ok || f.stamp != stamp {
			c.fresh[name] = fileDigest{stamp, answer}
		}
	}
	return text, answer, err
}

// listed reports whether a name is that of a file that the walk found and that
// is not left out; only those have stamps to compare with the next time.
func (c *contents) listed(name string) bool {
	i, found := slices.BinarySearchFunc(c.entries, name, func(e assess.Entry, name string) int { return cmp.Compare(e.Path, name) })
	return found && c.entries[i].Skip == "" && c.entries[i].Unreadable == ""
}

// save remembers what was learned. A cache that cannot be written is no failure.
func (c *contents) save() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.fresh) == 0 {
		return
	}
	all := maps.Clone(c.known)
	maps.Copy(all, c.fresh)
	_ = c.dir.Put(c.key, formatStamps(all, c.now))
}

// stampRow is one file of what is remembered.
type stampRow struct {
	path string
	fileDigest
}

// stampNumbers is the size in bytes of a stamp and a digest.
const stampNumbers = 5*8 + sha256.Size

// formatStamps writes what is known of files, sorted by path, and when.
func formatStamps(files map[string]fileDigest, now time.Time) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		for _, n := range []uint64{f.stamp.Device, f.stamp.Inode, uint64(f.stamp.Size), uint64(f.stamp.Modified), uint64(f.stamp.Changed)} {
			b = binary.BigEndian.AppendUint64(b, n)
		}
		b = append(b, f.digest...)
	}
	return b
}

// parseStamps reads what formatStamps wrote; of anything else it returns nothing.
func parseStamps(b []byte) (rows []stampRow, written int64) {
	if len(b) < 8 {
		return nil, 0
	}
	written = int64(binary.BigEndian.Uint64(b))
	b = b[8:]
	text := string(b) // the rows share its memory
	rows = make([]stampRow, 0, len(b)/(stampNumbers+32))
	for at := 0; at < len(b); {
		length, width := binary.Uvarint(b[at:])
		at += max(width, 0)
		if width <= 0 || length > uint64(len(b)) || at+int(length)+stampNumbers > len(b) {
			return nil, written
		}
		row := stampRow{path: text[at : at+int(length)]}
		at += int(length)
		n := func(i int) uint64 { return binary.BigEndian.Uint64(b[at+8*i:]) }
		row.stamp = worktree.Stamp{Device: n(0), Inode: n(1), Size: int64(n(2)), Modified: int64(n(3)), Changed: int64(n(4))}
		row.digest = text[at+5*8 : at+stampNumbers]
		at += stampNumbers
		rows = append(rows, row)
	}
	return rows, written
}
