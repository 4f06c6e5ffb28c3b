package helm

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
)

// DefaultKubeVersion is the Kubernetes version that charts see when none is
// asked for: the one that the `helm template` of the same release assumes.
const DefaultKubeVersion = "v1.37.0"

// Bounds on what one rendering may use, when Options leave them 0.
const (
	// DefaultTimeout bounds one rendering.
	DefaultTimeout = 10 * time.Second
	// DefaultMaxOutput bounds the rendered text, in bytes.
	DefaultMaxOutput = 64 << 20
)

// Options say what a chart gets to see. The zero value is usable.
type Options struct {
	// KubeVersion is .Capabilities.KubeVersion, such as "v1.37.0" or "1.37".
	KubeVersion string
	// APIVersions are added to .Capabilities.APIVersions.
	APIVersions []string
	// Namespace is .Release.Namespace, "default" if empty.
	Namespace string
	// Now is what the template function now returns; the current time if zero.
	Now time.Time
	// Timeout bounds one rendering; 0 means DefaultTimeout.
	Timeout time.Duration
	// MaxOutput bounds one rendering's text in bytes; 0 means DefaultMaxOutput.
	MaxOutput int64
}

// Renderer renders charts. It is safe for concurrent use.
type Renderer struct {
	o Options
}

// New returns a Renderer.
func New(o Options) *Renderer {
	if o.KubeVersion == "" {
		o.KubeVersion = DefaultKubeVersion
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxOutput <= 0 {
		o.MaxOutput = DefaultMaxOutput
	}
	return &Renderer{o: o}
}

var _ assess.Renderer = (*Renderer)(nil)

// Render implements assess.Renderer: it renders the chart in folder root with
// its defaults and once more with each values file beside values.yaml. The
// release has the chart's name. A library chart gives one Render without
// chunks, as it has nothing of its own to install.
func (r *Renderer) Render(ctx context.Context, files fs.FS, root string) []*assess.Render {
	base := &assess.Render{Tool: assess.Helm, Root: root}
	src, problems := load(files, root)
	base.Problems = problems
	if src == nil {
		return []*assess.Render{base}
	}
	set := &renderSet{r: r, src: src, prog: newProgram(src)}
	variants, problems := findVariants(files, src)
	base.Problems = append(base.Problems, problems...)
	set.render(ctx, base, request{})
	renders := []*assess.Render{base}
	if !src.library() {
		for _, v := range variants {
			out := &assess.Render{Tool: assess.Helm, Root: root, Variant: v.file, Problems: v.problems}
			if v.values == nil {
				out.Read = []string{v.file}
			} else {
				set.render(ctx, out, request{variant: v})
			}
			renders = append(renders, out)
		}
	}
	return renders
}

// ChartOptions are the flags of one `helm template` call.
type ChartOptions struct {
	// ReleaseName is .Release.Name, the chart's name if empty.
	ReleaseName string
	// Namespace is .Release.Namespace, the Renderer's if empty.
	Namespace string
	// Values go over the chart's own, as a merged -f would.
	Values map[string]any
	// IncludeCRDs puts the files of crds folders first (--include-crds).
	IncludeCRDs bool
	// SkipHooks leaves out hooks (--no-hooks).
	SkipHooks bool
	// SkipTests leaves out test hooks (--skip-tests).
	SkipTests bool
	// KubeVersion is .Capabilities.KubeVersion, the Renderer's if empty.
	KubeVersion string
	// APIVersions are added to .Capabilities.APIVersions.
	APIVersions []string
}

// ValuesText is a text with values.
type ValuesText struct {
	// Path is the file's, from the top of the tree; "" for what is in no file.
	Path string
	// Data is YAML or JSON.
	Data []byte
}

// RenderChart renders the chart in folder dir as
// `helm template RELEASE dir` with the flags of o does, and returns the text
// that it prints and the files that were read, sorted. Where Helm would fail,
// so does RenderChart, with a *fault.Error of kind Invalid; the files read up
// to then are returned with it.
func (r *Renderer) RenderChart(ctx context.Context, files fs.FS, dir string, o ChartOptions) (text []byte, read []string, err error) {
	src, problems := load(files, dir)
	if src == nil {
		return nil, nil, problemError(dir, problems)
	}
	if src.library() {
		return nil, src.read(), fault.New(fault.Invalid, "render chart", dir,
			"library charts are not installable", "name an application chart that depends on it")
	}
	out := &assess.Render{Problems: problems}
	set := &renderSet{r: r, src: src, prog: newProgram(src)}
	set.render(ctx, out, request{chart: &o})
	if len(out.Problems) > 0 {
		return nil, out.Read, problemError(dir, out.Problems)
	}
	for _, c := range out.Chunks {
		if !c.Extra || o.IncludeCRDs {
			text = append(text, c.Text...)
		}
	}
	if len(text) == 0 {
		text = []byte("\n")
	}
	return text, out.Read, nil
}

// RenderRelease renders the chart in folder dir as `helm template` with the
// flags of o does, with the way back to the files. written says where the values
// of o are from, in rising precedence: so what is rendered can be traced to the
// lines that a person edits.
func (r *Renderer) RenderRelease(ctx context.Context, files fs.FS, dir string, o ChartOptions, written ...ValuesText) *assess.Render {
	out := &assess.Render{Tool: assess.Helm, Root: dir}
	src, problems := load(files, dir)
	out.Problems = problems
	if src == nil {
		return out
	}
	if src.library() {
		out.Problems = append(out.Problems, problemAt(src.at("Chart.yaml"), 0, 0, "library charts are not installable; name an application chart that depends on it"))
		return out
	}
	set := &renderSet{r: r, src: src, prog: newProgram(src)}
	set.render(ctx, out, request{chart: &o, written: written})
	return out
}

func problemError(dir string, problems []assess.Problem) error {
	text := "the folder cannot be read as a chart"
	if len(problems) > 0 {
		p := problems[0]
		text = p.Reason
		if p.File != "" {
			text = p.Position.String() + ": " + text
		}
	}
	return fault.New(fault.Invalid, "render chart", dir, text, "")
}

// capabilities builds .Capabilities.
func capabilities(version string, extra ...[]string) (*common.Capabilities, error) {
	c := common.DefaultCapabilities.Copy()
	v, err := common.ParseKubeVersion(version)
	if err != nil {
		return nil, fmt.Errorf("read Kubernetes version %q: %w", version, err)
	}
	c.KubeVersion = *v
	c.APIVersions = slices.Clip(c.APIVersions)
	for _, e := range extra {
		c.APIVersions = append(c.APIVersions, e...)
	}
	return c, nil
}
