package forge

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// Bounds of one revert: what is larger is for a person.
const (
	maxFolders = 2000
	maxFiles   = 500
)

// change is a file that differs between two commits; the zero Entry is a file
// that is not there.
type change struct{ From, To Entry }

// walk compares commits folder by folder; folders with the same id are not
// looked into.
type walk struct {
	repo    Repository
	folders int
}

// diff returns the files that differ and that file accepts; only folders that
// below accepts are looked into.
func (w *walk) diff(ctx context.Context, a, b string, below, file func(string) bool) (map[string]change, error) {
	out := map[string]change{}
	if a == b {
		return out, nil
	}
	return out, w.folder(ctx, Place{Commit: a}, Place{Commit: b}, func(p string) bool { return below(p) }, file, out)
}

// folder compares one folder of two commits; a Place without a commit is a
// folder that is not there.
func (w *walk) folder(ctx context.Context, a, b Place, below, file func(string) bool, out map[string]change) error {
	before, err := w.list(ctx, a)
	if err != nil {
		return err
	}
	after, err := w.list(ctx, b)
	if err != nil {
		return err
	}
	base := a.Path
	if a.Commit == "" {
		base = b.Path
	}
	for _, name := range names(before, after) {
		from, to := before[name], after[name]
		if from == to {
			continue
		}
		p := path.Join(base, name)
		if err := w.sub(ctx, a, b, from, to, p, below, file, out); err != nil {
			return err
		}
		if c := (change{fileOnly(from), fileOnly(to)}); c.From != c.To && file(p) {
			out[p] = c
		}
		if len(out) > maxFiles {
			return tooLarge("more than " + strconv.Itoa(maxFiles) + " files changed")
		}
	}
	return nil
}

// sub looks into a folder that is there in one of the commits or in both.
func (w *walk) sub(ctx context.Context, a, b Place, from, to Entry, p string, below, file func(string) bool, out map[string]change) error {
	if from.Mode != ModeFolder && to.Mode != ModeFolder || !below(p) {
		return nil
	}
	var left, right Place
	if from.Mode == ModeFolder {
		left = Place{Commit: a.Commit, Path: p, Tree: from.ID}
	}
	if to.Mode == ModeFolder {
		right = Place{Commit: b.Commit, Path: p, Tree: to.ID}
	}
	return w.folder(ctx, left, right, below, file, out)
}

func fileOnly(e Entry) Entry {
	if e.Mode == ModeFolder {
		return Entry{}
	}
	return e
}

func tooLarge(why string) error {
	return fault.New(fault.Blocked, "compare commits", "", why, "revert by hand: git revert")
}

func (w *walk) list(ctx context.Context, at Place) (map[string]Entry, error) {
	if at.Commit == "" {
		return nil, nil
	}
	if w.folders++; w.folders > maxFolders {
		return nil, tooLarge("more than " + strconv.Itoa(maxFolders) + " folders would have to be read")
	}
	list, err := w.repo.Folder(ctx, at)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Entry, len(list))
	for _, e := range list {
		if e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") || e.ID == "" {
			return nil, fault.New(fault.Invalid, "read folder", at.Path, "the forge lists a name that cannot be", "is that the address of a forge's API?")
		}
		out[e.Name] = e
	}
	return out, nil
}

// names are those of both folders, without order.
func names(a, b map[string]Entry) []string {
	out := make([]string, 0, len(a))
	for n := range a {
		out = append(out, n)
	}
	for n := range b {
		if _, both := a[n]; !both {
			out = append(out, n)
		}
	}
	return out
}

// paths are files and the folders above them.
type paths map[string]bool

func pathSet(changes map[string]change) paths {
	out := paths{}
	for p := range changes {
		out[p] = true
		for d := path.Dir(p); d != "."; d = path.Dir(d) {
			out[d+"/"] = true
		}
	}
	return out
}

// has also answers for what lies below a changed file: it became a folder.
func (s paths) has(p string) bool {
	if s[p] {
		return true
	}
	for d := path.Dir(p); d != "."; d = path.Dir(d) {
		if s[d] {
			return true
		}
	}
	return false
}

func (s paths) below(folder string) bool { return s[folder+"/"] || s.has(folder) }
