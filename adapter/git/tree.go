package git

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/autoecoops/autoecoops/fault"
)

// files is the tree of one commit as an fs.FS. Blobs are read when opened.
type files struct {
	mu   sync.Mutex // go-git's storage is not safe for concurrent reads
	repo *gogit.Repository
	dirs map[string][]fs.DirEntry
	all  map[string]*info
}

// info is a file or folder of the tree; it is its own fs.DirEntry.
type info struct {
	name string
	mode fs.FileMode
	hash plumbing.Hash
	size int64
}

func (i *info) Name() string               { return i.name }
func (i *info) Size() int64                { return i.size }
func (i *info) Mode() fs.FileMode          { return i.mode }
func (i *info) ModTime() time.Time         { return time.Time{} }
func (i *info) IsDir() bool                { return i.mode.IsDir() }
func (i *info) Type() fs.FileMode          { return i.mode.Type() }
func (i *info) Info() (fs.FileInfo, error) { return i, nil }

// Sys returns the object's id, the hash of all of its content.
func (i *info) Sys() any { return i.hash.String() }

func treeAt(repo *gogit.Repository, hash plumbing.Hash, dir string) (fs.FS, error) {
	const op = "read commit"
	commit, err := repo.CommitObject(hash)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, op, hash.String(), err, "fetch the commit first")
	}
	root, err := commit.Tree()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, hash.String(), err, "fetch the commit first")
	}
	if dir != "." {
		if root, err = root.Tree(dir); err != nil {
			return nil, fault.New(fault.NotFound, op, dir, "the commit "+hash.String()[:12]+" has no such folder", "check the folder's name")
		}
	}
	f := &files{repo: repo, dirs: map[string][]fs.DirEntry{".": {}}, all: map[string]*info{".": {name: ".", mode: fs.ModeDir | 0o755, hash: root.Hash}}}
	w := object.NewTreeWalker(root, true, nil)
	defer w.Close()
	for {
		name, e, err := w.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, op, hash.String(), err, "the repository may be damaged: git fsck")
		}
		if fs.ValidPath(name) {
			f.add(name, e)
		}
	}
	for _, list := range f.dirs {
		slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return f, nil
}

func (f *files) add(name string, e object.TreeEntry) {
	i := &info{name: path.Base(name), hash: e.Hash, mode: 0o644}
	switch e.Mode {
	case filemode.Dir:
		i.mode = fs.ModeDir | 0o755
		f.dirs[name] = []fs.DirEntry{}
	case filemode.Submodule:
		i.mode = fs.ModeIrregular
	case filemode.Symlink:
		i.mode = fs.ModeSymlink | 0o777
	default:
		if obj, err := f.repo.Storer.EncodedObject(plumbing.BlobObject, e.Hash); err == nil {
			i.size = obj.Size()
		}
	}
	f.all[name] = i
	f.dirs[path.Dir(name)] = append(f.dirs[path.Dir(name)], i)
}

// Open implements fs.FS.
func (f *files) Open(name string) (fs.File, error) {
	i, err := f.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if i.IsDir() {
		return &openDir{info: i, list: f.dirs[name]}, nil
	}
	text, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{info: i, Reader: strings.NewReader(string(text))}, nil
}

func (f *files) lookup(op, name string) (*info, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if i := f.all[name]; i != nil && i.mode&fs.ModeSymlink == 0 {
		return i, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Stat implements fs.StatFS.
func (f *files) Stat(name string) (fs.FileInfo, error) { return f.lookup("stat", name) }

// ReadDir implements fs.ReadDirFS.
func (f *files) ReadDir(name string) ([]fs.DirEntry, error) {
	if list, ok := f.dirs[name]; ok {
		return list, nil
	}
	return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
}

// ReadFile implements fs.ReadFileFS.
func (f *files) ReadFile(name string) ([]byte, error) {
	i, err := f.lookup("read", name)
	if err != nil {
		return nil, err
	}
	if !i.mode.IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	obj, err := f.repo.Storer.EncodedObject(plumbing.BlobObject, i.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	defer r.Close()
	return io.ReadAll(r)
}

type openFile struct {
	*info
	*strings.Reader
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openFile) Size() int64                { return o.info.size }
func (o *openFile) Close() error               { return nil }

type openDir struct {
	*info
	list []fs.DirEntry
}

func (o *openDir) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openDir) Close() error               { return nil }
func (o *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: o.name, Err: fs.ErrInvalid}
}

// ReadDir implements fs.ReadDirFile.
func (o *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		list := o.list
		o.list = nil
		return list, nil
	}
	if len(o.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(o.list))
	list := o.list[:n]
	o.list = o.list[n:]
	return list, nil
}
