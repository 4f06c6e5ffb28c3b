package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/ops"
)

// maxMarkdown is the most bytes of a Markdown report. A comment on GitHub may
// have 65,536 characters.
const maxMarkdown = 65_000

// maxMarkdownText is the most characters of one text in it.
const maxMarkdownText = 400

// Markdown writes a summary for a pull request's comment or a job's summary:
// the counts, a table of the findings, the scorecard, the coverage. It has at
// most 65,000 bytes; of more findings the most harmful are kept, and it says
// how many are not shown. Low, unknown and excepted ones are counted by check
// unless Verbose is set.
func Markdown(w io.Writer, rep *assess.Report, o Options) error {
	b := newOut(w)
	head := markdownHead(rep)
	tail := markdownCollapsed(rep, o) + markdownNotices(rep) + markdownPractices(rep) + markdownCoverage(rep)
	if o.Version != "" {
		tail += "\n<sub>aeo " + mdText(o.Version) + "</sub>\n"
	}
	b.put(head, markdownFindings(rep, o, maxMarkdown-len(head)-len(tail)), tail)
	return b.Flush()
}

func markdownHead(rep *assess.Report) string {
	s := "## Assessment of " + mdCode(cmp.Or(rep.Target.Path, "."))
	if c := rep.Target.Commit; c != "" {
		s += " at " + mdCode(c[:min(len(c), 12)])
	}
	c := rep.Summary.Findings
	s += "\n\n" + mdText(countsText(rep.Summary)) + "\n\n"
	s += "| critical | high | medium | low | unknown | excepted | in the baseline | coverage |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n"
	s += fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %d%% |\n", number(c.Critical), number(c.High), number(c.Medium), number(c.Low),
		number(c.Unknown), number(c.Excepted), number(rep.Summary.Baseline), rep.Summary.Coverage.Percent)
	return s
}

