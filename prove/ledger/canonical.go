package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// writer writes canonical JSON (RFC 8785): members in the order of their
// names' UTF-16 code units, no white space, one way to write each string. An
// entry has strings, whole numbers, lists and objects, so numbers that are
// not whole need no rule here.
type writer struct {
	buf []byte
	// err is the first string that could not be written.
	err error
}

// open and end enclose an object or a list.
func (w *writer) open(c byte) { w.separate(); w.buf = append(w.buf, c) }

func (w *writer) end(c byte) { w.buf = append(w.buf, c) }

// separate writes the comma before anything that is not first.
func (w *writer) separate() {
	if n := len(w.buf); n > 0 {
		switch w.buf[n-1] {
		case '{', '[', ':', ',':
		default:
			w.buf = append(w.buf, ',')
		}
	}
}

// name writes a member's name. Callers keep the order.
func (w *writer) name(name string) {
	w.separate()
	w.quote(name)
	w.buf = append(w.buf, ':')
}

// text writes a member, unless it is empty.
func (w *writer) text(name, value string) {
	if value != "" {
		w.name(name)
		w.quote(value)
	}
}

func (w *writer) number(name string, value int64) {
	w.name(name)
	w.buf = strconv.AppendInt(w.buf, value, 10)
}

func (w *writer) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.name(name)
	w.open('[')
	for _, v := range values {
		w.separate()
		w.quote(v)
	}
	w.end(']')
}

func (w *writer) mapping(name string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	w.name(name)
	w.object(values)
}

func (w *writer) object(values map[string]string) {
	w.open('{')
	for _, k := range slices.SortedFunc(maps.Keys(values), compareUTF16) {
		w.name(k)
		w.quote(values[k])
	}
	w.end('}')
}

// compareUTF16 orders strings by their UTF-16 code units.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		r, n := utf8.DecodeRuneInString(a)
		s, m := utf8.DecodeRuneInString(b)
		if c := cmp.Compare(firstUnit(r), firstUnit(s)); c != 0 {
			return c
		}
		if r != s {
			return cmp.Compare(r, s)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

// firstUnit returns the first of a rune's UTF-16 code units: runes beyond the
// basic plane begin with a surrogate and so sort before U+E000 to U+FFFF.
func firstUnit(r rune) rune {
	if hi, _ := utf16.EncodeRune(r); hi != utf8.RuneError {
		return hi
	}
	return r
}

const hexDigits = "0123456789abcdef"

// quote writes a string with the shortest escapes. What is no UTF-8 has no
// canonical form.
func (w *writer) quote(s string) {
	if !utf8.ValidString(s) && w.err == nil {
		w.err = fmt.Errorf("%q is not valid UTF-8", s)
	}
	w.buf = append(w.buf, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		w.buf = append(w.buf, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			w.buf = append(w.buf, '\\', c)
		case '\b':
			w.buf = append(w.buf, '\\', 'b')
		case '\t':
			w.buf = append(w.buf, '\\', 't')
		case '\n':
			w.buf = append(w.buf, '\\', 'n')
		case '\f':
			w.buf = append(w.buf, '\\', 'f')
		case '\r':
			w.buf = append(w.buf, '\\', 'r')
		default:
			w.buf = append(w.buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	w.buf = append(w.buf, s[from:]...)
	w.buf = append(w.buf, '"')
}
