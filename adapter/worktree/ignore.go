package worktree

import (
	"io/fs"
	"path"
	"strings"
)

// ignoreFiles are read in each folder, later ones overruling earlier ones.
var ignoreFiles = []string{".gitignore", ".aeoignore"}

// rules are the ignore patterns in force in a folder: its own after those of
// the folders above it.
type rules struct {
	patterns []pattern
}

// read returns the rules of dir, whose entries are list.
func (r *rules) read(files fs.FS, dir string, list []item) *rules {
	for _, name := range ignoreFiles {
		if !contains(list, name) {
			continue
		}
		p := path.Join(dir, name)
		text, err := fs.ReadFile(files, p)
		if err != nil {
			continue
		}
		next := &rules{}
		if r != nil {
			next.patterns = append(next.patterns, r.patterns...)
		}
		for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
			if pat, ok := parsePattern(line, p, domain(dir)); ok {
				next.patterns = append(next.patterns, pat)
			}
		}
		r = next
	}
	return r
}

// trimSpaces drops trailing spaces unless they are escaped, as Git does.
func trimSpaces(line string) string {
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	return line
}

func contains(list []item, name string) bool {
	for i := range list {
		if list[i].name == name {
			return list[i].mode.IsRegular()
		}
	}
	return false
}

// domain is the folder that the patterns of a file in dir are relative to.
func domain(dir string) string {
	if dir == "." {
		return ""
	}
	return dir
}

// match returns the ignore file that leaves p out, "" if none does.
func (r *rules) match(p string, isDir bool) string {
	if r == nil {
		return ""
	}
	for i := len(r.patterns) - 1; i >= 0; i-- {
		if pat := &r.patterns[i]; pat.matches(p, isDir) {
			if pat.negated {
				return ""
			}
			return pat.file
		}
	}
	return ""
}
