package helm

import (
	"bytes"
	"slices"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// Kinds of origin that a chart has.
const (
	kindTemplate = "template"
	kindValues   = "values"
	kindManifest = "manifest"
)

// maxProbes bounds how many parts of one scalar are looked at.
const maxProbes = 40

// tracer traces one rendered document.
type tracer struct {
	d    *rendering
	text *recorded
	// off is where the document begins in the rendered file, size its length.
	off, size int
	// head is how many lines the chunk has before the document.
	head int
}

var _ assess.Tracer = (*tracer)(nil)

// spot is who wrote one byte of rendered text.
type spot struct {
	site  int32
	frame *frame
	turn  *iteration
	// src and at are the place in the template.
	src *source
	at  int
	// action is true if an action wrote it, with what it printed.
	action bool
	output string
}

func (s spot) same(o spot) bool {
	return s.action && o.action && s.site == o.site && s.frame == o.frame && s.turn == o.turn
}

// Trace implements assess.Tracer.
func (t *tracer) Trace(doc tree.Node, path tree.Path) (origin assess.Origin, ok bool) {
	defer func() {
		if recover() != nil { // a tracer must never take a report down
			origin, ok = assess.Origin{}, false
		}
	}()
	node, steps := doc.Follow(path)
	line, col := node.Position()
	key, found := t.spotAt(line, col)
	if !found {
		return assess.Origin{}, false
	}
	if steps == len(path) {
		if p, found := t.valueOrigin(doc, node, path, key); found && p.pos.File != "" {
			return t.values(p), true
		}
	} else if p, found := t.absentOrigin(doc, node, path, steps, key); found && p.pos.File != "" {
		return t.values(p), true
	}
	ln, c := key.src.position(key.at)
	o := assess.Origin{Kind: kindTemplate, Position: t.d.position(key.src, ln, c)}
	o.Via = t.via(key, line)
	return o, true
}

func (t *tracer) values(p place) assess.Origin {
	o := assess.Origin{Kind: kindValues, Position: p.pos, Via: []string{t.d.set.src.root}}
	if p.variant {
		o.Via = []string{t.d.req.variant.file}
	}
	return o
}

// via names the variant if only with it the line is there as it is.
func (t *tracer) via(s spot, line int) []string {
	v := t.d.req.variant
	if v == nil || t.d.set.defaults.wrote(s, t.lineText(line)) {
		return []string{t.d.set.src.root}
	}
	return []string{v.file}
}

// lineText returns a line of the chunk, by its number there.
func (t *tracer) lineText(line int) string {
	begin, end := t.lineBounds(line)
	return t.text.text[begin:end]
}

// lineBounds returns where a line of the chunk lies in the rendered file.
func (t *tracer) lineBounds(line int) (begin, end int) {
	starts := t.text.starts()
	first, exact := slices.BinarySearch(starts, t.off)
	if !exact {
		first--
	}
	stop := t.off + t.size
	n := first + line - t.head - 1
	if n < 0 || n >= len(starts) {
		return stop, stop
	}
	begin, end = max(starts[n], t.off), stop
	if n+1 < len(starts) {
		end = min(starts[n+1]-1, stop)
	}
	return min(begin, end), end
}

// offset returns where a line and column of the chunk lie in the file.
func (t *tracer) offset(line, col int) int {
	begin, end := t.lineBounds(line)
	off := begin
	for c := 1; c < col && off < end; c++ { // YAML counts characters
		_, n := utf8.DecodeRuneInString(t.text.text[off:])
		off += n
	}
	return off
}

func (t *tracer) spotAt(line, col int) (spot, bool) {
	if line <= t.head {
		return spot{}, false
	}
	return t.d.locate(t.text, t.offset(line, col), 0)
}

// locate finds who wrote the byte at off, down through included templates.
func (d *rendering) locate(text *recorded, off, depth int) (spot, bool) {
	i, exact := slices.BinarySearchFunc(text.spans, int32(off), func(s span, o int32) int { return int(s.off) - int(o) })
	if !exact {
		i--
	}
	if i < 0 {
		return spot{}, false
	}
	sp := text.spans[i]
	end := len(text.text)
	if i+1 < len(text.spans) {
		end = int(text.spans[i+1].off)
	}
	info := &d.set.prog.sites[sp.site]
	s := spot{site: sp.site, frame: sp.frame, turn: sp.turn, src: info.body.src, at: int(info.node.Position())}
	if n, ok := info.node.(*parse.TextNode); ok {
		within := min(off-int(sp.off), len(n.Text))
		s.at += within
		return s, true
	}
	s.action = true
	s.output = text.text[sp.off:end]
	if depth < 40 {
		if inner, ok := d.descend(s, off-int(sp.off), depth); ok {
			return inner, true
		}
	}
	return s, true
}

// descend finds the byte at off of an action's output in the text that the
// action included, if it did: functions such as nindent move lines about, so
// that they are matched by their content, in order.
func (d *rendering) descend(s spot, off, depth int) (spot, bool) {
	off = min(off, len(s.output))
	begin := strings.LastIndexByte(s.output[:off], '\n') + 1
	line, _, _ := strings.Cut(s.output[begin:], "\n")
	want := strings.TrimSpace(line)
	if want == "" {
		return spot{}, false
	}
	nth := countLines(s.output[:begin], want)
	in := max(off-begin-(len(line)-len(strings.TrimLeft(line, " \t"))), 0)
	for _, c := range d.children(s) {
		text := c.text.text
		at, ok := nthLine(text, want, nth)
		if !ok {
			if at, ok = nthLine(text, strings.Trim(want, `"'`), 0); !ok {
				continue
			}
		}
		if inner, ok := d.locate(c.text, min(at+in, max(len(text)-1, 0)), depth+1); ok {
			return inner, true
		}
	}
	return spot{}, false
}

// countLines counts the lines of text that are want but for indentation.
func countLines(text, want string) int {
	n := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == want {
			n++
		}
	}
	return n
}

