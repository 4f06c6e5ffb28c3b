package oci

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Info is what an artifact says of itself; whoever pushed it can write
// anything there.
type Info struct {
	// Digest is that of the manifest.
	Digest string `json:"digest"`
	// Revision and Source are the commit and repository that it was made of,
	// Created is when, all as the manifest's annotations say.
	Revision string `json:"revision,omitempty"`
	Source   string `json:"source,omitempty"`
	Created  string `json:"created,omitempty"`
}

// record is one file or link of an unpacked artifact, as the index on the disk
// has it. Folders are known by what is in them.
type record struct {
	Path string `json:"path"`
	// Offset and Size are where the content lies in the pack.
	Offset int64 `json:"offset,omitempty"`
	Size   int64 `json:"size,omitempty"`
	// Sum is the content's SHA-256 in hexadecimal.
	Sum        string `json:"sum,omitempty"`
	Executable bool   `json:"executable,omitempty"`
	// Link is a symbolic link's target.
	Link string `json:"link,omitempty"`
}

// list is the index on the disk.
type list struct {
	Info    Info     `json:"info"`
	Records []record `json:"records"`
}

// node is a file, link or folder.
type node struct {
	name    string
	dir     bool
	record  record
	entries []*node // of a folder, sorted by name
	parent  *node
	id      string
}

func (n *node) find(name string) *node {
	i, ok := slices.BinarySearchFunc(n.entries, name, func(e *node, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return nil
	}
	return n.entries[i]
}

// index is an artifact's tree in memory.
type index struct {
	info Info
	root *node
}

var (
	errClash = errors.New("a path of it is a file and a folder")
	errDeep  = errors.New("a path of it is too deep")
)

// maxDepth bounds how deep paths go.
const maxDepth = 200

// newIndex makes the tree of a list.
func newIndex(l *list) (*index, error) {
	x := &index{info: l.Info, root: &node{name: ".", dir: true}}
	x.root.parent = x.root
	folders := map[string]*node{".": x.root}
	for _, r := range l.Records {
		if strings.Count(r.Path, "/") >= maxDepth {
			return nil, errDeep
		}
		dir := x.folder(folders, path.Dir(r.Path))
		dir.entries = append(dir.entries, &node{name: path.Base(r.Path), record: r, parent: dir})
	}
	for _, f := range folders {
		slices.SortFunc(f.entries, func(a, b *node) int { return strings.Compare(a.name, b.name) })
		for i := 1; i < len(f.entries); i++ {
			if f.entries[i].name == f.entries[i-1].name {
				return nil, errClash
			}
		}
	}
	x.root.identify()
	return x, nil
}

func (x *index) folder(folders map[string]*node, p string) *node {
	if f := folders[p]; f != nil {
		return f
	}
	parent := x.folder(folders, path.Dir(p))
	f := &node{name: path.Base(p), dir: true, parent: parent}
	parent.entries = append(parent.entries, f)
	folders[p] = f
	return f
}

// identify computes ids: equal ids mean equal content.
func (n *node) identify() string {
	h := sha256.New()
	switch {
	case n.dir:
		h.Write([]byte("folder\x00"))
		for _, e := range n.entries {
			h.Write([]byte(e.name + "\x00" + e.identify() + "\x00"))
		}
	case n.record.Link != "":
		h.Write([]byte("link\x00" + n.record.Link))
	default:
		h.Write([]byte("file\x00" + n.record.Sum))
		if n.record.Executable {
			h.Write([]byte("\x00x"))
		}
	}
	n.id = hex.EncodeToString(h.Sum(nil))
	return n.id
}

// file is the base name of an artifact's files in the cache.
func (s *Store) file(digest, ext string) string {
	return filepath.Join(s.dir, strings.TrimPrefix(digest, "sha256:")+ext)
}

// load returns the index of an artifact that is in the cache; an error that is
// fs.ErrNotExist if it isn't.
func (s *Store) load(digest string) (*index, error) {
	s.mu.Lock()
	x := s.indexes[digest]
	s.mu.Unlock()
	if x != nil {
		if _, err := os.Stat(s.file(digest, ".pack")); err == nil {
			return x, nil
		}
	}
	text, err := os.ReadFile(s.file(digest, ".json"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(s.file(digest, ".pack")); err != nil {
		return nil, err
	}
	var l list
	if err := json.Unmarshal(text, &l); err != nil || l.Info.Digest != digest {
		return nil, errors.Join(fs.ErrNotExist, err) // damaged: it is made again
	}
	if x, err = newIndex(&l); err != nil {
		return nil, errors.Join(fs.ErrNotExist, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.indexes) >= maxIndexes {
		clear(s.indexes)
	}
	s.indexes[digest] = x
	return x, nil
}

// maxIndexes bounds how many indexes stay in memory.
const maxIndexes = 16

// clean returns a path of an archive as a path of the tree, "" for the root
// itself; ok is false for what must not be.
func clean(name string) (p string, ok bool) {
	if !utf8.ValidString(name) || len(name) > 4096 || strings.HasPrefix(name, "/") ||
		strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == '\\' }) {
		return "", false
	}
	for step := range strings.SplitSeq(name, "/") {
		if step == ".." || strings.HasPrefix(step, ".wh.") {
			return "", false
		}
	}
	if p = path.Clean(name); p == "." {
		return "", true
	}
	return p, fs.ValidPath(p)
}
