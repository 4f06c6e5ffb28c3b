package delivery

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Renderer implements deliver.Renderer with the renderers of ASSESS: what is
// judged is what is applied. It is safe for concurrent use.
type Renderer struct {
	charts    *helm.Renderer
	kustomize *kustomize.Renderer
	inputs    *Inputs

	mu sync.Mutex
	// last is what the newest render of each application read.
	last map[deliver.AppKey]*rendition
}

// rendition is what a render read of its tree, and the digest of what it read
// besides.
type rendition struct {
	inputs string
	read   *recording
}

// NewRenderer returns a Renderer of charts and kustomizations.
func NewRenderer(charts *helm.Renderer, k *kustomize.Renderer, in *Inputs) *Renderer {
	return &Renderer{charts: charts, kustomize: k, inputs: in, last: map[deliver.AppKey]*rendition{}}
}

// Render implements deliver.Renderer.
func (r *Renderer) Render(ctx context.Context, app *v1alpha1.Application, t deliver.Tree) (*deliver.Rendered, error) {
	given, err := r.inputs.read(ctx, app)
	if err != nil {
		return nil, deliver.Unreached{Err: err}
	}
	tree := record(t)
	out, err := r.rendered(ctx, app, given, tree)
	if failed := tree.failed(); failed != nil {
		// Whatever came of it, it lacks what could not be read.
		return nil, failed
	}
	if err != nil {
		if lfs := tree.pointers(); lfs != nil && fault.KindOf(err) == fault.Invalid {
			return nil, lfs
		}
		return nil, err
	}
	r.mu.Lock()
	r.last[deliver.AppKey{Namespace: app.Namespace, Name: app.Name}] = &rendition{given.digest, tree}
	r.mu.Unlock()
	return out, nil
}

func (r *Renderer) rendered(ctx context.Context, app *v1alpha1.Application, given *given, tree *recording) (*deliver.Rendered, error) {
	rd, err := r.render(ctx, app, given.decrypted(tree))
	if err != nil {
		return nil, err
	}
	if err := problems(rd); err != nil {
		return nil, err
	}
	bodies, err := given.bodies(rd)
	if err != nil {
		return nil, err
	}
	if given.keys != nil {
		// The gate sees what lies in Git: there the values are encrypted.
		if rd, err = r.render(ctx, app, tree); err != nil {
			return nil, err
		}
	}
	return &deliver.Rendered{Bodies: bodies, Inputs: given.digest, Handle: &handle{rd, tree}}, nil
}

// handle is what the gate gets to see.
type handle struct {
	render *assess.Render
	files  fs.ReadFileFS
}

// Inputs implements deliver.Renderer.
func (r *Renderer) Inputs(ctx context.Context, app *v1alpha1.Application) (string, error) {
	if app.Spec.Substitute == nil && app.Spec.Decryption == nil {
		return "", nil
	}
	given, err := r.inputs.read(ctx, app)
	if err != nil {
		return "", err
	}
	return given.digest, nil
}

// Same implements deliver.Renderer.
func (r *Renderer) Same(app deliver.AppKey, t deliver.Tree) bool {
	r.mu.Lock()
	last := r.last[app]
	r.mu.Unlock()
	return last != nil && last.read.same(t)
}

// Forget drops what is remembered of an application.
func (r *Renderer) Forget(app deliver.AppKey) {
	r.mu.Lock()
	delete(r.last, app)
	r.mu.Unlock()
}

func (r *Renderer) render(ctx context.Context, app *v1alpha1.Application, files fs.ReadFileFS) (*assess.Render, error) {
	root := path.Clean("./" + app.Spec.Source.Path)
	info, err := fs.Stat(files, root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Invalid, "render", root, "the revision has no such folder", "correct spec.source.path, or put the folder back")
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, "read", root, err, "")
	case !info.IsDir():
		return nil, fault.New(fault.Invalid, "render", root, "it is a file", "spec.source.path names a folder")
	}
	switch tool := toolOf(files, root); tool {
	case assess.Helm:
		return r.chart(ctx, app, files, root)
	case assess.Kustomize:
		if app.Spec.Source.Helm != nil {
			return nil, fault.New(fault.Invalid, "render", root, "spec.source.helm is set, but this is no chart", "remove it, or name a chart's folder")
		}
		return r.kustomize.Render(ctx, files, root)[0], nil
	}
	return plain(files, root)
}

