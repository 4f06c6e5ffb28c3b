package app

import (
	"bytes"
	"context"
	"io/fs"
	"time"

	"github.com/autoecoops/autoecoops/assess"
)

// stdinName is what standard input is called in reports.
const stdinName = "stdin.yaml"

// stdinSource is standard input as a tree of one file.
type stdinSource []byte

// Entries implements assess.Source.
func (s stdinSource) Entries(context.Context) ([]assess.Entry, error) {
	return []assess.Entry{{Path: stdinName}}, nil
}

// Open implements fs.FS.
func (s stdinSource) Open(name string) (fs.File, error) {
	if name != stdinName {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &stdinFile{Reader: bytes.NewReader(s)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (s stdinSource) ReadFile(name string) ([]byte, error) {
	if name != stdinName {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return s, nil
}

type stdinFile struct{ *bytes.Reader }

func (f *stdinFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *stdinFile) Close() error               { return nil }
func (f *stdinFile) Name() string               { return stdinName }
func (f *stdinFile) Mode() fs.FileMode          { return 0o444 }
func (f *stdinFile) ModTime() time.Time         { return time.Time{} }
func (f *stdinFile) IsDir() bool                { return false }
func (f *stdinFile) Sys() any                   { return nil }
