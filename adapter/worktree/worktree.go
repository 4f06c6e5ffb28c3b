// Package worktree reads a tree of files from the disk: a folder, or one file.
//
// Everything is opened through os.Root, so that no path and no symbolic link
// leads out of the folder, even when the tree changes while it is read.
package worktree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

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
	return &Tree{FS: root.FS(), root: root, dir: top, name: name, only: only}, nil
}

func openError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "open", name, "there is no such file or folder", "check the path; `aeo assess .` assesses the current folder")
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
	if t.root == nil {
		return fs.ReadFile(t.FS, name)
	}
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	f, err := openBeneath(t.root, t.dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIrregular}
	}
	if info.Size() > assess.MaxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: assess.ErrTooLarge}
	}
	text := make([]byte, 0, info.Size()+1)
	for {
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return nil, err
		case len(text) > assess.MaxFile:
			return nil, &fs.PathError{Op: "read", Path: name, Err: assess.ErrTooLarge}
		case len(text) == cap(text):
			text = slices.Grow(text, len(text)+512)
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

// Entries implements assess.Source.
func (t *Tree) Entries(ctx context.Context) ([]assess.Entry, error) {
	if t.only != "" {
		if _, err := fs.Stat(t, t.only); err != nil {
			return nil, openError(t.only, err)
		}
		return []assess.Entry{{Path: t.only}}, nil
	}
	w := walker{ctx: ctx, tree: t}
	if err := w.dir(".", nil); err != nil {
		return nil, err
	}
	slices.SortFunc(w.out, func(a, b assess.Entry) int { return cmp.Compare(a.Path, b.Path) })
	return w.out, nil
}

type walker struct {
	ctx  context.Context
	tree *Tree
	out  []assess.Entry
}

func (w *walker) skip(p, why string) { w.out = append(w.out, assess.Entry{Path: p, Skip: why}) }

func (w *walker) unreadable(p string, err error) {
	w.out = append(w.out, assess.Entry{Path: p, Unreadable: reason(err)})
}

func reason(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "you may not read it: change its permissions"
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return "it cannot be read: " + pe.Err.Error()
	}
	return "it cannot be read: " + err.Error()
}

func (w *walker) dir(dir string, ignored *rules) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	list, err := fs.ReadDir(w.tree, dir)
	if err != nil {
		if dir == "." {
			return openError(w.tree.name, err)
		}
		w.unreadable(dir, err)
		return nil
	}
	ignored = ignored.read(w.tree, dir, list)
	for _, d := range list {
		if len(w.out) > MaxFiles {
			return fault.New(fault.Invalid, "read", w.tree.name, fmt.Sprintf("it has more than %d files", MaxFiles), "assess a folder below it, or leave folders out with .aeoignore")
		}
		p := path.Join(dir, d.Name())
		if d.Name() == ".git" {
			continue
		}
		if by := ignored.match(p, d.IsDir()); by != "" {
			w.skip(p, "ignored by "+by)
			continue
		}
		if err := w.entry(p, d, ignored); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(p string, d fs.DirEntry, ignored *rules) error {
	switch t := d.Type(); {
	case t.IsDir():
		return w.dir(p, ignored)
	case t&fs.ModeSymlink != 0:
		w.link(p)
	case !t.IsRegular():
		w.skip(p, "not a regular file ("+t.String()+")")
	default:
		w.out = append(w.out, assess.Entry{Path: p})
	}
	return nil
}

// link accounts for a symbolic link. A link to a file inside of the tree is
// skipped, since the file itself is read; links to folders are not followed,
// which also ends loops.
func (w *walker) link(p string) {
	info, err := fs.Stat(w.tree, p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.skip(p, "a symbolic link to nothing")
	case err != nil:
		w.skip(p, "a symbolic link that leaves the tree or loops; it is not followed")
	case info.IsDir():
		w.skip(p, "a symbolic link to a folder; links are not followed, the folder itself is read where it lies")
	default:
		w.skip(p, "a symbolic link; the file that it names is read where it lies")
	}
}
