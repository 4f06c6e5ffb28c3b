package kustomize

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

var (
	// configDump is where the library quotes a generator's whole entry, which
	// may hold secret literals.
	configDump = regexp.MustCompile("(?s)with config: `.*?`(: |$)")
	literal    = regexp.MustCompile(`(?s)invalid literal source .*?, expected key=value`)
	badLine    = regexp.MustCompile(`(?s)(line \S+) has invalid utf8 bytes.*`)
	// notFile is the library's failed first try with a folder as a file, and
	// notFolder its failed second try with a file as a folder: neither is the
	// reason that a person looks for.
	notFile   = regexp.MustCompile(`accumulation err='accumulating resources from '[^']*': '[^']*' must resolve to a file': `)
	notFolder = regexp.MustCompile(`(?s)accumulation err='(.*)': must build at directory: .*$`)
	// resource is an identity as the library prints it: Kind.version.group/name.namespace.
	resource = regexp.MustCompile(`([A-Za-z0-9]+)\.(v[a-z0-9]+|\[noVer\])\.([A-Za-z0-9.-]+|\[noGrp\])/([^\s"'/]+?)\.(\[noNs\]|[a-z0-9-]+)(?:[\s"';,:)\]]|$)`)
)

// clean makes a text of the library fit for a person: without the view's
// mount point, quoted secrets and repetitions.
func clean(s string) string {
	s = configDump.ReplaceAllString(s, "")
	s = literal.ReplaceAllString(s, "invalid literal source, expected key=value")
	s = badLine.ReplaceAllString(s, "a line has invalid utf8 bytes")
	s = strings.ReplaceAll(s, mount+"/", "")
	s = strings.ReplaceAll(s, mount, ".")
	const limit = 600
	if s = strings.Join(strings.Fields(s), " "); len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + " …"
	}
	return s
}

// explain makes located problems of an error of the library.
func (g *graph) explain(err error) []assess.Problem {
	var found []assess.Problem
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return []assess.Problem{{Position: ops.Position{File: g.root.file},
			Reason: "the build did not end in time: split the kustomization or raise the limit"}}
	}
	// The library says that some file is malformed, seldom which: look.
	for _, p := range g.held() {
		if _, bad := g.docs(p); bad != nil && strings.HasSuffix(p, "ml") {
			before := len(g.problems)
			g.bad(p, p, bad)
			found = append(found, g.problems[before:]...)
			g.problems = g.problems[:before]
		}
	}
	if len(found) > 0 {
		return found
	}
	why := notFile.ReplaceAllString(err.Error(), "")
	why = clean(g.redact(notFolder.ReplaceAllString(why, "$1")))
	return []assess.Problem{{Position: g.blame(err.Error()), Reason: "kustomize refuses this: " + why}}
}

// redact takes the values of generated secrets out of a text.
func (g *graph) redact(s string) string {
	for _, n := range g.order {
		if n.k == nil {
			continue
		}
		for _, a := range n.k.SecretGenerator {
			for _, l := range a.LiteralSources {
				_, value, _ := strings.Cut(l, "=")
				for _, secret := range []string{l, value} {
					if len(secret) > 2 {
						s = strings.ReplaceAll(s, secret, "…")
					}
				}
			}
		}
	}
	return s
}

// held lists the files that were read, sorted.
func (g *graph) held() []string {
	var out []string
	for p := range g.contents {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// blame finds the place that an error's text is about: the object or patch
// that it names, else the deepest file that it names, else the root.
func (g *graph) blame(msg string) ops.Position {
	if m := resource.FindStringSubmatch(msg); m != nil {
		if pos, ok := g.findObject(m, strings.Contains(msg, "patch")); ok {
			return pos
		}
	}
	if strings.Contains(msg, "missing metadata.name") || strings.Contains(msg, "missing Resource metadata") {
		if pos, ok := g.findNameless(); ok {
			return pos
		}
	}
	best := ""
	for _, p := range g.held() {
		if len(p) > len(best) && (strings.Contains(msg, mount+"/"+p+"'") || strings.Contains(msg, "'"+p+"'") || strings.Contains(msg, p+":")) {
			best = p
		}
	}
	if best == "" {
		return g.named(msg)
	}
	pos := ops.Position{File: best, Line: 1}
	if m := lineText.FindStringSubmatch(msg); m != nil {
		pos.Line, _ = strconv.Atoi(m[1])
	}
	return pos
}

var quoted = regexp.MustCompile(`['"]([^'"\s]+)['"]`)

// named finds the last kustomization entry whose text the error quotes.
func (g *graph) named(msg string) ops.Position {
	pos := ops.Position{File: g.root.file, Line: 1}
	for _, m := range quoted.FindAllStringSubmatch(msg, -1) {
		for _, n := range g.order {
			if v := findValue(n.doc, m[1], 0); v != nil {
				pos = at(n.file, v, v)
			}
		}
	}
	return pos
}

// findObject finds the last document of that identity; among patches only,
// or among the objects of resources.
func (g *graph) findObject(m []string, patches bool) (pos ops.Position, ok bool) {
	empty := strings.NewReplacer("[noVer]", "", "[noGrp]", "", "[noNs]", "")
	kind, group, name := m[1], empty.Replace(m[3]), m[4]
	for _, n := range g.order {
		if n.k == nil {
			continue
		}
		var docs []located
		if patches {
			docs = g.patchDocs(n)
		} else {
			docs = g.objectDocs(n)
		}
		for _, d := range docs {
			if id := identify(d.doc); id.kind == kind && id.group() == group && id.name == name {
				key, value := field(get(d.doc, "metadata"), "name")
				pos, ok = d.at(key, value), true
			}
		}
	}
	return pos, ok
}

func (g *graph) findNameless() (ops.Position, bool) {
	for _, n := range g.order {
		if n.k == nil {
			continue
		}
		for _, d := range g.objectDocs(n) {
			if d.doc.Kind == yaml.MappingNode && text(d.doc, "metadata", "name") == "" && text(d.doc, "kind") != "" && text(d.doc, "metadata", "generateName") == "" {
				return d.at(d.doc, nil), true
			}
		}
	}
	return ops.Position{}, false
}
