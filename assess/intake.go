package assess

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// MaxFile is the size in bytes beyond which a file is not read.
const MaxFile = 256 << 20

// MaxDocument is the size in bytes beyond which one document is not parsed:
// a parser needs many times a document's size in memory.
const MaxDocument = 24 << 20

// file is a manifest that is judged as it stands.
type file struct {
	path string
	docs []tree.Document
	// template means that the text may be a template of some tool.
	template bool
}

// mark is a comment in a file that asks for an exception.
type mark struct {
	ops.Position
	text string
}

// exceptionMarker begins an exception in a comment.
const exceptionMarker = "aeo:except"

// render finds the roots and renders each of them.
func (r *run) render(ctx context.Context) error {
	var charts, kustomizations []string
	for _, e := range r.entries {
		if e.Skip != "" || e.Unreadable != "" {
			continue
		}
		switch base := path.Base(e.Path); {
		case base == "Chart.yaml":
			charts = append(charts, path.Dir(e.Path))
		case isKustomization(base):
			kustomizations = append(kustomizations, path.Dir(e.Path))
		}
	}
	charts = outermost(charts)
	type job struct {
		tool Tool
		root string
	}
	var jobs []job
	for _, d := range charts {
		jobs = append(jobs, job{Helm, d})
	}
	kustomizations = slices.DeleteFunc(kustomizations, func(d string) bool { return inTemplates(d, charts) })
	r.kustomized = map[string]bool{}
	for _, d := range kustomizations {
		r.kustomized[d] = true
	}
	roots := kustomizations
	if r.Roots != nil && len(roots) > 0 {
		roots = r.Roots(r.src, roots)
	}
	for _, d := range roots {
		jobs = append(jobs, job{Kustomize, d})
	}
	out := make([][]*Render, len(jobs))
	var mu sync.Mutex
	done := 0
	err := parallel(ctx, r.opts.Workers, len(jobs), func(i int) {
		if rd := r.Renderers[jobs[i].tool]; rd != nil {
			out[i] = rd.Render(ctx, r.src, jobs[i].root)
		}
		mu.Lock()
		done++
		r.progress("render", done, len(jobs))
		mu.Unlock()
	})
	r.renders = slices.Concat(out...)
	for _, rd := range r.renders {
		r.accountRender(rd)
	}
	for _, d := range charts {
		r.accountChart(d)
	}
	for _, d := range kustomizations {
		r.accountKustomization(d)
	}
	return err
}

// outermost leaves out charts that lie in another one's charts folder: they
// are rendered with it.
func outermost(dirs []string) []string {
	slices.Sort(dirs)
	all := map[string]bool{}
	for _, d := range dirs {
		all[d] = true
	}
	return slices.DeleteFunc(slices.Clone(dirs), func(d string) bool {
		for p := d; p != "."; p = path.Dir(p) {
			parent := path.Dir(p)
			if path.Base(parent) == "charts" && all[path.Dir(parent)] {
				return true
			}
			if parent == "charts" && all["."] {
				return true
			}
		}
		return false
	})
}

// inTemplates reports whether dir is inside a chart's templates.
func inTemplates(dir string, charts []string) bool {
	for _, c := range charts {
		if within(dir, path.Join(c, "templates")) {
			return true
		}
	}
	return false
}

