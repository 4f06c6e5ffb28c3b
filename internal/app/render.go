package app

import (
	"context"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/autoecoops/autoecoops/adapter/worktree"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// Render implements cli.Backend.
func (b backend) Render(ctx context.Context, name string, o cli.RenderOptions, w io.Writer) error {
	// A kustomization may read its base from beside its own folder, so the
	// tree that is opened is the repository's, not the root's alone.
	top, root, err := repositoryOf(name)
	if err != nil {
		return err
	}
	files, err := worktree.Open(top)
	if err != nil {
		return err
	}
	defer files.Close()
	tool := assess.Kustomize
	if _, err := fs.Stat(files, path.Join(root, "Chart.yaml")); err == nil {
		tool = assess.Helm
	}
	for _, rd := range newEngine(o.KubeVersion).Renderers[tool].Render(ctx, files, root) {
		if rd.Variant != "" && rd.Variant != path.Join(root, o.Values) || rd.Variant == "" && o.Values != "" {
			continue
		}
		for _, p := range rd.Problems {
			return fault.New(fault.Invalid, "render", name, p.Reason, p.Position.String())
		}
		for _, c := range rd.Chunks {
			if c.Extra && !o.IncludeCRDs {
				continue
			}
			if _, err := w.Write(c.Text); err != nil {
				return fault.Wrap(fault.Unavailable, "write", "standard output", err, "")
			}
		}
		return nil
	}
	return fault.New(fault.NotFound, "render", name, "it is neither a chart nor a kustomization with these values", "give a folder with a Chart.yaml or kustomization.yaml; --values names a values file of the chart")
}

// repositoryOf returns the top of the Git repository around a folder, and the
// folder relative to it; the folder itself where there is no repository.
func repositoryOf(name string) (top, root string, err error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", "", fault.Wrap(fault.Invalid, "find folder", name, err, "check the path")
	}
	for dir := abs; ; dir = filepath.Dir(dir) {
		if exists(filepath.Join(dir, ".git")) {
			rel, err := filepath.Rel(dir, abs)
			if err != nil {
				return "", "", fault.Wrap(fault.Invalid, "find folder", name, err, "check the path")
			}
			return dir, filepath.ToSlash(rel), nil
		}
		if dir == filepath.Dir(dir) {
			return name, ".", nil
		}
	}
}
