package helm

import (
	"strconv"
	"text/template/parse"
)

// Names of the silent calls that instrumented trees make. The parser of chart
// templates does not know them, so that a chart cannot call them.
const (
	hookAt    = "aeo_at"    // the next node to be executed
	hookEnter = "aeo_enter" // a named template begins
	hookLeave = "aeo_leave" // and ends
	hookIter  = "aeo_iter"  // one more turn of a range
)

// instrument adds the silent calls to tree, which is text of src. Trees that
// are only white space stay as they are, because text/template lets such a
// tree never replace one that has content.
func (p *program) instrument(src *source, tree *parse.Tree) {
	if tree.Root == nil || parse.IsEmptyTree(tree.Root) {
		return
	}
	b := &body{id: int32(len(p.bodies)), name: tree.Name, src: src, declares: map[string][]int32{}}
	p.bodies = append(p.bodies, b)
	p.list(b, tree.Root, nil, -1)
	nodes := make([]parse.Node, 0, len(tree.Root.Nodes)+2)
	nodes = append(nodes, hook(hookEnter, b.id, tree.Root.Pos))
	nodes = append(nodes, tree.Root.Nodes...)
	tree.Root.Nodes = append(nodes, hook(hookLeave, b.id, tree.Root.Pos))
}

// list puts a hook before every node of l that writes, calls or branches.
func (p *program) list(b *body, l *parse.ListNode, c *control, loop int32) {
	if l == nil {
		return
	}
	nodes := make([]parse.Node, 0, 2*len(l.Nodes))
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode, *parse.TemplateNode:
			nodes = append(nodes, p.at(b, n, c, loop))
		case *parse.ActionNode:
			nodes = append(nodes, p.at(b, n, c, loop))
			p.declare(b, n.Pipe)
		case *parse.IfNode:
			nodes = append(nodes, p.at(b, n, c, loop))
			p.branch(b, &n.BranchNode, n, c, loop)
		case *parse.WithNode:
			nodes = append(nodes, p.at(b, n, c, loop))
			p.branch(b, &n.BranchNode, n, c, loop)
		case *parse.RangeNode:
			nodes = append(nodes, p.at(b, n, c, loop))
			id := int32(len(p.sites) - 1)
			p.declare(b, n.Pipe)
			p.list(b, n.List, &control{parent: c, node: n, site: id}, id)
			n.List.Nodes = append([]parse.Node{hook(hookIter, id, n.Pos)}, n.List.Nodes...)
			p.list(b, n.ElseList, &control{parent: c, node: n, site: id, orElse: true}, loop)
		}
		nodes = append(nodes, n)
	}
	l.Nodes = nodes
}

func (p *program) branch(b *body, n *parse.BranchNode, node parse.Node, c *control, loop int32) {
	id := int32(len(p.sites) - 1)
	p.declare(b, n.Pipe)
	p.list(b, n.List, &control{parent: c, node: node, site: id}, loop)
	p.list(b, n.ElseList, &control{parent: c, node: node, site: id, orElse: true}, loop)
}

// at numbers a node as a site and returns the hook to put before it.
func (p *program) at(b *body, n parse.Node, c *control, loop int32) parse.Node {
	id := int32(len(p.sites))
	p.sites = append(p.sites, site{body: b, node: n, control: c, loop: loop})
	return hook(hookAt, id, n.Position())
}

// declare notes that the last numbered site assigns the pipe's variables.
func (p *program) declare(b *body, pipe *parse.PipeNode) {
	for _, v := range pipe.Decl {
		name := v.Ident[0]
		b.declares[name] = append(b.declares[name], int32(len(p.sites)-1))
	}
}

// hook builds {{name n}}.
func hook(name string, n int32, pos parse.Pos) parse.Node {
	arg := &parse.NumberNode{NodeType: parse.NodeNumber, Pos: pos, IsInt: true, Int64: int64(n), Text: strconv.Itoa(int(n))}
	call := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{parse.NewIdentifier(name).SetPos(pos), arg}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{call}}}
}

// bound adds to tree, which is text that tpl executes, only what keeps it
// within its bounds.
func bound(tree *parse.Tree) {
	if tree.Root == nil || parse.IsEmptyTree(tree.Root) {
		return
	}
	boundList(tree.Root)
	nodes := append([]parse.Node{hook(hookEnter, -1, 0)}, tree.Root.Nodes...)
	tree.Root.Nodes = append(nodes, hook(hookLeave, -1, 0))
}

func boundList(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			boundList(n.List)
			boundList(n.ElseList)
		case *parse.WithNode:
			boundList(n.List)
			boundList(n.ElseList)
		case *parse.RangeNode:
			boundList(n.List)
			n.List.Nodes = append([]parse.Node{hook(hookIter, -1, 0)}, n.List.Nodes...)
			boundList(n.ElseList)
		}
	}
}
