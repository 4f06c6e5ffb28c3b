package delivery

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// commitTree fills deliver.Tree with a commit of a mirror.
type commitTree struct{ *gitmirror.Tree }

// ID implements deliver.Tree.
func (t commitTree) ID(name string) string {
	id, err := t.ReadID(name)
	if err != nil {
		return ""
	}
	return id
}

// Commit implements deliver.Tree.
func (t commitTree) Commit() *v1alpha1.CommitInfo {
	i := t.Info()
	when := metav1.NewTime(i.Committer.When)
	subject, _, _ := strings.Cut(i.Message, "\n")
	return &v1alpha1.CommitInfo{Author: i.Author.Name, Subject: shorten(subject, 200), Time: &when}
}

func shorten(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// signedTree adds who signed the commit.
type signedTree struct {
	deliver.Tree
	signer string
}

// Commit implements deliver.Tree.
func (t signedTree) Commit() *v1alpha1.CommitInfo {
	c := t.Tree.Commit()
	if c != nil {
		c.SignedBy = t.signer
	}
	return c
}

// recording is a tree that notes what is read of it: two trees in which all of
// that is the same render the same.
type recording struct {
	deliver.Tree
	mu   *sync.Mutex
	read map[string]string
	// broken is the first error that was none of the tree's own: whatever was
	// made of such a tree lacks something.
	broken error
}

func record(t deliver.Tree) *recording {
	return &recording{Tree: t, mu: &sync.Mutex{}, read: map[string]string{}}
}

func (r *recording) note(name string) {
	name = path.Clean(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.read[name]; !known {
		r.read[name] = r.Tree.ID(name)
	}
}

// heard notes an error of reading if it is no answer about the tree. Those who
// read through libraries don't get to see it.
func (r *recording) heard(err error) {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Invalid || f.Kind == fault.NotFound {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken == nil {
		r.broken = deliver.Unreached{Err: err}
	}
}

// failed returns the first error that was none of the tree's own.
func (r *recording) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

// same tells whether all that was read is the same in another tree.
func (r *recording) same(t deliver.Tree) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, id := range r.read {
		if t.ID(name) != id {
			return false
		}
	}
	return true
}

// noted notes what is read by name, and what came of it.
func noted[T any](r *recording, name string, read func() (T, error)) (T, error) {
	r.note(name)
	v, err := read()
	r.heard(err)
	return v, err
}

// Open implements fs.FS.
func (r *recording) Open(name string) (fs.File, error) {
	return noted(r, name, func() (fs.File, error) { return r.Tree.Open(name) })
}

// ReadFile implements fs.ReadFileFS.
func (r *recording) ReadFile(name string) ([]byte, error) {
	return noted(r, name, func() ([]byte, error) { return fs.ReadFile(r.Tree, name) })
}

// ReadDir implements fs.ReadDirFS.
func (r *recording) ReadDir(name string) ([]fs.DirEntry, error) {
	return noted(r, name, func() ([]fs.DirEntry, error) { return fs.ReadDir(r.Tree, name) })
}

// Stat implements fs.StatFS.
func (r *recording) Stat(name string) (fs.FileInfo, error) {
	return noted(r, name, func() (fs.FileInfo, error) { return fs.Stat(r.Tree, name) })
}

// Lstat implements fs.ReadLinkFS.
func (r *recording) Lstat(name string) (fs.FileInfo, error) {
	return noted(r, name, func() (fs.FileInfo, error) { return fs.Lstat(r.Tree, name) })
}

// ReadLink implements fs.ReadLinkFS.
func (r *recording) ReadLink(name string) (string, error) {
	return noted(r, name, func() (string, error) { return fs.ReadLink(r.Tree, name) })
}
