package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where the tree's root stands in the view. It is not "/", so that a
// path with too many ".." leaves the tree instead of silently staying in it,
// and it is a name that no path in a repository spells.
const mount = "/%tree%"

var (
	errReadOnly = errors.New("the file system is read-only")
	errOutside  = errors.New("the path leaves the repository")
	errUnseen   = errors.New("the file is named in a way that was not foreseen")
	errTooLarge = fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
)

// maxFile bounds one file that is handed to the library.
const maxFile = 32 << 20

// maxLinks bounds the symbolic links followed in one path, as kernels do.
const maxLinks = 40

// view is the read-only file system that the library sees: files, with some
// kustomizations replaced and some virtual folders added.
type view struct {
	files fs.FS
	// overlay holds replaced and virtual files by path below the root.
	overlay map[string][]byte
	// seen are the files that were checked before the build. The library can
	// read no others: so it cannot meet a reference that was not checked,
	// however a kustomization came to name it.
	seen map[string][]byte
}

var _ filesys.FileSystem = (*view)(nil)

func newView(files fs.FS, seen map[string][]byte) *view {
	return &view{files: files, overlay: map[string][]byte{}, seen: seen}
}

// rel turns a path of the view into one of fs.FS.
func rel(name string) (string, error) {
	clean := path.Clean(filepath.ToSlash(name))
	if clean == mount {
		return ".", nil
	}
	if r, ok := strings.CutPrefix(clean, mount+"/"); ok {
		return r, nil
	}
	return "", &fs.PathError{Op: "open", Path: strings.TrimPrefix(clean, "/"), Err: errOutside}
}

// resolve follows the symbolic links in p, a clean path below the root. It
// never leaves the root. A path that does not exist is an error.
func resolve(files fs.FS, p string) (string, error) {
	links, ok := files.(fs.ReadLinkFS)
	if !ok || p == "." {
		return p, nil
	}
	done, rest := ".", strings.Split(p, "/")
	for hops := 0; len(rest) > 0; {
		next := rest[0]
		rest = rest[1:]
		if next == ".." {
			if done == "." {
				return "", &fs.PathError{Op: "follow", Path: p, Err: errOutside}
			}
			done = path.Dir(done)
			continue
		}
		at := path.Join(done, next)
		info, err := links.Lstat(at)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = at
			continue
		}
		if hops++; hops > maxLinks {
			return "", &fs.PathError{Op: "follow", Path: p, Err: errors.New("too many symbolic links")}
		}
		target, err := links.ReadLink(at)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) || filepath.IsAbs(target) {
			return "", &fs.PathError{Op: "follow", Path: at, Err: errOutside}
		}
		rest = slices.Concat(steps(target), rest)
	}
	return done, nil
}

// steps splits a link's target; "." and empty steps go nowhere.
func steps(target string) []string {
	return slices.DeleteFunc(strings.Split(filepath.ToSlash(target), "/"), func(s string) bool {
		return s == "" || s == "."
	})
}

// virtualDir reports whether p is a folder that only the overlay holds.
func (v *view) virtualDir(p string) bool {
	for name := range v.overlay {
		if strings.HasPrefix(name, p+"/") {
			return true
		}
	}
	return false
}

// stat resolves a path of the view and says whether it is a folder.
func (v *view) stat(name string) (p string, dir bool, err error) {
	p, err = rel(name)
	if err != nil {
		return "", false, err
	}
	if _, ok := v.overlay[p]; ok {
		return p, false, nil
	}
	real, err := resolve(v.files, p)
	if err == nil {
		var info fs.FileInfo
		if info, err = fs.Stat(v.files, real); err == nil {
			return real, info.IsDir(), nil
		}
	}
	if v.virtualDir(p) {
		return p, true, nil
	}
	return "", false, err
}

// ReadFile implements filesys.FileSystem.
func (v *view) ReadFile(name string) ([]byte, error) {
	p, dir, err := v.stat(name)
	if err != nil {
		return nil, err
	}
	if dir {
		return nil, &fs.PathError{Op: "read", Path: p, Err: errors.New("is a directory")}
	}
	if data, ok := v.overlay[p]; ok {
		return bytes.Clone(data), nil
	}
	data, ok := v.seen[p]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: p, Err: errUnseen}
	}
	return bytes.Clone(data), nil
}

// readBounded reads a regular file of at most maxFile bytes.
func readBounded(files fs.FS, p string) ([]byte, error) {
	f, err := files.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: p, Err: errors.New("not a regular file")}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, &fs.PathError{Op: "read", Path: p, Err: errTooLarge}
	}
	return data, nil
}

// CleanedAbs implements filesys.FileSystem: the folder and the file's name,
// with symbolic links resolved.
func (v *view) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	p, dir, err := v.stat(name)
	if err != nil {
		return "", "", err
	}
	abs := path.Join(mount, p)
	if dir {
		return filesys.ConfirmedDir(abs), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(abs)), path.Base(abs), nil
}

// IsDir implements filesys.FileSystem.
func (v *view) IsDir(name string) bool {
	_, dir, err := v.stat(name)
	return err == nil && dir
}

// Exists implements filesys.FileSystem.
func (v *view) Exists(name string) bool {
	_, _, err := v.stat(name)
	return err == nil
}

// ReadDir implements filesys.FileSystem.
func (v *view) ReadDir(name string) ([]string, error) {
	p, _, err := v.stat(name)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(v.files, p)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// Open implements filesys.FileSystem.
func (v *view) Open(name string) (filesys.File, error) {
	data, err := v.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &memory{Reader: bytes.NewReader(data)}, nil
}

// memory is a read-only file of the view.
type memory struct{ *bytes.Reader }

// Write implements io.Writer by refusing.
func (*memory) Write([]byte) (int, error) { return 0, errReadOnly }

// Close implements io.Closer.
func (*memory) Close() error { return nil }

// Stat implements filesys.File; a build does not use it.
func (*memory) Stat() (os.FileInfo, error) { return nil, errors.ErrUnsupported }

// Create implements filesys.FileSystem by refusing.
func (*view) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir implements filesys.FileSystem by refusing.
func (*view) Mkdir(string) error { return errReadOnly }

// MkdirAll implements filesys.FileSystem by refusing.
func (*view) MkdirAll(string) error { return errReadOnly }

// RemoveAll implements filesys.FileSystem by refusing.
func (*view) RemoveAll(string) error { return errReadOnly }

// WriteFile implements filesys.FileSystem by refusing.
func (*view) WriteFile(string, []byte) error { return errReadOnly }

// Glob implements filesys.FileSystem; a build does not use it.
func (*view) Glob(string) ([]string, error) { return nil, errors.ErrUnsupported }

// Walk implements filesys.FileSystem; a build does not use it.
func (*view) Walk(string, filepath.WalkFunc) error { return errors.ErrUnsupported }
