package forge

import (
	"context"

	"github.com/autoecoops/autoecoops/fault"
)

// Mode is a file's mode as Git writes it.
type Mode string

// The modes.
const (
	ModeFile       Mode = "100644"
	ModeExecutable Mode = "100755"
	ModeLink       Mode = "120000"
	ModeModule     Mode = "160000"
	ModeFolder     Mode = "040000"
)

// Entry is one name in a folder of a commit.
type Entry struct {
	// Name has no slash.
	Name string
	Mode Mode
	// ID is the Git object id: equal ids mean equal content.
	ID string
}

// Place is a folder of a commit.
type Place struct {
	Commit string
	// Path is "" for the top.
	Path string
	// Tree is the folder's own id, "" for the top.
	Tree string
}

// Tip is where a branch is.
type Tip struct {
	Branch, Commit string
	// Parent is the commit's first parent, "" if it has none.
	Parent string
}

// Edit sets one file.
type Edit struct {
	Path string
	// From is what the file is in the parent; the zero Entry if there is none.
	From Entry
	// To is what it becomes; the zero Entry deletes it.
	To Entry
}

// Commit is a commit to be made, on a branch to be made for it.
type Commit struct {
	Branch string
	// Base is the branch that Parent is the tip of.
	Base, Parent string
	// Source is a commit that has the contents of the edits.
	Source  string
	Message string
	Edits   []Edit
}

// Proposal is a pull request to be opened.
type Proposal struct {
	// From is the branch with the change, Into where it belongs.
	From, Into  string
	Title, Body string
	Label       string
}

// Repository is one repository at a forge. Every error is a fault.Error:
// Unavailable if trying again can help, Denied if the token may not, NotFound,
// Conflict if what was to be made exists or the branch moved, Blocked if the
// forge cannot express it, Invalid.
type Repository interface {
	// Tip returns where a branch is; "" means the default branch. NotFound if
	// there is none.
	Tip(ctx context.Context, branch string) (Tip, error)
	// Folder lists one level of a folder. NotFound if the commit is gone.
	Folder(ctx context.Context, at Place) ([]Entry, error)
	// Commit makes a branch with one new commit, both or none.
	Commit(ctx context.Context, c Commit) error
	// Find returns the address of the newest pull request from a branch of the
	// repository, open or not; "" if there is none.
	Find(ctx context.Context, branch string) (address string, err error)
	// Open opens a pull request and returns its address.
	Open(ctx context.Context, p Proposal) (address string, err error)
}

// Reversion is what is to be reverted.
type Reversion struct {
	// Bad and Good are commits: what Bad changed since Good is taken back.
	Bad, Good string
	// Base is the branch that the application follows; "" means the default.
	Base string
	// Branch is made for the revert.
	Branch string
	Scope  Scope
	Title  string
	Body   string
}

// CodeNothing marks the refusal of a revert for which nothing is left to do.
const CodeNothing = "NothingToRevert"

// Revert opens the pull request, once: what an earlier try left behind, at
// whatever step it ended, is taken up.
func Revert(ctx context.Context, repo Repository, r Reversion) (address string, err error) {
	if address, err = repo.Find(ctx, r.Branch); err != nil || address != "" {
		return address, err
	}
	base, err := repo.Tip(ctx, r.Base)
	if err != nil {
		return "", err
	}
	made, err := repo.Tip(ctx, r.Branch)
	switch {
	case fault.KindOf(err) == fault.NotFound && err != nil:
		if err := commit(ctx, repo, r, base); err != nil {
			return "", err
		}
	case err != nil:
		return "", err
	default:
		if err := verify(ctx, repo, r, made); err != nil {
			return "", err
		}
	}
	return repo.Open(ctx, Proposal{From: r.Branch, Into: base.Branch, Title: r.Title, Body: r.Body, Label: Label})
}

// commit makes the branch.
func commit(ctx context.Context, repo Repository, r Reversion, base Tip) error {
	edits, err := edits(ctx, repo, r, base.Commit)
	if err != nil {
		return err
	}
	return repo.Commit(ctx, Commit{
		Branch: r.Branch, Base: base.Branch, Parent: base.Commit, Source: r.Good,
		Message: message(r, len(edits)), Edits: edits,
	})
}

// edits decides what has to be set on top of a commit.
func edits(ctx context.Context, repo Repository, r Reversion, onto string) ([]Edit, error) {
	w := &walk{repo: repo}
	bad, err := w.diff(ctx, r.Good, r.Bad, r.Scope.Below, r.Scope.Has)
	if err != nil {
		return nil, err
	}
	touched := pathSet(bad)
	later, err := w.diff(ctx, r.Bad, onto, touched.below, touched.has)
	if err != nil {
		return nil, err
	}
	return Plan(r, bad, later)
}

// verify makes sure that a branch that exists is what an earlier try made: a
// pull request with our evidence must not carry somebody else's change.
func verify(ctx context.Context, repo Repository, r Reversion, made Tip) error {
	refuse := fault.New(fault.Blocked, "open a pull request from", r.Branch, "the branch exists and is not the revert", "delete the branch, or open the pull request by hand")
	if made.Parent == "" {
		return refuse
	}
	want, err := edits(ctx, repo, r, made.Parent)
	if err != nil {
		return err
	}
	all := func(string) bool { return true }
	got, err := (&walk{repo: repo}).diff(ctx, made.Parent, made.Commit, all, all)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return refuse
	}
	for _, e := range want {
		if c, ok := got[e.Path]; !ok || c.To.ID != e.To.ID || c.To.Mode != e.To.Mode {
			return refuse
		}
	}
	return nil
}
