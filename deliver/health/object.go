package health

import (
	"strconv"
	"strings"
)

// object is a map with short ways to read it; all are safe on nil and on
// values of another type than expected.
type object map[string]any

func (o object) sub(key string) object {
	m, _ := o[key].(map[string]any)
	return m
}

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

func (o object) list(key string) []any {
	l, _ := o[key].([]any)
	return l
}

func (o object) flag(key string) bool {
	b, _ := o[key].(bool)
	return b
}

// number reads an integer; ok is false if there is none. Some kinds write it as
// text.
func (o object) number(key string) (n int64, ok bool) {
	switch v := o[key].(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), true
	case int:
		return int64(v), true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// count reads an integer, 0 if there is none.
func (o object) count(key string) int64 {
	n, _ := o.number(key)
	return n
}

// condition returns a condition of a status by type, nil if it is not there.
func (o object) condition(typ string) object {
	for _, it := range o.list("conditions") {
		c, _ := it.(map[string]any)
		if c["type"] == typ {
			return c
		}
	}
	return nil
}

// says returns what an object tells of itself, message if it tells nothing.
func (o object) says(message string) string {
	for _, key := range []string{"message", "reason"} {
		if s := strings.TrimSpace(o.text(key)); s != "" {
			return s
		}
	}
	return message
}

// path is a dotted path, split. A field whose own name has dots comes last.
type path []string

// at returns the value at a path, nil if there is none.
func (o object) at(p path) any {
	for _, key := range p[:len(p)-1] {
		o = o.sub(key)
	}
	return o[p[len(p)-1]]
}

// groupKind returns an object's kind as group/Kind.
func (o object) groupKind() (group, kind string) {
	if g, _, ok := strings.Cut(o.text("apiVersion"), "/"); ok {
		group = g
	}
	return group, o.text("kind")
}
