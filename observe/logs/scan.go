package logs

import (
	"bytes"
	"hash/maphash"
)

// maxWords bounds the words of a line that are told apart. What follows them
// is one more place that anything may stand in.
const maxWords = 128

// kind says what may stand in a place of a line.
type kind uint8

const (
	fixed kind = iota // a word of the message
	soft              // a word that is likely to be a value, as in "eth0"
	wild              // a value: it is never compared
)

// The classes of bytes. A byte without a class separates words.
const (
	lower = 1 << iota
	upper
	digit
	dot
	slash
	at
	mark      // - _ and other signs inside words
	backslash // of paths on Windows
)

// class is the class of each byte. Bytes above ASCII are letters.
var class = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z' || c >= 0x80:
			t[c] = lower
		case c >= 'A' && c <= 'Z':
			t[c] = upper
		case c >= '0' && c <= '9':
			t[c] = digit
		}
	}
	t['.'], t['/'], t['@'], t['\\'] = dot, slash, at, backslash
	for _, c := range []byte("-_*~$^+") {
		t[c] = mark
	}
	return t
}()

// scan is a line taken to pieces: words and what stands between them. It is
// used again for every line.
type scan struct {
	text []byte
	n    int
	hash [maxWords]uint64
	kind [maxWords]kind
	from [maxWords]int32
	to   [maxWords]int32
	// shape is the hash of the number of words and of what stands between.
	shape uint64
	// whole is the hash of all, values left out.
	whole uint64
	// listing is set while the values of a list in brackets go by.
	listing bool
	// row is how many values stood side by side before.
	row  int
	seed maphash.Seed
	// between is the hash of the signs since the last word, signs are the last
	// two of them and quoted says that they end with a quote.
	between uint64
	sign    [2]byte
	signs   int
}

// maxRow is how many values side by side are told apart. More are a list, which
// may be of any length.
const maxRow = 5

const prime = 0x9E3779B97F4A7C15

func mix(h, x uint64) uint64 {
	h = (h ^ x) * prime
	return h ^ h>>29
}

// wildHash stands for every value.
const wildHash = 0x5bd1e9955bd1e995

// read takes a line to pieces.
func (s *scan) read(text []byte) {
	s.text, s.n, s.row, s.shape, s.whole, s.listing = text, 0, 0, 1, 1, false
	s.between, s.signs = 0, 0
	for i := 0; i < len(text); {
		c := text[i]
		if class[c] == 0 || c == '.' && (i+1 == len(text) || class[text[i+1]] != digit || i > 0 && text[i-1] == '.') {
			i = s.separate(i)
			continue
		}
		if s.n == maxWords-1 {
			s.put(i, len(text), wild)
			break
		}
		i = s.word(i)
	}
	s.shape = mix(s.shape, s.between)
	s.whole = mix(s.whole, s.shape)
}

// separate takes a sign or space between words, and a quoted value as a whole.
func (s *scan) separate(i int) int {
	c := s.text[i]
	if c <= ' ' || c == 0x7f {
		return i + 1
	}
	before := s.sign[0]
	s.between = s.between*31 + uint64(c)
	s.sign[1], s.sign[0] = s.sign[0], c
	s.signs++
	if c == '(' && i > 0 && s.text[i-1] == ' ' && s.next(i+1) == ')' && s.n > 0 && s.n < maxWords-1 {
		// Nothing in parentheses is a value that is empty.
		s.put(i+1, i+1, wild)
		return i + 1
	}
	if (c == '"' || c == '\'' || c == '<' && before == '=') && s.signs > 1 && (before == '=' || before == ':') && s.n < maxWords-1 {
		if c == '<' {
			c = '>'
		}
		if n := bytes.IndexByte(s.text[i+1:], c); n > 0 && n <= maxQuoted {
			s.put(i+1, i+1+n, wild)
			return i + 1 + n
		}
	}
	return i + 1
}

// maxQuoted bounds a quoted value.
const maxQuoted = 1024

// word takes a word from i and returns where it ends.
func (s *scan) word(i int) int {
	text, start := s.text, i
	var flags uint8
	for i < len(text) {
		c := class[text[i]]
		if c == 0 {
			break
		}
		flags |= c
		i++
	}
	if i < len(text) && text[i] == '=' && s.assigned() && text[start-1] == '=' {
		if n := padding(text[i:]); n > 0 {
			s.put(start, i+n, wild)
			return i + n
		}
	}
	if i+2 < len(text) && text[i] == ':' && (text[i+1] == '/' && text[i+2] == '/' || i == start+1 && text[i+1] == '\\') {
		i = address(text, i)
		s.put(start, i, wild)
		return i
	}
	if i == start+2 && i < len(text) && text[i] == ':' {
		if end := hardware(text, start); end > 0 {
			s.put(start, end, wild)
			return end
		}
	}
	if flags&dot != 0 {
		if end := s.undot(start, i); end < i {
			i, flags = end, classes(text[start:end])
		}
		if flags&^(lower|upper|digit|dot|mark) == 0 && i+1 < len(text) && text[i] == ':' && class[text[i+1]] == digit {
			// A host and its port.
			if end := digits(text, i+1, 5); end > 0 && (end == len(text) || class[text[end]] == 0) {
				s.put(start, end, wild)
				return end
			}
		}
	}
	if (s.signs == 1 || s.signs == 2 && s.sign[1] == ':') && s.sign[0] == ':' && i-start <= 4 && s.n > 0 && s.kind[s.n-1] == wild && int(s.to[s.n-1]) == start-s.signs && hexadecimal(text[start:i]) {
		// A part of an address such as 00:1c:ba:fe or fe80::ab.
		s.put(start, i, wild)
		return i
	}
	if flags&^(lower|upper|mark|dot) == 0 {
		if i == start+3 && s.next(i) == ' ' && flags == lower|upper {
			if end := calendar(text, start); end > 0 {
				s.put(start, end, wild)
				return end
			}
		}
		s.plain(start, i, flags)
		return i
	}
	if i-start >= 10 && class[text[start]] == digit && date(text[start:]) {
		if end := clock(text, i); end > 0 {
			s.put(start, end, wild)
			return end
		}
	}
	return s.special(start, i, flags)
}

