package delivery

import (
	"io/fs"
	"path"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
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

// Open implements fs.FS.
func (r *recording) Open(name string) (fs.File, error) { r.note(name); return r.Tree.Open(name) }

// ReadFile implements fs.ReadFileFS.
func (r *recording) ReadFile(name string) ([]byte, error) {
	r.note(name)
	return fs.ReadFile(r.Tree, name)
}

// ReadDir implements fs.ReadDirFS.
func (r *recording) ReadDir(name string) ([]fs.DirEntry, error) {
	r.note(name)
	return fs.ReadDir(r.Tree, name)
}

// Stat implements fs.StatFS.
func (r *recording) Stat(name string) (fs.FileInfo, error) {
	r.note(name)
	return fs.Stat(r.Tree, name)
}

// Lstat implements fs.ReadLinkFS.
func (r *recording) Lstat(name string) (fs.FileInfo, error) {
	r.note(name)
	return fs.Lstat(r.Tree, name)
}

// ReadLink implements fs.ReadLinkFS.
func (r *recording) ReadLink(name string) (string, error) {
	r.note(name)
	return fs.ReadLink(r.Tree, name)
}
