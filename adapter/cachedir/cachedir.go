// Package cachedir keeps results on the disk under the user's cache folder,
// by the hash of all that they were made of.
//
// An entry is valid by its name alone, so nothing ever has to be invalidated.
// Each holds its own checksum: a damaged or half-written one counts as absent.
package cachedir

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/autoecoops/autoecoops/fault"
)

// Keep is how many entries a Dir holds, and MaxBytes how much they may take
// together; the oldest go first, the newest stays whatever its size.
const (
	Keep     = 64
	MaxBytes = 256 << 20
)

// Dir is a cache folder. It is safe for concurrent use by several processes.
type Dir struct{ path string }

// Key names an entry: the hash of everything that it depends on.
type Key [sha256.Size]byte

// Open returns the cache called name below the user's cache folder. It makes
// nothing on the disk yet.
func Open(name string) (*Dir, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "find the cache folder", "", err, "set XDG_CACHE_HOME, or use --no-cache")
	}
	return &Dir{filepath.Join(base, "aeo", name)}, nil
}

func (d *Dir) file(k Key) string { return filepath.Join(d.path, hex.EncodeToString(k[:])) }

// Get returns the entry, ok is false if there is none that is intact.
func (d *Dir) Get(k Key) (value []byte, ok bool) {
	text, err := os.ReadFile(d.file(k))
	if err != nil || len(text) < sha256.Size {
		return nil, false
	}
	sum := newSum(k)
	sum.Write(text[sha256.Size:])
	if !bytes.Equal(sum.Sum(nil), text[:sha256.Size]) {
		return nil, false
	}
	return text[sha256.Size:], true
}

// newSum begins an entry's checksum. It covers the key too, so that an entry
// under another's name is absent.
func newSum(k Key) hash.Hash {
	h := sha256.New()
	h.Write(k[:])
	return h
}

// Put writes the entry whole or not at all.
func (d *Dir) Put(k Key, value []byte) error {
	w, err := d.Create(k)
	if err != nil {
		return err
	}
	defer w.Discard()
	if _, err := w.Write(value); err != nil {
		return err
	}
	return w.Commit()
}

// Draft is an entry that is being written. Nobody sees it before Commit.
type Draft struct {
	dir  *Dir
	key  Key
	file *os.File
	sum  hash.Hash
	err  error
	// done is set when the file is an entry or gone.
	done bool
}

// Create begins an entry. Commit or Discard it.
func (d *Dir) Create(k Key) (*Draft, error) {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return nil, d.fail(err)
	}
	f, err := os.CreateTemp(d.path, ".new-*")
	if err != nil {
		return nil, d.fail(err)
	}
	w := &Draft{dir: d, key: k, file: f, sum: newSum(k)}
	// The checksum comes first; its place is filled at the end.
	if _, err := f.Write(make([]byte, sha256.Size)); err != nil {
		w.Discard()
		return nil, d.fail(err)
	}
	return w, nil
}

func (d *Dir) fail(err error) error {
	return fault.Wrap(fault.Unavailable, "write the cache", d.path, err, "check the folder's permissions and the free space, or use --no-cache")
}

// Write implements io.Writer. The first error stays for Commit.
func (w *Draft) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.sum.Write(p[:n])
	if err != nil {
		w.err = w.dir.fail(err)
	}
	return n, w.err
}

// Commit makes the entry, in place of one of the same key. If it cannot, there
// is none.
func (w *Draft) Commit() error {
	if w.err != nil {
		return w.err
	}
	defer w.Discard()
	if _, err := w.file.WriteAt(w.sum.Sum(nil), 0); err != nil {
		return w.dir.fail(err)
	}
	if err := w.file.Close(); err != nil {
		return w.dir.fail(err)
	}
	if err := os.Rename(w.file.Name(), w.dir.file(w.key)); err != nil {
		return w.dir.fail(err)
	}
	w.done = true
	w.dir.prune()
	return nil
}

// Discard gives the draft up; after Commit it does nothing.
func (w *Draft) Discard() {
	if w.done {
		return
	}
	w.done = true
	w.err = cmp.Or(w.err, w.dir.fail(os.ErrClosed))
	_ = w.file.Close() // it may be closed already
	_ = os.Remove(w.file.Name())
}

// prune removes the oldest entries beyond Keep and MaxBytes. It is best
// effort: another process may do the same.
func (d *Dir) prune() {
	list, err := os.ReadDir(d.path)
	if err != nil {
		return
	}
	infos := make([]fs.FileInfo, 0, len(list))
	for _, e := range list {
		if i, err := e.Info(); err == nil {
			infos = append(infos, i)
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	size := int64(0)
	for n, i := range infos {
		if size += i.Size(); n > 0 && (n >= Keep || size > MaxBytes) {
			_ = os.Remove(filepath.Join(d.path, i.Name())) // gone already is as good
		}
	}
}
