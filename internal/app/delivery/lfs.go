package delivery

import (
	"bytes"
	"io/fs"
	"slices"

	"github.com/autoecoops/autoecoops/fault"
)

// lfsMark is how a file begins that Git LFS left in the place of its content.
const lfsMark = "version https://git-lfs.github.com/spec/"

// maxPointer bounds such a file, in bytes: so does Git LFS itself.
const maxPointer = 1024

// isPointer tells whether a file only points at content that is not in Git.
func isPointer(text []byte) bool {
	return len(text) < maxPointer && bytes.HasPrefix(text, []byte(lfsMark))
}

// pointer says that a file is one, and what can be done.
func pointer(name string) error {
	return fault.New(fault.Invalid, "read", name, "it is a pointer of Git LFS: the content itself is not in Git",
		"keep what is applied in Git itself: `git lfs untrack "+name+"`, then `git add --renormalize "+name+"` and commit")
}

// pointers returns why a rendering failed if that is because of a file that only
// points at its content, nil if it is not. Those who read through libraries only
// learn that the file is not what it should be.
func (r *recording) pointers() error {
	r.mu.Lock()
	var names []string
	for name, id := range r.read {
		if id != "" {
			names = append(names, name)
		}
	}
	r.mu.Unlock()
	slices.Sort(names)
	for _, name := range names {
		info, err := fs.Stat(r.Tree, name)
		if err != nil || !info.Mode().IsRegular() || info.Size() >= maxPointer {
			continue // what cannot be read said so already
		}
		if text, err := fs.ReadFile(r.Tree, name); err == nil && isPointer(text) {
			return pointer(name)
		}
	}
	return nil
}
