// Package git reads commits: of the repository around a folder, and of remote
// repositories when a user asks for one by its address.
//
// Repositories are hostile input. No hook, filter or submodule runs, no
// symbolic link is followed, nothing is written to the disk, and what a remote
// sends is bounded.
package git

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/autoecoops/autoecoops/fault"
)

// Head returns the commit that is checked out in the repository around dir,
// "" if there is none.
func Head(dir string) string {
	repo, err := open(dir)
	if err != nil {
		return ""
	}
	ref, err := repo.Head()
	if err != nil {
		return ""
	}
	return ref.Hash().String()
}

func open(dir string) (*gogit.Repository, error) {
	return gogit.PlainOpenWithOptions(dir, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
}

// Revision returns the files of dir as they were at a revision (a branch, tag,
// commit or an expression such as HEAD~2) of the repository around it.
func Revision(dir, rev string) (fs.FS, string, error) {
	op := "read revision"
	repo, err := open(dir)
	if err != nil {
		return nil, "", fault.Wrap(fault.NotFound, op, rev, err, "the path must lie in a Git repository to be compared with a revision")
	}
	hash, err := repo.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		return nil, "", fault.New(fault.NotFound, op, rev, "the repository has no such revision", "name a branch, tag or commit that `git rev-parse "+rev+"` knows; in CI, fetch it first (a shallow clone lacks it)")
	}
	sub := "."
	if wt, err := repo.Worktree(); err == nil {
		if sub, err = below(wt.Filesystem.Root(), dir); err != nil {
			return nil, "", err
		}
	}
	files, err := treeAt(repo, *hash, sub)
	return files, hash.String(), err
}

// below returns dir relative to the repository's root.
func below(root, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "find folder", dir, err, "check the path")
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "find folder", dir, err, "check the path")
	}
	return filepath.ToSlash(rel), nil
}

// Address is a remote repository, a folder in it and a revision.
type Address struct {
	URL, Dir, Ref string
}

// ParseAddress reads URL[.git][//DIR][?ref=REF], or git@HOST:PATH. ok is
// false if s is no address but a path.
func ParseAddress(s string) (a Address, ok bool) {
	rest, query, _ := strings.Cut(s, "?")
	if q, err := url.ParseQuery(query); err == nil {
		a.Ref = q.Get("ref")
	}
	scheme, after, isURL := strings.Cut(rest, "://")
	switch {
	case isURL && (scheme == "https" || scheme == "http" || scheme == "ssh" || scheme == "git" || scheme == "file"):
		if i := strings.Index(after, "//"); i >= 0 {
			a.Dir, after = strings.Trim(after[i+2:], "/"), after[:i]
		}
		a.URL = scheme + "://" + after
	case strings.HasPrefix(rest, "git@") && strings.Contains(rest, ":"):
		if i := strings.Index(rest, "//"); i >= 0 {
			a.Dir, rest = strings.Trim(rest[i+2:], "/"), rest[:i]
		}
		a.URL = rest
	default:
		return Address{}, false
	}
	if a.Dir == "" {
		a.Dir = "."
	}
	a.Dir = path.Clean(a.Dir)
	return a, true
}

// Fetch reads a remote repository into memory and returns the files of the
// address and the commit they are of.
func Fetch(ctx context.Context, a Address) (fs.FS, string, error) {
	const op = "fetch repository"
	if !fs.ValidPath(a.Dir) {
		return nil, "", fault.New(fault.Invalid, op, a.Dir, "the folder leads out of the repository", "write the folder relative to the repository's root: URL//folder")
	}
	opts := &gogit.CloneOptions{URL: a.URL, Depth: 1, SingleBranch: true, Tags: gogit.NoTags, NoCheckout: true}
	if a.Ref != "" {
		// A ref may be a branch, a tag or a commit; only the first two can be
		// asked for alone.
		for _, name := range []plumbing.ReferenceName{plumbing.NewBranchReferenceName(a.Ref), plumbing.NewTagReferenceName(a.Ref)} {
			opts.ReferenceName = name
			repo, err := gogit.CloneContext(ctx, memory.NewStorage(), nil, opts)
			if err == nil {
				return headTree(repo, a, true)
			}
			if ctx.Err() != nil || errors.Is(err, transport.ErrAuthenticationRequired) || errors.Is(err, transport.ErrRepositoryNotFound) {
				return nil, "", fetchError(a, err)
			}
		}
		opts.ReferenceName, opts.Depth, opts.SingleBranch = "", 0, false
	}
	repo, err := gogit.CloneContext(ctx, memory.NewStorage(), nil, opts)
	if err != nil {
		return nil, "", fetchError(a, err)
	}
	return headTree(repo, a, false)
}

// headTree returns what an address means in a repository that was fetched. A
// ref that is no branch or tag must be a commit: anything else would be
// answered by the wrong files.
func headTree(repo *gogit.Repository, a Address, named bool) (fs.FS, string, error) {
	const op = "fetch repository"
	var hash plumbing.Hash
	if named || a.Ref == "" {
		ref, err := repo.Head()
		if err != nil {
			return nil, "", fault.Wrap(fault.NotFound, op, Public(a.URL), err, "the repository may be empty")
		}
		hash = ref.Hash()
	} else {
		commit, err := repo.ResolveRevision(plumbing.Revision(a.Ref))
		if err != nil {
			return nil, "", fault.New(fault.NotFound, op, Public(a.URL), "it has no branch, tag or commit "+a.Ref, "check what stands behind ?ref=")
		}
		hash = *commit
	}
	files, err := treeAt(repo, hash, a.Dir)
	return files, hash.String(), err
}

func fetchError(a Address, err error) error {
	kind, hint := fault.Unavailable, "check the address and the network, then try again"
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		kind, hint = fault.Denied, "clone the repository yourself and assess the folder"
	case errors.Is(err, transport.ErrRepositoryNotFound):
		kind, hint = fault.NotFound, "check the address; a private repository looks absent without credentials: clone it yourself and assess the folder"
	}
	return fault.Wrap(kind, "fetch repository", Public(a.URL), concealed{err, a.URL}, hint)
}

// concealed is an error of the library, which may quote the address, without
// the address's credentials.
type concealed struct {
	err     error
	address string
}

func (c concealed) Error() string {
	text := strings.ReplaceAll(c.err.Error(), c.address, Public(c.address))
	for _, secret := range credentials(c.address) {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return text
}

// credentials returns an address's user information as the library may quote
// it: as it was written, decoded, and in its parts.
func credentials(address string) []string {
	info, _, ok := userinfo(address)
	if !ok {
		return nil
	}
	user, password, _ := strings.Cut(info, ":")
	secrets := []string{info, user, password}
	for _, s := range []string{user, password} {
		if plain, err := url.PathUnescape(s); err == nil {
			secrets = append(secrets, plain)
		}
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" || s == "git" })
}

// userinfo finds the user information of URL-shaped text, even if it is no
// valid URL, and where its host begins.
func userinfo(address string) (info string, host int, ok bool) {
	i := strings.Index(address, "://")
	if i < 0 {
		return "", 0, false
	}
	start := i + len("://")
	authority := address[start:]
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return "", 0, false
	}
	return authority[:at], start + at + 1, true
}

// Public removes credentials from an address; anything else stays as it is.
func Public(address string) string {
	if _, host, ok := userinfo(address); ok {
		return address[:strings.Index(address, "://")+len("://")] + address[host:]
	}
	return address
}
