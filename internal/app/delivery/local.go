package delivery

import (
	"io/fs"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// localTree is a folder of this machine as a revision without a name.
type localTree struct{ fs.FS }

// Local returns a tree of files that no revision has yet.
func Local(files fs.FS) deliver.Tree { return localTree{files} }

// ID implements deliver.Tree: nothing is the same as anything else.
func (localTree) ID(string) string { return "" }

// Commit implements deliver.Tree.
func (localTree) Commit() *v1alpha1.CommitInfo { return nil }

// ReadFile implements fs.ReadFileFS.
func (t localTree) ReadFile(name string) ([]byte, error) { return fs.ReadFile(t.FS, name) }

// Lstat implements fs.ReadLinkFS.
func (t localTree) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(t.FS, name) }

// ReadLink implements fs.ReadLinkFS.
func (t localTree) ReadLink(name string) (string, error) { return fs.ReadLink(t.FS, name) }
