package worktree

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/autoecoops/autoecoops/fault"
)

// Write replaces a regular file of the tree by text, at once or not at all:
// the text goes into a new file beside it, with the same permissions, which
// then takes its name. It refuses symbolic links, whatever lies outside of the
// tree, and a file that no longer holds before.
func (t *Tree) Write(name string, before, text []byte) error {
	const op = "write"
	if t.root == nil || !fs.ValidPath(name) || t.only != "" && name != t.only {
		return fault.New(fault.Denied, op, name, "it is not a file of the tree", "")
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if info, err := t.root.Lstat(dir); err != nil || !info.IsDir() {
			return fault.New(fault.Denied, op, name, "its folder "+dir+" is a symbolic link or gone", "edit the file where it lies")
		}
	}
	info, err := t.root.Lstat(name)
	switch {
	case err != nil:
		return writeError(name, err)
	case !info.Mode().IsRegular():
		return fault.New(fault.Denied, op, name, "it is not a regular file", "edit the file that a link names where it lies")
	}
	now, err := fs.ReadFile(t.FS, name)
	if err != nil {
		return writeError(name, err)
	}
	if !bytes.Equal(now, before) {
		return fault.New(fault.Conflict, op, name, "it was changed meanwhile", "run the command again")
	}
	temp := path.Join(path.Dir(name), ".aeo-"+rand.Text()+".tmp")
	if err := t.writeNew(temp, text, info.Mode().Perm()); err != nil {
		return writeError(name, errors.Join(err, t.root.Remove(temp)))
	}
	if err := t.root.Rename(temp, name); err != nil {
		return writeError(name, errors.Join(err, t.root.Remove(temp)))
	}
	return nil
}

func (t *Tree) writeNew(name string, text []byte, mode fs.FileMode) error {
	f, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

func writeError(name string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fault.Wrap(fault.Denied, "write", name, err, "change the permissions of the file and its folder")
	}
	return fault.Wrap(fault.Unavailable, "write", name, err, "is the disk full, or the folder read-only?")
}
