// Package plainfile opens files that are there as a whole. To open a pipe lasts until
// somebody writes to it, which may be never.
package plainfile

import (
	"errors"
	"io"
	"os"
	"strings"
)

// ErrNotPlain is of what is neither a regular file nor a stream that is open already.
var ErrNotPlain = errors.New("it is no regular file")

// streams are the names of what a shell has opened: standard input, and what it names for
// <(COMMAND).
var streams = []string{"/dev/stdin", "/dev/fd/", "/proc/self/fd/"}

// Open opens a regular file, or a stream that is open already. Of folders, pipes and devices
// the error is ErrNotPlain.
func Open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && (info.IsDir() || !open(name)) {
		return nil, ErrNotPlain
	}
	return os.Open(name)
}

// Read returns what stands in a file that Open opens.
func Read(name string) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	return text, errors.Join(err, f.Close())
}

func open(name string) bool {
	for _, s := range streams {
		if name == s || strings.HasSuffix(s, "/") && strings.HasPrefix(name, s) {
			return true
		}
	}
	return false
}
