package worktree

import (
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// vouching are the file systems whose files only this kernel writes, and of
// which it stamps every write. Those of other machines, of user space and the
// layers of containers may change without its knowing.
var vouching = []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC}

// vouchedDevice is the device of the folder if its stamps can be trusted, else
// 0. Another one may be mounted below it, whose stamps are worth nothing here.
func vouchedDevice(dir *os.File) uint64 {
	var kind unix.Statfs_t
	var info unix.Stat_t
	fd := int(dir.Fd())
	if unix.Fstatfs(fd, &kind) != nil || unix.Fstat(fd, &info) != nil || !slices.Contains(vouching, int64(kind.Type)) {
		return 0
	}
	return uint64(info.Dev) //nolint:unconvert // its width differs by architecture
}

// stampOf is the stamp of a regular file on the tree's device.
func stampOf(info *unix.Stat_t, device uint64) Stamp {
	if info.Mode&unix.S_IFMT != unix.S_IFREG || uint64(info.Dev) != device || device == 0 { //nolint:unconvert // as above
		return Stamp{}
	}
	return Stamp{device, info.Ino, info.Size, info.Mtim.Nano(), info.Ctim.Nano()}
}

// ReadStamped appends a file's content to dst and returns the stamp that it has
// for as long as it holds this content, zero if that cannot be promised: it
// changed just now, somebody has it open for writing or mapped, or it is
// reached through a link. now is the machine's time.
//
// That nobody writes counts because a mapping is stamped when it is written to
// first, not each time. The kernel says so by granting a lease, which is given
// back at once. Whoever opens the file later cannot write to it unstamped.
func (t *Tree) ReadStamped(dst []byte, name string, now time.Time) ([]byte, Stamp, error) {
	device := t.device()
	if device == 0 || !fs.ValidPath(name) {
		text, err := t.AppendFile(dst, name)
		return text, Stamp{}, err
	}
	fd, err := beneath(t.dir, name, 0, unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		text, err := t.AppendFile(dst, name)
		return text, Stamp{}, err
	}
	defer unix.Close(fd) //nolint:errcheck // it was only read
	var before, after unix.Stat_t
	if err := unix.Fstat(fd, &before); err != nil {
		return dst, Stamp{}, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	stamp := stampOf(&before, device)
	if !stamp.settled(now) || !unwritten(fd) {
		stamp = Stamp{}
	}
	text, err := readAll(fd, dst, name, &before)
	if err != nil {
		return dst, Stamp{}, err
	}
	if err := unix.Fstat(fd, &after); err != nil || stamp != stampOf(&after, device) || stamp.Size != int64(len(text)-len(dst)) {
		stamp = Stamp{}
	}
	return text, stamp, nil
}

// unwritten reports whether nobody has the file open for writing, and has no
// mapping of it from when it was open.
func unwritten(fd int) bool {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return false
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	return err == nil
}