// nthLine returns where the content of the n-th line (from 0) that is want
// but for indentation begins; the last one if there are fewer.
func nthLine(text, want string, n int) (at int, ok bool) {
	off := 0
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); trimmed == want && want != "" {
			at, ok = off+strings.Index(line, trimmed), true
			if n == 0 {
				return at, true
			}
			n--
		}
		off += len(line)
	}
	return at, ok
}

// children are the texts that an action included, and those that the
// variables which it prints were assigned from.
func (d *rendering) children(s spot) []child {
	sites := map[int32]bool{s.site: true}
	info := &d.set.prog.sites[s.site]
	if n, ok := info.node.(*parse.ActionNode); ok {
		variables(n.Pipe, func(name string) {
			for _, id := range info.body.declares[name] {
				if id < s.site {
					sites[id] = true
				}
			}
		})
	}
	var out []child
	for _, c := range s.frame.children {
		if sites[c.site] && (c.site != s.site || c.turn == s.turn) {
			out = append(out, c)
		}
	}
	slices.Reverse(out) // the text that an outer call was given came first
	return out
}

// variables calls f for every variable that a pipeline reads.
func variables(p *parse.PipeNode, f func(string)) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, a := range c.Args {
			switch a := a.(type) {
			case *parse.VariableNode:
				f(a.Ident[0])
			case *parse.PipeNode:
				variables(a, f)
			}
		}
	}
}

// inner returns the last steps of path whose values the action at s wrote:
// the path within the value that the action printed.
func (t *tracer) inner(doc tree.Node, path tree.Path, s spot) tree.Path {
	from := len(path)
	for from > 0 {
		n, _ := doc.Follow(path[:from])
		o, ok := t.spotAt(n.Position())
		if !ok || !o.same(s) {
			break
		}
		from--
	}
	return path[from:]
}

// valueOrigin finds the values file's line that sets an existing value.
func (t *tracer) valueOrigin(doc, node tree.Node, path tree.Path, key spot) (place, bool) {
	if key.action {
		if p, ok := t.reference(key, t.inner(doc, path, key), node); ok {
			return p, true
		}
	}
	if node.IsMap() || node.IsList() {
		if at, ok := t.spotAt(node.Line(), node.Column()); ok && at.action && !at.same(key) {
			return t.reference(at, nil, node)
		}
		return place{}, false
	}
	for _, s := range t.writers(node) {
		if s.same(key) {
			continue
		}
		if p, ok := t.reference(s, nil, node); ok {
			return p, true
		}
	}
	return place{}, false
}

