// Package schema validates values against the structural OpenAPI v3 schema of a
// CustomResourceDefinition, as the API server does when it receives a custom
// resource: it refuses some values and silently drops fields that the schema
// does not know.
//
// Both the schema and the value stay positioned trees, so that every problem
// knows its line. Rules in CEL (x-kubernetes-validations) are not evaluated,
// and formats are not checked; nothing is claimed about either.
package schema

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/graph/tree"
)

// Kind says what the API server does about a problem.
type Kind uint8

// The kinds of problem.
const (
	// Invalid values are refused.
	Invalid Kind = iota
	// Dropped fields are unknown to the schema and silently left out.
	Dropped
	// Unsettled values are placeholders that something fills in before the API
	// server sees them.
	Unsettled
)

// Problem is one place at which a value does not fit.
type Problem struct {
	Kind Kind
	// At is the value, or the map that lacks the field Missing.
	At      tree.Node
	Missing string
	// Message says what is wrong, without the place.
	Message string
}

// Validator validates values. It remembers compiled patterns, so use one for
// many values; it is not safe for concurrent use.
type Validator struct {
	// Keep turns off the dropping of unknown fields (a definition of v1beta1
	// with preserveUnknownFields).
	Keep     bool
	patterns map[tree.Node]*regexp.Regexp
}

// maxProblems bounds what is reported for one value: after so many the value
// is of another kind altogether.
const maxProblems = 20

// Resource validates a whole custom resource: apiVersion, kind and metadata
// are the API server's own business.
func (v *Validator) Resource(schema, resource tree.Node) []Problem {
	r := run{Validator: v, steps: new(int)}
	r.object(schema, resource, true)
	return r.problems
}

// Value validates a value.
func (v *Validator) Value(schema, value tree.Node) []Problem {
	r := run{Validator: v, steps: new(int)}
	r.value(schema, value)
	return r.problems
}

// maxSteps bounds the work for one value, which nested forms and expanded
// aliases can multiply.
const maxSteps = 1 << 20

type run struct {
	*Validator
	problems []Problem
	// steps counts the work done, for the parts of a value too.
	steps *int
	// shallow is set inside allOf, anyOf, oneOf and not, which say what a
	// value must be like but not which fields there are.
	shallow bool
}

func (r *run) add(k Kind, at tree.Node, missing, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{k, at, missing, fmt.Sprintf(format, args...)})
	}
}

func (r *run) invalid(at tree.Node, format string, args ...any) {
	r.add(Invalid, at, "", format, args...)
}

// embedded are the fields that the API server knows in every object.
func embedded(key string) bool { return key == "apiVersion" || key == "kind" || key == "metadata" }

func (r *run) value(s, v tree.Node) {
	if !s.IsMap() || v.Kind() == tree.Null {
		return // a null is dropped where it is not wanted
	}
	if *r.steps++; *r.steps > maxSteps {
		if *r.steps == maxSteps+1 {
			r.add(Unsettled, v, "", "the object and its definition are too large to be judged")
		}
		return
	}
	if v.IsString() && !stringly(s) && placeholder(v.Text()) {
		r.add(Unsettled, v, "", "the value is only known once %s is filled in", clip(v.Text()))
		return
	}
	if !r.typed(s, v) {
		return
	}
	r.listed(s, v)
	switch v.Kind() {
	case tree.Map:
		r.object(s, v, s.Get("x-kubernetes-embedded-resource").True())
	case tree.List:
		r.list(s, v)
	case tree.String:
		r.text(s, v)
	case tree.Int, tree.Float:
		r.number(s, v)
	}
	r.combined(s, v)
}

// stringly reports whether a schema takes strings.
func stringly(s tree.Node) bool {
	t := s.Get("type").Text()
	return t == "string" || t == "" || s.Get("x-kubernetes-int-or-string").True()
}

func placeholder(s string) bool { return strings.Contains(s, "${") || strings.Contains(s, "{{") }

// typed checks the type, and reports whether it is worth going on.
func (r *run) typed(s, v tree.Node) bool {
	if s.Get("x-kubernetes-int-or-string").True() {
		if k := v.Kind(); k != tree.Int && k != tree.String && !wholeFloat(v) {
			r.invalid(v, "must be an integer or a string, is a %s", v.Kind())
			return false
		}
		return true
	}
	want := s.Get("type").Text()
	ok := true
	switch want {
	case "object":
		ok = v.IsMap()
	case "array":
		ok = v.IsList()
	case "string":
		ok = v.IsString()
	case "boolean":
		ok = v.Kind() == tree.Bool
	case "integer":
		ok = v.Kind() == tree.Int || wholeFloat(v)
	case "number":
		ok = v.Kind() == tree.Int || v.Kind() == tree.Float
	}
	if !ok {
		r.invalid(v, "must be %s, is %s", article(want), article(v.Kind().String()))
	}
	return ok
}

