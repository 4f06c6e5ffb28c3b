package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

// ErrKept says that the run directory has a living keeper.
var ErrKept = errors.New("the cluster has a keeper already")

// lock is the proof that a keeper is the only one of its run directory. The
// kernel gives it up with the process, however that ends.
type lock struct{ file *os.File }

// take locks the run directory, or returns ErrKept.
func take(l layout) (*lock, error) {
	for {
		f, err := os.OpenFile(l.lock(), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock the run directory: %w", err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, ErrKept
			}
			return nil, fmt.Errorf("lock the run directory: %w", err)
		}
		if sameFile(f, l.lock()) {
			return &lock{f}, nil
		}
		f.Close() // the holder removed the file before it let go: what we hold is no lock any more
	}
}

// takeFirmly is take that does not give way to those who only look whether the
// lock is held, which they do by holding it for a moment.
func takeFirmly(ctx context.Context, l layout) (*lock, error) {
	for range 20 {
		held, err := take(l)
		if !errors.Is(err, ErrKept) {
			return held, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil, ErrKept
}

// HasKeeper reports whether the run directory dir has a living keeper.
func HasKeeper(dir string) bool {
	if _, err := os.Stat(dir); err != nil {
		return false
	}
	held, err := take(layout{dir})
	if err == nil {
		held.release()
	}
	return errors.Is(err, ErrKept)
}

func sameFile(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}

func (k *lock) release() { k.file.Close() }

// record writes who the keeper is, for those who must end it when it does not
// answer.
func record(l layout) error {
	id, err := process.Identify(os.Getpid())
	if err != nil {
		return err
	}
	text, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("record the keeper: %w", err)
	}
	if err := os.WriteFile(l.identity(), text, 0o600); err != nil {
		return fmt.Errorf("record the keeper: %w", err)
	}
	return nil
}

// recorded reads what record wrote.
func recorded(l layout) (process.Identity, error) {
	text, err := os.ReadFile(l.identity())
	if err != nil {
		return process.Identity{}, fmt.Errorf("read who the keeper is: %w", err)
	}
	var id process.Identity
	if err := json.Unmarshal(text, &id); err != nil {
		return process.Identity{}, fmt.Errorf("read who the keeper is: %w", err)
	}
	return id, nil
}
