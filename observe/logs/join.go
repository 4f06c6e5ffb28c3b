package logs

import (
	"bytes"
)

// Joiner puts the lines of a stack trace together, as Go, Java and Python write
// them. Each stream of lines has its own: lines of different containers don't
// belong together. Its memory is bounded.
type Joiner struct {
	limit  int
	held   []byte
	out    []byte
	at     int64
	mode   trace
	lines  int
	any    bool
	joined uint64
	cut    uint64
}

// trace says what kind of trace is being read.
type trace uint8

const (
	loose  trace = iota // indented lines and "Caused by:" belong to the line
	golang              // a panic and its goroutines
	python              // a traceback and the exception that ends it
	logged              // the same below a line that was logged
)

// maxTrace bounds the lines of a trace.
const maxTrace = 1000

// NewJoiner makes a joiner that keeps at most limit bytes of a trace, at least
// 256.
func NewJoiner(limit int) *Joiner { return &Joiner{limit: max(limit, 256)} }

// Add takes the next line. If it begins something new, what was held until then
// is returned: one line, or several with line feeds between, the one that says
// what happened first. It is valid until the next call. ok is false if there
// was none.
func (j *Joiner) Add(line []byte, at int64) (event []byte, when int64, ok bool) {
	line = bytes.TrimRight(line, "\r\n")
	if j.any && j.lines < maxTrace && j.continues(line) {
		if j.mode == loose && bytes.HasPrefix(line, traceback) {
			j.mode = logged
		}
		j.append(line)
		return nil, 0, false
	}
	event, when, ok = j.Flush()
	j.any, j.at, j.lines, j.mode = true, at, 0, loose
	j.held = j.held[:0]
	switch {
	case bytes.HasPrefix(line, traceback):
		j.mode = python
	case bytes.HasPrefix(line, []byte("panic: ")), bytes.HasPrefix(line, []byte("fatal error: ")), bytes.HasPrefix(line, []byte("goroutine ")):
		j.mode = golang
	}
	j.append(line)
	return event, when, ok
}

// Flush returns what is held: at the end, or when no line came for a while.
func (j *Joiner) Flush() (event []byte, when int64, ok bool) {
	if !j.any {
		return nil, 0, false
	}
	j.any = false
	j.held, j.out = j.out[:0], j.held
	if j.mode == python {
		j.out = lastFirst(j.out)
	}
	return j.out, j.at, true
}

// Joined returns how many lines were put to others, and how many of these were
// dropped because a trace was too long.
func (j *Joiner) Joined() (lines, dropped uint64) { return j.joined, j.cut }

func (j *Joiner) append(line []byte) {
	if j.lines++; j.lines > 1 {
		j.joined++
		if len(j.held)+len(line)+1 > j.limit {
			j.cut++
			return
		}
		j.held = append(j.held, '\n')
	}
	// The first line is kept as it is: the miner cuts it and counts that.
	j.held = append(j.held, line...)
}

// continues tells whether a line belongs to what is held.
func (j *Joiner) continues(line []byte) bool {
	if len(line) == 0 {
		return j.mode != loose
	}
	switch j.mode {
	case golang:
		return goFrame(line) || line[0] == '\t' || line[0] == ' '
	case python, logged:
		if line[0] == ' ' || line[0] == '\t' {
			return true
		}
		if bytes.HasPrefix(line, traceback) || bytes.HasPrefix(line, []byte("During handling of")) || bytes.HasPrefix(line, []byte("The above exception")) {
			return true
		}
		// The exception that ends it: "package.ValueError: text". Another
		// traceback may follow after an empty line.
		return exception(line)
	}
	switch {
	case bytes.HasPrefix(line, traceback):
		return j.lines == 1
	case line[0] == '\t' || line[0] == ' ':
		return len(bytes.TrimSpace(line)) > 0
	case bytes.HasPrefix(line, []byte("Caused by: ")), bytes.HasPrefix(line, []byte("Suppressed: ")), bytes.HasPrefix(line, []byte("... ")), bytes.HasPrefix(line, []byte("at ")):
		return true
	}
	// The exception of a failure that was logged stands below it. Below anything
	// else it is news of its own.
	return bytes.IndexByte(line, '.') > 0 && exception(line) && troubled(j.held)
}

var traceback = []byte("Traceback (most recent call last)")

// troubled tells whether a line speaks of a failure.
func troubled(line []byte) bool {
	for _, w := range [...]string{"ERROR", "WARN", "FATAL", "SEVERE", "rror", "xception", "ailed", "ailure"} {
		if bytes.Contains(line, []byte(w)) {
			return true
		}
	}
	return false
}

// goFrame tells of lines that stand in the trace of a panic.
func goFrame(line []byte) bool {
	for _, p := range [...]string{"goroutine ", "created by ", "[signal ", "panic: ", "exit status ", "runtime."} {
		if len(line) >= len(p) && string(line[:len(p)]) == p {
			return true
		}
	}
	// A function with its arguments: no space but in them.
	open := bytes.IndexByte(line, '(')
	return open > 0 && line[len(line)-1] == ')' && bytes.IndexByte(line[:open], ' ') < 0 && bytes.IndexByte(line[:open], '.') > 0
}

// exception tells whether a line is the name of an exception, alone or with its
// text: "java.lang.IllegalStateException: no" or "ValueError: bad".
func exception(line []byte) bool {
	name := line
	if i := bytes.IndexByte(line, ':'); i >= 0 {
		name = line[:i]
	}
	if len(name) == 0 || len(name) > 200 || bytes.IndexByte(name, ' ') >= 0 {
		return false
	}
	return bytes.HasSuffix(name, []byte("Exception")) || bytes.HasSuffix(name, []byte("Error")) || bytes.HasSuffix(name, []byte("Exit")) || bytes.HasSuffix(name, []byte("Interrupt"))
}

// lastFirst puts the exception that ends a traceback to its front: that is what
// happened, the traceback is where.
func lastFirst(text []byte) []byte {
	text = bytes.TrimRight(text, "\n")
	i := bytes.LastIndexByte(text, '\n')
	if i < 0 || !exception(text[i+1:]) {
		return text
	}
	last := append([]byte(nil), text[i+1:]...)
	copy(text[len(last)+1:], text[:i])
	copy(text, last)
	text[len(last)] = '\n'
	return text
}
