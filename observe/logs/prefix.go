package logs

import "bytes"

// maxPrefix bounds the names before a line.
const maxPrefix = 253

// SplitPrefix takes off what programs that show several logs at once write before each
// line: "[pod/web-1/app] " as kubectl logs --prefix, "web-1  | " as docker compose.
// source is whose line it is, "" where there is no such beginning.
func SplitPrefix(line []byte) (source string, rest []byte) {
	if after, ok := bytes.CutPrefix(line, []byte("[pod/")); ok {
		name, rest, ok := bytes.Cut(after, []byte("] "))
		if ok && len(name) <= maxPrefix && ownerName(name, true) {
			return string(name), rest
		}
		return "", line
	}
	head := line[:min(len(line), headBytes)]
	if bytes.IndexByte(head, 0x1b) >= 0 {
		head = unescape(nil, head) // compose colours its names
	}
	name, _, ok := bytes.Cut(head, []byte("|"))
	if !ok {
		return "", line
	}
	padded := bytes.TrimRight(name, " ")
	if len(padded) == len(name) || len(padded) > maxPrefix || !ownerName(padded, false) {
		return "", line
	}
	_, rest, _ = bytes.Cut(line, []byte("|"))
	return string(padded), bytes.TrimPrefix(trimReset(rest), []byte(" "))
}

// trimReset takes off the end of a colour.
func trimReset(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\x1b[0m")) }

// ownerName tells whether a text is a name of a pod, a container or a service, with slashes
// between them where there may be.
func ownerName(b []byte, slashes bool) bool {
	for _, c := range b {
		switch {
		case class[c]&(upper|lower|digit) != 0, c == '-', c == '_', c == '.', slashes && c == '/':
		default:
			return false
		}
	}
	return len(b) > 0
}
