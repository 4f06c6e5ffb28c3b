package observed

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Misfit is why a revision cannot be rendered here as the other tool does it.
type Misfit struct{ Why string }

// Error implements error.
func (m Misfit) Error() string { return m.Why }

func misfit(why string) error { return Misfit{why} }

// Managed returns the application as if it were managed here, with the origin
// for a source. It is for reading alone.
func (o Origin) Managed(app *v1alpha1.Application) *v1alpha1.Application {
	return &v1alpha1.Application{TypeMeta: app.TypeMeta, ObjectMeta: app.ObjectMeta, Spec: v1alpha1.ApplicationSpec{
		Source: o.Source.DeepCopy(), Namespace: o.Namespace, Gate: app.Spec.Gate, Rollback: app.Spec.Rollback, Substitute: o.Substitute,
	}}
}

// OutOfReach says what an origin of an object in a namespace needs that may not
// be read from home, "" if nothing.
func (o Origin) OutOfReach(namespace, home string) string {
	if o.Substitute != nil && len(o.Substitute.From) > 0 && namespace != home {
		return "its variables are in another namespace"
	}
	return ""
}

// Fit returns the origin as it is for a revision's files: without values where
// there is no chart. The error is a Misfit if the other tool makes something
// else of the files than the renderers here, or one of reading.
func (o Origin) Fit(files fs.FS) (Origin, error) {
	root := path.Clean("./" + o.Source.Path)
	chart, err := exists(files, path.Join(root, "Chart.yaml"))
	if err != nil {
		return o, err
	}
	if err := o.check(files, root, chart); err != nil {
		return o, err
	}
	if !chart {
		o.Source.Helm, o.Values = nil, ""
	}
	return o, nil
}

func (o Origin) check(files fs.FS, root string, chart bool) error {
	for _, name := range o.layout.overrides {
		if there, err := exists(files, name); err != nil || there {
			return cmpOr(err, "the file "+name+" changes what is rendered")
		}
	}
	customized, err := kustomization(files, root)
	if err != nil {
		return err
	}
	switch {
	case o.layout.kind == helm:
		if !chart || customized {
			return misfit("its folder is no chart, or a kustomization as well")
		}
		return nil
	case o.layout.chart && (!chart || customized):
		return misfit("it says how to render a chart, but its folder is none, or a kustomization as well")
	case o.layout.folder && (chart || customized):
		return misfit("it takes a chart or kustomization for a folder of manifests")
	case customized, chart && o.layout.kind == argo:
		return nil
	case chart:
		return misfit("it takes a chart for a folder of manifests")
	}
	return fs.WalkDir(files, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		return o.fits(files, p, d, strings.TrimPrefix(p, strings.TrimSuffix(root, ".")))
	})
}

func cmpOr(err error, why string) error {
	if err != nil {
		return err
	}
	return misfit(why)
}

// fits judges one entry of a folder of manifests; rest is its path below that.
func (o Origin) fits(files fs.FS, p string, d fs.DirEntry, rest string) error {
	rest = strings.TrimPrefix(rest, "/")
	flux := o.layout.kind == kustomize
	if d.IsDir() {
		if d.Name() == ".git" || flux && slices.Contains(leftOut, d.Name()) {
			return fs.SkipDir
		}
		if !flux {
			return nil
		}
		if inner, err := kustomization(files, p); err != nil || inner {
			return cmpOr(err, "a folder below its folder is a kustomization")
		}
		return nil
	}
	switch path.Ext(p) {
	case ".jsonnet":
		if !flux && (o.layout.recursive || !strings.Contains(rest, "/")) {
			return misfit("it is written in Jsonnet, in part")
		}
		return nil
	case ".yaml", ".yml", ".json":
	default:
		return nil
	}
	switch {
	case flux && slices.Contains(leftOut, d.Name()):
		return nil
	case !o.layout.recursive && strings.Contains(rest, "/"):
		return misfit("folders below its folder have manifests, and it reads none of those")
	case strings.HasPrefix(rest, ".") || strings.Contains(rest, "/."):
		return misfit("it reads hidden files too")
	}
	content, err := fs.ReadFile(files, p)
	switch {
	case err != nil:
		return err
	case !flux && bytes.Contains(content, []byte("+argocd:skip-file-rendering")):
		return misfit("the file " + p + " is marked to be left out")
	case flux && path.Ext(p) == ".json" && isObject(content):
		return misfit("the file " + p + " is left out, as all JSON is")
	}
	return nil
}

// leftOut are files and folders that Flux leaves out of every repository.
var leftOut = []string{
	".github", ".circleci", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml",
	"codeship-services.yml", "codeship-steps.yml", ".goreleaser.yml", ".sops.yaml", ".flux.yaml",
}

// isObject tells whether a JSON text is one that the renderers here would take.
func isObject(content []byte) bool {
	var o struct{ APIVersion, Kind string }
	return json.Unmarshal(content, &o) == nil && o.APIVersion != "" && o.Kind != ""
}

func kustomization(files fs.FS, folder string) (bool, error) {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if there, err := exists(files, path.Join(folder, name)); err != nil || there {
			return there, err
		}
	}
	return false, nil
}

func exists(files fs.FS, name string) (bool, error) {
	_, err := fs.Stat(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Suits returns a Misfit if the other tool makes other objects of what was
// rendered, or if there are none.
func (o Origin) Suits(bodies []map[string]any) error {
	if len(bodies) == 0 {
		return misfit("the revision has no objects")
	}
	if !o.layout.moves {
		return nil
	}
	for _, b := range bodies {
		if n := text(b, "metadata", "namespace"); n != "" && n != o.Namespace {
			return misfit("it moves objects of namespace " + clip(n) + " to " + o.Namespace)
		}
	}
	return nil
}

// Namespaces are those that bodies go to, sorted; none if they go to another
// cluster.
func (o Origin) Namespaces(bodies []map[string]any) []string {
	if o.Elsewhere {
		return nil
	}
	var out []string
	if o.Namespace != "" {
		out = append(out, o.Namespace)
	}
	for _, b := range bodies {
		if n := text(b, "metadata", "namespace"); n != "" {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
