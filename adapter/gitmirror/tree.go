package gitmirror

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// Tree is the files of one commit, read from the mirror when they are asked
// for. It implements fs.FS, fs.ReadFileFS, fs.ReadDirFS, fs.StatFS and
// fs.ReadLinkFS, and is safe for concurrent use. Symbolic links are followed
// inside of the tree only. A submodule is an entry that has nothing in it.
type Tree struct {
	m       *Mirrors
	r       *mirror
	address giturl.Address
	// repo is where missing files come from; no URL means nowhere.
	repo   Repo
	commit Commit
	info   *Info
}

// Limits of what a tree can look like.
const (
	maxLinks    = 40
	maxFolder   = 64 << 20 // bytes of one folder's object
	maxCommit   = 4 << 20  // bytes of a commit's or a tag's object
	maxLinkText = 4096
	maxDepth    = 200
)

// open reads the commit that c names out of the mirror.
func (m *Mirrors) open(r *mirror, a giturl.Address, repo Repo, c Commit) (*Tree, error) {
	const op = "read commit"
	t := &Tree{m: m, r: r, address: a, repo: repo, commit: c}
	var tag []byte
	err := m.pool.with(r.dir, func(rd *reader) (err error) {
		if c.Tag != "" {
			if tag, err = rd.contents(c.Tag, "tag", maxCommit); err != nil {
				return err
			}
		}
		raw, err := rd.contents(c.SHA, "commit", maxCommit)
		if err != nil {
			return err
		}
		t.info, err = parseCommit(c.SHA, raw)
		return err
	})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, c.SHA, err, "the object may be no commit; else the cache is damaged, and clearing it helps")
	}
	if t.info.Tag = tag; tag != nil {
		// Tags of tags are unusual and prove nothing more; what counts here is
		// that the server did not name another commit than the tag does.
		object, kind, name := parseTag(tag)
		if kind == "commit" && object != c.SHA {
			return nil, fault.New(fault.Blocked, op, c.SHA, "the tag names another commit than the server said", "look at the tag on the server: git ls-remote")
		}
		t.info.TagID, t.info.TagName = c.Tag, name
		if c.Ref != "" {
			t.info.TagName = strings.TrimPrefix(c.Ref, "refs/tags/")
		}
	}
	return t, nil
}

// Info returns what the commit says of itself. It must not be changed.
func (t *Tree) Info() *Info { return t.info }

// folder reads a tree object.
func (t *Tree) folder(id string) (*folder, error) {
	if f := t.m.trees.get(id); f != nil {
		return f, nil
	}
	var text []byte
	err := t.m.pool.with(t.r.dir, func(rd *reader) (err error) {
		text, err = rd.contents(entry{id: id}.hex(), "tree", maxFolder)
		return err
	})
	const op = "read folder of a commit"
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, t.info.SHA, err, "the cache may be damaged; clearing it helps")
	}
	f, err := parseFolder(text, len(id))
	if err != nil {
		return nil, fault.Wrap(fault.Blocked, op, t.info.SHA, err, "see git fsck in a clone of the repository")
	}
	t.m.trees.put(id, f)
	return f, nil
}

func (t *Tree) root() entry { return entry{name: ".", id: fromHex(t.info.Tree), mode: modeDir} }

// Why a path is refused.
var (
	errEscape  = errors.New("the symbolic link leads out of the repository")
	errLoop    = errors.New("too many symbolic links")
	errNotDir  = errors.New("it is not a folder")
	errNotFile = errors.New("it is not a file")
	errDepth   = errors.New("it lies too deep")
)

// submoduleError is answered for what would lie in a submodule.
type submoduleError struct{}

func (submoduleError) Error() string {
	return "it is a Git submodule, which is not fetched: make its content part of the repository, or an application of its own"
}

// Is makes a submodule's content absent.
func (submoduleError) Is(err error) bool { return err == fs.ErrNotExist }

