package oci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Tree is the files of an artifact. It implements fs.FS, fs.ReadFileFS,
// fs.ReadDirFS, fs.StatFS and fs.ReadLinkFS, and is safe for concurrent use.
// Symbolic links are followed inside of the tree only.
type Tree struct {
	store *Store
	index *index
}

// Info returns what the artifact says of itself.
func (t *Tree) Info() Info { return t.index.info }

// ID returns an id of the content of a file or folder, without following a
// last link. Equal ids mean equal content; but links inside may lead elsewhere.
func (t *Tree) ID(name string) (string, error) {
	n, err := t.find("id", name, false)
	if err != nil {
		return "", err
	}
	return n.id, nil
}

// ReadID returns an id of what reading a path gives: that of the path and,
// behind a link, that of what it leads to.
func (t *Tree) ReadID(name string) (string, error) {
	n, err := t.find("id", name, false)
	switch {
	case err != nil:
		return "", err
	case n.record.Link == "":
		return n.id, nil
	}
	end, err := t.find("id", name, true)
	if err != nil {
		return n.id, nil // a link to nothing reads as that
	}
	return n.id + ">" + end.id, nil
}

var (
	errEscape  = errors.New("the symbolic link leads out of the artifact")
	errLoop    = errors.New("too many symbolic links")
	errNotDir  = errors.New("it is not a folder")
	errNotFile = errors.New("it is not a file")
)

// maxLinks bounds how many links one path goes through.
const maxLinks = 40

func (t *Tree) find(op, name string, follow bool) (*node, error) {
	n, err := t.walk(name, follow)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return n, nil
}

func (t *Tree) walk(name string, follow bool) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	at, rest := t.index.root, strings.Split(name, "/")
	if name == "." {
		rest = nil
	}
	for hops := 0; len(rest) > 0; {
		step := rest[0]
		rest = rest[1:]
		if step == ".." {
			if at == t.index.root {
				return nil, errEscape
			}
			at = at.parent
			continue
		}
		next := at.find(step)
		if next == nil {
			return nil, fs.ErrNotExist
		}
		if next.record.Link == "" || len(rest) == 0 && !follow {
			at = next
			continue
		}
		if hops++; hops > maxLinks {
			return nil, errLoop
		}
		target := next.record.Link
		if strings.HasPrefix(target, "/") || strings.ContainsAny(target, "\\\x00") {
			return nil, errEscape
		}
		rest = slices.Concat(slices.DeleteFunc(strings.Split(target, "/"), func(s string) bool { return s == "" || s == "." }), rest)
	}
	return at, nil
}

// content reads a file out of the pack.
func (t *Tree) content(n *node) ([]byte, error) {
	const op = "read file of an artifact"
	if n.record.Size > t.store.opts.MaxFile {
		return nil, fault.New(fault.Invalid, op, t.index.info.Digest, fmt.Sprintf("it has %d bytes, more than allowed", n.record.Size), "split the file, or leave what is no manifest out of the artifact")
	}
	pack, err := os.Open(t.store.file(t.index.info.Digest, ".pack"))
	if err != nil {
		return nil, t.lost(err)
	}
	defer pack.Close()
	text := make([]byte, n.record.Size)
	if _, err := io.ReadFull(io.NewSectionReader(pack, n.record.Offset, n.record.Size), text); err != nil {
		return nil, t.lost(err)
	}
	return text, nil
}

// lost is answered for a file that is in the artifact, but not in the cache:
// never fs.ErrNotExist.
func (t *Tree) lost(err error) error {
	return fault.New(fault.Unavailable, "read file of an artifact", t.index.info.Digest, "the cache has lost it: "+strings.ReplaceAll(err.Error(), t.store.dir, "…"), "fetch the artifact again")
}

// Open implements fs.FS.
func (t *Tree) Open(name string) (fs.File, error) {
	n, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return &openDir{item: &item{t, path.Base(name), n}, list: t.entries(n)}, nil
	}
	text, err := t.content(n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{item: &item{t, path.Base(name), n}, Reader: bytes.NewReader(text)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	n, err := t.find("read", name, true)
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errNotFile}
	}
	text, err := t.content(n)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return text, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	return t.entries(n), nil
}

func (t *Tree) entries(n *node) []fs.DirEntry {
	list := make([]fs.DirEntry, len(n.entries))
	for i, e := range n.entries {
		list[i] = &item{t, e.name, e}
	}
	return list
}

// Stat implements fs.StatFS.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat implements fs.ReadLinkFS.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *Tree) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, err := t.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return &item{t, path.Base(name), n}, nil
}

// ReadLink implements fs.ReadLinkFS.
func (t *Tree) ReadLink(name string) (string, error) {
	n, err := t.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.record.Link == "" {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return n.record.Link, nil
}

// item is a node under the name that it was asked for; it is its own
// fs.FileInfo and fs.DirEntry.
type item struct {
	tree *Tree
	name string
	node *node
}

func (i *item) Name() string               { return i.name }
func (i *item) IsDir() bool                { return i.node.dir }
func (i *item) Type() fs.FileMode          { return i.Mode().Type() }
func (i *item) Info() (fs.FileInfo, error) { return i, nil }
func (i *item) Size() int64                { return i.node.record.Size }
func (i *item) ModTime() time.Time         { return time.Time{} }
func (i *item) Sys() any                   { return nil }

func (i *item) Mode() fs.FileMode {
	switch {
	case i.node.dir:
		return fs.ModeDir | 0o755
	case i.node.record.Link != "":
		return fs.ModeSymlink | 0o777
	case i.node.record.Executable:
		return 0o755
	}
	return 0o644
}

type openFile struct {
	*item
	*bytes.Reader
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.item, nil }
func (o *openFile) Size() int64                { return o.item.Size() }
func (o *openFile) Close() error               { return nil }

type openDir struct {
	*item
	list []fs.DirEntry
}

func (o *openDir) Stat() (fs.FileInfo, error) { return o.item, nil }
func (o *openDir) Close() error               { return nil }
func (o *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: o.name, Err: errNotFile}
}

// ReadDir implements fs.ReadDirFile.
func (o *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(o.list) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(o.list) {
		n = len(o.list)
	}
	list := o.list[:n]
	o.list = o.list[n:]
	return list, nil
}
