package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// JUnit writes JUnit XML: one suite for each check that said something, one
// case for each place. A fail is a failure; an unknown is skipped with the
// message why, because nobody knows that it is wrong, and it must not look
// passed; an excepted one is skipped with the exception. A last suite,
// "inputs", has a passed case for what was evaluated and a skipped one for each
// input that could not be.
func JUnit(w io.Writer, rep *assess.Report, o Options) error {
	byCheck := map[ops.CheckID][]*ops.Finding{}
	all := sorted(rep, func(*ops.Finding) bool { return true }, byPlace)
	for _, f := range all {
		byCheck[f.Check] = append(byCheck[f.Check], f)
	}
	unknown := unknownInputs(rep)
	failed, skipped := junitCounts(all)
	b := newOut(w)
	b.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	fmt.Fprintf(b, "<testsuites name=\"aeo assess\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\">\n",
		len(rep.Findings)+len(unknown)+1, failed, skipped+len(unknown))
	checks := infos(rep, o)
	for _, id := range slices.Sorted(maps.Keys(byCheck)) {
		fs := byCheck[id]
		failures, skipped := junitCounts(fs)
		fmt.Fprintf(b, "  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\">\n", xmlText(string(id)), len(fs), failures, skipped)
		b.put("    <properties><property name=\"title\" value=\"", xmlText(inline(checks[id].Title)), "\"/></properties>\n")
		for _, f := range fs {
			junitCase(b, f)
		}
		b.put("  </testsuite>\n")
	}
	fmt.Fprintf(b, "  <testsuite name=\"inputs\" tests=\"%d\" failures=\"0\" errors=\"0\" skipped=\"%d\">\n", len(unknown)+1, len(unknown))
	b.put("    <testcase classname=\"inputs\" name=\"", xmlText(coverageText(rep.Summary.Coverage)), "\"/>\n")
	for _, in := range unknown {
		b.put("    <testcase classname=\"inputs\" name=\"", xmlText(place(in.File, in.Line, 0)), "\"")
		junitFile(b, in.File, in.Line)
		b.put("><skipped message=\"", xmlText("unknown: "+inline(in.Reason)), "\"/></testcase>\n")
	}
	b.put("  </testsuite>\n</testsuites>\n")
	return b.Flush()
}

func junitCounts(fs []*ops.Finding) (failures, skipped int) {
	for _, f := range fs {
		switch f.Status {
		case ops.Fail:
			failures++
		case ops.Unknown, ops.Excepted:
			skipped++
		}
	}
	return failures, skipped
}

func junitCase(b out, f *ops.Finding) {
	title := strings.TrimSpace(objectText(f) + " (" + place(f.File, f.Line, f.Column) + ")")
	b.put("    <testcase classname=\"", xmlText(string(f.Check)), "\" name=\"", xmlText(title), "\"")
	junitFile(b, f.File, f.Line)
	switch f.Status {
	case ops.Fail:
		b.put("><failure type=\"", f.Severity.String(), "\" message=\"", xmlText(inline(f.Message)), "\">", xmlText(junitBody(f)), "</failure></testcase>\n")
	case ops.Unknown:
		b.put("><skipped message=\"", xmlText("unknown: "+inline(f.Message)), "\"/></testcase>\n")
	case ops.Excepted:
		text := "excepted: "
		if f.Exception != nil {
			text += exceptionText(f.Exception) + ": "
		}
		b.put("><skipped message=\"", xmlText(text+inline(f.Message)), "\"/></testcase>\n")
	default:
		b.put("/>\n")
	}
}

func junitFile(b out, file string, line int) {
	if file == "" {
		return
	}
	b.put(" file=\"", xmlText(name(file)), "\"")
	if line > 0 {
		fmt.Fprintf(b, " line=\"%d\"", line)
	}
}

func junitBody(f *ops.Finding) string {
	s := place(f.File, f.Line, f.Column) + "\n" + cmp.Or(objectText(f), "-")
	if len(f.Via) > 0 {
		s += "\nvia " + nameList(f.Via)
	}
	if f.Fix != "" {
		s += "\nfix: " + inline(f.Fix)
	}
	if len(f.Controls) > 0 {
		s += "\ncontrols: " + nameList(f.Controls)
	}
	return s
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "\n", "&#10;", "\t", "&#9;")

// xmlText makes a text safe in an element and in an attribute. What XML 1.0
// has no way to write has become visible before.
func xmlText(s string) string { return xmlEscaper.Replace(plain(s)) }