func toolOf(files fs.FS, root string) assess.Tool {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if _, err := fs.Stat(files, path.Join(root, name)); err == nil {
			return assess.Kustomize
		}
	}
	if _, err := fs.Stat(files, path.Join(root, "Chart.yaml")); err == nil {
		return assess.Helm
	}
	return assess.Plain
}

func (r *Renderer) chart(ctx context.Context, app *v1alpha1.Application, files fs.ReadFileFS, root string) (*assess.Render, error) {
	o := helm.ChartOptions{ReleaseName: app.Name, Namespace: app.Spec.Namespace, IncludeCRDs: true, SkipTests: true, Values: map[string]any{}}
	if o.Namespace == "" {
		o.Namespace = app.Namespace
	}
	var read []string
	var written []helm.ValuesText
	if h := app.Spec.Source.Helm; h != nil {
		if h.ReleaseName != "" {
			o.ReleaseName = h.ReleaseName
		}
		for _, name := range h.ValuesFiles {
			text, err := fs.ReadFile(files, path.Clean(name))
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, "read values file", name, err, "valuesFiles are paths from the top of the repository")
			}
			if err := mergeValues(o.Values, text); err != nil {
				return nil, fault.Wrap(fault.Invalid, "read values file", name, err, "mend its YAML")
			}
			read = append(read, path.Clean(name))
			written = append(written, helm.ValuesText{Path: path.Clean(name), Data: text})
		}
		if h.Values != nil {
			if err := mergeValues(o.Values, h.Values.Raw); err != nil {
				return nil, fault.Wrap(fault.Invalid, "read", "spec.source.helm.values", err, "it is a map of values")
			}
			written = append(written, helm.ValuesText{Data: h.Values.Raw})
		}
	}
	rd := r.charts.RenderRelease(ctx, files, root, o, written...)
	rd.Read = append(rd.Read, read...)
	return rd, nil
}

// mergeValues lays YAML over values, map by map; null removes a key.
func mergeValues(into map[string]any, text []byte) error {
	var over map[string]any
	if err := yaml.Unmarshal(text, &over); err != nil {
		return err
	}
	merge(into, over)
	return nil
}

func merge(into, over map[string]any) {
	for k, v := range over {
		below, isMap := v.(map[string]any)
		old, wasMap := into[k].(map[string]any)
		if isMap && wasMap {
			old = maps.Clone(old)
			merge(old, below)
			into[k] = old
			continue
		}
		into[k] = v
	}
}

// plain takes the manifests of a folder and those below it as they are. Files
// that are no manifests are left alone; one that cannot be told is an error.
func plain(files fs.ReadFileFS, root string) (*assess.Render, error) {
	rd := &assess.Render{Tool: assess.Plain, Root: root}
	err := fs.WalkDir(files, root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.Type()&fs.ModeIrregular != 0 && !strings.HasPrefix(d.Name(), "."):
			// A submodule: what lies in it is not here, and what is not here must
			// not count as deleted.
			if _, err := files.ReadFile(p); err != nil {
				return unreadable(p, err)
			}
			return unreadable(p, errors.New("it is neither a file nor a folder"))
		case d.IsDir() || !isManifestName(d.Name()):
			return nil
		}
		text, err := files.ReadFile(p)
		if err != nil {
			return unreadable(p, err)
		}
		rd.Read = append(rd.Read, p)
		rd.Chunks = append(rd.Chunks, assess.Chunk{Text: text, File: p})
		return nil
	})
	if err != nil {
		return nil, unreadable(root, err)
	}
	return rd, nil
}

