package gitmirror

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// listing is what a server said of its references.
type listing struct {
	// head is the branch that HEAD names, "" if unknown.
	head string
	refs map[string]reference
	// maxRefs bounds refs.
	maxRefs int
}

type reference struct {
	id string
	// peeled is the commit that an annotated tag names, "" otherwise.
	peeled string
}

// Resolve asks the server which commit a ref means. An answer that is at most
// maxAge old is used again; zero asks for one that began after the call.
// Callers who ask for the same repository at the same time share one exchange.
func (m *Mirrors) Resolve(ctx context.Context, repo Repo, ref Ref, maxAge time.Duration) (Commit, error) {
	if err := ref.check(); err != nil {
		return Commit{}, err
	}
	a, err := m.address(repo.URL)
	if err != nil {
		return Commit{}, err
	}
	if ref.Commit != "" {
		return Commit{SHA: ref.Commit}, nil
	}
	l, err := m.list(ctx, a, repo.Auth, ref == Ref{}, m.opts.Now().Add(-maxAge))
	if err != nil {
		return Commit{}, err
	}
	return l.resolve(a, ref)
}

// list returns a listing that began at since or later, and notes that these
// credentials may read the repository. Only HEAD is listed on its own, so that
// all else can leave out what is neither branch nor tag: forges have hundreds
// of thousands of references to pull requests.
func (m *Mirrors) list(ctx context.Context, a giturl.Address, auth Auth, onlyHead bool, since time.Time) (*listing, error) {
	r := m.mirror(a)
	who := m.digest(a, auth)
	key, args := who, []string{"ls-remote", "--quiet", "--heads", "--tags", "--", urlArgument}
	if onlyHead {
		key, args = who+" HEAD", []string{"ls-remote", "--quiet", "--symref", "--", urlArgument, "HEAD"}
	}
	return r.lists.Do(ctx, key, since, m.opts.Now, func() (*listing, error) {
		if err := m.begin(); err != nil {
			return nil, err
		}
		defer m.work.Done()
		ctx, cancel := m.detach(ctx)
		defer cancel()
		l := &listing{refs: map[string]reference{}, maxRefs: m.opts.MaxRefs}
		lines := &lineWriter{line: l.add}
		err := m.reach(ctx, r, exchange{address: a, auth: auth, args: args, stdout: lines})
		if lines.err != nil {
			err = lines.err // the cause of what git then complained about
		}
		if err != nil {
			return nil, listFailure(a, err)
		}
		r.grant(who)
		return l, nil
	})
}

var (
	errManyRefs   = errors.New("more references than allowed")
	errNoListing  = errors.New("the answer is no list of references")
	errLongAnswer = errors.New("a line of the answer is too long")
)

func listFailure(a giturl.Address, err error) error {
	const op = "list git repository"
	switch {
	case errors.Is(err, errManyRefs):
		return fault.New(fault.Blocked, op, a.String(), "it has more branches and tags than allowed", "delete stale ones, or raise the operator's limit")
	case errors.Is(err, errNoListing), errors.Is(err, errLongAnswer):
		return fault.Wrap(fault.Unavailable, op, a.String(), err, "check that the address is that of a Git repository")
	}
	return err
}

// add reads one line that git ls-remote prints. Names that Git itself would
// not allow are left out: nothing can ask for them.
func (l *listing) add(line string) error {
	id, name, ok := strings.Cut(line, "\t")
	if target, isSym := strings.CutPrefix(id, "ref: "); isSym {
		if name == "HEAD" && validRefName(target) {
			l.head = target
		}
		return nil
	}
	if !ok || !validID(id) {
		return errNoListing
	}
	base, peeled := strings.CutSuffix(name, "^{}")
	if base != "HEAD" && !validRefName(base) {
		return nil
	}
	ref := l.refs[base]
	if peeled {
		ref.peeled = id
	} else {
		ref.id = id
	}
	l.refs[base] = ref
	if len(l.refs) > l.maxRefs {
		return errManyRefs
	}
	return nil
}

// lineWriter hands what is written on line by line. It fails, and goes on
// failing, with the error of the first line that is not taken.
type lineWriter struct {
	line func(string) error
	rest []byte
	err  error
}

// maxLine bounds a line, in bytes.
const maxLine = 8 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for w.err == nil {
		line, after, whole := bytes.Cut(p, []byte("\n"))
		if len(w.rest)+len(line) > maxLine {
			w.err = errLongAnswer
			break
		}
		w.rest = append(w.rest, line...)
		if !whole {
			break
		}
		w.err = w.line(string(w.rest))
		w.rest, p = w.rest[:0], after
	}
	return n, w.err
}

// resolve finds the commit of a ref.
func (l *listing) resolve(a giturl.Address, ref Ref) (Commit, error) {
	const op = "resolve revision"
	name := ""
	switch {
	case ref.Semver != "":
		return l.resolveSemver(a, ref.Semver)
	case ref.Tag != "":
		name = "refs/tags/" + ref.Tag
	case ref.Branch != "":
		name = "refs/heads/" + ref.Branch
	default:
		if head, ok := l.refs["HEAD"]; ok {
			return commitOf(l.head, head), nil
		}
		return Commit{}, fault.New(fault.NotFound, op, a.String(), "it has no default branch; it may be empty", "push a first commit, or name a branch")
	}
	found, ok := l.refs[name]
	switch {
	case ok && found.id != "":
		return commitOf(name, found), nil
	case len(l.refs) == 0:
		return Commit{}, fault.New(fault.NotFound, op, a.String(), "the repository is empty", "push a first commit")
	}
	return Commit{}, fault.New(fault.NotFound, op, a.String(), "it has no "+ref.String(), "push it, or name one that `git ls-remote` shows")
}

func commitOf(name string, r reference) Commit {
	if r.peeled != "" {
		return Commit{SHA: r.peeled, Tag: r.id, Ref: name}
	}
	return Commit{SHA: r.id, Ref: name}
}

// resolveSemver finds the highest tag in a range. Two tags of one version
// (v1.0.0 and 1.0.0, or builds) must agree on the commit: anything else would
// depend on the order of names.
func (l *listing) resolveSemver(a giturl.Address, want string) (Commit, error) {
	const op = "resolve revision"
	within, err := semver.NewConstraint(want)
	if err != nil {
		return Commit{}, fault.New(fault.Invalid, op, a.String(), "this is no semver range", "write a range such as >=1.2 <2 or ~1.4; pre-releases need one in the range, as in >=1.2-0")
	}
	var best *semver.Version
	var commit Commit
	rival := false // whether tags of that version name different commits
	for name, r := range l.refs {
		tag, ok := strings.CutPrefix(name, "refs/tags/")
		if !ok || r.id == "" {
			continue
		}
		v, err := semver.StrictNewVersion(strings.TrimPrefix(tag, "v"))
		if err != nil || !within.Check(v) {
			continue
		}
		c := commitOf(name, r)
		c.Version = v.String()
		switch order := compare(v, best); {
		case order > 0:
			best, commit, rival = v, c, false
		case order == 0:
			rival = rival || c.SHA != commit.SHA
			if name < commit.Ref {
				commit = c
			}
		}
	}
	switch {
	case best == nil:
		return Commit{}, fault.New(fault.NotFound, op, a.String(), "no tag is in the semver range", "tag a release as in v1.2.3, or widen the range")
	case rival:
		return Commit{}, fault.New(fault.Blocked, op, a.String(), "several tags are version "+best.String()+" but name different commits", "delete all but one of them")
	}
	return commit, nil
}

func compare(v, best *semver.Version) int {
	if best == nil {
		return 1
	}
	return v.Compare(best)
}
