// Package openslo reads service level objectives that people wrote for other
// tools: OpenSLO v1 (SLO, SLI, DataSource, AlertPolicy, AlertCondition, and the
// kinds beside them) and Sloth, as its spec files and as PrometheusServiceLevel
// resources. Our own Objectives are read from files too, so that they can be
// checked, and rules made of them, without a cluster.
//
// Nothing is guessed and nothing silently dropped: a field that is not known,
// or not supported, is a problem with its line, and an objective with a problem
// is not returned. Documents may refer to each other across files.
package openslo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/observe/slo"
	"github.com/autoecoops/autoecoops/ops"
)

// File is a file's documents.
type File struct {
	Name string
	Docs []tree.Document
}

// Problem is something that is wrong, or not supported, and where.
type Problem struct {
	Position ops.Position
	Message  string
}

// String is the problem on one line.
func (p Problem) String() string { return p.Position.String() + ": " + p.Message }

// Located is an objective with the place where it was written.
type Located struct {
	Objective slo.Objective
	Position  ops.Position
	// Notes say what of it has no meaning here.
	Notes []string
}

// Options are for what files leave open.
type Options struct {
	// Period is that of Sloth's files, which do not say; 0 means 30 days.
	Period time.Duration
}

// MaxObjectives bounds the objectives of one call.
const MaxObjectives = 100_000

// Read returns all objectives of files, in their order, and all problems.
func Read(files []File, o Options) ([]Located, []Problem) {
	if o.Period <= 0 {
		o.Period = 30 * 24 * time.Hour
	}
	r := &reader{options: o, objects: map[string]map[string]*object{}, names: map[string]ops.Position{}}
	for _, f := range files {
		r.index(f)
	}
	for _, f := range files {
		r.file = f.Name
		for _, d := range f.Docs {
			if d.Doc != nil {
				r.document(d.Doc.Root())
			}
		}
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(slices.IndexFunc(files, func(f File) bool { return f.Name == a.Position.File }), slices.IndexFunc(files, func(f File) bool { return f.Name == b.Position.File })), a.Position.Compare(b.Position), strings.Compare(a.Message, b.Message))
	})
	return r.found, slices.Compact(r.problems)
}

// object is a document that others may refer to.
type object struct {
	file string
	root tree.Node
}

type reader struct {
	options  Options
	file     string
	root     tree.Node // the document that is read
	problems []Problem
	found    []Located
	// objects are the OpenSLO documents by kind and name.
	objects map[string]map[string]*object
	// names are the objectives that were found, and where.
	names map[string]ops.Position
}

func (r *reader) fail(n tree.Node, format string, args ...any) {
	if !n.Exists() {
		n = r.root
	}
	line, col := n.Position()
	r.failAt(line, col, format, args...)
}

func (r *reader) failAt(line, col int, format string, args ...any) {
	r.problems = append(r.problems, Problem{ops.Position{File: r.file, Line: line, Column: col}, fmt.Sprintf(format, args...)})
}

const openslo = "openslo/v1"

// index notes what may be referred to, and what YAML itself finds wrong.
func (r *reader) index(f File) {
	r.file = f.Name
	if len(f.Docs) == 0 {
		r.problems = append(r.problems, Problem{ops.Position{File: f.Name}, "the file holds nothing"})
	}
	for _, d := range f.Docs {
		if d.Err != nil {
			r.problems = append(r.problems, Problem{ops.Position{File: f.Name, Line: d.Err.Line, Column: d.Err.Column}, d.Err.Message})
			continue
		}
		for _, dup := range d.Duplicates {
			r.problems = append(r.problems, Problem{ops.Position{File: f.Name, Line: dup.Line, Column: dup.Column}, fmt.Sprintf("%q stands here for the second time, after line %d", dup.Key, dup.First)})
		}
		if d.Doc == nil {
			continue
		}
		root := d.Doc.Root()
		if root.Get("apiVersion").Str() != openslo {
			continue
		}
		kind, name := root.Get("kind").Str(), root.At("metadata", "name")
		if r.objects[kind] == nil {
			r.objects[kind] = map[string]*object{}
		}
		if before := r.objects[kind][name.Str()]; before != nil && name.Str() != "" {
			r.fail(name, "there are two of kind %s called %q: the other is at %s:%d", kind, name.Str(), before.file, before.root.Line())
			continue
		}
		r.objects[kind][name.Str()] = &object{f.Name, root}
	}
}

// document reads a document of any of the known forms.
func (r *reader) document(root tree.Node) {
	r.root = root
	api, kind := root.Get("apiVersion").Str(), root.Get("kind").Str()
	switch {
	case !root.IsMap():
		r.fail(root, "a document must be a map")
	case api == objectiveAPI && kind == v1alpha1.ObjectiveKind:
		r.resource(root)
	case api == openslo:
		r.openSLO(root, kind)
	case strings.HasPrefix(api, "openslo/"):
		r.fail(root.Get("apiVersion"), "only %s is read, not %q", openslo, api)
	case api == slothAPI && kind == slothKind:
		r.slothResource(root)
	case strings.HasPrefix(api, "sloth.slok.dev/"):
		r.fail(root.Get("kind"), "only %s of %s is read, not %q of %q", slothKind, slothAPI, kind, api)
	case root.Get("version").Str() == slothVersion:
		r.slothFile(root)
	case root.Has("version") && root.Has("slos"):
		r.fail(root.Get("version"), "of Sloth's files only those of version %s are read, not %q", slothVersion, root.Get("version").Text())
	default:
		r.fail(root, "this is neither an Objective (apiVersion: %s), nor OpenSLO (apiVersion: %s), nor a file of Sloth (version: %s) or its resource (apiVersion: %s)", objectiveAPI, openslo, slothVersion, slothAPI)
	}
}

// add keeps an objective if nothing is wrong with it. since is how many
// problems there were before it was read.
func (r *reader) add(at tree.Node, o slo.Objective, notes []string, since int) {
	line, col := at.Position()
	p := ops.Position{File: r.file, Line: line, Column: col}
	if len(r.problems) > since {
		return
	}
	for _, x := range o.Validate() {
		r.problems = append(r.problems, Problem{p, x.String()})
	}
	if before, ok := r.names[o.ID()]; ok {
		r.problems = append(r.problems, Problem{p, fmt.Sprintf("there are two objectives %s: the other is at %s", o.ID(), before)})
	}
	if len(r.found) >= MaxObjectives {
		r.problems = append(r.problems, Problem{p, fmt.Sprintf("there are more than %d objectives", MaxObjectives)})
	}
	if len(r.problems) > since {
		return
	}
	r.names[o.ID()] = p
	r.found = append(r.found, Located{o, p, notes})
}
