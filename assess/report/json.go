package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/scorecard"
)

// JSON writes the contract: an object whose arrays have one element a line, so
// that it streams, compares well and can be read. Lists are never null.
// Characters that could steer a terminal are written as \u escapes.
func JSON(w io.Writer, rep *assess.Report, o Options) error {
	b := newOut(w)
	enc := lineEncoder{out: b}
	b.put("{\n  \"apiVersion\": ")
	enc.value(rep.APIVersion)
	b.put(",\n  \"target\": ")
	enc.value(rep.Target)
	b.put(",\n  \"summary\": ")
	enc.value(rep.Summary)
	enc.list("findings", len(rep.Findings), func(i int) any {
		f := rep.Findings[i]
		f.Via, f.Controls = orEmpty(f.Via), orEmpty(f.Controls)
		return f
	})
	enc.list("practices", len(rep.Practices), func(i int) any {
		p := rep.Practices[i]
		if p.Evidence == nil {
			p.Evidence = []scorecard.Evidence{}
		}
		return p
	})
	enc.list("inputs", len(rep.Inputs), func(i int) any { return rep.Inputs[i] })
	enc.list("notices", len(rep.Notices), func(i int) any { return rep.Notices[i] })
	b.put("\n}\n")
	if enc.err != nil {
		return fmt.Errorf("encode report: %w", enc.err)
	}
	return b.Flush()
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// lineEncoder writes values as JSON without line breaks.
type lineEncoder struct {
	out
	buf bytes.Buffer
	err error
}

// list writes the next member: an array with one element a line.
func (e *lineEncoder) list(member string, n int, at func(int) any) {
	e.put(",\n  \"", member, "\": [")
	for i := range n {
		if i > 0 {
			e.put(",")
		}
		e.put("\n    ")
		e.value(at(i))
	}
	if n > 0 {
		e.put("\n  ")
	}
	e.put("]")
}

// value writes v on one line. The first error stays in e.err.
func (e *lineEncoder) value(v any) {
	e.buf.Reset()
	enc := json.NewEncoder(&e.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && e.err == nil {
		e.err = err
	}
	writeASCIISafe(e.out, bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
}

// writeASCIISafe copies JSON text, with characters that are not visible as \u
// escapes. They can only stand inside of strings.
func writeASCIISafe(o out, text []byte) {
	from := 0
	for i := 0; i < len(text); {
		if text[i] < 0x7f {
			i++
			continue
		}
		r, w := utf8.DecodeRune(text[i:])
		if !visible(r) {
			_, _ = o.Write(text[from:i])
			if r >= 0x10000 {
				fmt.Fprintf(o, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
			} else {
				fmt.Fprintf(o, `\u%04x`, r)
			}
			from = i + w
		}
		i += w
	}
	_, _ = o.Write(text[from:])
}
