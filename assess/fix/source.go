package fix

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/fix/edit"
	"github.com/autoecoops/autoecoops/graph/tree"
)

const byteOrderMark = "\xef\xbb\xbf"

// sources reads and parses the files that are to be edited, each once.
type sources struct {
	files  fs.FS
	parser assess.Parser
	// editable are the files of the tree.
	editable map[string]bool
	read     map[string]*source
	// last are the texts that were parsed last: an edit's result is the next
	// one's input.
	last [2]parsed
}

type parsed struct {
	text []byte
	docs []tree.Document
}

// source is one file.
type source struct {
	text  []byte
	mark  string // the byte order mark, if any
	parts []sourcePart
}

type sourcePart struct {
	text []byte
	// line is how many lines the file has before the part.
	line   int
	docs   []tree.Document
	parsed bool
}

func newSources(files fs.FS, parser assess.Parser, entries []assess.Entry) *sources {
	s := &sources{files: files, parser: parser, editable: map[string]bool{}, read: map[string]*source{}}
	for _, e := range entries {
		if e.Skip == "" && e.Unreadable == "" {
			s.editable[e.Path] = true
		}
	}
	return s
}

// parse reads a part's text with lines counted from its first.
func (s *sources) parse(text []byte) []tree.Document {
	for _, p := range s.last {
		if len(text) > 0 && len(p.text) == len(text) && &p.text[0] == &text[0] {
			return p.docs
		}
	}
	var docs []tree.Document
	for _, p := range s.parser.Split(text) {
		docs = append(docs, s.parser.Parse(p)...)
	}
	s.last[0], s.last[1] = s.last[1], parsed{text, docs}
	return docs
}

var _ edit.Parse = (*sources)(nil).parse

// file returns a file of the tree, nil if it may not be edited.
func (s *sources) file(name string) *source {
	if f, ok := s.read[name]; ok {
		return f
	}
	s.read[name] = nil
	if !s.editable[name] {
		return nil
	}
	text, err := fs.ReadFile(s.files, name)
	if err != nil {
		return nil
	}
	f := &source{text: text}
	rest := text
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		f.mark, rest = byteOrderMark, text[len(byteOrderMark):]
	}
	for _, p := range s.parser.Split(rest) {
		f.parts = append(f.parts, sourcePart{text: p.Text, line: p.Line - 1})
	}
	s.read[name] = f
	return f
}

// part returns the number of the part that holds a line, -1 if none does, and
// the part, parsed.
func (s *sources) part(f *source, line int) (int, *sourcePart) {
	for i := len(f.parts) - 1; i >= 0; i-- {
		if p := &f.parts[i]; p.line < line {
			if !p.parsed {
				p.docs, p.parsed = s.parse(p.text), true
			}
			return i, p
		}
	}
	return -1, nil
}

// place is a value in a source file.
type place struct {
	part, doc int
	node      tree.Node
	path      tree.Path
}

// find returns the value that was written at a line and column and that is
// deployed at want. A list's entry stands where its first key stands; the
// last step of want tells which is meant. Of several values at one place,
// those of an anchor, it is the one whose path is most like want. With loose,
// the key may have another name, as in a chart's values.
func (s *sources) find(f *source, line, col int, want tree.Path, loose bool) (best place, ok bool) {
	i, part := s.part(f, line)
	if part == nil {
		return best, false
	}
	score := -1
	for d, doc := range part.docs {
		if doc.Doc == nil {
			continue
		}
		root := doc.Doc.Root()
		visit(root, func(n tree.Node) {
			if !standsAt(n, line-part.line, col, want, loose) {
				return
			}
			p := n.PathFrom(root)
			if k := likeness(p, want); k > score {
				score, best = k, place{i, d, n, p}
			}
		})
	}
	return best, score >= 0
}