// writers lists the actions that wrote a scalar, the last one first: of an
// image's parts, the tag is what is talked about most.
func (t *tracer) writers(node tree.Node) []spot {
	begin := t.offset(node.Line(), node.Column())
	_, end := t.lineBounds(node.Line())
	if node.Block() {
		_, end = t.lineBounds(node.EndLine())
	}
	var out []spot
	spans := t.text.spans
	i, _ := slices.BinarySearchFunc(spans, int32(begin+1), func(s span, o int32) int { return int(s.off) - int(o) })
	for off, probes := begin, 0; off < end && probes < maxProbes; probes++ {
		next := end
		for ; i < len(spans); i++ {
			if int(spans[i].off) > off {
				next = int(spans[i].off)
				break
			}
		}
		// An included text changes its writer within the action: it is looked
		// at line by line, at both ends.
		if nl := strings.IndexByte(t.text.text[off:next], '\n'); nl >= 0 {
			next = off + nl + 1
		}
		for _, at := range []int{off, max(next-2, off)} {
			s, ok := t.d.locate(t.text, at, 0)
			if ok && s.action && (len(out) == 0 || !out[len(out)-1].same(s)) {
				out = append(out, s)
			}
		}
		off = next
	}
	slices.Reverse(out)
	return out
}

// reference finds the values file's line behind an action, if what it says is
// what was rendered.
func (t *tracer) reference(s spot, inner tree.Path, node tree.Node) (place, bool) {
	refs := t.d.env(s.frame, s.turn, s.site).action().refs
	var part place
	best := 0
	for _, r := range refs {
		path := append(slices.Clip(r), inner...)
		if len(path) == 0 {
			continue
		}
		found := t.d.files().find(s.frame.unit.chart, path)
		if len(found) == 0 && len(inner) > 0 && len(r) > 0 {
			if p, ok := t.insideText(s, r, inner); ok {
				return p, true
			}
		}
		for _, p := range found {
			if node.IsMap() || node.IsList() {
				if p.value.Kind != yaml.ScalarNode || p.value.Tag == "!!null" {
					return p, true
				}
				break
			}
			if sameScalar(p.value, node.Text()) || sameScalar(p.value, printed(s)) {
				return p, true
			}
			if n := partOf(p.value, node.Text()); n > best {
				part, best = p, n
			}
			break // what a stronger file overrides does not count
		}
	}
	return part, best > 0
}

// insideText finds the line of a text in a values file that was rendered as
// YAML, through tpl or as it stands.
func (t *tracer) insideText(s spot, ref, inner tree.Path) (place, bool) {
	found := t.d.files().find(s.frame.unit.chart, ref)
	if len(found) == 0 {
		return place{}, false
	}
	p := found[0]
	switch {
	case p.value.Kind != yaml.ScalarNode || !strings.Contains(p.value.Value, "\n"):
		return place{}, false
	case p.value.Style&yaml.LiteralStyle == 0 || p.pos.Line == 0:
		return p, true
	}
	want := inner[len(inner)-1].Key + ":"
	for i, line := range strings.Split(p.value.Value, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, "- \t"), want) {
			p.pos.Line = p.value.Line + 1 + i
			p.pos.EndLine, p.pos.Column = p.pos.Line, 0
			break
		}
	}
	return p, true
}

// printed is an action's output without quotes.
func printed(s spot) string { return strings.Trim(strings.TrimSpace(s.output), `"'`) }

// partOf rates how well a value is a part of a composed text, as repository
// and tag are of an image: the end counts more than the beginning.
func partOf(n *yaml.Node, text string) int {
	if n.Kind != yaml.ScalarNode || n.Value == "" || n.Tag == "!!null" {
		return 0
	}
	const joints = ":/@-."
	if rest, ok := strings.CutSuffix(text, n.Value); ok && rest != "" && strings.IndexByte(joints, rest[len(rest)-1]) >= 0 {
		return 1 << 16
	}
	if rest, ok := strings.CutPrefix(text, n.Value); ok && rest != "" && strings.IndexByte(joints, rest[0]) >= 0 {
		return len(n.Value)
	}
	if strings.Contains(text, "/"+n.Value+":") {
		return len(n.Value)
	}
	return 0
}

// absentOrigin finds the values key under which a missing field would be
// set: the value printed around it, or the one that switches the field on.
func (t *tracer) absentOrigin(doc, node tree.Node, path tree.Path, steps int, key spot) (place, bool) {
	if key.action {
		if p, ok := t.reference(key, t.inner(doc, path[:steps], key), node); ok {
			return p, true
		}
	}
	if node.IsMap() || node.IsList() || node.IsNull() {
		if at, ok := t.spotAt(node.Line(), node.Column()); ok && at.action && !at.same(key) && !node.IsNull() {
			if p, ok := t.reference(at, nil, node); ok {
				return p, true
			}
		}
	}
	if key.action || path[steps].Index >= 0 {
		return place{}, false
	}
	return t.switchedOff(key, path[steps].Key)
}