// walk finds a path. Links in the middle are followed, the last one only if
// follow is set. The folder that the entry lies in, and its real path, are
// returned with it.
func (t *Tree) walk(name string, follow bool) (e, parent entry, real string, err error) {
	at, rest := []entry{t.root()}, strings.Split(name, "/")
	if name == "." {
		rest = nil
	}
	steps := []string{}
	for hops := 0; len(rest) > 0; {
		step := rest[0]
		rest = rest[1:]
		if step == ".." {
			if len(steps) == 0 {
				return e, e, "", errEscape
			}
			at, steps = at[:len(at)-1], steps[:len(steps)-1]
			continue
		}
		here := at[len(at)-1]
		next, err := t.child(here, step, len(at))
		if err != nil {
			return e, e, "", err
		}
		if next.mode != modeLink || len(rest) == 0 && !follow {
			at, steps = append(at, next), append(steps, step)
			continue
		}
		if hops++; hops > maxLinks {
			return e, e, "", errLoop
		}
		target, err := t.target(here, next)
		if err != nil {
			return e, e, "", err
		}
		rest = slices.Concat(target, rest)
	}
	return at[len(at)-1], at[max(0, len(at)-2)], path.Join(append([]string{"."}, steps...)...), nil
}

// child finds a name in a folder.
func (t *Tree) child(here entry, name string, depth int) (entry, error) {
	switch {
	case here.mode == modeSubmodule:
		return entry{}, submoduleError{}
	case here.mode != modeDir:
		return entry{}, fs.ErrNotExist
	case depth > maxDepth:
		return entry{}, errDepth
	}
	f, err := t.folder(here.id)
	if err != nil {
		return entry{}, err
	}
	e, ok := f.find(name)
	if !ok || !validName(name) {
		return entry{}, fs.ErrNotExist
	}
	return e, nil
}

// target returns the steps of a link's target.
func (t *Tree) target(parent, e entry) ([]string, error) {
	text, err := t.blob(parent, e, maxLinkText)
	switch {
	case err != nil:
		return nil, err
	case bytes.HasPrefix(text, []byte("/")), bytes.ContainsAny(text, "\x00\\"):
		return nil, errEscape
	}
	return slices.DeleteFunc(strings.Split(string(text), "/"), func(s string) bool { return s == "" || s == "." }), nil
}

// blob reads the object of a file that lies in the folder parent. If it is
// missing in a partial mirror, it is fetched with all that lies beside it.
func (t *Tree) blob(parent, e entry, limit int64) (text []byte, err error) {
	err = t.object(parent, func(rd *reader) error {
		text, err = rd.contents(e.hex(), "blob", limit)
		return err
	})
	return text, err
}

// object calls read, again after files that are missing were fetched.
func (t *Tree) object(parent entry, read func(*reader) error) error {
	err := t.m.pool.with(t.r.dir, read)
	if errors.Is(err, errMissing) && t.r.partial() {
		if err := t.load(parent); err != nil {
			return err
		}
		err = t.m.pool.with(t.r.dir, read)
	}
	return t.blobError(err)
}

