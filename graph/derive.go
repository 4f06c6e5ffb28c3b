package graph

import (
	"iter"
	"strings"
	"sync"
)

// derived keeps what was worked out from a whole graph, by the key of who did.
type derived struct {
	mu      sync.Mutex
	entries map[any]*derivedEntry
}

type derivedEntry struct {
	once  sync.Once
	value any
}

// Derive returns the value that make works out from g, which is called once
// for each key. Ask only when g is complete and linked; asking is safe
// concurrently. The key should be of a type of the caller's own.
func (g *Graph) Derive(key any, make func(*Graph) any) any {
	g.derived.mu.Lock()
	if g.derived.entries == nil {
		g.derived.entries = map[any]*derivedEntry{}
	}
	e := g.derived.entries[key]
	if e == nil {
		e = &derivedEntry{}
		g.derived.entries[key] = e
	}
	g.derived.mu.Unlock()
	e.once.Do(func() { e.value = make(g) })
	return e.value
}

type missingKey struct{}

// MissingFrom iterates over the references of kind k that o makes and whose
// targets were not found; "" means every kind.
func (g *Graph) MissingFrom(o *Object, k EdgeKind) iter.Seq[*Reference] {
	if len(g.Missing) == 0 {
		return func(func(*Reference) bool) {}
	}
	index := g.Derive(missingKey{}, func(g *Graph) any {
		m := map[*Object][]*Reference{}
		for _, r := range g.Missing {
			m[r.From] = append(m[r.From], r)
		}
		return m
	}).(map[*Object][]*Reference)
	return func(yield func(*Reference) bool) {
		for _, r := range index[o] {
			if (k == "" || r.Kind == k) && !yield(r) {
				return
			}
		}
	}
}

// Placeholder reports whether a text still waits for something to fill it in:
// a variable, a template's expression or an obvious stand-in.
func Placeholder(text string) bool {
	return strings.Contains(text, "${") || strings.Contains(text, "$(") || strings.Contains(text, "{{") ||
		strings.Contains(text, "<%") || (strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">")) ||
		strings.EqualFold(text, "changeme")
}
