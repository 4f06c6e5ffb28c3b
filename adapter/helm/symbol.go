package helm

import (
	"slices"
	"strconv"
	"text/template/parse"

	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// maxSteps bounds the work of following one expression back to values.
const maxSteps = 400

// symbol is what an expression stands for, as far as it leads to values.
type symbol struct {
	// root is true for the scope that a chart's templates are given.
	root bool
	// refs are the paths under .Values from which the value may come, the most
	// likely first.
	refs []tree.Path
	// dict are the entries of a map that the template built.
	dict map[string]symbol
}

func (s symbol) field(name string) symbol {
	switch {
	case s.root && name == "Values":
		return symbol{refs: []tree.Path{{}}}
	case s.dict != nil:
		if v, ok := s.dict[name]; ok {
			return v
		}
	}
	return s.step(tree.Step{Key: name, Index: -1})
}

func (s symbol) step(t tree.Step) symbol {
	var out symbol
	for _, r := range s.refs {
		out.refs = append(out.refs, append(slices.Clip(r), t))
	}
	return out
}

// env is where an expression stands: a site in an execution of its template.
type env struct {
	d     *rendering
	frame *frame
	turn  *iteration
	site  int32
	left  *int
}

func (d *rendering) env(f *frame, turn *iteration, at int32) env {
	left := maxSteps
	return env{d: d, frame: f, turn: turn, site: at, left: &left}
}

func (e env) at(id int32) env { e.site = id; return e }

func (e env) info() *site { return &e.d.set.prog.sites[e.site] }

// spent counts one step and reports whether there were too many.
func (e env) spent() bool { *e.left--; return *e.left < 0 }

// action returns what the site's own pipeline stands for.
func (e env) action() symbol {
	switch n := e.info().node.(type) {
	case *parse.ActionNode:
		return e.pipe(n.Pipe)
	case *parse.IfNode:
		return e.pipe(n.Pipe)
	case *parse.WithNode:
		return e.pipe(n.Pipe)
	case *parse.RangeNode:
		return e.pipe(n.Pipe)
	}
	return symbol{}
}

func (e env) pipe(p *parse.PipeNode) symbol {
	var out symbol
	if p == nil || e.spent() {
		return out
	}
	for i, c := range p.Cmds {
		var last []symbol
		if i > 0 {
			last = []symbol{out}
		}
		out = e.command(c, last)
	}
	return out
}

func (e env) command(c *parse.CommandNode, last []symbol) symbol {
	if e.spent() || len(c.Args) == 0 {
		return symbol{}
	}
	if id, ok := c.Args[0].(*parse.IdentifierNode); ok {
		return e.call(id.Ident, c.Args[1:], last)
	}
	if len(c.Args) > 1 { // a method
		return symbol{}
	}
	return e.operand(c.Args[0])
}

func (e env) operand(n parse.Node) symbol {
	if e.spent() {
		return symbol{}
	}
	switch n := n.(type) {
	case *parse.DotNode:
		return e.dot()
	case *parse.FieldNode:
		return fieldsOf(e.dot(), n.Ident)
	case *parse.VariableNode:
		return fieldsOf(e.variable(n.Ident[0]), n.Ident[1:])
	case *parse.ChainNode:
		return fieldsOf(e.operand(n.Node), n.Field)
	case *parse.PipeNode:
		return e.pipe(n)
	case *parse.IdentifierNode:
		return e.call(n.Ident, nil, nil)
	}
	return symbol{}
}

func fieldsOf(s symbol, names []string) symbol {
	for _, n := range names {
		s = s.field(n)
	}
	return s
}

// call follows a function call. A function that is not known passes its
// arguments' origins on, the last argument first, because that is the value
// in a pipeline; what was rendered is compared with the value found later.
func (e env) call(name string, args []parse.Node, last []symbol) symbol {
	switch name {
	case "include", "lookup", "hasKey", "eq", "ne", "not", "len", "kindIs", "typeIs", "contains", "hasPrefix", "hasSuffix":
		return symbol{}
	case "dict":
		return e.dict(args)
	case "tpl":
		if len(args) > 0 {
			return e.operand(args[0])
		}
		return symbol{}
	case "index", "get":
		if len(args) > 0 {
			return e.index(e.operand(args[0]), args[1:])
		}
	case "dig":
		var from symbol
		if len(last) > 0 {
			from = last[0]
		} else if len(args) > 2 {
			from, args = e.operand(args[len(args)-1]), args[:len(args)-1]
		}
		if len(args) > 1 {
			return e.index(from, args[:len(args)-1])
		}
	case "first":
		if len(args) == 1 {
			return e.operand(args[0]).step(tree.Step{Index: 0})
		}
	}
	all := make([]symbol, 0, len(args)+1)
	for _, a := range args {
		all = append(all, e.operand(a))
	}
	all = append(all, last...)
	var out symbol
	for _, s := range slices.Backward(all) {
		out.refs = append(out.refs, s.refs...)
		out.root = out.root || s.root && (name == "default" || name == "merge" || name == "mustMerge" || name == "deepCopy")
		for k, v := range s.dict {
			if out.dict == nil {
				out.dict = map[string]symbol{}
			}
			out.dict[k] = v
		}
	}
	return out
}

func (e env) dict(args []parse.Node) symbol {
	out := symbol{dict: map[string]symbol{}}
	for i := 0; i+1 < len(args); i += 2 {
		if k, ok := args[i].(*parse.StringNode); ok {
			out.dict[k.Text] = e.operand(args[i+1])
		}
	}
	return out
}

func (e env) index(from symbol, by []parse.Node) symbol {
	for _, b := range by {
		switch b := b.(type) {
		case *parse.StringNode:
			from = from.field(b.Text)
		case *parse.NumberNode:
			n, _ := strconv.Atoi(b.Text)
			from = from.step(tree.Step{Index: n})
		default:
			return symbol{}
		}
	}
	return from
}

// dot returns what . stands for at the site.
func (e env) dot() symbol {
	if e.spent() {
		return symbol{}
	}
	return e.dotIn(e.info().control)
}

func (e env) dotIn(c *control) symbol {
	for ; c != nil; c = c.parent {
		if c.orElse {
			continue
		}
		switch n := c.node.(type) {
		case *parse.WithNode:
			return e.at(c.site).pipe(n.Pipe)
		case *parse.RangeNode:
			return e.element(e.at(c.site).pipe(n.Pipe), c.site)
		}
	}
	return e.given()
}

// element returns what one turn of a range over s has as its element.
func (e env) element(s symbol, loop int32) symbol {
	turn := e.turn
	for turn != nil && turn.loop != loop {
		turn = turn.parent
	}
	if turn == nil {
		return symbol{}
	}
	var out symbol
	for _, r := range s.refs {
		switch v := e.d.lookup(e.frame.unit, r).(type) {
		case []any:
			out.refs = append(out.refs, append(slices.Clip(r), tree.Step{Index: turn.n}))
		case map[string]any:
			if names := sortedKeys(v); turn.n < len(names) {
				out.refs = append(out.refs, append(slices.Clip(r), tree.Step{Key: names[turn.n], Index: -1}))
			}
		}
	}
	return out
}

// lookup returns a value as the unit's templates see it.
func (d *rendering) lookup(u *unit, path tree.Path) any {
	var v any = mapOf(u.scope["Values"])
	for _, s := range path {
		switch c := v.(type) {
		case map[string]any:
			v = c[s.Key]
		case []any:
			if s.Index < 0 || s.Index >= len(c) {
				return nil
			}
			v = c[s.Index]
		default:
			return nil
		}
	}
	return v
}

// variable returns what a variable stands for at the site: what the last
// assignment before it says, and then those before that one, because they may
// stand in branches.
func (e env) variable(name string) symbol {
	if name == "$" {
		return e.given()
	}
	var out symbol
	sites := e.info().body.declares[name]
	for _, id := range slices.Backward(sites) {
		if e.spent() {
			break
		}
		if id >= e.site {
			// a range or with declares for what is inside of it, and its own
			// pipe is evaluated at its own site
			continue
		}
		s := e.at(id).declared(name)
		out.refs = append(out.refs, s.refs...)
		if out.dict == nil {
			out.dict = s.dict
		}
		out.root = out.root || s.root
		if len(out.refs) > 8 {
			break
		}
	}
	return out
}

// declared returns what the site's assignment gives to the variable.
func (e env) declared(name string) symbol {
	n, ok := e.info().node.(*parse.RangeNode)
	if !ok {
		return e.action()
	}
	decl := n.Pipe.Decl
	if len(decl) == 2 && decl[0].Ident[0] == name {
		return symbol{}
	}
	return e.element(e.pipe(n.Pipe), e.site)
}

// given returns the data that the template was executed with.
func (e env) given() symbol {
	f := e.frame
	if f.parent == nil || f.call < 0 {
		return symbol{root: true}
	}
	if e.spent() {
		return symbol{}
	}
	up := env{d: e.d, frame: f.parent, turn: f.turn, site: f.call, left: e.left}
	name := e.d.set.prog.bodies[f.body].name
	switch n := up.info().node.(type) {
	case *parse.TemplateNode:
		if n.Pipe == nil {
			return symbol{}
		}
		return up.pipe(n.Pipe)
	case *parse.ActionNode:
		return up.includeArgument(n.Pipe, name)
	case *parse.IfNode:
		return up.includeArgument(n.Pipe, name)
	case *parse.WithNode:
		return up.includeArgument(n.Pipe, name)
	case *parse.RangeNode:
		return up.includeArgument(n.Pipe, name)
	}
	return symbol{root: true}
}

// includeArgument finds the call that includes the template name in a
// pipeline, and returns what its data stands for; the chart's scope if it is
// not written there, as in text that tpl executes.
func (e env) includeArgument(p *parse.PipeNode, name string) symbol {
	if s, ok := e.findInclude(p, name); ok {
		return s
	}
	return symbol{root: true}
}

func (e env) findInclude(p *parse.PipeNode, name string) (symbol, bool) {
	if e.spent() {
		return symbol{}, false
	}
	for i, c := range p.Cmds {
		if id, ok := c.Args[0].(*parse.IdentifierNode); ok && id.Ident == "include" && len(c.Args) > 1 {
			text, static := c.Args[1].(*parse.StringNode)
			if !static || text.Text == name {
				if len(c.Args) > 2 {
					return e.operand(c.Args[2]), true
				}
				if i > 0 {
					before := &parse.PipeNode{NodeType: parse.NodePipe, Cmds: p.Cmds[:i]}
					return e.pipe(before), true
				}
			}
		}
		for _, a := range c.Args {
			if inner, ok := a.(*parse.PipeNode); ok {
				if s, ok := e.findInclude(inner, name); ok {
					return s, true
				}
			}
		}
	}
	return symbol{}, false
}

// mapOf returns a map of values whatever its declared type.
func mapOf(v any) map[string]any {
	switch m := v.(type) {
	case map[string]any:
		return m
	case common.Values:
		return m
	}
	return nil
}
