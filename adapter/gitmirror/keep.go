package gitmirror

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// keepRefs is where pinned commits are noted: a folder for each holder, in it
// a reference called like the commit. It names the commit, or the annotated
// tag that led to it.
const keepRefs = "refs/aeo/keep"

func keepRef(holder, sha string) string {
	return keepRefs + "/" + contentHash([]byte(holder)) + "/" + sha
}

// Keep pins a commit that was fetched: Collect leaves it alone, and Kept finds
// it again for the same holder without a server and without credentials, also
// after a restart. The holder is whatever identifies who may roll back to it,
// such as an application's UID. What was read of the commit is kept; of a
// partial mirror nothing else.
func (m *Mirrors) Keep(ctx context.Context, repo Repo, holder string, c Commit) error {
	const op = "keep commit"
	a, err := m.address(repo.URL)
	if err != nil {
		return err
	}
	r := m.mirror(a)
	switch {
	case holder == "" || !validID(c.SHA) || c.Tag != "" && !validID(c.Tag):
		return fault.New(fault.Invalid, op, c.SHA, "a holder and a whole object id are needed", "")
	case !r.granted(m.digest(a, repo.Auth)):
		return fault.New(fault.Denied, op, c.SHA, "these credentials have not fetched from the repository", "fetch the commit first")
	case r.keeps(holder, c):
		r.touchKept(holder, c.SHA, m.opts.Now())
		return nil
	}
	_, unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if !r.has(c.want()) {
		return fault.New(fault.NotFound, op, c.SHA, "the commit was not fetched", "fetch it first")
	}
	if err := r.writeRef(keepRef(holder, c.SHA), c.want()); err != nil {
		return fault.Wrap(fault.Unavailable, op, c.SHA, err, "the cache's folder must be writable and have space")
	}
	r.touchKept(holder, c.SHA, m.opts.Now())
	return nil
}

// writeRef writes a reference as git does, without starting one: a commit that
// a thousand applications follow is kept for each of them. What a crash of the
// machine leaves of it, sweep removes. The caller holds the lock.
func (r *mirror) writeRef(ref, id string) error {
	name := filepath.Join(r.dir, filepath.FromSlash(ref))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	fresh := name + ".lock"
	if err := os.WriteFile(fresh, []byte(id+"\n"), 0o600); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return os.Rename(fresh, name)
}

// touchKept notes when a commit was kept last, for Trim. It is no loss if that
// cannot be written down.
func (r *mirror) touchKept(holder, sha string, now time.Time) {
	_ = os.Chtimes(filepath.Join(r.dir, filepath.FromSlash(keepRef(holder, sha))), now, now)
}

// Trim releases all of a holder's commits of one repository but those that
// were kept last, at most n.
func (m *Mirrors) Trim(ctx context.Context, url, holder string, n int) error {
	a, err := m.address(url)
	if err != nil {
		return err
	}
	list, err := os.ReadDir(filepath.Join(m.mirror(a).dir, filepath.FromSlash(keepRefs), contentHash([]byte(holder))))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) <= n {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "release commits", "", err, "the cache's folder must be readable")
	}
	var all []use
	for _, d := range list {
		if info, err := d.Info(); err == nil && validID(d.Name()) {
			all = append(all, use{d.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b use) int { return b.last.Compare(a.last) })
	var old []string
	for _, u := range all[min(n, len(all)):] {
		old = append(old, u.id)
	}
	if len(old) == 0 {
		return nil
	}
	return m.Release(ctx, url, holder, old...)
}

// Forget releases all of a holder's commits, in every repository.
func (m *Mirrors) Forget(ctx context.Context, holder string) error {
	dirs, err := filepath.Glob(filepath.Join(m.dir, "*", filepath.FromSlash(keepRefs), contentHash([]byte(holder))))
	for _, dir := range dirs {
		r := m.mirrorIn(strings.TrimSuffix(dir, filepath.FromSlash("/"+keepRefs+"/"+filepath.Base(dir))))
		err = errors.Join(err, r.withLock(ctx, func() error { return os.RemoveAll(dir) }))
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "release commits", "", err, "the cache's folder must be writable")
	}
	return nil
}

func (r *mirror) withLock(ctx context.Context, do func() error) error {
	_, unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

func (r *mirror) keeps(holder string, c Commit) bool {
	text, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(keepRef(holder, c.SHA))))
	return err == nil && strings.TrimSpace(string(text)) == c.want()
}

// Kept returns the files of a commit that holder has pinned.
func (m *Mirrors) Kept(_ context.Context, url, holder, sha string) (*Tree, error) {
	const op = "read kept commit"
	a, err := m.address(url)
	if err != nil {
		return nil, err
	}
	if !validID(sha) {
		return nil, fault.New(fault.Invalid, op, "", "this is no full object id", "")
	}
	r := m.mirror(a)
	text, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(keepRef(holder, sha))))
	id := strings.TrimSpace(string(text))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, op, sha, "the commit was not kept", "fetch it from its server")
	case err != nil || !validID(id):
		return nil, fault.Wrap(fault.Unavailable, op, sha, err, "the cache may be damaged; fetch the commit from its server")
	}
	c := Commit{SHA: sha}
	if id != sha {
		c.Tag = id
	}
	return m.open(r, a, Repo{}, c)
}

// Release undoes Keep for the commits that are named, or for all of a holder's
// if none is. Commits that are not kept are none to release.
func (m *Mirrors) Release(ctx context.Context, url, holder string, shas ...string) error {
	const op = "release commit"
	a, err := m.address(url)
	if err != nil {
		return err
	}
	r := m.mirror(a)
	_, unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	dir := filepath.Join(r.dir, filepath.FromSlash(keepRefs), contentHash([]byte(holder)))
	if len(shas) == 0 {
		err = os.RemoveAll(dir)
	}
	for _, sha := range shas {
		if !validID(sha) {
			return fault.New(fault.Invalid, op, "", "this is no full object id", "")
		}
		if e := os.Remove(filepath.Join(dir, sha)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, "", err, "the cache's folder must be writable")
	}
	return nil
}
