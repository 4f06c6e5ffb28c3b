package oci

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// keepFile marks that holder has pinned an artifact.
func (s *Store) keepFile(digest, holder string) string {
	sum := sha256.Sum256([]byte(holder))
	return s.file(digest, "."+hex.EncodeToString(sum[:12])+".keep")
}

// Keep pins an artifact that was fetched: Collect leaves it alone, and Kept
// finds it again for the same holder without a registry and without
// credentials, also after a restart.
func (s *Store) Keep(repo Repo, holder string, a Artifact) error {
	const op = "keep artifact"
	r, err := s.repository(repo.URL)
	if err != nil {
		return err
	}
	switch {
	case holder == "" || !digestForm().MatchString(a.Digest):
		return fault.New(fault.Invalid, op, a.Digest, "a holder and a digest are needed", "")
	case s.keeps(holder, a.Digest):
	case !s.granted(s.who(r, repo.Auth), a.Digest):
		return fault.New(fault.Denied, op, a.Digest, "these credentials have not fetched the artifact", "fetch it first")
	}
	if _, err := s.load(a.Digest); err != nil {
		return fault.New(fault.NotFound, op, a.Digest, "the artifact was not fetched", "fetch it first")
	}
	mark, now := s.keepFile(a.Digest, holder), s.opts.Now()
	if err := errors.Join(os.WriteFile(mark, nil, 0o600), os.Chtimes(mark, now, now)); err != nil {
		return disk(r, err)
	}
	return nil
}

// keeps tells whether holder has pinned an artifact already, and so has shown
// credentials for it before.
func (s *Store) keeps(holder, digest string) bool {
	_, err := os.Stat(s.keepFile(digest, holder))
	return err == nil
}

// Trim releases all of a holder's artifacts but those that were kept last, at
// most n.
func (s *Store) Trim(holder string, n int) error {
	files, err := s.marks(holder)
	if err != nil || len(files) <= n {
		return err
	}
	last := map[string]time.Time{}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			last[f] = info.ModTime()
		}
	}
	slices.SortFunc(files, func(a, b string) int { return last[b].Compare(last[a]) })
	return remove(files[n:])
}

// marks are the files that say what a holder has pinned.
func (s *Store) marks(holder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "*"+filepath.Base(s.keepFile("", holder))))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "release artifact", "", err, "")
	}
	return files, nil
}

func remove(files []string) error {
	for _, f := range files {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(fault.Unavailable, "release artifact", "", err, "the cache's folder must be writable")
		}
	}
	return nil
}

// Kept returns the files of an artifact that holder has pinned.
func (s *Store) Kept(holder, digest string) (*Tree, error) {
	if !digestForm().MatchString(digest) {
		return nil, fault.New(fault.Invalid, "read kept artifact", "", "this is no digest", "")
	}
	if _, err := os.Stat(s.keepFile(digest, holder)); err != nil {
		return nil, fault.New(fault.NotFound, "read kept artifact", digest, "the artifact was not kept", "fetch it from its registry")
	}
	return s.tree(digest)
}

// Release undoes Keep for the digests that are named, or for all of a holder's
// if none is.
func (s *Store) Release(holder string, digests ...string) error {
	var files []string
	for _, d := range digests {
		if !digestForm().MatchString(d) {
			return fault.New(fault.Invalid, "release artifact", "", "this is no digest", "")
		}
		files = append(files, s.keepFile(d, holder))
	}
	if len(digests) == 0 {
		var err error
		if files, err = s.marks(holder); err != nil {
			return err
		}
	}
	return remove(files)
}

// touch notes that an artifact is in use. It is no loss if that cannot be
// written down.
func (s *Store) touch(digest string) {
	now := s.opts.Now()
	_ = os.Chtimes(s.file(digest, ".pack"), now, now)
}

// grace is how long an artifact that was just used is never collected.
const grace = time.Hour

// Collect removes artifacts that are not kept and were not used for longer
// than maxAge, and the least recently used ones until all are smaller than
// maxSize bytes (0: any size). It also removes what killed processes left. It
// returns how many artifacts it removed and how many bytes are left.
func (s *Store) Collect(ctx context.Context, maxAge time.Duration, maxSize int64) (removed int, left int64, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, 0, fault.Wrap(fault.Unavailable, "collect artifacts", "", err, "the cache's folder must be readable")
	}
	type pack struct {
		digest string
		last   time.Time
		size   int64
	}
	var packs []pack
	kept := map[string]bool{}
	now := s.opts.Now()
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // somebody else has removed it
		}
		base, ext, _ := strings.Cut(e.Name(), ".")
		switch {
		case strings.HasSuffix(ext, "keep"):
			kept[base] = true
		case ext == "pack":
			packs = append(packs, pack{base, info.ModTime(), info.Size()})
			left += info.Size()
		case strings.HasSuffix(e.Name(), ".tmp") && now.Sub(info.ModTime()) > grace:
			err = os.Remove(filepath.Join(s.dir, e.Name()))
		}
		if err != nil {
			return removed, left, fault.Wrap(fault.Unavailable, "collect artifacts", "", err, "the cache's folder must be writable")
		}
	}
	slices.SortFunc(packs, func(a, b pack) int { return a.last.Compare(b.last) })
	for _, p := range packs {
		age := now.Sub(p.last)
		if kept[p.digest] || age < grace || age <= maxAge && (maxSize == 0 || left <= maxSize) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return removed, left, err
		}
		// Without its index an artifact is absent, so that goes first.
		for _, ext := range []string{".json", ".pack"} {
			if err := os.Remove(s.file(p.digest, ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return removed, left, fault.Wrap(fault.Unavailable, "collect artifacts", "", err, "the cache's folder must be writable")
			}
		}
		removed++
		left -= p.size
	}
	return removed, left, nil
}