// classes are the classes of the bytes of a word.
func classes(word []byte) (flags uint8) {
	for _, c := range word {
		flags |= class[c]
	}
	return flags
}

// undot cuts a word at dots that end it or that are several.
func (s *scan) undot(start, end int) int {
	word := s.text[start:end]
	if n := bytes.Index(word, []byte("..")); n >= 0 {
		word = word[:n]
	}
	for len(word) > 1 && word[len(word)-1] == '.' {
		word = word[:len(word)-1]
	}
	return start + len(word)
}

// address returns where a URL or a path with a drive ends.
func address(text []byte, i int) int {
	for i < len(text) {
		switch c := text[i]; {
		case c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '|':
			return i
		case (c == ',' || c == ';' || c == ')' || c == ']' || c == '}' || c == '.' || c == ':') && (i+1 == len(text) || text[i+1] <= ' ' || class[text[i+1]] == 0):
			return i
		}
		i++
	}
	return i
}

// next returns the byte behind a word, 0 at the end.
func (s *scan) next(i int) byte {
	if i < len(s.text) {
		return s.text[i]
	}
	return 0
}

// assigned tells whether the word that starts now is the value of a key: only
// an equals sign stands before it.
func (s *scan) assigned() bool { return s.signs == 1 && s.sign[0] == '=' }

// plain takes a word without digits.
func (s *scan) plain(start, end int, flags uint8) {
	next := s.next(end)
	switch {
	case next == '=':
	case s.signs > 0 && s.assigned() && next != '(' && next != '{' && next != '[' && !keepsValue(s, s.n-1):
		s.put(start, end, wild)
		return
	case constant(s.text[start:end]):
		s.put(start, end, wild)
		return
	case end-start <= 3 && s.n > 0 && s.kind[s.n-1] == wild && unit(s.text[start:end]) && s.signs == 0:
		// "5.2 KB" is one value.
		s.to[s.n-1] = int32(end)
		return
	}
	if s.signs == 0 && s.n > 0 && named(s.text[s.from[s.n-1]:s.to[s.n-1]]) || flags&dot != 0 && bytes.Count(s.text[start:end], dotted) > 1 {
		s.put(start, end, soft)
		return
	}
	s.put(start, end, fixed)
}

// padding is how many equals signs end a value in base64, of which rest is what follows
// its letters.
func padding(rest []byte) int {
	n := 0
	for n < len(rest) && rest[n] == '=' {
		n++
	}
	if n > 2 || n < len(rest) && (class[rest[n]] != 0 || rest[n] == '"' || rest[n] == '\'') {
		return 0 // a key, or a row of signs
	}
	return n
}

var dotted = []byte(".")

// named tells of words that a name follows.
func named(w []byte) bool {
	switch string(w) {
	case "user", "User", "username", "account", "host", "hostname", "pod", "container", "namespace", "queue", "topic", "table", "database", "group":
		return true
	}
	return false
}

// put adds a word. Values that stand side by side with a colon between them,
// or in a list in brackets, are one.
func (s *scan) put(from, to int, k kind) {
	n := s.n
	if k == wild && n > 0 && s.kind[n-1] == wild {
		if (s.signs == 1 || s.signs == 2 && s.sign[1] == ':') && (s.sign[0] == ':' || s.signs == 1 && s.sign[0] == ',') && from == int(s.to[n-1])+s.signs || s.signs == 0 && s.row == maxRow || s.listing && s.signs == 1 && s.sign[0] == ',' {
			s.to[n-1] = int32(to)
			s.between, s.signs = 0, 0
			return
		}
	}
	if k != wild {
		s.row = 0
	} else if s.signs == 0 || s.row == 0 {
		s.row++
	} else {
		s.row = 1
	}
	h := uint64(wildHash)
	if k != wild {
		h = maphash.Bytes(s.seed, s.text[from:to])
	}
	s.listing = k == wild && s.signs > 0 && s.sign[0] == '['
	s.hash[n], s.kind[n], s.from[n], s.to[n] = h, k, int32(from), int32(to)
	s.shape = mix(s.shape, s.between)
	s.whole = mix(s.whole, h)
	s.between, s.signs = 0, 0
	s.n++
}