func wholeFloat(v tree.Node) bool {
	_, ok := v.Int()
	return ok && v.Kind() == tree.Float
}

func article(noun string) string {
	switch {
	case noun == "list":
		return "a list"
	case noun == "map" || noun == "object":
		return "a map"
	case noun == "array":
		return "a list"
	case noun == "integer":
		return "an integer"
	}
	return "a " + noun
}

// listed checks the enumeration.
func (r *run) listed(s, v tree.Node) {
	enum := s.Get("enum")
	if enum.Len() == 0 || v.Kind() >= tree.List {
		return
	}
	var names []string
	for _, e := range enum.Items() {
		if equal(e, v) {
			return
		}
		names = append(names, e.Text())
	}
	if v.IsString() && placeholder(v.Text()) {
		r.add(Unsettled, v, "", "the value is only known once %s is filled in", clip(v.Text()))
		return
	}
	if len(names) > 8 {
		names = append(names[:8], "…")
	}
	r.invalid(v, "%q is none of %s", clip(v.Text()), strings.Join(names, ", "))
}

func equal(a, b tree.Node) bool {
	if fa, ok := a.Float(); ok {
		fb, ok := b.Float()
		return ok && fa == fb
	}
	return a.Kind() == b.Kind() && a.Text() == b.Text()
}

func (r *run) object(s, v tree.Node, resource bool) {
	properties, extra := s.Get("properties"), s.Get("additionalProperties")
	keep := r.Keep || r.shallow || s.Get("x-kubernetes-preserve-unknown-fields").True() || extra.True()
	for k, f := range v.Fields() {
		key := k.Text()
		if resource && embedded(key) {
			continue
		}
		if p := properties.Get(key); p.Exists() {
			r.value(p, f)
		} else if extra.IsMap() {
			r.value(extra, f)
		} else if !keep && len(r.problems) < maxProblems {
			r.add(Dropped, f, "", "the definition knows no field %q here%s", key, hint(properties, key))
		}
	}
	for _, q := range s.Get("required").Items() {
		key := q.Text()
		if f := v.Get(key); f.Exists() && (f.Kind() != tree.Null || properties.Get(key).Get("nullable").True()) || resource && embedded(key) {
			continue
		}
		if !properties.Get(key).Get("default").Exists() {
			r.add(Invalid, v, key, "the required field %q is missing", key)
		}
	}
	if s.Has("minProperties") || s.Has("maxProperties") {
		r.count(s, v, "Properties", int64(v.Len()), "fields")
	}
}

// hint proposes the field that was probably meant.
func hint(properties tree.Node, key string) string {
	for k := range properties.Fields() {
		if t := k.Text(); strings.EqualFold(t, key) || len(key) > 4 && near(t, key) {
			return fmt.Sprintf(" (did you mean %q?)", t)
		}
	}
	return ""
}

