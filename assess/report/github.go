package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// perLevel is how many annotations of one level GitHub shows for a step.
const perLevel = 10

// GitHub writes workflow commands that annotate a pull request: critical and
// high findings as errors, medium as warnings, low as notices, the most harmful
// first and at most as many as GitHub shows. What it would drop, and what has
// no severity, is counted in a last notice, and a plain summary follows.
func GitHub(w io.Writer, rep *assess.Report, o Options) error {
	b := newOut(w)
	given, left := map[string]int{}, map[string]int{}
	for _, f := range sorted(rep, hasStatus(ops.Fail), byHarm) {
		level, most := annotationOf(f.Severity), perLevel
		if level == "notice" {
			most-- // the last one is ours
		}
		if given[level] == most {
			left[f.Severity.String()]++
			continue
		}
		given[level]++
		b.put(annotation(level, f), "\n")
	}
	if text := leftText(rep, left); text != "" {
		b.put("::notice title=aeo assess::", commandData(text), "\n")
	}
	// No line of the summary starts with a colon, so none is a command.
	b.put("aeo assess: ", countsText(rep.Summary), "\n")
	b.put("aeo assess: coverage ", coverageText(rep.Summary.Coverage), "\n")
	for _, in := range unknownInputs(rep) {
		b.put("aeo assess: unknown ", place(in.File, in.Line, 0), ": ", inline(in.Reason), "\n")
	}
	for _, n := range rep.Notices {
		b.put("aeo assess: notice ", strings.TrimSpace(place(n.File, n.Line, n.Column)+" "+inline(n.Message)), "\n")
	}
	if as := areas(rep.Practices); len(as) > 0 {
		var parts []string
		for i, n := range totals(as) {
			parts = append(parts, strconv.Itoa(n)+" "+string(statuses[i]))
		}
		b.put("aeo assess: practices ", strings.Join(parts, ", "), "\n")
	}
	return b.Flush()
}

func annotationOf(s ops.Severity) string {
	switch {
	case s >= ops.High:
		return "error"
	case s == ops.Medium:
		return "warning"
	}
	return "notice"
}

func annotation(level string, f *ops.Finding) string {
	var props []string
	add := func(key, value string) {
		if value != "" {
			props = append(props, key+"="+commandProperty(value))
		}
	}
	add("file", name(f.File))
	if f.File != "" && f.Line > 0 {
		add("line", strconv.Itoa(f.Line))
		if f.EndLine > f.Line {
			add("endLine", strconv.Itoa(f.EndLine))
		} else if f.Column > 0 { // GitHub takes columns on one line only
			add("col", strconv.Itoa(f.Column))
		}
	}
	add("title", f.Severity.String()+": "+inline(string(f.Check)))
	text := cmp.Or(inline(f.Message), inline(string(f.Check)))
	if o := objectText(f); o != "" {
		text += "\n" + o
	}
	if len(f.Via) > 0 {
		text += "\nvia " + nameList(f.Via)
	}
	if f.Fix != "" {
		text += "\nFix: " + inline(f.Fix)
	}
	return "::" + level + " " + strings.Join(props, ",") + "::" + commandData(text)
}

// leftText counts what has no annotation.
func leftText(rep *assess.Report, left map[string]int) string {
	var parts []string
	total := 0
	for _, s := range ops.Severities() {
		if n := left[s.String()]; n > 0 {
			parts = append(parts, number(n)+" "+s.String())
			total += n
		}
	}
	text := ""
	if total > 0 {
		text = fmt.Sprintf("Without an annotation: %s (%s).", count(total, "finding"), strings.Join(parts, ", "))
	}
	if n := rep.Summary.Findings.Unknown; n > 0 {
		text += fmt.Sprintf(" Unknown, because it could not be told: %s.", count(n, "result"))
	}
	if n := rep.Summary.Coverage.Unknown; n > 0 {
		text += fmt.Sprintf(" Not evaluated: %s.", count(n, "file"))
	}
	return strings.TrimSpace(text)
}

// commandData escapes the text of a workflow command, and commandProperty a
// value of one of its properties; both as GitHub's own toolkit does it.
func commandData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(plain(s))
}

func commandProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandData(s))
}
