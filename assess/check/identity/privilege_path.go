package identity

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/privilege"
	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var privilegePath = &check.Check{
	ID: "k8s-privilege-path", Name: "privilege-path", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K27"},
	Practices: []string{"rbac-least-privilege"},
	Facts:     []check.Fact{{Number: 3, Strength: check.Direct}},
	Unit: func(p *check.Pass) {
		m := privilege.New(p.Graph, p.Settings.KubeMinor, p.Elsewhere)
		var found []*route
		at := map[tree.Node]*route{}
		for _, s := range m.Starts() {
			if m.Admin(s) {
				continue // a binding to all rights is no path; other checks report it
			}
			path := m.Find(s, privilege.Cut{})
			if path == nil {
				if b := ownBinding(p.Graph, s); b != nil {
					p.On(b).Good(b.Body.Get("roleRef"))
				}
				continue
			}
			r := &route{path: path, advice: m.Cheapest(path)}
			r.place()
			if first := at[r.at]; first != nil {
				first.add(r)
				continue
			}
			at[r.at] = r
			found = append(found, r)
		}
		for _, r := range found {
			r.report(p)
		}
	},
}

// route is a path with the place to cut it, and the other paths that are cut
// there too.
type route struct {
	path   *privilege.Path
	advice privilege.Advice
	object *graph.Object
	at     tree.Node
	others []*route
}

// add joins a route that is cut at the same place. The one that assumes
// nothing leads.
func (r *route) add(o *route) {
	if r.path.Assumes() != "" && o.path.Assumes() == "" {
		r.path, o.path = o.path, r.path
		r.advice, o.advice = o.advice, r.advice
	}
	r.others = append(r.others, o)
}

// place finds the object and the value to edit.
func (r *route) place() {
	g := r.advice.Grant
	if r.advice.Binding == nil {
		r.object, r.at = g.Role, g.Rule
		return
	}
	r.object, r.at = g.Binding, g.Binding.Body.Get("roleRef")
	for s := range rbac.Subjects(g.Binding) {
		if s.Name == r.path.Start.Name && s.Kind == r.path.Start.Kind.String() {
			r.at = s.Node
		}
	}
}

func (r *route) report(p *check.Pass) {
	p = p.On(r.object)
	if a := r.path.Assumes(); a != "" {
		depends := "; whether it may depends on " + a + ", which is not in the repository"
		u := p.Unknown(r.at, "", "%s", r.text(depends))
		if r.shortened(depends) {
			u.Fix("%s", r.fix(depends))
		}
		return
	}
	severity := r.severity(p.Graph)
	for _, o := range r.others {
		if o.path.Assumes() == "" {
			severity = max(severity, o.severity(p.Graph))
		}
	}
	p.Fail(r.at, "", "%s", r.text("")).As(severity).Fix("%s", r.fix(""))
}

// longest is how long a message may grow before the middle of the path is left
// to the fix text.
const longest = 400

// detail is how much of a path is written out.
type detail int

const (
	whole     detail = iota // each step with its role and binding
	noBinding               // each step with its role
	ends                    // the first and the last step, each with its role, unexplained
)

// text writes the path out, in as much detail as fits into a message together
// with its end.
func (r *route) text(end string) string {
	for d := whole; ; d++ {
		if t := r.written(d) + end; len(t) <= longest || d == ends {
			return t
		}
	}
}

// shortened reports whether the message does not tell the whole path.
func (r *route) shortened(end string) bool { return len(r.written(whole)+end) > longest }

// written is the message with the path in some detail.
func (r *route) written(d detail) string {
	reaches := "the rights of cluster-admin"
	if r.path.End().Kind == privilege.Nodes {
		reaches = "every node, and so all that runs there,"
	}
	hops := strconv.Itoa(len(r.path.Steps)) + " steps"
	if len(r.path.Steps) == 1 {
		hops = "one step"
	}
	t := fmt.Sprintf("%s can reach %s in %s: %s", r.path.Start, reaches, hops, r.steps(d))
	if n := len(r.others); n == 1 {
		t += ". " + r.others[0].path.Start.String() + " has a path through here too"
	} else if n > 1 {
		t += fmt.Sprintf(". %s and %d more have a path through here too", r.others[0].path.Start, n-1)
	}
	return t
}

