package logs

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// fields are the message and the level of a structured line.
type fields struct {
	message []byte
	level   Level
	found   bool
	scratch []byte
}

// read looks for the message in a line of JSON or of key=value pairs.
func (f *fields) read(text []byte) *fields {
	f.message, f.level, f.found = nil, None, false
	text = bytes.TrimSpace(text)
	if len(text) > 2 && text[0] == '{' && text[1] != '{' {
		f.json(text)
	} else {
		f.logfmt(text)
	}
	return f
}

// messageKeys are names of the message, the best first. Where there is none, an
// error says what happened.
var messageKeys = []string{"message", "msg", "log", "event", "body", "error", "err", "exception"}

func messageRank(key []byte) int {
	for i, k := range messageKeys {
		if string(key) == k {
			return len(messageKeys) - i
		}
	}
	return 0
}

// json walks the fields of the outermost object. It checks no more of JSON than
// it needs: a line cut in its middle still has its message.
func (f *fields) json(text []byte) {
	best := 0
	i := 1
	for i < len(text) {
		i = blanks(text, i)
		if i >= len(text) || text[i] != '"' {
			break
		}
		end := closing(text, i)
		key := text[i+1 : min(end, len(text))]
		i = blanks(text, end+1)
		if i >= len(text) || text[i] != ':' {
			break
		}
		i = blanks(text, i+1)
		if i >= len(text) {
			break
		}
		from := i
		if text[i] == '"' {
			i = min(closing(text, i), len(text))
			value := text[from+1 : i]
			i++
			if r := messageRank(key); r > best && len(value) > 0 {
				best = r
				f.message, f.found = f.plain(value), true
			}
			if levelKey(key) {
				f.level = levelOf(value)
			}
		} else {
			i = value(text, i)
			if levelKey(key) {
				f.level = levelOf(text[from:i])
			}
		}
		i = blanks(text, i)
		if i >= len(text) || text[i] != ',' {
			break
		}
		i++
	}
}

func blanks(text []byte, i int) int {
	for i < len(text) && text[i] <= ' ' {
		i++
	}
	return i
}

// closing returns where the quote that closes the one at i stands, or the end.
func closing(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text)
}

// value returns where a value ends that is no string.
func value(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = closing(text, i)
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return min(i, len(text))
}

// plain takes the escapes out of a string of JSON.
func (f *fields) plain(s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 {
		return s
	}
	out := f.scratch[:0]
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			out = append(out, '\n')
		case 't', 'r', 'b', 'f':
			out = append(out, ' ')
		case 'u':
			if i+4 < len(s) {
				if r, err := strconv.ParseUint(string(s[i+1:i+5]), 16, 32); err == nil {
					out = utf8.AppendRune(out, rune(r))
					i += 4
				}
			}
		default:
			out = append(out, c)
		}
	}
	f.scratch = out
	return out
}

// logfmt looks for msg="…" among key=value pairs.
func (f *fields) logfmt(text []byte) {
	i := bytes.Index(text, msgKey)
	if i < 0 || i > 0 && text[i-1] != ' ' || bytes.IndexByte(text[:i], '=') < 0 && bytes.IndexByte(text[i+len(msgKey):], '=') < 0 {
		return
	}
	rest := text[i+len(msgKey):]
	if len(rest) == 0 {
		return
	}
	if rest[0] == '"' {
		rest = f.plain(rest[1:min(closing(rest, 0), len(rest))])
	} else if end := bytes.IndexByte(rest, ' '); end >= 0 {
		rest = rest[:end]
	}
	if len(rest) == 0 {
		return
	}
	f.message, f.found = rest, true
	for _, key := range levelKeys {
		j := bytes.Index(text, key)
		if j < 0 || j > 0 && text[j-1] != ' ' {
			continue
		}
		w := bytes.Trim(text[j+len(key):min(len(text), j+len(key)+16)], `"`)
		if end := bytes.IndexAny(w, " \","); end >= 0 {
			w = w[:end]
		}
		if f.level = levelOf(w); f.level != None {
			return
		}
	}
}

var (
	msgKey    = []byte("msg=")
	levelKeys = [][]byte{[]byte("level="), []byte("lvl="), []byte("severity=")}
)

// unescape takes the escape sequences of terminals out of a text.
func unescape(out, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] != 0x1b {
			out = append(out, text[i])
			continue
		}
		if i+1 >= len(text) {
			break
		}
		i++
		switch text[i] {
		case '[': // a control sequence ends with a letter or one of @[\]^_`{|}~
			for i++; i < len(text) && (text[i] < 0x40 || text[i] > 0x7e); i++ {
			}
		case ']': // a command to the terminal ends with BEL or ESC \
			for i++; i < len(text) && text[i] != 7 && text[i] != 0x1b; i++ {
			}
			if i+1 < len(text) && text[i] == 0x1b {
				i++
			}
		}
	}
	return out
}

// stamp cuts off the moment that a line starts with, as in
// "2024-05-01T12:00:00.000Z " or "[2024/05/01 12:00:00,123] ".
func stamp(text []byte) []byte {
	i := blanks(text, 0)
	rest := text[i:]
	bracket := len(rest) > 0 && rest[0] == '['
	if bracket {
		rest = rest[1:]
	}
	if len(rest) < 19 || !date(rest) {
		return text
	}
	n := 10
	if rest[n] != 'T' && rest[n] != ' ' && rest[n] != '-' {
		return text
	}
	n++
	digits := 0
	for n < len(rest) && (class[rest[n]] == digit || bytes.IndexByte([]byte(":.,Z+-"), rest[n]) >= 0) {
		if class[rest[n]] == digit {
			digits++
		}
		n++
	}
	if digits < 6 {
		return text
	}
	if bracket {
		if n >= len(rest) || rest[n] != ']' {
			return text
		}
		n++
	}
	if n < len(rest) && rest[n] > ' ' && rest[n] != ':' {
		return text
	}
	if len(bytes.TrimSpace(rest[n:])) == 0 {
		return text
	}
	return rest[n:]
}

// date tells whether a text starts with a date: dddd-dd-dd or dddd/dd/dd.
func date(t []byte) bool {
	for i, c := range t[:10] {
		if i == 4 || i == 7 {
			if c != '-' && c != '/' {
				return false
			}
		} else if class[c] != digit {
			return false
		}
	}
	return true
}

// klog reads the level of a line of Kubernetes' own log, as in "E0501 12:00:00".
func klog(t []byte) Level {
	if len(t) < 8 || t[5] != ' ' || class[t[1]]&class[t[2]]&class[t[3]]&class[t[4]]&class[t[6]] != digit {
		return None
	}
	switch t[0] {
	case 'I':
		return Info
	case 'W':
		return Warn
	case 'E':
		return Error
	case 'F':
		return Fatal
	}
	return None
}
