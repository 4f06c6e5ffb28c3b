package otlp

import (
	"strconv"

	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// The limits of one message.
const (
	// MaxSpans is how many spans of one message are read.
	MaxSpans = 50_000
	// maxValue is how much of an attribute's value is looked at, in bytes.
	maxValue = 4 << 10
	// maxEvents is how many events of a failed span are looked at.
	maxEvents = 32
)

// Batch is what a message holds.
type Batch struct {
	Spans []trace.Span
	// Dropped is how many spans were beyond MaxSpans.
	Dropped int
}

// attribute numbers the attributes that mean something to us; the others are
// skipped.
type attribute int

// known maps the names of attributes to their numbers.
type known map[string]attribute

// spanAttributes and resourceAttributes are those that are asked for of each.
// They are functions, so that nobody can change them for others.
func spanAttributes() known     { return number(trace.RemoteNames()) }
func resourceAttributes() known { return number(identity.Names()) }

func number(names []string) known {
	k := known{}
	for i, n := range names {
		k[n] = attribute(i)
	}
	return k
}

// values are attributes that were found: the first of each name counts, and
// texts are made only of those that are asked for.
type values struct {
	known known
	found []value
	any   bool
}

type value struct {
	text []byte
	set  bool
}

func newValues(k known) *values { return &values{known: k, found: make([]value, len(k))} }

func (v *values) reset() {
	if v.any {
		clear(v.found)
		v.any = false
	}
}

func (v *values) put(a attribute, text []byte) {
	if len(text) > maxValue {
		text = text[:maxValue]
	}
	if !v.found[a].set && len(text) > 0 {
		v.found[a] = value{text, true}
		v.any = true
	}
}

func (v *values) get(name string) string {
	a, ok := v.known[name]
	if !ok || !v.found[a].set {
		return ""
	}
	return string(v.found[a].text)
}

func (v *values) putInt(a attribute, n int64) { v.put(a, strconv.AppendInt(nil, n, 10)) }

// shared makes one text of equal ones within a message.
type shared map[string]string

func (s shared) text(b []byte) string {
	if t, ok := s[string(b)]; ok {
		return t
	}
	t := string(b)
	if len(s) < 4096 {
		s[t] = t
	}
	return t
}

func (s shared) remote(r trace.Remote) trace.Remote {
	if t, ok := s[r.Name]; ok {
		r.Name = t
	} else if len(s) < 4096 {
		s[r.Name] = r.Name
	}
	return r
}
