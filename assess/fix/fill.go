package fix

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// maxFillPart is the size in bytes beyond which a part of a file is not edited
// for a report: every finding's edit parses it again.
const maxFillPart = 1 << 18

// maxFills bounds how many findings of a report get an edit.
const maxFills = 5000

// Fill gives the findings of a report the edits that would remove each of them
// alone (the first 5000 of them), where they can be told from the report's deviations and the files. It
// is for formats that carry fixes. The edits keep every other value as it is,
// but unlike those of Run they are not assessed again.
func Fill(ctx context.Context, rep *assess.Report, src assess.Source, parser assess.Parser) error {
	entries, err := src.Entries(ctx)
	if err != nil {
		return err
	}
	files := newSources(src, parser, entries)
	p := &planner{src: files, answered: map[string]bool{}}
	edits := map[string][]ops.Edit{}
	for _, patch := range p.patches(rep) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(edits) == maxFills {
			break
		}
		if len(patch.Ops) > 0 && len(patch.Asks) == 0 && files.small(patch) {
			edits[patch.Finding.Fingerprint] = editsOf(files, patch)
		}
	}
	for i := range rep.Findings {
		if f := &rep.Findings[i]; f.Status == ops.Fail {
			f.Edits = edits[f.Fingerprint]
		}
	}
	return nil
}

func (s *sources) small(p *Patch) bool {
	for _, op := range p.Ops {
		f := s.file(op.File)
		if f == nil || op.Template && len(f.text) > maxFillPart || !op.Template && len(f.parts[op.Part].text) > maxFillPart {
			return false
		}
	}
	return true
}

// editsOf applies a patch and returns what it changed, by lines.
func editsOf(files *sources, p *Patch) (out []ops.Edit) {
	d := newDraft(files)
	if d.add(p) != nil {
		return nil
	}
	for k, text := range d.parts {
		part := files.file(k.file).parts[k.part]
		out = append(out, lineEdits(k.file, part.line, part.text, text)...)
	}
	for name, all := range d.templates {
		f := files.file(name)
		if text, err := editTemplate(d.parse, f.text, all); err == nil {
			out = append(out, lineEdits(name, 0, f.text, text)...)
		}
	}
	slices.SortFunc(out, func(a, b ops.Edit) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return out
}

func lineEdits(file string, offset int, before, after []byte) (out []ops.Edit) {
	a, b := lines(before), lines(after)
	for _, h := range hunks(a, b) {
		out = append(out, ops.Edit{File: file, Line: offset + h.a0 + 1, EndLine: offset + h.a1, Text: strings.Join(b[h.b0:h.b1], "")})
	}
	return out
}