// steps writes what is done at each hop and what allows it.
func (r *route) steps(d detail) string {
	var b strings.Builder
	steps := r.path.Steps
	for i := range steps {
		if d == ends && i > 0 && i < len(steps)-1 {
			if i == 1 {
				b.WriteString("; …")
			}
			continue
		}
		if i > 0 {
			b.WriteString("; ")
		}
		if len(steps) > 1 {
			fmt.Fprintf(&b, "(%d) ", i+1)
		}
		how := steps[i].How
		if d == ends {
			how, _, _ = strings.Cut(how, ", which ")
			how, _, _ = strings.Cut(how, ", unless ")
		}
		b.WriteString("it " + how)
		for j, g := range steps[i].Grants {
			switch {
			case j == 0:
				b.WriteString(", as " + r.source(g, d))
			case g.Binding != steps[i].Grants[j-1].Binding:
				b.WriteString(" and " + r.source(g, d))
			}
			if j == len(steps[i].Grants)-1 {
				b.WriteString(" allows")
			}
		}
	}
	return b.String()
}

// source writes where a right comes from, with the files that are not the
// finding's own.
func (r *route) source(g *privilege.Grant, d detail) string {
	role := g.RoleKind + " " + g.RoleName
	switch {
	case g.Role == nil:
		role = "the built-in " + role
	case g.Role.Name != g.RoleName:
		role += " (which takes in " + g.Role.Name + ")" + r.file(g.Role)
	default:
		role += r.file(g.Role)
	}
	if d != whole {
		return role
	}
	via := ""
	if g.Via != "" {
		via = " for its group " + g.Via
	}
	return role + " through " + g.Binding.Ref.String() + r.file(g.Binding) + via
}

// file names the file of an object in another file than the finding's.
func (r *route) file(o *graph.Object) string {
	if o.Source == r.object.Source {
		return ""
	}
	return " (" + o.Source + ")"
}

// fix says where to cut, and why there, with the path if the message with its
// end has no room for it.
func (r *route) fix(end string) string {
	g := r.advice.Grant
	what := "Take this rule out of " + g.RoleKind + " " + g.RoleName + ", or narrow it by resource, name or namespace"
	if r.advice.Binding != nil {
		what = "Bind a narrower role in place of " + g.RoleName + " in " + g.Binding.Ref.String()
	}
	why := "only one identity needs it"
	if n := r.advice.Holders; n > 1 {
		why = strconv.Itoa(n) + " identities hold it, fewer than anything else on the way"
	}
	rest := "and no path is left without it"
	if !r.advice.Last {
		rest = "though another path is left, which the next run shows"
	}
	fix := what + ": it is the cheapest place to cut, " + why + ", " + rest + "."
	if r.shortened(end) {
		fix += " The whole path: " + r.steps(whole) + "."
	}
	return fix
}

// severity weighs a path by who stands at its start: a workload that has
// nothing to do with the cluster, everybody, a program or people that manage it.
func (r *route) severity(g *graph.Graph) ops.Severity {
	s := r.path.Start
	if s.Kind != privilege.Account {
		switch {
		case strings.HasPrefix(s.Name, "system:"):
			return ops.Critical // stands for more than anyone can know
		case r.path.End().Kind == privilege.Nodes:
			return ops.Medium
		}
		return ops.High
	}
	sub := rbac.Subject{Kind: "ServiceAccount", Namespace: s.Namespace, Name: s.Name}
	if s.Namespace == "kube-system" || controllerAccount(g, sub) {
		return ops.Medium
	}
	if sa := g.Find("ServiceAccount", s.Namespace, s.Name); sa != nil && runs(sa) && r.path.End().Kind == privilege.Cluster {
		return ops.Critical
	}
	return ops.High
}

// ownBinding returns a binding that names the identity.
func ownBinding(g *graph.Graph, s privilege.State) *graph.Object {
	for r := range g.Subjects(s.Kind.String(), s.Namespace, s.Name) {
		return r.From
	}
	return nil
}
