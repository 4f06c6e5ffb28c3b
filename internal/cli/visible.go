package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	block "sigs.k8s.io/yaml"
)

// unseen reports whether a terminal would obey a character, or show nothing where it is: names
// that differ would look the same. What joins letters of a script, or signs to one, stays.
func unseen(r rune) bool {
	const joiner, nonJoiner = '\u200d', '\u200c'
	return r == '\u00ad' || r == '\u061c' || (r < 0x0600 || r >= 0x200b) && r != joiner && r != nonJoiner && layout(r)
}

// layout reports whether a character is for a terminal or for how text is set, and is no sign
// of its own: what ends lines, joins, turns or fills.
func layout(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// visible writes the characters of a JSON text that nobody would see, or a terminal would
// obey, as \u202e: the values stay what they are.
func visible(text []byte) []byte {
	return written(text, func(out *bytes.Buffer, r rune) {
		if r > 0xffff {
			a, b := utf16.EncodeRune(r)
			fmt.Fprintf(out, `\u%04x\u%04x`, a, b)
		} else {
			fmt.Fprintf(out, `\u%04x`, r)
		}
	})
}

// hidden reports whether nobody sees a character that encoders of JSON and YAML leave as it is.
func hidden(r rune) bool { return r >= utf8.RuneSelf-1 && layout(r) }

// written is a text in which each hidden character is written out.
func written(text []byte, write func(*bytes.Buffer, rune)) []byte {
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out bytes.Buffer
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if hidden(r) {
			write(&out, r)
		} else {
			out.Write(text[:n])
		}
		text = text[n:]
	}
	return out.Bytes()
}

// visibleYAML is a JSON text as YAML, with hidden characters written out, too. There only
// strings in double quotes have escapes: those that need one are written so.
func visibleYAML(text []byte) ([]byte, error) {
	escape := func(out *bytes.Buffer, r rune) {
		if r > 0xffff {
			fmt.Fprintf(out, `\U%08x`, r)
		} else {
			fmt.Fprintf(out, `\u%04x`, r)
		}
	}
	text, err := block.JSONToYAML(written(text, escape)) // which reads YAML, and no control characters
	if err != nil || bytes.IndexFunc(text, hidden) < 0 {
		return text, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	quote(&doc)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(&doc), e.Close()); err != nil {
		return nil, err
	}
	return written(out.Bytes(), escape), nil
}

// quote has the strings with hidden characters written in double quotes.
func quote(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && strings.ContainsFunc(n.Value, hidden) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		quote(c)
	}
}
