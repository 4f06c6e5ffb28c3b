package worktree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/assess"
)

// openBeneath opens a file of the tree for reading. One system call does what
// os.Root does step by step: the kernel itself refuses to leave the folder.
// Where it can't (before Linux 5.6, some sandboxes), os.Root does it.
func openBeneath(root *os.Root, dir *os.File, name string) (*os.File, error) {
	fd, err := beneath(dir, name, 0, 0)
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), name), nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// beneath opens what the kernel finds below dir; flags and resolve add to the
// rules that no file is waited for and that no link leads out of it.
func beneath(dir *os.File, name string, flags, resolve uint64) (fd int, err error) {
	fd, err = unix.Openat2(int(dir.Fd()), name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | flags,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | resolve,
	})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return -1, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return fd, err
}

// readBeneath appends a file's content to dst by as few system calls as there
// can be: an os.File would ask for three more, to be ready to wait.
func readBeneath(root *os.Root, dir *os.File, dst []byte, name string) ([]byte, error) {
	fd, err := beneath(dir, name, 0, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dst, err
	case err != nil:
		return readThrough(root, dst, name)
	}
	defer unix.Close(fd) //nolint:errcheck // it was only read
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return dst, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return readAll(fd, dst, name, &info)
}

// readAll appends what an open file of the given status holds to dst.
func readAll(fd int, dst []byte, name string, info *unix.Stat_t) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return dst, &fs.PathError{Op: "read", Path: name, Err: err} }
	switch {
	case info.Mode&unix.S_IFMT != unix.S_IFREG:
		return fail(errIrregular)
	case info.Size > assess.MaxFile:
		return fail(assess.ErrTooLarge)
	}
	text := slices.Grow(dst, int(info.Size)+1)
	for {
		room := text[len(text):cap(text)]
		n, err := unix.Read(fd, room)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fail(err)
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+n]
		switch size := len(text) - len(dst); {
		case size > assess.MaxFile:
			return fail(assess.ErrTooLarge)
		case int64(size) == info.Size && n < len(room):
			// There was room for more than the file had, and it has no more.
			return text, nil
		}
		if len(text) == cap(text) {
			text = slices.Grow(text, 512)
		}
	}
}

// The layout of the kernel's struct linux_dirent64.
const (
	direntLength = 16
	direntType   = 18
	direntName   = 19
)

// list returns the entries of a folder in the kernel's order, by one call for
// as many as fit into the buffer. No link on the way to it is followed. Files on
// device are stamped, 0 for none.
func (t *Tree) list(dir string, buf []byte, device uint64) ([]item, error) {
	if t.root == nil {
		return t.listSlowly(dir)
	}
	fd, err := beneath(t.dir, dir, unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		return t.listSlowly(dir) // which finds the words for it
	}
	defer unix.Close(fd) //nolint:errcheck // it was only read
	var out []item
	for {
		n, err := unix.Getdents(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, &fs.PathError{Op: "readdir", Path: dir, Err: err}
		case n == 0:
			return out, nil
		}
		for rest := buf[:n]; len(rest) > direntName; {
			length := int(binary.NativeEndian.Uint16(rest[direntLength:]))
			if length <= direntName || length > len(rest) {
				return nil, &fs.PathError{Op: "readdir", Path: dir, Err: unix.EBADMSG}
			}
			raw := rest[direntName:length]
			if end := bytes.IndexByte(raw, 0); end >= 0 {
				raw = raw[:end]
			}
			kind := rest[direntType]
			rest = rest[length:]
			if s := string(raw); s != "." && s != ".." {
				mode, err := modeOf(fd, kind, s)
				if errors.Is(err, unix.ENOENT) {
					continue // it went meanwhile
				}
				if err != nil {
					return nil, &fs.PathError{Op: "lstat", Path: dir + "/" + s, Err: err}
				}
				it := item{name: s, mode: mode}
				if device != 0 && mode.IsRegular() {
					var info unix.Stat_t
					if err := unix.Fstatat(fd, s, &info, unix.AT_SYMLINK_NOFOLLOW); err == nil {
						it.stamp = stampOf(&info, device)
					}
				}
				out = append(out, it)
			}
		}
	}
}

// modeOf returns the type bits of an entry; some file systems tell them only
// when asked.
func modeOf(dir int, kind byte, name string) (fs.FileMode, error) {
	if kind == unix.DT_UNKNOWN {
		var info unix.Stat_t
		if err := unix.Fstatat(dir, name, &info, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return 0, err
		}
		kind = byte(info.Mode & unix.S_IFMT >> 12)
	}
	switch kind {
	case unix.DT_REG:
		return 0, nil
	case unix.DT_DIR:
		return fs.ModeDir, nil
	case unix.DT_LNK:
		return fs.ModeSymlink, nil
	case unix.DT_FIFO:
		return fs.ModeNamedPipe, nil
	case unix.DT_SOCK:
		return fs.ModeSocket, nil
	case unix.DT_CHR:
		return fs.ModeDevice | fs.ModeCharDevice, nil
	case unix.DT_BLK:
		return fs.ModeDevice, nil
	}
	return fs.ModeIrregular, nil
}