var (
	lineOfError = regexp.MustCompile(`line (\d+)`)
	quotedText  = regexp.MustCompile("'[^']*'|`[^`]*`|\"[^\"]*\"")
)

// notYAML says where a text is no YAML, and why, without a word of it: it may be
// a Secret's. The error counts lines from that at which the part begins.
func notYAML(where string, begin int, err error) error {
	words := strings.NewReplacer("error converting YAML to JSON: ", "", "yaml: ", "").Replace(err.Error())
	words = lineOfError.ReplaceAllStringFunc(words, func(m string) string {
		n, err := strconv.Atoi(strings.TrimPrefix(m, "line "))
		if err != nil {
			return m
		}
		return "line " + strconv.Itoa(begin-1+n)
	})
	return fault.New(fault.Invalid, "read", where, quotedText.ReplaceAllString(words, "…"), "mend the YAML")
}

// unreadable says why a file of a revision cannot be read. What is no fault of
// the source or its cache is the revision's own: a link that leads nowhere, or
// out of the repository.
func unreadable(name string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	why := err
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		why = p.Err
	}
	f := fault.Wrap(fault.Invalid, "read", name, err, "mend it in Git, or move it out of the folder")
	f.Public = why.Error()
	return f
}

func isManifestName(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return !strings.HasPrefix(name, ".")
	}
	return false
}

// problems makes one error of what kept a root from being rendered whole.
func problems(rd *assess.Render) error {
	if len(rd.Problems) == 0 {
		return nil
	}
	p := rd.Problems[0]
	where := p.Position.String()
	if where == "" {
		where = rd.Root
	}
	text := p.Reason
	if n := len(rd.Problems) - 1; n > 0 {
		text += " (and " + plural(n, "more problem") + ")"
	}
	return fault.New(fault.Invalid, "render", where, text, "")
}

// bodies reads the rendered text as the API server would.
func bodies(chunks []assess.Chunk, change func(string, []byte) ([]byte, error)) ([]map[string]any, error) {
	var out []map[string]any
	for _, c := range chunks {
		text, err := change(c.File, c.Text)
		if err != nil {
			return nil, err
		}
		for _, part := range yamldoc.Split(text) {
			if len(bytes.TrimSpace(part.Text)) == 0 {
				continue
			}
			for doc := range documents(part.Text) {
				body, err := body(doc)
				if err != nil {
					where := c.File
					if where == "" {
						where = "the rendered text"
					}
					return nil, notYAML(where, part.Line, err)
				}
				if body != nil && (c.File == "" || looksLikeObject(body)) {
					out = append(out, body)
				}
			}
		}
	}
	return out, nil
}

// documents cuts a text at its document marks.
func documents(text []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		start := 0
		for start <= len(text) {
			end := bytes.Index(text[start:], []byte("\n---"))
			if end < 0 {
				yield(text[start:])
				return
			}
			if !yield(text[start : start+end+1]) {
				return
			}
			start += end + 1
			if nl := bytes.IndexByte(text[start:], '\n'); nl >= 0 {
				rest := bytes.TrimSpace(text[start+3 : start+nl])
				if len(rest) == 0 || rest[0] == '#' {
					start += nl + 1
					continue
				}
			} else {
				return
			}
			start += 3
		}
	}
}

func body(text []byte) (map[string]any, error) {
	json, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	if string(json) == "null" {
		return nil, nil
	}
	var out map[string]any
	if err := utiljson.Unmarshal(json, &out); err != nil {
		return nil, errors.New("the document is no map")
	}
	return out, nil
}

// looksLikeObject tells manifests from other YAML files in a folder.
func looksLikeObject(body map[string]any) bool {
	_, ok := deliver.GVKOf(body)
	return ok
}

func plural(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return itoa(n) + " " + what + "s"
}
