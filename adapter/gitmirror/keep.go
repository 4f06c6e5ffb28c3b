package gitmirror

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
		return nil
	}
	lock, unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if !r.has(c.want()) {
		return fault.New(fault.NotFound, op, c.SHA, "the commit was not fetched", "fetch it first")
	}
	_, err = m.local(ctx, r.dir, lock, nil, "update-ref", keepRef(holder, c.SHA), c.want())
	return err
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
