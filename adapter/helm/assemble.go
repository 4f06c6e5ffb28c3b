package helm

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/autoecoops/autoecoops/assess"
)

// separator is what splits a rendered file into documents for Helm, which is
// more than what splits YAML.
var separator = regexp.MustCompile(`(?m)^---[ \t]*`)

// doc is one document of a rendered file.
type doc struct {
	text string
	off  int
	used bool
}

// splitDocs cuts a rendered file as Helm does, keeping where each part began.
func splitDocs(text string) []doc {
	var docs []doc
	begin := len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
	cuts := separator.FindAllStringIndex(text[begin:], -1)
	cuts = append(cuts, []int{len(text) - begin, len(text) - begin})
	from := begin
	for _, c := range cuts {
		part := text[from : begin+c[0]]
		body := strings.TrimLeftFunc(part, unicode.IsSpace)
		if body != "" {
			docs = append(docs, doc{text: body, off: from + len(part) - len(body)})
		}
		from = begin + c[1]
	}
	return docs
}

// assemble turns the rendered files into chunks, in the order and with the
// comments of `helm template`; first come the CRDs, which are extra.
func (d *rendering) assemble() {
	for _, crd := range d.chart.CRDObjects() {
		o, ok := d.set.src.originOf(crd.File)
		c := assess.Chunk{Text: document(crd.Filename, string(crd.File.Data)), Extra: true}
		if ok {
			c.Tracer = &plainTracer{d: d, origin: o, name: crd.Filename}
		}
		d.out.Chunks = append(d.out.Chunks, c)
	}
	files := map[string]string{}
	for name, t := range d.texts {
		if !strings.HasSuffix(name, notesSuffix) {
			files[name] = t.text
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		d.dropUnreadable(files)
		if hooks, manifests, err = releaseutil.SortManifests(files, nil, releaseutil.InstallOrder); err != nil {
			d.problem(problemAt(d.set.src.root, 0, 0, "the rendered documents cannot be sorted: "+err.Error()))
			return
		}
	}
	docs := map[string][]doc{}
	for name, text := range files {
		docs[name] = splitDocs(text)
	}
	first := len(d.out.Chunks)
	for _, m := range manifests {
		d.chunk(m.Name, m.Content, docs[m.Name])
	}
	// helm template trims the manifests as a whole.
	if n := len(d.out.Chunks); n > first {
		last := &d.out.Chunks[n-1]
		last.Text = append(bytes.TrimRightFunc(last.Text, unicode.IsSpace), '\n')
	}
	before := len(d.out.Chunks)
	for _, h := range hooks {
		if d.skips(h) {
			continue
		}
		d.chunk(h.Path, h.Manifest, docs[h.Path])
	}
	if before == first && len(d.out.Chunks) > before {
		// With hooks alone the empty manifests still are a line.
		c := &d.out.Chunks[before]
		c.Text = append([]byte("\n"), c.Text...)
		if t, ok := c.Tracer.(*tracer); ok {
			t.head++
		}
	}
}

func (d *rendering) skips(h *release.Hook) bool {
	o := d.req.chart
	return o != nil && (o.SkipHooks || o.SkipTests && slices.Contains(h.Events, release.HookTest))
}

// document is one document as helm template prints it.
func document(name, text string) []byte {
	return []byte("---\n# Source: " + name + "\n" + text + "\n")
}

func (d *rendering) chunk(name, text string, docs []doc) {
	c := assess.Chunk{Text: document(name, text)}
	for i := range docs {
		if !docs[i].used && docs[i].text == text {
			docs[i].used = true
			c.Tracer = &tracer{d: d, text: d.texts[name], off: docs[i].off, head: 2, size: len(text)}
			break
		}
	}
	d.out.Chunks = append(d.out.Chunks, c)
}

// dropUnreadable takes the files out that Helm cannot read as YAML, each with
// a problem at the template line.
func (d *rendering) dropUnreadable(files map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_, _, err := releaseutil.SortManifests(map[string]string{name: files[name]}, nil, releaseutil.InstallOrder)
		if err == nil {
			continue
		}
		p := assess.Problem{Reason: fmt.Sprintf("what the template renders is not valid YAML: %s", strings.TrimPrefix(err.Error(), "YAML parse error on "+name+": "))}
		p.Position = d.unreadablePosition(name, files[name], err)
		d.partly(p)
		delete(files, name)
		d.failed[name] = true
	}
}
