// Package yamldoc reads YAML and JSON text into positioned trees.
//
// A text is split into its documents first, so that one malformed document
// does not take the others with it and large files can be read in parallel.
// Values mean what they mean to the Kubernetes API server, which reads YAML
// 1.1: a plain yes is a boolean and 0644 an octal number. Aliases and merge
// keys are expanded where they are used, within a bound, and keep the line on
// which their value was written, because that is the line to edit.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// MaxNodes bounds the values of one document after aliases are expanded.
const MaxNodes = 4 << 20

// MaxCopied bounds the bytes of text that the aliases of one document repeat.
const MaxCopied = 64 << 20

// MaxDepth bounds how deep values may nest.
const MaxDepth = 512

// Part is the text of one or more documents within a larger text.
type Part struct {
	Text []byte
	// Line is the line of the larger text at which the part begins, from 1.
	Line int
}

// Split cuts text at its document markers. A part usually holds one document.
func Split(text []byte) []Part {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var parts []Part
	start, startLine, line := 0, 1, 1
	for pos := 0; pos < len(text); {
		end := bytes.IndexByte(text[pos:], '\n')
		next := len(text)
		if end >= 0 {
			next = pos + end + 1
		}
		if pos > start && isMarker(text[pos:next]) && !onlyDirectives(text[start:pos]) {
			parts = append(parts, Part{text[start:pos], startLine})
			start, startLine = pos, line
		}
		pos = next
		line++
	}
	if start < len(text) {
		parts = append(parts, Part{text[start:], startLine})
	}
	return parts
}

func isMarker(line []byte) bool {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' || line[2] != '-' {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\n' || line[3] == '\r'
}

func onlyDirectives(text []byte) bool {
	directive := false
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#':
		case line[0] == '%':
			directive = true
		default:
			return false
		}
	}
	return directive
}

// Parse reads all documents of text. Empty documents are left out.
func Parse(text []byte) []tree.Document {
	var docs []tree.Document
	for _, p := range Split(text) {
		docs = append(docs, p.Parse()...)
	}
	return docs
}

// Parse reads the part's documents. Empty documents are left out. After a
// syntax error the rest of the part is given up.
func (p Part) Parse() (docs []tree.Document) {
	defer func() {
		if r := recover(); r != nil {
			docs = append(docs, tree.Document{Line: p.Line, Err: &tree.SyntaxError{Line: p.Line, Message: fmt.Sprintf("the YAML library could not read this document (%v)", r)}})
		}
	}()
	if blank(p.Text) {
		return nil
	}
	if doc, ok := p.fast(); ok {
		return []tree.Document{doc}
	}
	return p.library()
}

// library reads the part's documents with the YAML library.
func (p Part) library() (docs []tree.Document) {
	text := p.Text
	if i := firstByte(text); i == '{' || i == '[' {
		text = blankTabs(text)
	}
	f := readers.Get().(*fast)
	defer f.release()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return docs
		} else if err != nil {
			return append(docs, tree.Document{Line: p.Line, Err: p.syntaxError(err)})
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 && !isNull(n.Content[0]) {
			docs = append(docs, convert(f.b, n.Content[0], p.Line-1))
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// blank reports whether text has only comments and markers.
func blank(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) && !bytes.Equal(line, []byte("...")) {
			return false
		}
	}
	return true
}

func firstByte(text []byte) byte {
	if t := bytes.TrimLeft(text, " \t\r\n"); len(t) > 0 {
		return t[0]
	}
	return 0
}

// blankTabs makes JSON that is indented with tabs readable as YAML: outside
// of strings a tab becomes one space, so that columns stay.
func blankTabs(text []byte) []byte {
	if bytes.IndexByte(text, '\t') < 0 {
		return text
	}
	out := bytes.Clone(text)
	quoted := false
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			quoted = !quoted
		case out[i] == '\\' && quoted:
			i++
		case out[i] == '\t' && !quoted:
			out[i] = ' '
		}
	}
	return out
}

// parserErrors are the problems whose line the library counts from 0, while it
// counts those of its scanner from 1.
var parserErrors = []string{
	"did not find expected ',' or ']'", "did not find expected ',' or '}'", "did not find expected key",
	"did not find expected '-' indicator", "did not find expected node content", "did not find expected <document start>",
	"found undefined tag handle", "found duplicate %YAML directive", "found duplicate %TAG directive", "found incompatible YAML document",
}

var lineInError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func (p Part) syntaxError(err error) *tree.SyntaxError {
	before := p.Line - 1
	m := lineInError.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return &tree.SyntaxError{Line: p.Line, Message: err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	if line > 0 && slices.Contains(parserErrors, m[2]) {
		line++
	}
	e := &tree.SyntaxError{Line: before + max(line, 1), Message: m[2]}
	if strings.Contains(e.Message, "cannot start any token") {
		p.explainTab(e)
	}
	return e
}

// explainTab makes the library's words for the commonest mistake plain.
func (p Part) explainTab(e *tree.SyntaxError) {
	line := p.Line
	for l := range bytes.Lines(p.Text) {
		indent := l[:len(l)-len(bytes.TrimLeft(l, " \t"))]
		if i := bytes.IndexByte(indent, '\t'); i >= 0 && line >= e.Line-1 {
			*e = tree.SyntaxError{Line: line, Column: i + 1, Message: "a tab is used for indentation; YAML allows spaces only"}
			return
		}
		line++
	}
}
