//go:build !linux

package worktree

import (
	"os"
	"path/filepath"
	"syscall"
)

// openBeneath opens a file of the tree for reading.
func openBeneath(root *os.Root, _ *os.File, name string) (*os.File, error) {
	return root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// readBeneath appends a file's content to dst.
func readBeneath(root *os.Root, _ *os.File, dst []byte, name string) ([]byte, error) {
	return readThrough(root, dst, name)
}

// list returns the entries of a folder.
func (t *Tree) list(dir string, _ []byte, _ uint64) ([]item, error) { return t.listSlowly(dir) }
