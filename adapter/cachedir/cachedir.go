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
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/autoecoops/autoecoops/fault"
)

// Keep is how many entries a Dir holds; the oldest go first.
const Keep = 64

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
	if sum := checksum(k, text[sha256.Size:]); !bytes.Equal(sum, text[:sha256.Size]) {
		return nil, false
	}
	return text[sha256.Size:], true
}

// checksum covers the key too, so that an entry under another's name is absent.
func checksum(k Key, value []byte) []byte {
	h := sha256.New()
	h.Write(k[:])
	h.Write(value)
	return h.Sum(nil)
}

// Put writes the entry whole or not at all.
func (d *Dir) Put(k Key, value []byte) error {
	fail := func(err error) error {
		return fault.Wrap(fault.Unavailable, "write the cache", d.path, err, "check the folder's permissions, or use --no-cache")
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(d.path, ".new-*")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(append(checksum(k, value), value...)); err != nil {
		f.Close()
		return fail(err)
	}
	if err := f.Close(); err != nil {
		return fail(err)
	}
	if err := os.Rename(f.Name(), d.file(k)); err != nil {
		return fail(err)
	}
	d.prune()
	return nil
}

// prune removes the oldest entries beyond Keep. It is best effort: another
// process may do the same.
func (d *Dir) prune() {
	list, err := os.ReadDir(d.path)
	if err != nil || len(list) <= Keep {
		return
	}
	var infos []fs.FileInfo
	for _, e := range list {
		if i, err := e.Info(); err == nil {
			infos = append(infos, i)
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, i := range infos[min(Keep, len(infos)):] {
		_ = os.Remove(filepath.Join(d.path, i.Name())) // gone already is as good
	}
}
