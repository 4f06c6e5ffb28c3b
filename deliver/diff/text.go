package diff

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// Style says how Text looks.
type Style struct {
	// Color allows ANSI colours.
	Color bool
	// Width is the terminal's width in columns; 0 does not cut lines.
	Width int
}

// maxBlock is how many lines of one added or removed value are shown.
const maxBlock = 24

// Text writes differences for people: each object with its changes, grouped by
// the container or other named item that they are in. Objects without a
// difference are counted only.
func Text(w io.Writer, diffs []ObjectDiff, s Style) error {
	b := bufio.NewWriter(w)
	p := &printer{w: b, style: s}
	counts := map[Action]int{}
	first := true
	for _, d := range diffs {
		counts[d.Action]++
		if d.Action == None && d.Note == "" {
			continue
		}
		if !first {
			p.line(' ', "")
		}
		first = false
		p.object(d)
	}
	if !first {
		p.line(' ', "")
	}
	p.line('=', total(counts))
	return b.Flush()
}

func total(counts map[Action]int) string {
	if counts[Create]+counts[Update]+counts[Delete]+counts[Refuse]+counts[Unknown] == 0 {
		return fmt.Sprintf("no difference in %s", count(counts[None], "object"))
	}
	var parts []string
	for _, a := range []struct {
		action Action
		verb   string
	}{{Create, "to create"}, {Update, "to change"}, {Delete, "to delete"}, {Refuse, "refused"}, {Unknown, "unknown"}, {None, "unchanged"}} {
		if n := counts[a.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, a.verb))
		}
	}
	return strings.Join(parts, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

type printer struct {
	w     io.Writer
	style Style
}

var colours = map[byte]string{'+': "\x1b[32m", '-': "\x1b[31m", '~': "\x1b[33m", '=': "\x1b[1m"}

// line writes a line whose first column is the sign, cut to the width.
func (p *printer) line(sign byte, text string) {
	if sign == '=' {
		text = strings.TrimPrefix(text, " ")
	} else if text != "" {
		text = string(sign) + " " + text
	}
	if w := p.style.Width; w > 0 && utf8.RuneCountInString(text) > w {
		text = string([]rune(text)[:max(1, w-1)]) + "…"
	}
	if c := colours[sign]; c != "" && p.style.Color {
		text = c + text + "\x1b[0m"
	}
	_, _ = io.WriteString(p.w, text+"\n") // the buffer keeps the error for Flush
}

var signs = map[Action]string{Create: "+", Update: "~", Delete: "-", None: "=", Refuse: "!", Unknown: "?"}

func title(d ObjectDiff) string {
	t := clean(d.Object.String())
	if d.Object.APIVersion != "" {
		t += " (" + clean(d.Object.APIVersion) + ")"
	}
	return t
}

func (p *printer) object(d ObjectDiff) {
	head := signs[d.Action] + " " + title(d)
	switch d.Action {
	case Create:
		head += ": to be created"
	case Delete:
		head += ": to be deleted"
	case Update:
		head += ": " + count(len(d.Changes), "change")
	case Refuse:
		head += ": refused"
	case Unknown:
		head += ": unknown"
	}
	if d.Source != "" {
		head += ", " + clean(d.Source)
	}
	p.line('=', head)
	if d.Note != "" {
		p.line(' ', "  "+clean(d.Note))
	}
	if d.Action == Delete {
		return
	}
	for _, l := range body(d) {
		p.line(l.sign, l.text)
	}
}

// body returns the lines of an object's changes, indented, with their signs.
func body(d ObjectDiff) (out []hunkLine) {
	group := ""
	for _, c := range d.Changes {
		if (d.Action == Create || d.Action == Unknown) && len(c.path) == 1 && (c.path[0].Key == "apiVersion" || c.path[0].Key == "kind") {
			continue
		}
		g, rest := split(c)
		indent := "  "
		if g != "" {
			if g != group {
				out = append(out, hunkLine{' ', "  " + clean(g)})
			}
			indent = "    "
		}
		group = g
		for _, l := range change(c, clean(rest)) {
			l.text = indent + l.text
			out = append(out, l)
		}
	}
	return out
}

// split divides a path after its first item of a list: what is before is the
// group.
func split(c Change) (group, rest string) {
	for i := range max(0, len(c.path)-1) {
		if c.path[i].Index >= 0 {
			if c.Masked {
				break // the path may hold a secret; c.Path does not
			}
			return tree.Path(c.path[:i+1]).Stable(), tree.Path(c.path[i+1:]).Stable()
		}
	}
	return "", c.Path
}

// change writes one change. Long values are cut.
func change(c Change, name string) []hunkLine {
	switch c.Op {
	case Add:
		return block('+', name, c.To)
	case Remove:
		return block('-', name, c.From)
	case Reorder:
		return []hunkLine{{'~', name + ": order " + inline(c.From) + " → " + inline(c.To)}}
	}
	if c.Masked && inline(c.From) == inline(c.To) {
		return []hunkLine{{'~', name + ": changed " + Hidden}}
	}
	a, okA := c.From.(string)
	b, okB := c.To.(string)
	if okA && okB && strings.Contains(strings.TrimSpace(a+b), "\n") {
		out := []hunkLine{{'~', name + ":"}}
		for _, l := range limit(textDiff(textLines(a), textLines(b)), 2*maxBlock) {
			if l.sign == '~' && l.text == "" {
				l = hunkLine{' ', "…"}
			}
			out = append(out, hunkLine{l.sign, "  " + l.text})
		}
		return out
	}
	from, to := inline(c.From), inline(c.To)
	if len(from)+len(to) <= 72 {
		return []hunkLine{{'~', name + ": " + from + " → " + to}}
	}
	return append(block('-', name, c.From), block('+', name, c.To)...)
}

func block(sign byte, name string, v any) (out []hunkLine) {
	for _, l := range nested(name+":", v) {
		out = append(out, hunkLine{sign, l})
	}
	return limit(out, maxBlock)
}

func limit(all []hunkLine, most int) []hunkLine {
	if len(all) <= most {
		return all
	}
	return append(all[:most:most], hunkLine{' ', fmt.Sprintf("… %d more lines", len(all)-most)})
}
