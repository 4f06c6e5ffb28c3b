// Package health tells, from an object's own status, whether it is as it should
// be.
//
// The rules, in order:
//
//  1. An object with a deletion timestamp is terminating.
//  2. One that a person has paused is suspended.
//  3. A status older than the spec (observedGeneration) says nothing: the object
//     is progressing. The same holds for a condition older than the spec.
//  4. The rule of the kind: written in Go for the kinds of Kubernetes itself,
//     data (recipe) for the well-known custom resources.
//  5. For other kinds the usual conditions (Stalled, Reconciling, Ready and so
//     on), or else the usual words for a phase.
//
// Failed means that a controller reports an error, not that waiting is useless;
// package diagnose tells that. What was not observed yet is Unknown, never
// healthy. The one exception are kinds that never write a status: Silent knows
// many, and a caller who knows more, because the API has no status subresource
// for the kind, may take Unknown with the reason NoStatus for healthy.
//
// The package imports no client and does no I/O: objects are decoded JSON.
package health

import "strings"

// Status is a health in one word.
type Status string

// The statuses. Unknown is no health: an object of a kind that reports its
// state, and has not reported yet, is not taken for healthy.
const (
	Healthy     Status = "healthy"
	Progressing Status = "progressing"
	Failed      Status = "failed"
	Suspended   Status = "suspended"
	Terminating Status = "terminating"
	Unknown     Status = "unknown"
)

// Reasons that callers act on.
const (
	// NotObserved: its controller has not looked at the object, or not since
	// the spec changed.
	NotObserved = "NotObserved"
	// NoStatus: the object has no status, and it is not known whether its kind
	// ever writes one.
	NoStatus = "NoStatus"
)

// Health is what an object's status says. It is small enough to be kept for
// each object: three strings, of which Message has at most 256 bytes and is
// empty for most healthy objects.
type Health struct {
	Status Status
	// Reason is one word, Message says more; both may be empty.
	Reason, Message string
}

// The bounds of what is kept.
const (
	MaxMessage = 256 // bytes
	maxReason  = 64
)

// Options change what an Evaluator knows.
type Options struct {
	// Silent are further kinds, as group/Kind, that never write a status.
	Silent []string
}

// Evaluator tells the health of objects. It is safe for concurrent use.
type Evaluator struct {
	rules    map[string]*rule
	suffixes []suffixRule
	silent   map[string]bool
}

// rule is how one kind is judged.
type rule struct {
	// hold are fields that suspend an object when they are set so.
	hold []setting
	// judge is asked about a status that is up to date.
	judge func(object) Health
}

// suffixRule is the rule of all kinds of groups that end so.
type suffixRule struct {
	suffix string
	rule   *rule
}

// NewEvaluator returns an Evaluator that knows the catalogue.
func NewEvaluator(o Options) *Evaluator {
	e := &Evaluator{rules: map[string]*rule{}, silent: map[string]bool{}}
	for kind, judge := range builtin() {
		e.rules[kind] = &rule{judge: judge}
	}
	for _, r := range catalogue() {
		compiled := r.compile()
		for _, kind := range r.each() {
			if suffix, ok := strings.CutPrefix(kind, "*"); ok {
				e.suffixes = append(e.suffixes, suffixRule{strings.TrimSuffix(suffix, "/*"), compiled})
				continue
			}
			e.rules[kind] = compiled
		}
	}
	for _, kinds := range append(silentKinds(), o.Silent...) {
		for _, kind := range spread(kinds) {
			e.silent[kind] = true
		}
	}
	return e
}

// Evaluate tells an object's health.
func (e *Evaluator) Evaluate(body map[string]any) Health {
	o := object(body)
	meta := o.sub("metadata")
	if meta["deletionTimestamp"] != nil {
		return Health{Terminating, "Deleting", "it is being deleted"}
	}
	group, kind := o.groupKind()
	r, silent := e.find(group, kind)
	if silent {
		return Health{Status: Healthy}
	}
	status := o.sub("status")
	if r == nil {
		if stale(meta, status) {
			return outdated()
		}
		return bounded(byConventions(o, status))
	}
	for _, s := range r.hold {
		if s.holds(o) {
			return Health{Suspended, "Suspended", "it is paused by " + s.name}
		}
	}
	if stale(meta, status) {
		return outdated()
	}
	return bounded(r.judge(o))
}

// find returns the rule of a kind, nil if there is none.
func (e *Evaluator) find(group, kind string) (r *rule, silent bool) {
	key := group + "/" + kind
	if r := e.rules[key]; r != nil {
		return r, false
	}
	if builtinGroups(group) || e.silent[key] || settingsOfProvider(group, kind) {
		return nil, true
	}
	all := group + "/*"
	if r := e.rules[all]; r != nil {
		return r, false
	}
	if e.silent[all] {
		return nil, true
	}
	for _, s := range e.suffixes {
		if strings.HasSuffix(group, s.suffix) {
			return s.rule, false
		}
	}
	return nil, false
}

// settingsOfProvider tells whether a kind holds a Crossplane provider's settings,
// of which each provider has its own.
func settingsOfProvider(group, kind string) bool {
	return strings.HasPrefix(kind, "ProviderConfig") && (strings.HasSuffix(group, "crossplane.io") || strings.HasSuffix(group, "upbound.io"))
}

// Silent tells whether objects of a kind are known never to write a status:
// that they exist is all the health there is.
func (e *Evaluator) Silent(group, kind string) bool {
	_, silent := e.find(group, kind)
	return silent
}

// Knows tells whether a kind has a rule of its own.
func (e *Evaluator) Knows(group, kind string) bool {
	r, silent := e.find(group, kind)
	return r != nil || silent
}

// stale tells whether the status is older than the spec.
func stale(meta, status object) bool {
	seen, ok := status.number("observedGeneration")
	generation, known := meta.number("generation")
	return ok && known && seen != generation
}

func outdated() Health {
	return Health{Progressing, NotObserved, "its controller has not seen the newest change yet"}
}

// unseen is the health of an object that nobody has looked at yet.
func unseen() Health {
	return Health{Unknown, NotObserved, "nothing is known of its state yet"}
}

// bounded keeps a health small. What is cut off is copied, so that it does not
// hold the whole text in memory.
func bounded(h Health) Health {
	h.Reason, h.Message = cut(h.Reason, maxReason), cut(h.Message, MaxMessage)
	return h
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(strings.Clone(s[:most-len("…")]), "") + "…"
}

// order ranks statuses: the first of them that occurs is that of the whole.
// What failed counts most, because it needs a person; what is going comes
// before what is not known, because it will not come back; not knowing counts
// more than progress, because no wait ends it.
func order() []Status { return []Status{Failed, Terminating, Unknown, Progressing, Suspended} }

// Aggregate sums up the health of several objects: the worst counts, and of
// equals the first. The ranking is failed, terminating, unknown, progressing,
// suspended, healthy; a status that is none of these counts as unknown. Without
// any object there is nothing that could be unhealthy.
func Aggregate(all []Health) Health {
	worst, rank := Health{Status: Healthy}, len(order())
	for _, h := range all {
		if r := rankOf(h.Status); r < rank {
			worst, rank = h, r
		}
	}
	return worst
}

func rankOf(s Status) int {
	for i, other := range order() {
		if s == other {
			return i
		}
	}
	if s == Healthy {
		return len(order())
	}
	return 2 // unknown
}
