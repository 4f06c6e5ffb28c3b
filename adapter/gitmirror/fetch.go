package gitmirror

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// Fetch returns the files of a commit. A commit that is already here costs no
// exchange with the server, if these credentials were ever let in. Callers who
// ask for the same commit at the same time share one exchange.
//
// Paths name the folders that are going to be read: where the server can, only
// their files are fetched, and others when they are read after all. No path
// means everything.
func (m *Mirrors) Fetch(ctx context.Context, repo Repo, c Commit, paths ...string) (*Tree, error) {
	if !validID(c.SHA) || c.Tag != "" && !validID(c.Tag) {
		return nil, fault.New(fault.Invalid, "fetch commit", "", "this is no full object id", "resolve the revision first")
	}
	a, err := m.address(repo.URL)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	r, who := m.mirror(a), m.digest(a, repo.Auth)
	switch {
	case !r.has(c.want()):
		whole := false
		for _, p := range paths {
			whole = whole || p == "."
		}
		if err := m.fetch(ctx, r, who, a, repo.Auth, c, !whole); err != nil {
			return nil, err
		}
	case !r.granted(who):
		if _, err := m.list(ctx, a, repo.Auth, false, time.Time{}); err != nil {
			return nil, err
		}
	}
	r.touch(c.want(), m.opts.Now())
	t, err := m.open(r, a, repo, c)
	if err != nil || !r.partial() {
		return t, err
	}
	return t, m.ensure(ctx, t, paths)
}

// ensure completes a tree of a partial mirror. The work is not shared, but
// that of others is waited for, and then found done.
func (m *Mirrors) ensure(ctx context.Context, t *Tree, paths []string) error {
	if err := m.begin(); err != nil {
		return err
	}
	defer m.work.Done()
	ctx, cancel := context.WithTimeout(ctx, m.opts.Timeout)
	defer cancel()
	return t.ensure(ctx, paths)
}

// fetch brings a commit into the mirror.
func (m *Mirrors) fetch(ctx context.Context, r *mirror, who string, a giturl.Address, auth Auth, c Commit, partial bool) error {
	_, err := r.fetches.Do(ctx, who+c.want(), m.opts.Now(), m.opts.Now, func() (struct{}, error) {
		if err := m.begin(); err != nil {
			return struct{}{}, err
		}
		defer m.work.Done()
		ctx, cancel := m.detach(ctx)
		defer cancel()
		lock, unlock, err := r.lock(ctx)
		if err != nil {
			return struct{}{}, err
		}
		defer unlock()
		if r.has(c.want()) && r.granted(who) {
			return struct{}{}, nil // somebody else was quicker
		}
		if err := m.prepare(ctx, r, lock, len(c.want()), partial); err != nil {
			return struct{}{}, err
		}
		if err := m.download(ctx, r, lock, a, auth, c, false); err != nil {
			return struct{}{}, err
		}
		r.grant(who)
		return struct{}{}, nil
	})
	return err
}

// download asks for the object itself, again also what is here already. A server that only hands out what its
// references name is asked for the reference, and failing that for all of them.
func (m *Mirrors) download(ctx context.Context, r *mirror, lock *os.File, a giturl.Address, auth Auth, c Commit, again bool) error {
	get := func(args ...string) error {
		x := exchange{address: a, auth: auth, dir: r.dir, lock: lock, partial: r.partial()}
		x.args = []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--no-prune", "--refmap="}
		if x.partial {
			x.args = append(x.args, "--filter=blob:none")
		}
		if r.marked(mixedMark) {
			x.settings = noNegotiation
		}
		if again {
			x.args = append(x.args, "--refetch")
		}
		x.args = append(x.args, args...)
		return m.reach(ctx, r, x)
	}
	seen := seenRefs + "/" + c.want()
	if !again { // then it was seen that asking for objects is in vain
		if err := get("--depth=1", "--", urlArgument, "+"+c.want()+":"+seen); !errors.Is(err, errUnadvertised) {
			return err
		}
	}
	if strings.HasPrefix(c.Ref, "refs/") && validRefName(c.Ref) {
		if err := get("--depth=1", "--", urlArgument, "+"+c.Ref+":"+seen); err != nil {
			return err
		}
		if r.has(c.want()) {
			return nil
		}
		// The reference has moved on; what it names now was not asked for.
		if err := os.Remove(filepath.Join(r.dir, filepath.FromSlash(seen))); err != nil {
			return fault.Wrap(fault.Unavailable, "fetch commit", c.want(), err, "the cache's folder must be writable")
		}
	}
	return m.downloadAll(ctx, r, lock, get, c)
}

// downloadAll fetches the history of every branch and tag, to find a commit
// that none of them names any more.
func (m *Mirrors) downloadAll(ctx context.Context, r *mirror, lock *os.File, get func(...string) error, c Commit) error {
	const all = "refs/aeo/all"
	err := get("--depth=2147483647", "--", urlArgument, "+refs/heads/*:"+all+"/heads/*", "+refs/tags/*:"+all+"/tags/*")
	if err != nil {
		return err
	}
	if _, err := m.local(ctx, r.dir, lock, nil, "cat-file", "-e", c.want()); err != nil {
		return fault.New(fault.NotFound, "fetch commit", c.want(), "no branch or tag of the repository contains it", "it may have been removed by a force-push; name one that a branch or tag contains")
	}
	_, err = m.local(ctx, r.dir, lock, nil, "update-ref", seenRefs+"/"+c.want(), c.want())
	return err
}

// reach is exchange for a mirror whose server may want ".git" at the end of
// the address: some forges redirect there, and redirections are not followed.
func (m *Mirrors) reach(ctx context.Context, r *mirror, x exchange) error {
	if r.isSuffixed() && !strings.HasSuffix(x.address.Path, ".git") {
		x.address.Path += ".git"
	}
	err := m.exchange(ctx, x)
	if errors.Is(err, errRedirected) && !strings.HasSuffix(x.address.Path, ".git") {
		x.address.Path += ".git"
		if again := m.exchange(ctx, x); again == nil {
			r.setSuffixed()
			return nil
		}
	}
	return err
}

func (r *mirror) isSuffixed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.suffixed
}

func (r *mirror) setSuffixed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.suffixed = true
}

// touch notes that a commit is in use, for Collect. It is no loss if that
// cannot be written down.
func (r *mirror) touch(id string, now time.Time) {
	_ = os.Chtimes(filepath.Join(r.dir, filepath.FromSlash(seenRefs), id), now, now)
}
