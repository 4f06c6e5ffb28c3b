package forge

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// Scope says which files an application is made of. The zero Scope has all.
type Scope struct {
	// Folders are those of which everything belongs to it; "" is the top.
	Folders []string
	// Beside are folders of which only the files right in them do.
	Beside []string
	Files  []string
}

func (s Scope) all() bool { return len(s.Folders)+len(s.Beside)+len(s.Files) == 0 }

// Has tells whether a file is in scope.
func (s Scope) Has(file string) bool {
	if s.all() || slices.Contains(s.Files, file) {
		return true
	}
	dir := path.Dir(file)
	if dir == "." {
		dir = ""
	}
	return slices.Contains(s.Beside, dir) || slices.ContainsFunc(s.Folders, func(f string) bool { return f == "" || strings.HasPrefix(file, f+"/") })
}

// Below tells whether anything in a folder may be in scope.
func (s Scope) Below(folder string) bool {
	if s.all() {
		return true
	}
	above := func(p string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }
	return slices.ContainsFunc(s.Folders, func(f string) bool {
		return f == "" || above(f) || strings.HasPrefix(folder, f+"/")
	}) || slices.ContainsFunc(s.Beside, above) || slices.ContainsFunc(s.Files, func(f string) bool { return strings.HasPrefix(f, folder+"/") })
}

// Plan decides what a revert sets: bad are the files in scope that changed from
// the good commit to the bad one, later those of them that changed from the bad
// commit to the tip of the branch.
func Plan(r Reversion, bad, later map[string]change) ([]Edit, error) {
	var edits []Edit
	var conflicts []string
	for p, c := range bad {
		since, again := later[p]
		switch {
		case !again:
			edits = append(edits, Edit{Path: p, From: c.To, To: c.From})
		case since.To == c.From:
			// It is as it was already.
		default:
			conflicts = append(conflicts, p)
		}
	}
	for p := range later {
		if _, known := bad[p]; !known {
			conflicts = append(conflicts, p) // a file became a folder, or a folder a file
		}
	}
	if len(conflicts) > 0 {
		slices.Sort(conflicts)
		return nil, &fault.Error{
			Kind: fault.Blocked, Op: "revert", Subject: short(r.Bad), Code: "RevertConflict",
			Public: "changed again after " + short(r.Bad) + ": " + listed(conflicts),
			Hint:   "revert by hand, or mend it forward",
		}
	}
	if len(edits) == 0 {
		return nil, &fault.Error{
			Kind: fault.Blocked, Op: "revert", Subject: short(r.Bad), Code: CodeNothing,
			Public: "nothing is left to revert: the branch has what " + short(r.Good) + " had, in all files that the application is made of",
			Hint:   "if it fails all the same, the cause is not in this repository",
		}
	}
	slices.SortFunc(edits, func(a, b Edit) int { return strings.Compare(a.Path, b.Path) })
	for i := 1; i < len(edits); i++ {
		if strings.HasPrefix(edits[i].Path, edits[i-1].Path+"/") {
			return nil, fault.New(fault.Blocked, "revert", short(r.Bad), edits[i-1].Path+" is a file in one of the commits and a folder in the other", "revert by hand: git revert")
		}
	}
	return edits, nil
}

func listed(names []string) string {
	const shown = 5
	text := strings.Join(names[:min(len(names), shown)], ", ")
	if n := len(names) - shown; n > 0 {
		text += " and " + strconv.Itoa(n) + " more"
	}
	return text
}

func short(commit string) string { return commit[:min(len(commit), 8)] }
