package gitmirror

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Collected says what Collect did.
type Collected struct {
	// Mirrors were looked at, Removed of them given up whole.
	Mirrors, Removed int
	// Commits were given up, in all mirrors.
	Commits int
	// Before and After are the sizes of all mirrors, in bytes.
	Before, After int64
}

// grace is how long a commit that was just used is never collected: somebody
// may be reading it. A Tree must not be used longer without fetching again.
const grace = time.Hour

// manyPacks is when the packs of a mirror are joined into one, even if nothing
// is given up: each look-up asks every one of them.
const manyPacks = 40

// Collect gives up commits that were not used for longer than maxAge and are
// not kept, and the least recently used ones of mirrors larger than maxSize
// bytes (0: any size). One mirror's trouble doesn't stop the others.
func (m *Mirrors) Collect(ctx context.Context, maxAge time.Duration, maxSize int64) (Collected, error) {
	var sum Collected
	list, err := os.ReadDir(m.dir)
	if err != nil {
		return sum, fault.Wrap(fault.Unavailable, "collect git mirrors", "", err, "the cache's folder must be readable")
	}
	var all error
	for _, d := range list {
		if !d.IsDir() || len(d.Name()) != 32 || ctx.Err() != nil {
			continue
		}
		if err := m.collect(ctx, m.mirrorIn(filepath.Join(m.dir, d.Name())), maxAge, maxSize, &sum); err != nil {
			all = errors.Join(all, err)
		}
	}
	return sum, errors.Join(all, ctx.Err())
}

// mirrorIn returns the mirror of a folder, whose address need not be known.
func (m *Mirrors) mirrorIn(dir string) *mirror {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.mirrors {
		if r.dir == dir {
			return r
		}
	}
	return newMirror("", dir)
}

// use is a commit and when it was last wanted.
type use struct {
	id   string
	last time.Time
}

func (m *Mirrors) collect(ctx context.Context, r *mirror, maxAge time.Duration, maxSize int64, sum *Collected) error {
	lock, unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	before, err := folderSize(r.dir)
	if err != nil {
		return err
	}
	sum.Mirrors++
	sum.Before += before
	if err := m.thin(ctx, r, lock, before, maxAge, maxSize, sum); err != nil {
		return fault.Wrap(fault.Unavailable, "collect git mirror", r.key, err, "the cache may be damaged or the disk full; clearing the cache helps")
	}
	after, err := folderSize(r.dir)
	sum.After += after
	return err
}

func (m *Mirrors) thin(ctx context.Context, r *mirror, lock *os.File, size int64, maxAge time.Duration, maxSize int64, sum *Collected) error {
	if err := sweep(r.dir); err != nil {
		return err
	}
	uses, err := r.uses()
	if err != nil {
		return err
	}
	kept, err := filepath.Glob(filepath.Join(r.dir, filepath.FromSlash(keepRefs), "*", "*"))
	if err != nil {
		return err
	}
	now, gone := m.opts.Now(), 0
	for i, u := range uses {
		age := now.Sub(u.last)
		// What each commit costs alone is not known: an equal share is taken.
		tooLarge := maxSize > 0 && size-int64(gone)*size/int64(len(uses)) > maxSize
		if age < grace || age <= maxAge && !tooLarge {
			continue
		}
		if err := os.Remove(filepath.Join(r.dir, filepath.FromSlash(seenRefs), u.id)); err != nil {
			return err
		}
		uses[i].id = ""
		gone++
	}
	sum.Commits += gone
	if len(uses) == gone && len(kept) == 0 && !now.Before(r.born().Add(grace)) {
		sum.Removed++
		m.pool.drop(r.dir)
		return os.RemoveAll(r.dir)
	}
	packs, err := filepath.Glob(filepath.Join(r.dir, "objects", "pack", "*.pack"))
	if err != nil || gone == 0 && len(packs) <= manyPacks {
		return err
	}
	return m.repack(ctx, r, lock, packs)
}

// born is when the mirror was made.
func (r *mirror) born() time.Time {
	info, err := os.Stat(filepath.Join(r.dir, "HEAD"))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// uses lists the fetched commits, least recently used first.
func (r *mirror) uses() ([]use, error) {
	list, err := os.ReadDir(filepath.Join(r.dir, filepath.FromSlash(seenRefs)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []use
	for _, d := range list {
		info, err := d.Info()
		if err != nil {
			return nil, err
		}
		all = append(all, use{d.Name(), info.ModTime()})
	}
	slices.SortFunc(all, func(a, b use) int { return a.last.Compare(b.last) })
	return all, nil
}

// wanted returns the objects that references name, and what tags among them
// name.
func (m *Mirrors) wanted(ctx context.Context, r *mirror, lock *os.File) (map[string]bool, error) {
	out, err := m.local(ctx, r.dir, lock, nil, "for-each-ref", "--format=%(objectname) %(*objectname)", seenRefs, keepRefs)
	ids := map[string]bool{}
	for _, id := range strings.Fields(string(out)) {
		ids[id] = true
	}
	return ids, err
}

// repack writes what is reachable from ids into one pack and removes the
// others. Git that reads meanwhile finds each object in the one or the other;
// after a crash in between, both are there.
func (m *Mirrors) repack(ctx context.Context, r *mirror, lock *os.File, old []string) error {
	if err := os.RemoveAll(filepath.Join(r.dir, filepath.FromSlash("refs/aeo/all"))); err != nil {
		return err
	}
	ids, err := m.wanted(ctx, r, lock)
	if err != nil {
		return err
	}
	if err := r.pruneShallow(ids); err != nil {
		return err
	}
	pr, pw := io.Pipe()
	listed := make(chan error, 1)
	go func() {
		var complaint tail
		list := process{path: m.git, args: []string{"rev-list", "--objects", "--missing=allow-any", "--stdin"}, env: m.environ(r.dir, nil),
			stdin: strings.NewReader(strings.Join(slices.Collect(maps.Keys(ids)), "\n") + "\n"), stdout: pw, stderr: &complaint}
		err := list.run(ctx)
		if err != nil {
			err = errors.Join(err, complaintOf(complaint.String()))
		}
		pw.CloseWithError(err)
		listed <- err
	}()
	out, err := m.local(ctx, r.dir, lock, pr, "pack-objects", "--quiet", "--missing=allow-any", filepath.Join(r.dir, "objects", "pack", "pack"))
	_ = pr.Close()
	if err := errors.Join(<-listed, err); err != nil {
		return err
	}
	fresh := "pack-" + strings.TrimSpace(string(out))
	if r.partial() {
		if err := os.WriteFile(filepath.Join(r.dir, "objects", "pack", fresh+".promisor"), nil, 0o600); err != nil {
			return err
		}
	}
	for _, p := range old {
		base := strings.TrimSuffix(p, ".pack")
		if filepath.Base(base) == fresh {
			continue
		}
		// Without its index a pack is not looked at.
		for _, ext := range []string{".idx", ".rev", ".promisor", ".pack"} {
			if err := os.Remove(base + ext); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	r.mu.Lock()
	clear(r.complete) // files of commits that are gone may be, too
	r.mu.Unlock()
	return nil
}

// pruneShallow forgets the commits that are going in the list of those whose
// parents were not fetched. It comes before they go: Git takes a commit of the
// list that is missing for damage.
func (r *mirror) pruneShallow(ids map[string]bool) error {
	name := filepath.Join(r.dir, "shallow")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var left strings.Builder
	for line := range strings.Lines(string(text)) {
		if ids[strings.TrimSpace(line)] {
			left.WriteString(line)
		}
	}
	return replaceFile(name, []byte(left.String()))
}
