package kustomize

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// ChartOptions says how a chart of helmCharts is rendered. They mean what the
// flags of `helm template` of the same names mean.
type ChartOptions struct {
	ReleaseName string
	Namespace   string
	// Values are the merged values given with -f.
	Values map[string]any
	// IncludeCRDs, SkipHooks and SkipTests choose what is printed.
	IncludeCRDs bool
	SkipHooks   bool
	SkipTests   bool
	KubeVersion string
	APIVersions []string
}

// A ChartFunc renders the chart in folder dir of files as `helm template`
// prints it, and lists the files that it read (paths of files).
type ChartFunc func(ctx context.Context, files fs.FS, dir string, opts ChartOptions) (text []byte, read []string, err error)

// Options configures a Renderer. The zero value works.
type Options struct {
	// Charts renders helmCharts; nil makes each of them a Problem.
	Charts ChartFunc
	// KubeVersion is used for charts whose entry does not say one.
	KubeVersion string
	// Timeout bounds one build; 0 means one minute.
	Timeout time.Duration
}

// Renderer renders kustomizations. It is safe for concurrent use.
type Renderer struct {
	opts Options
	// sources holds parsed files by what they say: bases are read again for
	// each of their overlays.
	sources memo
}

var _ assess.Renderer = (*Renderer)(nil)

// New returns a Renderer.
func New(opts Options) *Renderer {
	if opts.Timeout <= 0 {
		opts.Timeout = time.Minute
	}
	return &Renderer{opts: opts}
}

// Render implements assess.Renderer. A kustomization has one variant.
func (r *Renderer) Render(ctx context.Context, files fs.FS, root string) (out []*assess.Render) {
	one := &assess.Render{Tool: assess.Kustomize, Root: path.Clean(root)}
	defer func() {
		if p := recover(); p != nil {
			one.Chunks = nil
			one.Problems = append(one.Problems, assess.Problem{Position: ops.Position{File: one.Root},
				Reason: fmt.Sprintf("the kustomization could not be read: %v", p)})
			out = []*assess.Render{one}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	defer cancel()
	g := walk(files, one.Root, &r.sources)
	if g.root != nil && g.root.k != nil && !g.unsafe {
		g.renderCharts(ctx, r.opts)
		r.build(ctx, g, one)
	} else {
		one.Problems = whole(g.problems)
	}
	one.Read = slices.Sorted(maps.Keys(g.read))
	return []*assess.Render{one}
}

// build renders g into out. When parts are lost and the rest does not stand
// without them, it gives up more and more of what depends on them.
func (r *Renderer) build(ctx context.Context, g *graph, out *assess.Render) {
	steps := []lenience{exact}
	if g.root.lost {
		steps = []lenience{exact, optional, reduced}
	}
	var failure error
	for _, l := range steps {
		v, err := g.overlay(l)
		if err != nil {
			failure = err
			break
		}
		var text []byte
		if text, err = g.render(ctx, v); err == nil {
			// The library accepted what the walk doubted.
			out.Problems = slices.DeleteFunc(g.problems, func(p assess.Problem) bool { return !p.Partial })
			if len(text) == 0 {
				out.Problems = whole(out.Problems)
			} else {
				out.Chunks = []assess.Chunk{{Text: text, Tracer: newTracer(g)}}
			}
			// A tracer that is never asked should not hold the tree in memory.
			g.forget()
			return
		}
		failure = err
		if ctx.Err() != nil {
			break
		}
	}
	out.Problems = whole(g.problems)
	if !slices.ContainsFunc(g.problems, func(p assess.Problem) bool { return !p.Partial }) {
		out.Problems = append(out.Problems, g.explain(failure)...)
	}
}

func (g *graph) render(ctx context.Context, v *view) ([]byte, error) {
	objects, err := run(ctx, v, g.root.dir, g.custom)
	if err != nil {
		return nil, err
	}
	return objects.AsYaml()
}

// whole marks problems as having kept the whole root from being rendered.
func whole(problems []assess.Problem) []assess.Problem {
	for i := range problems {
		problems[i].Partial = false
	}
	return problems
}
