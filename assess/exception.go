package assess

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/catalogue"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// ExceptionsFile is where a repository keeps its exceptions.
const ExceptionsFile = ".aeo/exceptions.yaml"

// exceptionAnnotation is the prefix of an object's annotation that asks for an
// exception; the check's id follows.
const exceptionAnnotation = "except.autoecoops.io/"

// exception is one request that a finding should not count.
type exception struct {
	ops.Position
	ops.Exception
	check, object, path string
	inline              bool
	line                int // a comment's target lines: its own and the next
	target              *ops.Ref
	used, expired       bool
	// renewed means that another exception answers for what it matches.
	renewed bool
}

// policy is what the central file says of exceptions.
type policy struct {
	noInline  bool
	forbidden []string
}

// forbids reports whether a check may not be excepted.
func (p policy) forbids(id string) bool {
	return slices.ContainsFunc(p.forbidden, func(pat string) bool { return glob(pat, id) })
}

// runs reports whether a pattern names one of the checks.
func runs(pattern string, checks []*check.Check) bool {
	return slices.ContainsFunc(checks, func(c *check.Check) bool { return glob(pattern, string(c.ID)) })
}

// except marks the findings for which somebody answers, and reports the
// exceptions that are expired, unused, forbidden or malformed.
func (r *run) except(fs []ops.Finding) ([]Notice, error) {
	var notices []Notice
	note := func(at ops.Position, code, format string, args ...any) {
		notices = append(notices, Notice{at, code, fmt.Sprintf(format, args...)})
	}
	all, pol, err := r.readExceptions(note)
	if err != nil {
		return nil, err
	}
	all = append(all, r.readMarks(note)...)
	all = append(all, r.readAnnotations(note)...)
	today := r.opts.Now.Format("2006-01-02")
	// The expired ones come last: a finding that somebody answers for under
	// another exception is not theirs any more.
	slices.SortStableFunc(all, func(a, b *exception) int {
		return cmp.Compare(min(a.Expires, today), min(b.Expires, today)) * -1
	})
	for _, e := range all {
		switch {
		case e.inline && pol.noInline:
			note(e.Position, "exception-forbidden", "exceptions inside of manifests are forbidden by %s; ask there for %s", ExceptionsFile, e.check)
			continue
		case pol.forbids(e.check):
			note(e.Position, "exception-forbidden", "%s may not be excepted, says %s", e.check, ExceptionsFile)
			continue
		case !runs(e.check, r.opts.Checks):
			if !runs(e.check, catalogue.All()) {
				note(e.Position, "exception-unknown", "there is no check called %s; `aeo checks list` lists them", e.check)
			}
			continue
		case e.Expires < today:
			e.expired = true
		}
		for i := range fs {
			e.apply(&fs[i], pol)
		}
		switch {
		case e.expired && e.used:
			note(e.Position, "exception-expired", "the exception of %s expired on %s; %s must fix the finding or renew it", e.check, e.Expires, e.Owner)
		case e.expired && e.renewed:
			note(e.Position, "exception-expired", "the exception of %s expired on %s and another one has taken its place; remove it", e.check, e.Expires)
		case !e.used:
			note(e.Position, "exception-unused", "the exception of %s matches no finding; remove it", e.check)
		}
	}
	slices.SortStableFunc(notices, func(a, b Notice) int { return a.Position.Compare(b.Position) })
	return notices, nil
}

func (e *exception) apply(f *ops.Finding, pol policy) {
	if f.Status == ops.Pass || !e.matches(f) || pol.forbids(string(f.Check)) {
		return
	}
	if f.Status == ops.Excepted {
		e.used = e.used || !e.expired
		e.renewed = true
		return
	}
	e.used = true
	if !e.expired {
		f.Status = ops.Excepted
		x := e.Exception
		f.Exception = &x
	}
}

func (e *exception) matches(f *ops.Finding) bool {
	if !glob(e.check, string(f.Check)) {
		return false
	}
	switch {
	case e.target != nil && *e.target != f.Object:
		return false
	case e.line > 0 && (f.File != e.File || f.Line != e.line && f.Line != e.line+1):
		return false
	case e.object != "" && !matchObject(e.object, f.Object):
		return false
	}
	return e.path == "" || matchPath(e.path, f.Path)
}

// matchObject matches Kind/name or Kind/namespace/name, where a part may hold
// the wildcards of path.Match.
func matchObject(pattern string, o ops.Ref) bool {
	parts := strings.Split(pattern, "/")
	switch len(parts) {
	case 2:
		return glob(parts[0], o.Kind) && glob(parts[1], o.Name)
	case 3:
		return glob(parts[0], o.Kind) && glob(parts[1], o.Namespace) && glob(parts[2], o.Name)
	}
	return false
}

// matchPath matches a field path or one of its parents; [*] means any entry.
func matchPath(pattern, p string) bool {
	pattern = strings.NewReplacer("[*]", "\x00", "[", `\[`, "]", `\]`).Replace(pattern)
	pattern = strings.ReplaceAll(pattern, "\x00", `\[*\]`)
	for {
		if glob(pattern, p) {
			return true
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			return false
		}
		p = p[:i]
	}
}

