package logs

import "bytes"

// Level is how serious a line says it is.
type Level uint8

// The levels. Lines that do not tell have None.
const (
	None Level = iota
	Debug
	Info
	Warn
	Error
	Fatal
)

var levelNames = [...]string{"", "debug", "info", "warn", "error", "fatal"}

// String names the level, "" for None.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return ""
}

// MarshalText writes the level's name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// ParseLevel reads the name of a level as programs write it, in any case and in
// the usual short forms; None for anything else.
func ParseLevel(name string) Level { return levelOf([]byte(name)) }

// levelOf reads the name of a level. Numbers are those of bunyan and pino.
func levelOf(w []byte) Level {
	if len(w) == 0 || len(w) > 13 {
		return None
	}
	var low [13]byte
	for i, c := range w {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	switch string(low[:len(w)]) {
	case "trace", "debug", "dbg", "verbose", "fine", "finer", "finest", "10", "20", "d":
		return Debug
	case "info", "information", "informational", "notice", "inf", "30", "i":
		return Info
	case "warn", "warning", "wrn", "40", "w":
		return Warn
	case "error", "err", "eror", "severe", "50", "e":
		return Error
	case "fatal", "panic", "critical", "crit", "alert", "emerg", "emergency", "dpanic", "60", "f", "c":
		return Fatal
	}
	return None
}

// levelKey tells whether a key is that of a level.
func levelKey(k []byte) bool {
	switch string(k) {
	case "level", "lvl", "severity", "levelname", "log.level", "loglevel", "Level", "LEVEL", "severity_text":
		return true
	}
	return false
}

// head is in how many words at the start of a line its level is looked for.
const head = 6

// guess finds the level of a line: a word of the head that names one in
// capitals or in brackets, or words anywhere that programs only use for
// failures.
func (s *scan) guess() Level {
	for i := range min(s.n, head) {
		if s.kind[i] == wild {
			continue
		}
		w := s.text[s.from[i]:s.to[i]]
		if len(w) < 3 {
			continue
		}
		l := levelOf(w)
		if l == None {
			continue
		}
		before, after := byte(0), s.next(int(s.to[i]))
		if s.from[i] > 0 {
			before = s.text[s.from[i]-1]
		}
		if class[w[0]]&upper != 0 && class[w[len(w)-1]]&upper != 0 || before == '[' || before == '<' || before == '=' || i == 0 && (after == ':' || after == ']') {
			return l
		}
	}
	for i := range s.n {
		if s.kind[i] != wild && failure(s.text[s.from[i]:s.to[i]]) {
			return Error
		}
	}
	return None
}

// failure tells of words that speak of something that went wrong.
func failure(w []byte) bool {
	if len(w) < 4 {
		return false
	}
	if bytes.HasSuffix(w, []byte("Exception")) || bytes.HasSuffix(w, []byte("Error")) {
		return true
	}
	for _, f := range failures {
		if bytes.EqualFold(w, f) {
			return true
		}
	}
	return false
}

var failures = [][]byte{
	[]byte("error"), []byte("errors"), []byte("failed"), []byte("failure"), []byte("fail"), []byte("fails"), []byte("fatal"),
	[]byte("panic"), []byte("exception"), []byte("crashed"), []byte("traceback"), []byte("unable"), []byte("cannot"),
	[]byte("timeout"), []byte("refused"), []byte("unreachable"), []byte("aborted"), []byte("oomkilled"), []byte("segfault"), []byte("unhandled"), []byte("unavailable"), []byte("corrupt"), []byte("corrupted"),
}
