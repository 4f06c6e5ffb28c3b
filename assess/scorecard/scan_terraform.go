package scorecard

import (
	"path"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// terraform is what was seen of Terraform.
type terraform struct {
	files int
	// roots are the folders that configure a provider or a backend, with the
	// place that says so.
	roots map[string]Evidence
	// backends are the folders that say where their state is kept.
	backends []string
	locks    map[string]bool
}

// block is one open block of Terraform's language.
type block struct {
	header string
	at     int
	// attributes are those seen so far, in lower case.
	attributes map[string]string
	lines      map[string]int
}

// terraform reads a .tf file: only where state is kept, what is pinned and
// which regions are named.
func (s *Scan) terraform(p string, text []byte) {
	s.tf.read(s, p, text)
}

// hcl reads the configuration of Terragrunt.
func (s *Scan) hcl(p string, text []byte) {
	if path.Base(p) == "terragrunt.hcl" || path.Base(p) == "root.hcl" {
		s.tf.files++
		s.tf.read(s, p, text)
	}
}

func (tf *terraform) read(s *Scan, p string, text []byte) {
	var open []block
	heredoc := ""
	linesOf([]byte(strings.ReplaceAll(string(text), "//", "// ")), "#", func(l line) {
		if heredoc != "" {
			if l.text == heredoc {
				heredoc = ""
			}
			return
		}
		if strings.HasPrefix(l.text, "// ") || strings.HasPrefix(l.text, "/*") || strings.HasPrefix(l.text, "*") {
			return
		}
		l.text = strings.ReplaceAll(l.text, "// ", "//")
		if i := strings.Index(l.text, "<<"); i >= 0 {
			heredoc = strings.Trim(l.text[i+2:], `-" `)
		}
		if n := len(open); n > 0 {
			if k, v, ok := strings.Cut(l.text, "="); ok && strings.TrimSpace(v) != "{" {
				k = strings.ToLower(strings.TrimSpace(k))
				open[n-1].attributes[k], open[n-1].lines[k] = strings.Trim(strings.TrimSpace(v), `"`), l.no
			}
		}
		opens, closes := strings.Count(l.text, "{")-strings.Count(l.text, "${"), strings.Count(l.text, "}")-strings.Count(l.text, "${")
		for range max(0, opens-max(0, closes)) {
			h := strings.TrimSpace(strings.SplitN(l.text, "{", 2)[0])
			open = append(open, block{header: strings.TrimSpace(strings.TrimSuffix(h, "=")), at: l.no, attributes: map[string]string{}, lines: map[string]int{}})
		}
		if opens > 0 && opens == closes {
			h := strings.TrimSpace(strings.SplitN(l.text, "{", 2)[0])
			tf.block(s, p, open, block{header: h, at: l.no})
		}
		for range max(0, closes-max(0, opens)) {
			if n := len(open); n > 0 {
				b := open[n-1]
				open = open[:n-1]
				tf.block(s, p, open, b)
			}
		}
	})
}

// block judges one block that has ended; within are those around it.
func (tf *terraform) block(s *Scan, p string, within []block, b block) {
	dir := path.Dir(p)
	words := strings.Fields(strings.ReplaceAll(b.header, `"`, ""))
	if len(words) == 0 {
		return
	}
	parent := ""
	if len(within) > 0 {
		parent = within[len(within)-1].header
	}
	if r := b.attributes["region"]; r != "" && (words[0] == "provider" || words[0] == "resource") {
		s.note("data-residency", ops.Pass, p, b.lines["region"], "a region is set: "+r)
	}
	switch {
	case words[0] == "provider" && len(words) == 2 && parent == "":
		first(tf.roots, dir, Evidence{File: p, Line: b.at})
	case words[0] == "backend" && parent == "terraform" && len(words) == 2:
		first(tf.roots, dir, Evidence{File: p, Line: b.at})
		tf.backends = append(tf.backends, dir)
		tf.backend(s, p, words[1], b)
	case words[0] == "cloud" && parent == "terraform", words[0] == "remote_state" && parent == "":
		tf.backends = append(tf.backends, dir)
		s.note("remote-state", ops.Pass, p, b.at, "state is kept remotely")
	case words[0] == "terraform" && parent == "" && b.attributes["required_version"] != "":
		s.note("pinned-versions", ops.Pass, p, b.lines["required_version"], "Terraform's version is asked for: "+b.attributes["required_version"])
	case parent == "required_providers" && b.attributes["source"] != "" && b.attributes["version"] == "":
		s.note("pinned-versions", ops.Fail, p, b.at, "provider "+words[0]+" has no version")
	case words[0] == "module" && parent == "" && len(words) == 2:
		tf.module(s, p, words[1], b)
	}
}

func (tf *terraform) backend(s *Scan, p, kind string, b block) {
	if kind == "local" {
		s.note("remote-state", ops.Fail, p, b.at, "state is kept on a local disk")
		return
	}
	s.note("remote-state", ops.Pass, p, b.at, "state is kept in "+kind)
	if kind != "s3" || len(b.attributes) == 0 {
		return
	}
	if b.attributes["encrypt"] != "true" {
		s.note("remote-state", ops.Fail, p, b.at, "the state is not told to be encrypted")
	}
	if b.attributes["dynamodb_table"] == "" && b.attributes["use_lockfile"] != "true" {
		s.note("remote-state", ops.Fail, p, b.at, "the state is not locked")
	}
}

func (tf *terraform) module(s *Scan, p, name string, b block) {
	source, version := b.attributes["source"], b.attributes["version"]
	at := b.lines["source"]
	switch {
	case source == "" || strings.HasPrefix(source, ".") || strings.HasPrefix(source, "/"):
	case strings.Contains(source, "?ref="):
		ref := source[strings.Index(source, "?ref=")+5:]
		if kindOfRef(ref) == fixedRef {
			s.note("pinned-versions", ops.Pass, p, at, "module "+name+" is pinned to "+ref)
		} else {
			s.note("pinned-versions", ops.Fail, p, at, "module "+name+" follows "+ref)
		}
	case strings.Contains(source, "://") || strings.HasPrefix(source, "git") || version == "":
		s.note("pinned-versions", ops.Fail, p, at, "module "+name+" has no version")
	default:
		s.note("pinned-versions", ops.Pass, p, b.lines["version"], "module "+name+" asks for version "+version)
	}
}

// unkept returns the roots that say nothing about where their state is.
func (tf *terraform) unkept() []Evidence {
	var out []Evidence
	for dir, e := range tf.roots {
		if !slices.Contains(tf.backends, dir) {
			e.Status, e.Note = ops.Fail, "no backend is named: state stays on a local disk"
			out = append(out, e)
		}
	}
	slices.SortFunc(out, compareEvidence)
	return out
}

// refKind tells references that stay from those that move.
type refKind uint8

const (
	noRef refKind = iota
	fixedRef
	movingRef
	rangeRef
	templateRef
)

// kindOfRef classifies a commit, tag, branch or version. A tag that reads as
// a full version counts as fixed.
func kindOfRef(ref string) refKind {
	ref = strings.TrimPrefix(strings.TrimPrefix(ref, "refs/tags/"), "refs/heads/")
	switch {
	case ref == "":
		return noRef
	case strings.Contains(ref, "{{") || strings.Contains(ref, "${") || strings.Contains(ref, "$("):
		return templateRef
	case strings.HasPrefix(ref, "sha256:"):
		return fixedRef
	case strings.ContainsAny(ref, "*^~<>| ") || strings.HasSuffix(ref, ".x"):
		return rangeRef
	}
	hex := len(ref) >= 7 && len(ref) <= 64
	digits := 0
	for i := range len(ref) {
		c := ref[i]
		hex = hex && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f')
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if hex && digits > 0 {
		return fixedRef
	}
	last := ref[strings.LastIndexByte(ref, '/')+1:] // component/v1.2.3
	if i := strings.IndexAny(last, "0123456789"); i >= 0 && strings.Count(last[i:], ".") >= 1 && !strings.HasPrefix(ref, "release-") && !strings.HasPrefix(ref, "release/") {
		return fixedRef
	}
	return movingRef
}