func standsAt(n tree.Node, line, col int, want tree.Path, loose bool) bool {
	l, c := n.Position()
	if l != line || c != col {
		return false
	}
	key := n.Key()
	switch {
	case loose:
		return key.Exists()
	case len(want) == 0:
		return !key.Exists() && n.IsMap()
	case want[len(want)-1].Index >= 0:
		return !key.Exists() && n.Parent().IsList()
	}
	return key.Exists() && key.Text() == want[len(want)-1].Key
}

// likeness is how many of the last steps two paths share.
func likeness(p, want tree.Path) int {
	n := 0
	for n < len(p) && n < len(want) {
		a, b := p[len(p)-1-n], want[len(want)-1-n]
		same := a.Key == b.Key && (a.Index < 0) == (b.Index < 0)
		if a.Index >= 0 && a.Key == "" {
			same = a.Index == b.Index
		}
		if !same {
			break
		}
		n++
	}
	return n
}

func visit(n tree.Node, f func(tree.Node)) {
	f(n)
	for _, v := range n.Fields() {
		visit(v, f)
	}
	for _, v := range n.Items() {
		visit(v, f)
	}
}

// draft is a set of changed texts that grows patch by patch.
type draft struct {
	*sources
	parts     map[partKey][]byte
	templates map[string][]Op
}

type partKey struct {
	file string
	part int
}

func newDraft(s *sources) *draft {
	return &draft{s, map[partKey][]byte{}, map[string][]Op{}}
}

// add applies a patch, wholly or, with an error, not at all.
func (d *draft) add(p *Patch) error {
	type undo struct {
		key  partKey
		text []byte
		ops  []Op
	}
	var undone []undo
	for _, op := range p.Ops {
		k := partKey{op.File, op.Part}
		undone = append(undone, undo{k, d.parts[k], d.templates[op.File]})
		if err := d.apply(op); err != nil {
			for _, u := range slices.Backward(undone) {
				d.parts[u.key], d.templates[u.key.file] = u.text, u.ops
			}
			return err
		}
	}
	return nil
}

func (d *draft) apply(op Op) error {
	f := d.file(op.File)
	if f == nil {
		return edit.Refusal("the file cannot be read any more")
	}
	if op.Template {
		if slices.ContainsFunc(d.templates[op.File], op.same) {
			return nil
		}
		all := append(slices.Clone(d.templates[op.File]), op)
		if _, err := editTemplate(d.parse, f.text, all); err != nil {
			return err
		}
		d.templates[op.File] = all
		return nil
	}
	k := partKey{op.File, op.Part}
	text := d.parts[k]
	if text == nil {
		text = f.parts[op.Part].text
	}
	out, err := edit.Apply(d.parse, text, op.Doc, edit.Change{Path: op.Path, Value: op.Value, Remove: op.Remove})
	if err != nil {
		return err
	}
	d.parts[k] = out
	return nil
}

// same reports whether two Ops on a template are one.
func (op Op) same(o Op) bool {
	return op.File == o.File && op.Line == o.Line && op.Column == o.Column && op.Part == o.Part && op.Doc == o.Doc &&
		op.Path.String() == o.Path.String() && op.Value == o.Value && op.Remove == o.Remove
}

// texts returns the files that differ from the sources.
func (d *draft) texts() map[string][]byte {
	out := map[string][]byte{}
	for k := range d.parts {
		if out[k.file] != nil {
			continue
		}
		f := d.file(k.file)
		text := []byte(f.mark)
		for i, p := range f.parts {
			if changed := d.parts[partKey{k.file, i}]; changed != nil {
				text = append(text, changed...)
			} else {
				text = append(text, p.text...)
			}
		}
		out[k.file] = text
	}
	maps.DeleteFunc(out, func(name string, text []byte) bool { return bytes.Equal(text, d.file(name).text) })
	for name, all := range d.templates {
		f := d.file(name)
		if text, err := editTemplate(d.parse, f.text, all); err == nil && !bytes.Equal(text, f.text) {
			out[name] = text
		}
	}
	return out
}
