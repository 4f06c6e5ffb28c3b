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
