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
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/autoecoops/autoecoops/fault"
)

// Keep is how many entries a Dir holds, and MaxBytes how much one may take, and
// all of them together; the oldest go first.
const (
	Keep     = 256
	MaxBytes = 256 << 20
)

// errTooLarge is why a value is not kept.
var errTooLarge = errors.New("the entry is too large")

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

// piece is the size in bytes of what is hashed at a time, so that reading a
// large entry takes all processors.
const piece = 256 << 10

// Get returns the entry, ok is false if there is none that is intact.
func (d *Dir) Get(k Key) (value []byte, ok bool) {
	f, size, ok := d.open(k)
	if !ok {
		return nil, false
	}
	defer f.Close()
	value = make([]byte, size)
	ok = intact(f, k, size, func() room {
		return func(from, to int64) []byte { return value[from:to] }
	})
	return value, ok
}

// Entry is an intact entry that is open for copying. Close it.
type Entry struct {
	file     *os.File
	from, to int64 // bytes of the file that are left
}

// Find opens an entry, ok is false if there is none that is intact. The value
// is not held in memory.
func (d *Dir) Find(k Key) (e *Entry, ok bool) {
	f, size, ok := d.open(k)
	if !ok {
		return nil, false
	}
	ok = intact(f, k, size, func() room {
		buf := make([]byte, 64<<10)
		return func(from, to int64) []byte { return buf[:min(to-from, int64(len(buf)))] }
	})
	if !ok {
		f.Close()
		return nil, false
	}
	return &Entry{f, sha256.Size, sha256.Size + size}, true
}

// Line takes the first line off the value and returns it without its end; ok is
// false if none ends within 64 KiB.
func (e *Entry) Line() (line []byte, ok bool) {
	text := make([]byte, min(e.to-e.from, 64<<10))
	if _, err := e.file.ReadAt(text, e.from); err != nil {
		return nil, false
	}
	line, _, ok = bytes.Cut(text, []byte("\n"))
	if ok {
		e.from += int64(len(line)) + 1
	}
	return line, ok
}

// WriteTo implements io.WriterTo. The kernel copies from file to file.
func (e *Entry) WriteTo(w io.Writer) (int64, error) {
	if _, err := e.file.Seek(e.from, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.Copy(w, io.LimitReader(e.file, e.to-e.from))
	if err == nil && n < e.to-e.from {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements io.Closer.
func (e *Entry) Close() error { return e.file.Close() }

// open opens an entry's file and returns the size of its value in bytes.
func (d *Dir) open(k Key) (f *os.File, size int64, ok bool) {
	f, err := os.Open(d.file(k))
	if err != nil {
		return nil, 0, false
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < sha256.Size || info.Size() > MaxBytes {
		f.Close()
		return nil, 0, false
	}
	return f, info.Size() - sha256.Size, true
}

// room returns where the bytes of a value from one place to another are read to,
// or as many of them as are read at a time.
type room func(from, to int64) []byte

// intact reads a value and compares its checksum. Each worker has a room of its
// own.
func intact(f *os.File, k Key, size int64, newRoom func() room) bool {
	var want [sha256.Size]byte
	if _, err := f.ReadAt(want[:], 0); err != nil {
		return false
	}
	sums := make([][sha256.Size]byte, (size+piece-1)/piece)
	var next atomic.Int64
	var failed atomic.Bool
	work := func() {
		part, room := sha256.New(), newRoom()
		for i := next.Add(1) - 1; i < int64(len(sums)) && !failed.Load(); i = next.Add(1) - 1 {
			part.Reset()
			for from, to := i*piece, min((i+1)*piece, size); from < to; {
				buf := room(from, to)
				n, _ := f.ReadAt(buf, sha256.Size+from)
				if n == 0 {
					failed.Store(true) // it is shorter than it was
					return
				}
				part.Write(buf[:n])
				from += int64(n)
			}
			part.Sum(sums[i][:0])
		}
	}
	var wg sync.WaitGroup
	for range min(len(sums), runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	sum := newChecksum(k)
	for _, s := range sums {
		sum.all.Write(s[:])
	}
	return !failed.Load() && [sha256.Size]byte(sum.total()) == want
}

// checksum is the hash of a key and of the hashes of a value's pieces. It covers
// the key so that an entry under another's name is absent.
type checksum struct {
	all, part hash.Hash
	filled    int
}

func newChecksum(k Key) *checksum {
	c := &checksum{all: sha256.New(), part: sha256.New()}
	c.all.Write(k[:])
	return c
}

// Write implements io.Writer; it never fails.
func (c *checksum) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		head := p[:min(len(p), piece-c.filled)]
		c.part.Write(head)
		c.filled += len(head)
		p = p[len(head):]
		if c.filled == piece {
			c.end()
		}
	}
	return n, nil
}

// end closes a piece.
func (c *checksum) end() {
	c.all.Write(c.part.Sum(nil))
	c.part.Reset()
	c.filled = 0
}

// total closes the last piece and returns the checksum.
func (c *checksum) total() []byte {
	if c.filled > 0 {
		c.end()
	}
	return c.all.Sum(nil)
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
	sum  *checksum
	size int64 // in bytes
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
	w := &Draft{dir: d, key: k, file: f, sum: newChecksum(k)}
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
	if w.size += int64(len(p)); w.err == nil && w.size > MaxBytes-sha256.Size {
		w.err = w.dir.fail(errTooLarge)
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	_, _ = w.sum.Write(p[:n]) // it never fails
	if err != nil {
		w.err = w.dir.fail(err)
	}
	return n, w.err
}

// Commit makes the entry, in place of one of the same key. If it cannot, there
// is none.
func (w *Draft) Commit() error {
	defer w.Discard()
	if w.err != nil {
		return w.err
	}
	if _, err := w.file.WriteAt(w.sum.total(), 0); err != nil {
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
		if size += i.Size(); n >= Keep || size > MaxBytes {
			_ = os.Remove(filepath.Join(d.path, i.Name())) // gone already is as good
		}
	}
}