func glob(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// check fills what an exception must have and says what is lacking.
func (e *exception) lacks() string {
	var missing []string
	for _, f := range [...]struct{ name, value string }{{"check", e.check}, {"reason", e.Reason}, {"owner", e.Owner}, {"expires", e.Expires}} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	if len(missing) == 0 && !isDate(e.Expires) {
		return "an expires that is a date (YYYY-MM-DD)"
	}
	return strings.Join(missing, ", ")
}

func isDate(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	for i, c := range []byte(s) {
		if i != 4 && i != 7 && (c < '0' || c > '9') {
			return false
		}
	}
	return s[5:7] >= "01" && s[5:7] <= "12" && s[8:] >= "01" && s[8:] <= "31"
}

type noter func(at ops.Position, code, format string, args ...any)

// readExceptions reads the central file and the repository's.
func (r *run) readExceptions(note noter) ([]*exception, policy, error) {
	var all []*exception
	var pol policy
	texts, err := r.exceptionTexts()
	if err != nil {
		return nil, pol, err
	}
	for _, src := range texts {
		for _, part := range r.Parser.Split(src.text) {
			for _, d := range r.Parser.Parse(part) {
				if d.Err != nil {
					return nil, pol, brokenExceptions(src.name, d.Err.Line, d.Err.Message)
				}
				more, err := readExceptionDoc(src.name, d.Doc.Root(), &pol, note)
				if err != nil {
					return nil, pol, err
				}
				all = append(all, more...)
			}
		}
	}
	return all, pol, nil
}

// brokenExceptions stops the assessment: what the file forbids must not be
// lost because of a slip in it.
func brokenExceptions(file string, line int, why string) error {
	return fault.New(fault.Invalid, "read exceptions", fmt.Sprintf("%s:%d", file, line), why, "the file has the fields exceptions, inline and forbidden; see docs/assess.md")
}

func readExceptionDoc(file string, root tree.Node, pol *policy, note noter) (all []*exception, err error) {
	if !root.IsMap() {
		return nil, brokenExceptions(file, root.Line(), "it is a "+root.Kind().String()+", not a map")
	}
	at := func(n tree.Node) ops.Position {
		line, col := n.Position()
		return ops.Position{File: file, Line: line, Column: col, EndLine: line}
	}
	for k, v := range root.Fields() {
		switch k.Text() {
		case "apiVersion", "kind":
		case "inline":
			switch v.Text() {
			case "forbidden":
				pol.noInline = true
			case "allowed":
			default:
				return nil, brokenExceptions(file, v.Line(), fmt.Sprintf("inline must be allowed or forbidden, not %q", v.Text()))
			}
		case "forbidden":
			pol.forbidden = append(pol.forbidden, v.Strings()...)
		case "exceptions":
			for _, n := range v.Items() {
				e := &exception{Position: at(n), Exception: ops.Exception{Source: file}}
				for k, v := range n.Fields() {
					if !e.set(k.Text(), v.Text()) {
						note(at(v), "exception-invalid", "an exception has no field %q: use check, object, path, reason, owner, expires", k.Text())
					}
				}
				all = e.keep(all, note)
			}
		default:
			return nil, brokenExceptions(file, k.Line(), fmt.Sprintf("unknown field %q", k.Text()))
		}
	}
	return all, nil
}

func (e *exception) set(key, value string) bool {
	switch key {
	case "check":
		e.check = value
	case "object":
		e.object = value
	case "path":
		e.path = value
	case "reason":
		e.Reason = value
	case "owner":
		e.Owner = value
	case "expires":
		e.Expires = value
	default:
		return false
	}
	return true
}

func (e *exception) keep(all []*exception, note noter) []*exception {
	if lacks := e.lacks(); lacks != "" {
		note(e.Position, "exception-invalid", "the exception of %s lacks %s; it is not applied", cmp.Or(e.check, "(no check)"), lacks)
		return all
	}
	return append(all, e)
}

// parseInline reads "key=value; key=value" or, in a comment, "key=value
// key=value reason=to the end of the line".
func (e *exception) parseInline(s string) {
	rest := strings.TrimSpace(s)
	for rest != "" {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return
		}
		key = strings.Trim(key, "; ")
		value, next := after, ""
		if i := strings.IndexByte(after, ';'); i >= 0 {
			value, next = after[:i], after[i+1:]
		} else if key != "reason" {
			value, next, _ = strings.Cut(after, " ")
		}
		e.set(key, strings.Trim(strings.TrimSpace(value), `"`))
		rest = strings.TrimSpace(next)
	}
}

func (r *run) readMarks(note noter) (all []*exception) {
	for _, m := range r.marks {
		id, rest, _ := strings.Cut(m.text, " ")
		e := &exception{Position: m.Position, Exception: ops.Exception{Source: m.Position.String()}, inline: true, line: m.Line}
		e.parseInline(rest)
		e.check = id
		all = e.keep(all, note)
	}
	return all
}

func (r *run) readAnnotations(note noter) (all []*exception) {
	for _, u := range r.units {
		for _, o := range u.graph.Objects {
			for k, v := range o.Body.At("metadata", "annotations").Fields() {
				id, ok := strings.CutPrefix(k.Text(), exceptionAnnotation)
				if !ok {
					continue
				}
				pos, _, _ := r.locate(&located{Result: atNode(o, v), unit: u}, v.PathFrom(o.Body))
				if slices.ContainsFunc(all, func(e *exception) bool { return e.Position == pos && *e.target == o.Ref && e.check == id }) {
					continue
				}
				e := &exception{Position: pos, Exception: ops.Exception{Source: pos.String()}, inline: true, target: &o.Ref}
				e.parseInline(v.Text())
				e.check = id
				all = e.keep(all, note)
			}
		}
	}
	return all
}