// within reports whether p is dir or lies below it.
func within(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

// read opens every remaining file once, classifies it and keeps the manifests.
func (r *run) read(ctx context.Context) error {
	type opened struct {
		kind    string
		text    []byte
		err     error
		content content
		marks   []mark
	}
	todo := make([]Entry, 0, len(r.entries))
	for _, e := range r.entries {
		switch {
		case e.Skip != "":
			r.account1(e.Path, "", Skipped, e.Skip)
		case e.Unreadable != "":
			r.account1(e.Path, kindByName(e.Path), Unevaluated, e.Unreadable)
		default:
			todo = append(todo, e)
		}
	}
	out := make([]opened, len(todo))
	err := parallel(ctx, r.opts.Workers, len(todo), func(i int) {
		e, o := todo[i], &out[i]
		o.kind = kindByName(e.Path)
		known := r.inputs[e.Path]
		if o.kind != "" && known == nil && !wanted(o.kind) && !r.scan.Wants(e.Path) {
			return
		}
		o.text, o.err = fs.ReadFile(r.src, e.Path)
		if o.err != nil {
			return
		}
		o.text = plainUTF8(o.text)
		o.content = sniff(o.text)
		if o.content != contentBinary {
			o.marks = findMarks(e.Path, o.text)
		}
	})
	if err != nil {
		return err
	}
	for i, e := range todo {
		o := &out[i]
		r.marks = append(r.marks, o.marks...)
		r.scan.Look(e.Path, o.text)
		if r.inputs[e.Path] != nil {
			continue
		}
		switch {
		case o.err != nil:
			r.account1(e.Path, o.kind, Unevaluated, unreadable(o.err))
		case o.kind != "" && !wanted(o.kind):
			r.account1(e.Path, o.kind, Skipped, notJudged(o.kind))
		case o.kind != "":
			r.account1(e.Path, o.kind, Skipped, notJudged(o.kind))
		case o.content == contentBinary && (isYAML(e.Path) || path.Ext(e.Path) == ".json"):
			r.account1(e.Path, kindBinary, Unevaluated, "the name says YAML or JSON, but the file is binary (it has a zero byte); if it is encrypted, say so in .aeoignore")
		case o.content == contentBinary:
			r.account1(e.Path, kindBinary, Skipped, "binary file")
		case o.content == contentOther || len(bytes.TrimSpace(o.text)) == 0:
			r.account1(e.Path, plainKind(e.Path), Skipped, plainReason(o.text))
		default:
			r.files = append(r.files, &file{path: e.Path})
			r.texts = append(r.texts, o.text)
		}
	}
	return nil
}

// plainUTF8 turns UTF-16 with a byte order mark, as some editors write it, into
// UTF-8.
func plainUTF8(text []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return text
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, order.Uint16(text[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// unreadable says why a file could not be read, without the path, which stands
// beside it.
func unreadable(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return "the file cannot be read: " + err.Error()
}

// wanted kinds are opened though their name tells what they are, because the
// scorecard looks into them.
func wanted(kind string) bool {
	switch kind {
	case kindWorkflow, kindDockerfile, kindKustomization, kindTerraform:
		return true
	}
	return false
}

func notJudged(kind string) string {
	switch kind {
	case kindWorkflow:
		return "workflows are looked at for the scorecard; their own checks are not part of this version"
	case kindDockerfile:
		return "Dockerfiles have no checks in this version"
	case kindTerraform:
		return "Terraform has no checks in this version"
	}
	return "not a Kubernetes file (" + kind + ")"
}

func plainKind(p string) string {
	switch {
	case isYAML(p):
		return kindYAML
	case path.Ext(p) == ".json":
		return kindJSON
	}
	return kindText
}

func plainReason(text []byte) string {
	if len(bytes.TrimSpace(text)) == 0 {
		return "the file is empty"
	}
	return "not a Kubernetes manifest: it names no apiVersion and kind"
}

func findMarks(p string, text []byte) []mark {
	if !bytes.Contains(text, []byte(exceptionMarker)) {
		return nil
	}
	var marks []mark
	line := 0
	for l := range bytes.Lines(text) {
		line++
		hash := bytes.IndexByte(l, '#')
		if hash < 0 {
			continue
		}
		if i := bytes.Index(l[hash:], []byte(exceptionMarker)); i >= 0 {
			marks = append(marks, mark{ops.Position{File: p, Line: line, Column: hash + 1, EndLine: line}, strings.TrimSpace(string(l[hash+i+len(exceptionMarker):]))})
		}
	}
	return marks
}

// parse reads the manifests' documents, large files in parts.
func (r *run) parse(ctx context.Context) error {
	type job struct {
		file int
		part Part
		docs []tree.Document
	}
	var jobs []job
	for i, f := range r.files {
		f.template = hasTemplateActions(r.texts[i])
		for _, p := range r.Parser.Split(r.texts[i]) {
			if len(p.Text) > MaxDocument {
				f.docs = append(f.docs, tree.Document{Line: p.Line, Err: &tree.SyntaxError{Line: p.Line, Message: fmt.Sprintf("the document has %d MiB, more than the limit of %d; split it", len(p.Text)>>20, MaxDocument>>20)}})
				continue
			}
			jobs = append(jobs, job{file: i, part: p})
		}
	}
	// From here on only the parts hold the text, so that it goes as they are read.
	r.texts = nil
	err := parallel(ctx, r.opts.Workers, len(jobs), func(i int) {
		jobs[i].docs = r.Parser.Parse(jobs[i].part)
		jobs[i].part.Text = nil
		if i%256 == 0 {
			r.progress("read", i, len(jobs))
		}
	})
	for _, j := range jobs {
		f := r.files[j.file]
		f.docs = append(f.docs, j.docs...)
	}
	for _, f := range r.files {
		slices.SortStableFunc(f.docs, func(a, b tree.Document) int { return cmp.Compare(a.Line, b.Line) })
		r.accountFile(f)
	}
	return err
}
