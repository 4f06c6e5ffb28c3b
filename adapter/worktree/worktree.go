// Package worktree reads a tree of files from the disk: a folder, or one file.
//
// Everything is opened through os.Root, so that no path and no symbolic link
// leads out of the folder, even when the tree changes while it is read.
package worktree

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
)

// errIrregular is answered for a folder, pipe, socket or device.
var errIrregular = errors.New("it is not a regular file")

// MaxFiles bounds how many files of a tree are looked at.
const MaxFiles = 1_000_000

// Tree is a folder on the disk. It implements assess.Source.
type Tree struct {
	fs.FS
	root *os.Root
	// dir is the root as an open folder, for openBeneath.
	dir  *os.File
	name string
	// only is the single file that was asked for, "" for the whole folder.
	only string
	// vouched is the device whose stamps can be trusted, 0 for none.
	vouched func() uint64
}

// device is the device whose stamps can be trusted, 0 for none.
func (t *Tree) device() uint64 {
	if t.vouched == nil {
		return 0
	}
	return t.vouched()
}

// Open opens a folder or a file. Close it after use.
func Open(name string) (*Tree, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, openError(name, err)
	}
	dir, only := name, ""
	if !info.IsDir() {
		dir, only = filepath.Dir(name), filepath.Base(name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, openError(name, err)
	}
	top, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(openError(name, err), root.Close())
	}
	return &Tree{
		FS: root.FS(), root: root, dir: top, name: name, only: only,
		vouched: sync.OnceValue(func() uint64 { return vouchedDevice(top) }),
	}, nil
}

func openError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "open", name, "there is no such file or folder", "check the path; . is the current folder")
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Denied, "open", name, "you may not read it", "change its permissions or run as a user who may")
	}
	return fault.Wrap(fault.Unavailable, "open", name, err, "check the path")
}

// Over is a tree that is read from files, such as those of a commit, by the
// same rules as a folder of the disk.
func Over(files fs.FS, name string) *Tree { return &Tree{FS: files, name: name} }

// Open implements fs.FS. It opens files and folders only, and never waits.
func (t *Tree) Open(name string) (fs.File, error) {
	if t.root == nil {
		return t.FS.Open(name)
	}
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := openBeneath(t.root, t.dir, name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err == nil && info.Mode().IsRegular():
		return f, nil
	case err == nil && info.IsDir():
		if err := f.Close(); err != nil {
			return nil, err
		}
		// The entries of a folder look for their files by the folder's name,
		// which only os.Root knows to stay beneath.
		return t.FS.Open(name)
	}
	return nil, errors.Join(&fs.PathError{Op: "open", Path: name, Err: errIrregular}, f.Close())
}

// ReadLink implements fs.ReadLinkFS.
func (t *Tree) ReadLink(name string) (string, error) { return fs.ReadLink(t.FS, name) }

// Lstat implements fs.ReadLinkFS.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(t.FS, name) }

// ReadFile implements fs.ReadFileFS. It refuses files larger than
// assess.MaxFile without reading them.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	text, err := t.AppendFile(nil, name)
	if err != nil {
		return nil, err
	}
	return text, nil
}

// AppendFile appends a file's content to dst: ReadFile for those who read many
// files and keep none. If there is an error it returns dst as it was.
func (t *Tree) AppendFile(dst []byte, name string) ([]byte, error) {
	if t.root == nil {
		text, err := fs.ReadFile(t.FS, name)
		if err != nil {
			return dst, err
		}
		if dst == nil {
			return text, nil
		}
		return append(dst, text...), nil
	}
	if !fs.ValidPath(name) {
		return dst, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	return readBeneath(t.root, t.dir, dst, name)
}

// readThrough appends a file's content to dst by os.Root alone.
func readThrough(root *os.Root, dst []byte, name string) ([]byte, error) {
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return dst, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return dst, err
	case !info.Mode().IsRegular():
		return dst, &fs.PathError{Op: "read", Path: name, Err: errIrregular}
	case info.Size() > assess.MaxFile:
		return dst, &fs.PathError{Op: "read", Path: name, Err: assess.ErrTooLarge}
	}
	text := slices.Grow(dst, int(info.Size())+1)
	for {
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return dst, err
		case len(text)-len(dst) > assess.MaxFile:
			return dst, &fs.PathError{Op: "read", Path: name, Err: assess.ErrTooLarge}
		case len(text) == cap(text):
			text = slices.Grow(text, 512)
		}
	}
}

// Close releases the folder.
func (t *Tree) Close() error {
	if t.root == nil {
		return nil
	}
	return errors.Join(t.dir.Close(), t.root.Close())
}
