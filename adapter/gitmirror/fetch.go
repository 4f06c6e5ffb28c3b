package gitmirror

import (
	"context"
	"os"
	"time"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// Fetch returns the files of a commit. A commit that is already here costs no
// exchange with the server, if these credentials were ever let in. Callers who
// ask for the same commit at the same time share one exchange.
func (m *Mirrors) Fetch(ctx context.Context, repo Repo, c Commit) (*Tree, error) {
	if !validID(c.SHA) || c.Tag != "" && !validID(c.Tag) {
		return nil, fault.New(fault.Invalid, "fetch commit", "", "this is no full object id", "resolve the revision first")
	}
	a, err := m.address(repo.URL)
	if err != nil {
		return nil, err
	}
	r, who := m.mirror(a), m.digest(a, repo.Auth)
	switch {
	case !r.has(c.want()):
		if err := m.fetch(ctx, r, who, a, repo.Auth, c); err != nil {
			return nil, err
		}
	case !r.granted(who):
		if _, err := m.list(ctx, a, repo.Auth, false, time.Time{}); err != nil {
			return nil, err
		}
	}
	return m.open(ctx, r, a, c)
}

// fetch brings a commit into the mirror.
func (m *Mirrors) fetch(ctx context.Context, r *mirror, who string, a giturl.Address, auth Auth, c Commit) error {
	_, err := r.fetches.do(ctx, who+c.want(), m.opts.Now(), m.opts.Now, func() (struct{}, error) {
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
		if err := m.prepare(ctx, r, lock, len(c.want())); err != nil {
			return struct{}{}, err
		}
		if err := m.download(ctx, r, lock, a, auth, c); err != nil {
			return struct{}{}, err
		}
		r.grant(who)
		return struct{}{}, nil
	})
	return err
}

// download asks for the object itself. A server that only hands out what its
// references name is asked for the reference.
func (m *Mirrors) download(ctx context.Context, r *mirror, lock *os.File, a giturl.Address, auth Auth, c Commit) error {
	fetch := func(source string) error {
		return m.exchange(ctx, exchange{address: a, auth: auth, dir: r.dir, lock: lock, args: []string{
			"fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--no-prune", "--refmap=",
			"--", a.String(), "+" + source + ":" + seenRefs + "/" + c.want(),
		}})
	}
	return fetch(c.want())
}
