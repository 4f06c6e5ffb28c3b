//go:build !linux

package worktree

import (
	"os"
	"path/filepath"
)

// openBeneath opens a file of the tree for reading.
func openBeneath(root *os.Root, _ *os.File, name string) (*os.File, error) {
	return root.Open(filepath.FromSlash(name))
}
