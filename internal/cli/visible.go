package cli

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
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
	written := func(r rune) bool { return r >= utf8.RuneSelf-1 && layout(r) }
	if bytes.IndexFunc(text, written) < 0 {
		return text
	}
	var out bytes.Buffer
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case !written(r):
			out.Write(text[:n])
		case r > 0xffff:
			a, b := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, a, b)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		text = text[n:]
	}
	return out.Bytes()
}
