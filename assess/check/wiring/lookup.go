package wiring

import (
	"fmt"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// exists reports whether another unit of the repository has a ConfigMap or
// Secret of this name or something that makes it.
func exists(p *check.Pass, kind, namespace, name string) bool {
	if p.Elsewhere(kind, namespace, name) != nil {
		return true
	}
	for _, g := range p.Others {
		if wire.ClaimsOf(g).Find(kind, namespace, name) != nil {
			return true
		}
	}
	return false
}

// service finds a core Service in the unit or, if the namespace is the same
// beyond doubt, in another one. sure is false if one exists that may or may
// not be meant.
func service(p *check.Pass, namespace, name string) (svc *graph.Object, sure bool) {
	if svc = p.Graph.FindGroup("", "Service", namespace, name); svc != nil {
		return svc, true
	}
	for _, g := range p.Others {
		if o := g.FindGroup("", "Service", namespace, name); o != nil {
			return o, o.Namespace == namespace && namespace != ""
		}
	}
	return nil, false
}

// shown reports whether the repository shows anything of a namespace: only
// then does the absence of an object there mean something.
func shown(p *check.Pass, namespace string) bool {
	if populated(p.Graph, namespace) {
		return true
	}
	for _, g := range p.Others {
		if populated(g, namespace) {
			return true
		}
	}
	return false
}

type populatedKey struct{}

func populated(g *graph.Graph, namespace string) bool {
	return g.Derive(populatedKey{}, func(g *graph.Graph) any {
		m := map[string]bool{}
		for _, o := range g.Objects {
			if o.Pod != nil || o.Kind == "Service" {
				m[o.Namespace] = true
			}
		}
		return m
	}).(map[string]bool)[namespace]
}

// repeated reports whether an earlier reference of the same object names the
// same target (and key), so that one finding is enough.
func repeated(p *check.Pass, r *graph.Reference, same func(*graph.Reference) bool) bool {
	for e := range p.Graph.MissingFrom(r.From, r.Kind) {
		if e == r {
			return false
		}
		if same(e) && e.Name == r.Name && e.Key == r.Key && e.TargetKind == r.TargetKind {
			return true
		}
	}
	return false
}

// place says in words where in an object a field stands, such as
// `container "web", env DB_URL`.
func place(n tree.Node) string {
	text := ""
	for n.Exists() {
		parent := n.Parent()
		if !parent.IsList() {
			n = parent
			continue
		}
		name := n.Get("name").Text()
		switch list := parent.Key().Text(); list {
		case "env":
			text = ", env " + name
		case "volumes":
			return fmt.Sprintf("volume %q", name)
		case "containers", "initContainers", "ephemeralContainers":
			return fmt.Sprintf("container %q%s", name, text)
		}
		n = parent
	}
	return ""
}

// located puts "in PLACE" in front of a message where the place is known.
func located(n tree.Node) string {
	if s := place(n); s != "" {
		return s + " needs "
	}
	return "needs "
}

// runtimeMade reports as unknown a ConfigMap or Secret that something visible
// may make at run time, and whether it did so.
func runtimeMade(p *check.Pass, r *graph.Reference, power wire.Power) bool {
	ns := r.Namespace
	if o := wire.Mentioned(p.Graph, ns, r.Name); o != nil {
		p.Unknown(r.At, "", "%s%s %q, which no file produces; the operator of %s may make it", located(r.At), r.TargetKind, r.Name, o)
		return true
	}
	if o := wire.Maker(p.Graph, ns, power); o != nil {
		p.Unknown(r.At, "", "%s%s %q, which no file produces; %s may make it at run time, since its account may create %ss here", located(r.At), r.TargetKind, r.Name, o, r.TargetKind)
		return true
	}
	return false
}

// uses reports whether o makes any reference to a ConfigMap or Secret, so
// that a check of them has something to look at.
func uses(p *check.Pass, o *graph.Object) bool {
	for range o.Out(graph.Uses) {
		return true
	}
	for range p.Graph.MissingFrom(o, graph.Uses) {
		return true
	}
	return false
}
