package faultproxy

import (
	"net/http"
	"regexp"
	"slices"
	"sync"
)

// Match says which requests are meant. What is not set does not matter; the
// zero value means every request.
type Match struct {
	// Verbs are the verbs as Verb returns them.
	Verbs []string
	// Path is matched against the path, without the query.
	Path *regexp.Regexp
	// Where is asked about the request.
	Where func(*http.Request) bool
}

// Writes are the verbs that change something.
func Writes() []string { return []string{"create", "update", "patch", "delete", "deletecollection"} }

func (m Match) matches(r *http.Request) bool {
	return (len(m.Verbs) == 0 || slices.Contains(m.Verbs, Verb(r))) &&
		(m.Path == nil || m.Path.MatchString(r.URL.Path)) &&
		(m.Where == nil || m.Where(r))
}

// Rule has some requests go wrong.
type Rule struct {
	// Match says which requests count.
	Match Match
	// Skip is how many matching requests pass before the fault; with 4 it is
	// the fifth that goes wrong.
	Skip int
	// Times is how many requests go wrong after that; 0 means all.
	Times int
	// Fault is what happens to them.
	Fault Fault
}

// Injection is a rule at work.
type Injection struct {
	rule  Rule
	proxy *Proxy
	first chan struct{}

	mu   sync.Mutex
	seen int
	hits int
}

// take counts a request and reports whether it goes wrong.
func (i *Injection) take(r *http.Request) bool {
	if !i.rule.Match.matches(r) {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen++
	if i.seen <= i.rule.Skip || i.rule.Times > 0 && i.hits == i.rule.Times {
		return false
	}
	if i.hits == 0 {
		close(i.first)
	}
	i.hits++
	return true
}

// Seen is how many requests matched.
func (i *Injection) Seen() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.seen
}

// Hits is how many requests went wrong.
func (i *Injection) Hits() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hits
}

// Fired is closed when the first request goes wrong.
func (i *Injection) Fired() <-chan struct{} { return i.first }

// Remove ends the rule. Requests that it already has are not let go.
func (i *Injection) Remove() { i.proxy.remove(i) }