// near reports whether two words differ by one letter more, less or other, or
// by two that changed places.
func near(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a)-len(b) > 1 {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	if len(a) > len(b) {
		return a[i+1:] == b[i:]
	}
	return i >= len(b)-1 || a[i+1:] == b[i+1:] || a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

func (r *run) list(s, v tree.Node) {
	if s.Has("minItems") || s.Has("maxItems") {
		r.count(s, v, "Items", int64(v.Len()), "entries")
	}
	items := s.Get("items")
	for _, e := range v.Items() {
		if e.Kind() == tree.Null && items.Get("type").Exists() && !items.Get("nullable").True() {
			r.invalid(e, "must be %s, is null", article(items.Get("type").Text()))
			continue
		}
		r.value(items, e)
	}
	switch s.Get("x-kubernetes-list-type").Text() {
	case "map":
		r.unique(v, s.Get("x-kubernetes-list-map-keys"))
	case "set":
		r.unique(v, tree.Node{})
	}
}

// unique checks that no two entries have the same keys, or the same value.
func (r *run) unique(v, keys tree.Node) {
	if v.Len() > 4096 {
		return
	}
	seen := make(map[string]bool, v.Len())
	for _, e := range v.Items() {
		id := ""
		if keys.Exists() {
			for _, k := range keys.Items() {
				id += e.Get(k.Text()).Text() + "\x00"
			}
		} else if e.Kind() < tree.List {
			id = e.Text()
		} else {
			continue
		}
		if seen[id] {
			r.invalid(e, "the list already has an entry %q", clip(strings.TrimRight(strings.ReplaceAll(id, "\x00", "/"), "/")))
		}
		seen[id] = true
	}
}

func (r *run) text(s, v tree.Node) {
	if placeholder(v.Text()) {
		return
	}
	if s.Has("minLength") || s.Has("maxLength") {
		r.count(s, v, "Length", int64(utf8.RuneCountInString(v.Text())), "characters")
	}
	pattern := s.Get("pattern")
	if pattern.Text() == "" {
		return
	}
	re, known := r.patterns[pattern]
	if !known {
		if r.patterns == nil {
			r.patterns = map[tree.Node]*regexp.Regexp{}
		}
		re, _ = regexp.Compile(pattern.Text())
		r.patterns[pattern] = re
	}
	if re != nil && !re.MatchString(v.Text()) {
		r.invalid(v, "%q does not match %s", clip(v.Text()), clip(pattern.Text()))
	}
}

func (r *run) count(s, v tree.Node, what string, n int64, unit string) {
	if least, ok := s.Get("min" + what).Int(); ok && n < least {
		r.invalid(v, "has %d %s, must have at least %d", n, unit, least)
	}
	if most, ok := s.Get("max" + what).Int(); ok && n > most {
		r.invalid(v, "has %d %s, must have at most %d", n, unit, most)
	}
}

func (r *run) number(s, v tree.Node) {
	n, ok := v.Float()
	if !ok {
		return
	}
	if least, ok := s.Get("minimum").Float(); ok && (n < least || n == least && s.Get("exclusiveMinimum").True()) {
		r.invalid(v, "%s is less than %s allows", v.Text(), bound("the minimum", s.Get("minimum"), s.Get("exclusiveMinimum")))
	}
	if most, ok := s.Get("maximum").Float(); ok && (n > most || n == most && s.Get("exclusiveMaximum").True()) {
		r.invalid(v, "%s is more than %s allows", v.Text(), bound("the maximum", s.Get("maximum"), s.Get("exclusiveMaximum")))
	}
	if m, ok := s.Get("multipleOf").Float(); ok && m > 0 {
		if q := n / m; q != float64(int64(q)) {
			r.invalid(v, "%s is no multiple of %s", v.Text(), s.Get("multipleOf").Text())
		}
	}
}

func bound(what string, n, exclusive tree.Node) string {
	if exclusive.True() {
		return what + " " + n.Text() + " (not itself included)"
	}
	return what + " " + n.Text()
}

// combined checks allOf, anyOf, oneOf and not.
func (r *run) combined(s, v tree.Node) {
	for _, part := range s.Get("allOf").Items() {
		for _, p := range r.try(part, v) {
			r.add(p.Kind, p.At, p.Missing, "%s", p.Message)
		}
	}
	if forms := s.Get("anyOf"); forms.Len() > 0 && !s.Get("x-kubernetes-int-or-string").True() && r.fitting(forms, v) == 0 {
		r.invalid(v, "fits none of the %d forms that the definition allows%s", forms.Len(), r.wants(forms))
	}
	if one := s.Get("oneOf"); one.Len() > 0 {
		switch n := r.fitting(one, v); {
		case n == 0:
			r.invalid(v, "fits none of the %d forms of which the definition wants exactly one%s", one.Len(), r.wants(one))
		case n > 1:
			r.invalid(v, "fits %d forms of which the definition wants exactly one%s", n, r.wants(one))
		}
	}
	if not := s.Get("not"); not.IsMap() && len(r.try(not, v)) == 0 {
		r.invalid(v, "has the form that the definition rules out")
	}
}

// try validates apart.
func (r *run) try(s, v tree.Node) []Problem {
	sub := run{Validator: r.Validator, steps: r.steps, shallow: true}
	sub.value(s, v)
	r.patterns = sub.patterns
	return sub.problems
}

func (r *run) fitting(forms, v tree.Node) int {
	n := 0
	for _, f := range forms.Items() {
		fits := true
		for _, p := range r.try(f, v) {
			fits = fits && p.Kind != Invalid
		}
		if fits {
			n++
		}
	}
	return n
}

// wants names the fields by which forms differ, if that is how they do.
func (r *run) wants(forms tree.Node) string {
	var names []string
	for _, f := range forms.Items() {
		for _, q := range f.Get("required").Items() {
			names = append(names, q.Text())
		}
	}
	if len(names) == 0 || len(names) > 8 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

func clip(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
