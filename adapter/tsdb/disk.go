package tsdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lockDir makes a folder this process' own until the file is closed or the process is
// gone, however that ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "aeod.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", errLocked, f.Name())
		}
		return nil, err
	}
	return f, nil
}

// free returns how many bytes this user may still write to the disk of a folder.
func free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// room remembers whether the disk has room: it is asked once a second.
type room struct {
	now  func() time.Time
	lock *os.File

	mu    sync.Mutex
	asked time.Time
	err   error
}

// check returns an error that is ErrDisk if there is less room than must be left.
func (r *room) check(o *Options) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if since := now.Sub(r.asked); since >= 0 && since < time.Second {
		return r.err
	}
	before := r.err
	r.asked, r.err = now, nil
	n, err := o.Free(o.Dir)
	switch {
	case err != nil:
		r.err = fmt.Errorf("%w: it cannot be asked: %w", ErrDisk, err)
	case n < o.MinFree:
		r.err = fmt.Errorf("%w: %d MiB are left of the %d MiB that stay free", ErrDisk, n>>20, o.MinFree>>20)
	}
	if (before == nil) != (r.err == nil) {
		if r.err != nil {
			o.Log.Error("no more metrics are kept", "dir", o.Dir, "error", r.err.Error())
		} else {
			o.Log.Warn("metrics are kept again: there is room", "dir", o.Dir)
		}
	}
	return r.err
}
