package fix

import (
	"bytes"
	"io/fs"
	"path"
	"time"

	"github.com/autoecoops/autoecoops/assess"
)

// overlay is a tree in which some files have another text.
type overlay struct {
	assess.Source
	texts map[string][]byte
}

// linked is an overlay of a tree that can read symbolic links.
type linked struct {
	overlay
	fs.ReadLinkFS
}

// ReadFile implements fs.ReadFileFS.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if text, ok := o.texts[name]; ok {
		return []byte(text), nil
	}
	return o.Source.ReadFile(name)
}

// Open implements fs.FS.
func (l linked) Open(name string) (fs.File, error) { return l.overlay.Open(name) }

// over lays texts over src.
func over(src assess.Source, texts map[string][]byte) assess.Source {
	o := overlay{src, texts}
	if l, ok := src.(fs.ReadLinkFS); ok {
		return linked{o, l}
	}
	return o
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	text, ok := o.texts[name]
	if !ok {
		return o.Source.Open(name)
	}
	return &memory{Reader: bytes.NewReader(text), name: path.Base(name), size: int64(len(text))}, nil
}

// memory is an open file whose text is in memory.
type memory struct {
	*bytes.Reader
	name string
	size int64
}

func (m *memory) Stat() (fs.FileInfo, error) { return m, nil }
func (m *memory) Close() error               { return nil }
func (m *memory) Name() string               { return m.name }
func (m *memory) Size() int64                { return m.size }
func (m *memory) Mode() fs.FileMode          { return 0o444 }
func (m *memory) ModTime() time.Time         { return time.Time{} }
func (m *memory) IsDir() bool                { return false }
func (m *memory) Sys() any                   { return nil }
