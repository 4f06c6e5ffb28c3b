package preview

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/internal/config"
)

// Parts are what a Stand is made of.
type Parts struct {
	Client *kube.Client
	// CacheDir holds the mirrors of repositories.
	CacheDir string
	Charts   *helm.Renderer
	Kustom   *kustomize.Renderer
	Engine   *assess.Engine
	Choose   func(config.Assess) ([]*check.Check, error)
	Now      func() time.Time
	Getenv   func(string) string
}

// Stand renders and tries revisions. It is safe for concurrent use; Close it
// after use.
type Stand struct {
	Parts
	digester *deliver.Digester
	doctor   *delivery.Doctor
	view     *kube.View
	cluster  *kube.Cluster
	mirrors  *gitmirror.Mirrors
	remote   *delivery.Remote
	renderer *delivery.Renderer

	mu sync.Mutex
	// secrets are the values that were read of Secrets: they are never shown.
	secrets []string
}

// Open puts a Stand together; nothing is asked yet.
func Open(p Parts) (*Stand, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, says its documentation
	s := &Stand{Parts: p, digester: &deliver.Digester{Key: key}, doctor: delivery.NewDoctor()}
	var err error
	// Who runs this may read the machine's folders anyway.
	if s.mirrors, err = gitmirror.Open(filepath.Join(p.CacheDir, "git"), gitmirror.Options{AllowFile: true, AllowHTTP: true, Now: p.Now}); err != nil {
		return nil, err
	}
	s.view = kube.NewView(p.Client, s.digester, s.doctor.Evaluate, func(deliver.AppKey) {})
	s.cluster = &kube.Cluster{Client: p.Client, View: s.view, Digester: s.digester, Health: s.doctor.Evaluate}
	s.remote = &delivery.Remote{Mirrors: s.mirrors, Verify: delivery.Verifier(p.Now), Secret: func(ctx context.Context, namespace, name string) (map[string][]byte, error) {
		body, err := s.get(ctx, "Secret", namespace, name)
		return delivery.SecretData(body), err
	}}
	s.renderer = delivery.NewRenderer(p.Charts, p.Kustom, &delivery.Inputs{Digester: s.digester, Get: s.input})
	return s, nil
}

// Close releases everything.
func (s *Stand) Close() error {
	s.view.Close()
	return s.mirrors.Close()
}

func (s *Stand) get(ctx context.Context, kind, namespace, name string) (map[string]any, error) {
	return s.cluster.Get(ctx, deliver.Identity{}, deliver.GVK{Version: "v1", Kind: kind}, deliver.Key{Kind: kind, Namespace: namespace, Name: name})
}

// input reads what a render uses besides the files, and remembers what of it is
// secret.
func (s *Stand) input(ctx context.Context, kind, namespace, name string) (map[string]any, error) {
	body, err := s.get(ctx, kind, namespace, name)
	if kind == "Secret" {
		s.mu.Lock()
		for _, v := range delivery.SecretData(body) {
			s.secrets = append(s.secrets, string(v))
		}
		s.mu.Unlock()
	}
	return body, err
}

// localKeys returns the age identities that sops itself would use here, as a
// Secret would hold them; nil if there are none.
func (s *Stand) localKeys() map[string]any {
	text := s.Getenv("SOPS_AGE_KEY")
	if name := s.Getenv("SOPS_AGE_KEY_FILE"); text == "" && name != "" {
		if read, err := os.ReadFile(name); err == nil {
			text = string(read)
		}
	}
	if text == "" {
		return nil
	}
	return map[string]any{"data": map[string]any{"local.agekey": base64.StdEncoding.EncodeToString([]byte(text))}}
}

// revision is a tree with its name.
type revision struct {
	deliver.Tree
	id, ref, folder string
	close           func() error
}

// open makes the files of what is asked for readable.
func (s *Stand) open(ctx context.Context, app *v1alpha1.Application, req cli.PreviewRequest) (*revision, error) {
	if req.Path != "" {
		return local(req.Path)
	}
	tried := candidates(app, req.Revision)
	var first error
	for _, source := range tried {
		at := app.DeepCopy()
		at.Spec.Source = source
		id, ref, err := s.remote.Resolve(ctx, at, 0)
		if err == nil {
			tree, err := s.remote.Fetch(ctx, at, id)
			return &revision{Tree: tree, id: id, ref: ref, close: func() error { return nil }}, err
		}
		if first == nil {
			first = err
		}
		if fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
	}
	if len(tried) > 1 {
		return nil, fault.New(fault.NotFound, "find revision", req.Revision, "the source has no branch, tag or known commit of that name", "push it, or name a branch, a tag or a commit in full; a working tree is shown with --path")
	}
	return nil, first
}

// candidates are the sources that a name of a revision may mean, in the order
// in which they are tried.
func candidates(app *v1alpha1.Application, name string) []*v1alpha1.Source {
	if name == "" {
		return []*v1alpha1.Source{app.Spec.Source}
	}
	var out []*v1alpha1.Source
	with := func(change func(*v1alpha1.Source)) {
		c := app.Spec.Source.DeepCopy()
		if c.Git != nil {
			c.Git.Branch, c.Git.Tag, c.Git.Semver, c.Git.Commit = "", "", "", ""
		}
		if c.OCI != nil {
			c.OCI.Tag, c.OCI.Semver, c.OCI.Digest = "", "", ""
		}
		change(c)
		out = append(out, c)
	}
	full := fullRevision(app, name)
	switch {
	case app.Spec.Source.OCI != nil && strings.HasPrefix(full, "sha256:"):
		with(func(c *v1alpha1.Source) { c.OCI.Digest = full })
	case app.Spec.Source.OCI != nil:
		with(func(c *v1alpha1.Source) { c.OCI.Tag = name })
	case isCommit(full):
		with(func(c *v1alpha1.Source) { c.Git.Commit = full })
	default:
		with(func(c *v1alpha1.Source) { c.Git.Branch = strings.TrimPrefix(name, "refs/heads/") })
		with(func(c *v1alpha1.Source) { c.Git.Tag = strings.TrimPrefix(name, "refs/tags/") })
	}
	return out
}

func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// fullRevision completes a revision of which the application knows.
func fullRevision(app *v1alpha1.Application, name string) string {
	st := &app.Status
	for _, r := range []*v1alpha1.Revision{st.Source, st.Sync, st.LastGood} {
		if r != nil && len(name) >= 7 && strings.HasPrefix(r.Revision, name) {
			return r.Revision
		}
	}
	return name
}

// local opens the working tree that a folder lies in, or the folder itself.
func local(dir string) (*revision, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "open", dir, err, "name a folder")
	}
	top, tracked := abs, false
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			top, tracked = at, true
			break
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, fault.New(fault.Invalid, "open", dir, "it is a file", "name the folder of a working tree")
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, fault.New(fault.NotFound, "open", dir, "there is no such folder that you may read", "name the folder of a working tree of the application's source")
	}
	if !tracked && !filepath.IsLocal(dir) {
		// Any folder could be shown, and what is not there would count as deleted.
		return nil, fault.New(fault.Invalid, "open", dir, "it lies in no working tree of Git, and not below the current folder", "name a folder in a working tree of the application's source, or go to the folder and use --path .")
	}
	tree, err := worktree.Open(top)
	if err != nil {
		return nil, err
	}
	return &revision{Tree: delivery.Local(tree), folder: top, close: tree.Close}, nil
}
