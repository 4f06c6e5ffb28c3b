package worktree

import (
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// ignoreFiles are read in each folder, later ones overruling earlier ones.
var ignoreFiles = []string{".gitignore", ".aeoignore"}

// rules are the ignore patterns in force in a folder: its own after those of
// the folders above it.
type rules struct {
	patterns []pattern
}

type pattern struct {
	gitignore.Pattern
	file string
}

// read returns the rules of dir, whose entries are list.
func (r *rules) read(files fs.FS, dir string, list []fs.DirEntry) *rules {
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
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if line == "" || line[0] == '#' {
				continue
			}
			next.patterns = append(next.patterns, pattern{gitignore.ParsePattern(trimSpaces(line), domain(dir)), p})
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

func contains(list []fs.DirEntry, name string) bool {
	for _, d := range list {
		if d.Name() == name {
			return d.Type().IsRegular()
		}
	}
	return false
}

func domain(dir string) []string {
	if dir == "." {
		return nil
	}
	return strings.Split(dir, "/")
}

// match returns the ignore file that leaves p out, "" if none does.
func (r *rules) match(p string, isDir bool) string {
	if r == nil {
		return ""
	}
	parts := strings.Split(p, "/")
	for i := len(r.patterns) - 1; i >= 0; i-- {
		switch r.patterns[i].Match(parts, isDir) {
		case gitignore.Exclude:
			return r.patterns[i].file
		case gitignore.Include:
			return ""
		}
	}
	return ""
}
