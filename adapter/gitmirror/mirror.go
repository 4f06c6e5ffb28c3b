package gitmirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/autoecoops/autoecoops/deliver/flight"
	"github.com/autoecoops/autoecoops/fault"
)

// seenRefs is where the objects that were fetched whole are noted, one
// reference each, called like the object.
const seenRefs = "refs/aeo/seen"

// mirror is one bare repository on the disk.
type mirror struct {
	key string
	// dir is the repository; dir+".lock" is its lock.
	dir     string
	lists   flight.Group[*listing]
	fetches flight.Group[struct{}]
	gate    chan struct{} // holds the right to change dir, in this process

	mu     sync.Mutex
	grants map[string]bool // digests of who may read it
	// complete holds the ids of folders that lack no file.
	complete map[string]bool
	// asked are the paths that somebody reads, of any commit.
	asked map[string]bool
	// suffixed says that the server wants ".git" at the end of the address.
	suffixed bool
}

func newMirror(key, dir string) *mirror {
	r := &mirror{key: key, dir: dir, gate: make(chan struct{}, 1), grants: map[string]bool{}, complete: map[string]bool{}}
	r.gate <- struct{}{}
	return r
}

func (r *mirror) grant(who string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.grants) >= flight.MaxCalls {
		clear(r.grants)
	}
	r.grants[who] = true
}

func (r *mirror) granted(who string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.grants[who]
}

// lockRetry is how often a lock that another process holds is tried.
const lockRetry = 20 * time.Millisecond

// lock waits for the right to change the mirror, against other callers and
// other processes. The file goes to each git that changes the mirror: its copy
// keeps the lock if this process is killed before git is.
func (r *mirror) lock(ctx context.Context) (*os.File, func(), error) {
	select {
	case <-r.gate:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	f, err := flock(ctx, r.dir+".lock")
	if err != nil {
		r.gate <- struct{}{}
		return nil, nil, err
	}
	return f, func() {
		// Unlocking says so for every copy of the descriptor, closing only
		// gives up this one.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close()
		r.gate <- struct{}{}
	}, nil
}

func flock(ctx context.Context, name string) (*os.File, error) {
	const op = "lock git mirror"
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, "", err, "the cache's folder must be writable and have space")
	}
	tick := time.NewTicker(lockRetry)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fault.Wrap(fault.Unavailable, op, "", err, "the cache needs a file system with locks"), f.Close())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(fault.Wrap(fault.TimedOut, op, "", context.Cause(ctx), "another process works on the same mirror"), f.Close())
		}
	}
}

// has reports whether an object was fetched whole. A reference that a crash
// left empty or half-written doesn't count.
func (r *mirror) has(id string) bool {
	text, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(seenRefs), id))
	return err == nil && strings.TrimSpace(string(text)) == id
}

// prepare makes the repository, or clears away what a killed git left in it.
// The caller holds the lock, so nothing that looks unfinished is still worked on.
func (m *Mirrors) prepare(ctx context.Context, r *mirror, lock *os.File, idLen int, partial bool) error {
	const op = "prepare git mirror"
	if _, err := os.Stat(filepath.Join(r.dir, "HEAD")); err == nil {
		if err := sweep(r.dir); err != nil {
			return fault.Wrap(fault.Unavailable, op, "", err, "the cache's folder must be writable")
		}
		return nil
	}
	fresh := r.dir + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(r.dir)); err != nil {
		return fault.Wrap(fault.Unavailable, op, "", err, "the cache's folder must be writable")
	}
	format := "sha1"
	if idLen == 64 {
		format = "sha256"
	}
	if _, err := m.local(ctx, "", lock, nil, "init", "--quiet", "--bare", "--template=", "--object-format="+format, fresh); err != nil {
		return err
	}
	if partial {
		if err := os.WriteFile(filepath.Join(fresh, partialMark), nil, 0o600); err != nil {
			return fault.Wrap(fault.Unavailable, op, "", err, "the cache's folder must be writable and have space")
		}
	}
	if err := os.Rename(fresh, r.dir); err != nil {
		return fault.Wrap(fault.Unavailable, op, "", err, "the cache's folder must be writable")
	}
	return nil
}

// sweep removes locks, temporary files and broken references of a git that was
// killed.
func sweep(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		name := d.Name()
		switch {
		case d.IsDir() && (strings.HasPrefix(name, "tmp_objdir-") || strings.HasPrefix(name, "incoming-")):
			if err := os.RemoveAll(p); err != nil {
				return err
			}
			return filepath.SkipDir
		case !d.IsDir() && (strings.HasSuffix(name, ".lock") || strings.HasPrefix(name, "tmp_") || strings.HasPrefix(name, ".tmp-")):
			return os.Remove(p)
		case !d.IsDir() && validID(name) && strings.Contains(filepath.ToSlash(p), "/refs/aeo/"):
			return removeBroken(p, d, len(name)+1)
		}
		return nil
	})
}

// removeBroken removes a reference that a crash of the machine cut short: git
// would refuse to write it anew.
func removeBroken(p string, d fs.DirEntry, size int) error {
	info, err := d.Info()
	if err != nil || info.Size() == int64(size) {
		return err
	}
	return os.Remove(p)
}

// folderSize sums up the files of a folder, in bytes.
func folderSize(dir string) (int64, error) {
	total := int64(0)
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // it may vanish while git works
		}
		if info, err := d.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total, err
}

func contentHash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