// markdownFindings makes the table of findings from as many rows as fit in
// room bytes.
func markdownFindings(rep *assess.Report, o Options, room int) string {
	fs := sorted(rep, func(f *ops.Finding) bool { return listed(f, o) }, byHarm)
	if len(fs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n### Findings\n\n| severity | where | what |\n|---|---|---|\n")
	const remark = 300 // what the remark below needs
	for i, f := range fs {
		row := markdownRow(f)
		if b.Len()+len(row)+remark > room {
			fmt.Fprintf(&b, "\n**%s not shown** (%s), because this text is limited to %s characters. The JSON and HTML reports have all of them.\n",
				count(len(fs)-i, "more finding"), severityCounts(fs[i:]), number(maxMarkdown))
			break
		}
		b.WriteString(row)
	}
	return b.String()
}

// listed reports whether a finding has a row of its own.
func listed(f *ops.Finding, o Options) bool {
	return f.Status == ops.Fail && f.Severity >= ops.Medium || o.Verbose && f.Status != ops.Pass
}

func markdownRow(f *ops.Finding) string {
	s := "| **" + word(f) + "** | " + mdCode(place(f.File, f.Line, 0))
	if len(f.Via) > 0 {
		s += "<br>via " + mdCode(nameList(f.Via))
	}
	s += " | " + mdText(f.Message)
	if t := objectText(f); t != "" {
		s += "<br>" + mdCode(t)
	}
	if f.Exception != nil {
		s += "<br>Excepted: " + mdText(exceptionText(f.Exception))
	}
	if f.Fix != "" {
		s += "<br>Fix: " + mdText(f.Fix)
	}
	return s + "<br><sub>" + mdText(string(f.Check)) + "</sub> |\n"
}

// fold makes a section that can be opened, of at most most lines.
func fold(title, head string, lines []string, most int) string {
	if len(lines) == 0 {
		return ""
	}
	s := "\n<details><summary>" + title + "</summary>\n\n" + head + strings.Join(lines[:min(len(lines), most)], "")
	if n := len(lines) - most; n > 0 {
		s += "\n" + number(n) + " more are not shown here.\n"
	}
	return s + "\n</details>\n"
}

func markdownCollapsed(rep *assess.Report, o Options) string {
	rest := sorted(rep, func(f *ops.Finding) bool { return !listed(f, o) && f.Status != ops.Pass }, byHarm)
	var lines []string
	for _, c := range tallies(rest) {
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s |\n", c.word, number(c.n), mdText(string(c.check)), mdCode(place(c.first.File, c.first.Line, 0))))
	}
	return fold("Low, unknown and excepted, by check ("+number(len(rest))+")", "| | count | check | first at |\n|---|---:|---|---|\n", lines, 25)
}

func markdownNotices(rep *assess.Report) string {
	var lines []string
	for _, n := range rep.Notices {
		at := ""
		if n.File != "" {
			at = mdCode(place(n.File, n.Line, 0)) + ": "
		}
		lines = append(lines, "- Notice: "+at+mdText(n.Message)+"\n")
	}
	return fold("Notices ("+number(len(lines))+")", "", lines, 10)
}

func markdownPractices(rep *assess.Report) string {
	as := areas(rep.Practices)
	if len(as) == 0 {
		return ""
	}
	var rows, open []string
	for _, a := range as {
		row := "| " + mdText(a.title()) + " |"
		for _, n := range a.counts {
			cell := ""
			if n > 0 {
				cell = strconv.Itoa(n)
			}
			row += " " + cell + " |"
		}
		rows = append(rows, row+"\n")
		for _, p := range a.practices {
			if p.Status == scorecard.Missing || p.Status == scorecard.Partly {
				open = append(open, "- **"+string(p.Status)+"**: "+mdText(cmp.Or(p.Title, p.ID))+". "+mdText(p.Reason)+"\n")
			}
		}
	}
	head := "| area |"
	for _, s := range statuses {
		head += " " + string(s) + " |"
	}
	s := "\n### Practices\n\n" + head + "\n|---|---:|---:|---:|---:|---:|---:|\n" + strings.Join(rows[:min(len(rows), 30)], "")
	return s + fold("Practices that are missing or followed partly ("+number(len(open))+")", "", open, 40)
}

func markdownCoverage(rep *assess.Report) string {
	s := "\n### Coverage\n\n" + mdText(coverageText(rep.Summary.Coverage)) + ". " + mdText(scopeText(rep.Summary)) + ".\n"
	var lines []string
	for _, in := range unknownInputs(rep) {
		lines = append(lines, "- Unknown: "+mdCode(place(in.File, in.Line, 0))+": "+mdText(in.Reason)+"\n")
	}
	return s + fold("Files that could not be evaluated ("+number(len(lines))+")", "", lines, 15)
}

// clip cuts a text that is longer than most characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	rs := []rune(s)
	if len(rs) <= most {
		return s
	}
	return string(rs[:most]) + "..."
}

// mdCode is a name in code type.
func mdCode(s string) string {
	return "<code>" + mdLiteral.Replace(clip(inline(s), maxMarkdownText)) + "</code>"
}

// mdText is a text whose pairs of back quotes stand for code type; everything
// else in it is literal.
func mdText(s string) string {
	parts := strings.Split(clip(inline(s), maxMarkdownText), "`")
	var b strings.Builder
	for i, p := range parts {
		switch {
		case i%2 == 0:
			b.WriteString(mdLiteral.Replace(p))
		case i == len(parts)-1: // no second quote
			b.WriteString(mdLiteral.Replace("`" + p))
		default:
			b.WriteString("<code>" + mdLiteral.Replace(p) + "</code>")
		}
	}
	return b.String()
}

// mdLiteral writes what Markdown or HTML would read as markup as entities, which
// neither does, and splits the text nodes in which GitHub would find a person,
// an issue or an address: it looks for addresses inside of code type too.
var mdLiteral = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "\\", "&#92;", "`", "&#96;",
	"*", "&#42;", "_", "&#95;", "[", "&#91;", "]", "&#93;", "~", "&#126;", "$", "&#36;",
	"@", "<span>@</span>", "#", "<span>#</span>", "://", ":<span>//</span>", "www.", "www<span>.</span>",
)