func (t *Tree) blobError(err error) error {
	if err == nil {
		return nil
	}
	const op = "read file of a commit"
	if tooLarge, ok := errors.AsType[errSize](err); ok {
		return fault.New(fault.Invalid, op, t.info.SHA, tooLarge.Error()+", more than allowed", "split the file, or keep what is no manifest out of the repository")
	}
	return fault.Wrap(fault.Unavailable, op, t.info.SHA, err, "the cache may be damaged; clearing it helps")
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// find checks and walks a path.
func (t *Tree) find(op, name string, follow bool) (e, parent entry, err error) {
	if !fs.ValidPath(name) {
		return e, e, pathError(op, name, fs.ErrInvalid)
	}
	e, parent, _, err = t.walk(name, follow)
	return e, parent, pathError(op, name, err)
}

// ID returns the object id of a file or folder, without following a last
// link. Two folders of one id have the same content, whichever commit or
// repository they are in; but links inside may lead elsewhere.
func (t *Tree) ID(name string) (string, error) {
	e, _, err := t.find("id", name, false)
	if err != nil {
		return "", err
	}
	return e.hex(), nil
}

// ReadID returns an id of what reading a path gives: that of the path and,
// behind a link, that of what it leads to.
func (t *Tree) ReadID(name string) (string, error) {
	e, _, err := t.find("id", name, false)
	switch {
	case err != nil:
		return "", err
	case e.mode != modeLink:
		return e.hex(), nil
	}
	end, _, err := t.find("id", name, true)
	if err != nil {
		return e.hex(), nil // a link to nothing reads as that
	}
	return e.hex() + ">" + end.hex(), nil
}

// Open implements fs.FS.
func (t *Tree) Open(name string) (fs.File, error) {
	e, parent, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	d := &dirEntry{tree: t, name: path.Base(name), entry: e, parent: parent}
	switch e.mode {
	case modeDir, modeSubmodule:
		list, err := t.list(e)
		if err != nil {
			return nil, pathError("open", name, err)
		}
		return &openDir{dirEntry: d, list: list}, nil
	}
	text, err := t.blob(parent, e, t.m.opts.MaxFile)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &openFile{dirEntry: d, Reader: bytes.NewReader(text)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	e, parent, err := t.find("read", name, true)
	switch {
	case err != nil:
		return nil, err
	case e.mode == modeSubmodule:
		return nil, pathError("read", name, submoduleError{})
	case e.mode == modeDir:
		return nil, pathError("read", name, errNotFile)
	}
	text, err := t.blob(parent, e, t.m.opts.MaxFile)
	return text, pathError("read", name, err)
}

// ReadDir implements fs.ReadDirFS.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	e, _, err := t.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	list, err := t.list(e)
	return list, pathError("readdir", name, err)
}

// list returns a folder's entries; a submodule has none.
func (t *Tree) list(e entry) ([]fs.DirEntry, error) {
	switch e.mode {
	case modeSubmodule:
		return nil, nil
	case modeDir:
	default:
		return nil, errNotDir
	}
	f, err := t.folder(e.id)
	if err != nil {
		return nil, err
	}
	if f.refused != "" {
		return nil, fault.New(fault.Invalid, "read folder of a commit", t.info.SHA, "it holds an entry called "+f.refused+", a name that no file may have", "rename it: names are UTF-8 without control characters and backslashes, and not .git")
	}
	list := make([]fs.DirEntry, len(f.entries))
	for i, sub := range f.entries {
		list[i] = &dirEntry{tree: t, name: sub.name, entry: sub, parent: e}
	}
	return list, nil
}

// Stat implements fs.StatFS.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name, true) }

// Lstat implements fs.ReadLinkFS.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name, false) }

func (t *Tree) stat(op, name string, follow bool) (fs.FileInfo, error) {
	e, parent, err := t.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return (&dirEntry{tree: t, name: path.Base(name), entry: e, parent: parent}).Info()
}

// ReadLink implements fs.ReadLinkFS.
func (t *Tree) ReadLink(name string) (string, error) {
	e, parent, err := t.find("readlink", name, false)
	switch {
	case err != nil:
		return "", err
	case e.mode != modeLink:
		return "", pathError("readlink", name, fs.ErrInvalid)
	}
	text, err := t.blob(parent, e, maxLinkText)
	return string(text), pathError("readlink", name, err)
}

// dirEntry is a file or folder of the tree.
type dirEntry struct {
	tree *Tree
	name string
	entry
	parent entry
}

func (d *dirEntry) Name() string      { return d.name }
func (d *dirEntry) IsDir() bool       { return d.mode == modeDir }
func (d *dirEntry) Type() fs.FileMode { return d.fileMode().Type() }

func (d *dirEntry) fileMode() fs.FileMode {
	switch d.mode {
	case modeDir:
		return fs.ModeDir | 0o755
	case modeLink:
		return fs.ModeSymlink | 0o777
	case modeSubmodule:
		return fs.ModeIrregular
	case modeExecutable:
		return 0o755
	}
	return 0o644
}

// Info implements fs.DirEntry. Only here the size is asked for.
func (d *dirEntry) Info() (fs.FileInfo, error) {
	i := &fileInfo{dirEntry: d}
	if d.mode == modeDir || d.mode == modeSubmodule {
		return i, nil
	}
	err := d.tree.object(d.parent, func(rd *reader) (err error) {
		_, i.size, err = rd.info(d.hex())
		return err
	})
	if err != nil {
		return nil, pathError("stat", d.name, err)
	}
	return i, nil
}

type fileInfo struct {
	*dirEntry
	size int64
}

func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.fileMode() }
func (i *fileInfo) ModTime() time.Time { return i.tree.info.Committer.When }
func (i *fileInfo) Sys() any           { return nil }

type openFile struct {
	*dirEntry
	*bytes.Reader
}

func (o *openFile) Stat() (fs.FileInfo, error) {
	return &fileInfo{dirEntry: o.dirEntry, size: o.Reader.Size()}, nil
}
func (o *openFile) Close() error { return nil }

type openDir struct {
	*dirEntry
	list []fs.DirEntry
}

func (o *openDir) Stat() (fs.FileInfo, error) { return &fileInfo{dirEntry: o.dirEntry}, nil }
func (o *openDir) Close() error               { return nil }
func (o *openDir) Read([]byte) (int, error)   { return 0, pathError("read", o.name, errNotFile) }

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
