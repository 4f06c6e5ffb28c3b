package identity

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxValue is the length of the longest part of an identity, in bytes: that of
// the longest name Kubernetes knows.
const MaxValue = 253

// Clean makes a value fit to be a part of a key: Plain, and short. A value that
// is too long is cut, with a checksum of what it was, so that two long ones stay
// two.
func Clean(v string) string {
	whole := v
	if len(v) > 16*MaxValue {
		v = v[:16*MaxValue]
	}
	if v = Plain(v); len(v) <= MaxValue {
		return v
	}
	h := fnv.New64a()
	h.Write([]byte(whole))
	cut := MaxValue - 17
	for !utf8.RuneStart(v[cut]) {
		cut--
	}
	return v[:cut] + fmt.Sprintf("~%016x", h.Sum64())
}

// Plain returns a text as valid UTF-8 without controls, invisible characters and
// space around it.
func Plain(v string) string {
	if simple(v) {
		return v
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r < 0x80 && r >= ' ' && r != 0x7f:
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, strings.ToValidUTF8(v, "\uFFFD")))
}

// simple reports whether a text is plain, as nearly all are.
func simple(v string) bool {
	for i := range len(v) {
		if v[i] < ' ' || v[i] >= 0x7f {
			return false
		}
	}
	return len(v) == 0 || v[0] != ' ' && v[len(v)-1] != ' '
}
