package app

import (
	"context"
	"slices"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/trace"
)

// Manifests implements cli.Repositories.
func (b backend) Manifests(ctx context.Context, path string) (*cli.Manifests, error) {
	settings, err := b.Settings(path)
	if err != nil {
		return nil, err
	}
	opts, err := options(cli.Request{Settings: settings}, b.now())
	if err != nil {
		return nil, err
	}
	src, err := b.open(ctx, path)
	if err != nil {
		return nil, err
	}
	roots, unread, err := engineAt(opts.Now, settings.KubeVersion, servedByAll...).Graphs(ctx, src, opts)
	d := declare(roots) // while the files are there to lead back to
	if closed := src.close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	switch {
	case len(roots) > 0:
	case len(unread) > 0: // then all that runs would seem to be declared nowhere
		return nil, fault.New(fault.Invalid, "read manifests", unread[0].File, unread[0].Reason, "give the folder with all that it is built of, as the repository itself, with --manifests, and what is to be shown with -n")
	default:
		return nil, fault.New(fault.NotFound, "read manifests", src.target.Path, "it holds no Kubernetes object", "give the folder of your manifests, kustomizations or charts with --manifests")
	}
	out := &cli.Manifests{Path: src.target.Path, Place: d.place, Needs: func(c *cause.Case) []cause.Dependency { return cause.Declared(d.graphs, c) }}
	for _, in := range unread {
		out.Notes = append(out.Notes, "what "+in.File+" declares is not known: "+in.Reason)
	}
	return out, nil
}

// declared are the graphs of manifests, with the place that each workload is written at.
type declared struct {
	graphs []*graph.Graph
	at     map[*graph.Object]cli.Workload
}

func declare(roots []assess.Root) declared {
	d := declared{at: map[*graph.Object]cli.Workload{}}
	for _, r := range roots {
		d.graphs = append(d.graphs, r.Graph)
		for _, o := range r.Graph.Objects {
			if o.Pod == nil {
				continue
			}
			w := cli.Workload{Ref: o.Ref, Position: assess.Declared(o), Roots: []string{}}
			if r.Name != "" {
				w.Roots = append(w.Roots, r.Name)
			}
			d.at[o] = w
		}
	}
	return d
}

// place puts what was seen beside what is declared.
func (d declared) place(totals []trace.Total) cli.Ownership {
	placed := trace.Place(d.graphs, totals)
	out := cli.Ownership{Services: make([]cli.PlacedService, len(placed.Placed)), Silent: d.written(placed.Silent)}
	for i, p := range placed.Placed {
		out.Services[i] = cli.PlacedService{Party: p.Party, Workloads: d.written(p.Workloads)}
	}
	return out
}

// written says where workloads are written: one that several roots render of the same
// line, as a chart with each of its values files, is one.
func (d declared) written(workloads []*graph.Object) []cli.Workload {
	out := []cli.Workload{}
	for _, o := range workloads {
		w := d.at[o]
		i := slices.IndexFunc(out, func(known cli.Workload) bool { return known.Ref == w.Ref && known.Position == w.Position })
		if i < 0 {
			out = append(out, w)
		} else {
			out[i].Roots = slices.Concat(out[i].Roots, w.Roots)
		}
	}
	return out
}