// switchedOff looks for a branch of the template, after the place of the
// parent, that was not taken and would have written the field.
func (t *tracer) switchedOff(parent spot, field string) (place, bool) {
	key := []byte(field + ":")
	sites := t.d.set.prog.sites
	for id := parent.site; int(id) < len(sites) && sites[id].body == sites[parent.site].body; id++ {
		text, ok := sites[id].node.(*parse.TextNode)
		c := sites[id].control
		if !ok || c == nil || c.orElse || taken(sites[parent.site].control, c) || !writesKey(text.Text, key) {
			continue
		}
		for _, r := range t.d.env(parent.frame, parent.turn, c.site).action().refs {
			for _, p := range t.d.files().find(parent.frame.unit.chart, r) {
				return p, true
			}
		}
		return place{}, false
	}
	return place{}, false
}

// taken reports whether c is one of the controls around a place.
func taken(around, c *control) bool {
	for ; around != nil; around = around.parent {
		if around.site == c.site {
			return true
		}
	}
	return false
}

// writesKey reports whether a line of text begins with a key.
func writesKey(text, key []byte) bool {
	for {
		i := bytes.Index(text, key)
		if i < 0 {
			return false
		}
		line := text[bytes.LastIndexByte(text[:i], '\n')+1 : i]
		if len(bytes.TrimLeft(line, "- \t")) == 0 {
			return true
		}
		text = text[i+len(key):]
	}
}

// plainTracer traces text that was copied from a file as it stands.
type plainTracer struct {
	d      *rendering
	origin origin
	name   string
}

// Trace implements assess.Tracer.
func (t *plainTracer) Trace(doc tree.Node, path tree.Path) (assess.Origin, bool) {
	node, _ := doc.Follow(path)
	line, col := node.Position()
	const head = 2
	if line <= head {
		return assess.Origin{}, false
	}
	o := assess.Origin{Kind: kindManifest, Via: []string{t.d.set.src.root}}
	o.Position = t.d.position(&source{name: t.name, origin: t.origin}, line-head, col)
	return o, true
}

// unreadablePosition is the place behind a rendered file that is not YAML.
func (d *rendering) unreadablePosition(name, text string, err error) ops.Position {
	line := yamlErrorLine(err)
	for _, doc := range splitDocs(text) {
		var n yaml.Node
		e := yaml.Unmarshal([]byte(doc.text), &n)
		if e == nil {
			continue
		}
		if l := yamlErrorLine(e); l > 0 {
			line = l
		}
		off := doc.off
		for range max(line-1, 0) {
			i := strings.IndexByte(text[off:], '\n')
			if i < 0 {
				break
			}
			off += i + 1
		}
		off += len(text[off:]) - len(strings.TrimLeft(text[off:], " \t"))
		if s, ok := d.locate(d.texts[name], off, 0); ok {
			ln, col := s.src.position(s.at)
			return d.position(s.src, ln, col)
		}
	}
	if s := d.sourceNamed(name); s != nil {
		return d.position(s, 1, 1)
	}
	return ops.Position{File: d.set.src.root}
}

// wrote reports whether this rendering has the line text from the same place.
func (d *rendering) wrote(s spot, text string) bool {
	if d == nil {
		return false
	}
	d.once.Do(func() {
		d.lines = map[string]bool{}
		for _, t := range d.texts {
			d.index(t)
		}
	})
	return d.lines[lineKey(s, text)]
}

func lineKey(s spot, text string) string {
	ln, _ := s.src.position(s.at)
	return s.src.name + ":" + itoa(ln) + "\x00" + strings.TrimSpace(text)
}

// index notes every line of a rendered file with the place it came from.
func (d *rendering) index(t *recorded) {
	off := 0
	for line := range strings.Lines(t.text) {
		lead := len(line) - len(strings.TrimLeft(line, " \t"))
		if strings.TrimSpace(line) != "" {
			for _, at := range []int{off + lead, off + lead + 2} { // the key may follow "- "
				if at < off+len(line) {
					if s, ok := d.locate(t, at, 0); ok {
						d.lines[lineKey(s, line)] = true
					}
				}
			}
		}
		off += len(line)
	}
}
