package logs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// Wildcard stands in a template for a value.
const Wildcard = "<*>"

// ID names a template: it is the hash of its text and of the level its lines
// carry outside the text, the same in every process.
type ID uint64

// String writes the ID as 16 hexadecimal digits.
func (id ID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// MarshalText writes the ID as 16 hexadecimal digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// ParseID reads what String wrote.
func ParseID(s string) (ID, error) {
	var id ID
	if _, err := fmt.Sscanf(s, "%016x", (*uint64)(&id)); err != nil || id.String() != s {
		return 0, fault.New(fault.Invalid, "read the id of a log template", s, "it is none", "write its 16 hexadecimal digits")
	}
	return id, nil
}

// Template is a kind of line, as known at one moment.
type Template struct {
	ID ID `json:"id"`
	// Text is the message with Wildcard for each value.
	Text  string `json:"template"`
	Level Level  `json:"level"`
	// Example is one line of it, without what looks like a credential, cut at
	// Settings.ExampleBytes.
	Example string `json:"example"`
	// Count is the number of its lines.
	Count uint64 `json:"count"`
	// First and Last are when the first and the last line was written, in
	// milliseconds since 1970.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Former are IDs that it had before it became more general, or of
	// templates that it took in; at most 8.
	Former []ID `json:"former,omitempty"`
}

// node is a template in the miner.
type node struct {
	form
	tally
	id      ID
	text    string
	level   Level
	carried Level // a level that is no part of the text
	example string
	clean   bool // the example was redacted
	former  []ID
	news    bool   // it was new when all but it was known
	birth   uint64 // the number of the line that it was made of
	size    int    // estimated bytes
	bucket  *bucket
}

// form is what the lines of a template have in common.
type form struct {
	words []string // what stands in each place, "" for a value
	gaps  []string // what stands between, one more than words
	hash  []uint64
	kind  []kind
	fixed int // places that are no value
}

// tally is what was counted of a template.
type tally struct {
	count       uint64
	first, last int64
	seen        uint64 // the number of the line that it was seen last in
	rate        rate
}

// maxFormer bounds the former IDs that are kept of a template.
const maxFormer = 8

// born makes a template of the line in s.
func (m *Miner) born(s *scan, level Level, example []byte) *node {
	n := &node{carried: level, level: level}
	if level == None {
		n.level = s.guess()
	}
	n.words, n.gaps = make([]string, s.n), make([]string, s.n+1)
	n.hash, n.kind = append([]uint64(nil), s.hash[:s.n]...), append([]kind(nil), s.kind[:s.n]...)
	end := 0
	var credentials concealer
	for i := range s.n {
		n.gaps[i] = gap(s.text[end:s.from[i]], i == 0)
		end = int(s.to[i])
		if credentials.hides(n.gaps[i], s.text[s.from[i]:end]) && n.kind[i] != wild {
			n.kind[i], n.hash[i] = wild, wildHash
		}
		if n.kind[i] != wild {
			n.words[i] = strings.ToValidUTF8(string(s.text[s.from[i]:end]), "�")
			n.fixed++
		}
	}
	n.gaps[s.n] = strings.TrimRight(gap(s.text[end:], s.n == 0), " ")
	if bytes.IndexByte(example, 0x1b) >= 0 {
		// A colour between a key and its value must not hide a credential.
		example = unescape(nil, example[:min(len(example), 4*m.set.ExampleBytes)])
	}
	n.example = strings.ToValidUTF8(printable(example, m.set.ExampleBytes), "�")
	n.name()
	return n
}

// name gives a template its text and ID.
func (n *node) name() {
	var b strings.Builder
	for i, w := range n.words {
		b.WriteString(n.gaps[i])
		if n.kind[i] == wild {
			w = Wildcard
		}
		b.WriteString(w)
	}
	b.WriteString(n.gaps[len(n.words)])
	n.text = b.String()
	sum := sha256.Sum256([]byte(n.carried.String() + "\n" + n.text))
	n.id = ID(binary.BigEndian.Uint64(sum[:8]))
	n.size = nodeBytes + 64*len(n.words) + 2*len(n.text) + len(n.example)
}

// nodeBytes is about what a template needs beside its texts.
const nodeBytes = 400

// gap is what stands between two words: spaces are one space.
func gap(text []byte, start bool) string {
	var b strings.Builder
	space := start
	for _, c := range text {
		if c <= ' ' || c == 0x7f {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		b.WriteByte(c)
		space = false
	}
	return b.String()
}

// printable cuts a text and takes control characters out, all but ends of
// lines.
func printable(text []byte, limit int) string {
	cut := len(text) > limit
	if cut {
		text = text[:limit]
	}
	var b strings.Builder
	b.Grow(len(text) + 3)
	for _, c := range text {
		switch {
		case c == '\n' || c == '\t' || c >= ' ' && c != 0x7f:
			b.WriteByte(c)
		default:
			b.WriteByte(' ')
		}
	}
	if cut {
		b.WriteString("…")
	}
	return b.String()
}

// view is the template as it is now.
func (n *node) view() Template {
	if !n.clean {
		// That takes longer than all the rest, and most templates of a flood are
		// never looked at.
		n.example, n.clean = Redact(n.example), true
	}
	return Template{n.id, n.text, n.level, n.example, n.count, n.first, n.last, append([]ID(nil), n.former...)}
}
