package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/ops"
)

// Table writes the report for a terminal: the findings file by file, the most
// harmful file first, then what is collapsed, the scorecard, the coverage, and
// as the last line the counts. Low findings, unknowns and excepted ones are
// counted by check unless Verbose is set.
func Table(w io.Writer, rep *assess.Report, o Options) error {
	t := &table{out: newOut(w), rep: rep, o: o, width: cmp.Or(max(o.Width, 0), DefaultWidth)}
	t.width = max(t.width, 40)
	t.findings()
	t.collapsed()
	t.notices()
	t.scorecard()
	t.coverage()
	t.verdict()
	return t.Flush()
}

type table struct {
	out
	rep   *assess.Report
	o     Options
	width int
}

// ANSI styles.
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	boldRed = "1;31"
	green   = "32"
	yellow  = "33"
	blue    = "34"
	cyan    = "36"
)

func (t *table) style(code, s string) string {
	if !t.o.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// shown reports whether a finding is written out in full.
func (t *table) shown(f *ops.Finding) bool {
	return t.o.Verbose || f.Status == ops.Fail && f.Severity >= ops.Medium
}

func (t *table) findings() {
	for _, g := range byFile(sorted(t.rep, t.shown, byHarm)) {
		summary := severityCounts(g.findings)
		file := shorten(cmp.Or(name(g.file), "(no file)"), t.width-columns(summary)-2)
		t.put(t.style(bold, pad(file, t.width-columns(summary))), t.style(dim, summary), "\n")
		for i, f := range g.findings {
			// The same advice is given once, below the last of its findings.
			last := i+1 == len(g.findings) || g.findings[i+1].Check != f.Check || g.findings[i+1].Fix != f.Fix || g.findings[i+1].Status != f.Status
			t.finding(f, last)
		}
		t.put("\n")
	}
}

type fileGroup struct {
	file     string
	findings []*ops.Finding
}

// byFile groups findings that are ordered by harm. Files keep the order of
// their worst finding, and inside a file the findings of one check are together.
func byFile(fs []*ops.Finding) []fileGroup {
	var groups []fileGroup
	place := map[string]int{}
	for _, f := range fs {
		i, ok := place[f.File]
		if !ok {
			i = len(groups)
			place[f.File] = i
			groups = append(groups, fileGroup{file: f.File})
		}
		groups[i].findings = append(groups[i].findings, f)
	}
	for _, g := range groups {
		slices.SortStableFunc(g.findings, func(a, b *ops.Finding) int {
			return cmp.Or(
				cmp.Compare(statusRank(a.Status), statusRank(b.Status)), cmp.Compare(b.Severity, a.Severity),
				cmp.Compare(a.Check, b.Check), cmp.Compare(a.Fix, b.Fix), byPlace(a, b))
		})
	}
	return groups
}

// severityCounts is "1 critical, 2 high".
func severityCounts(fs []*ops.Finding) string {
	n := map[string]int{}
	for _, f := range fs {
		n[word(f)]++
	}
	var parts []string
	for _, w := range []string{"critical", "high", "medium", "low", "unknown", "excepted", "pass"} {
		if n[w] > 0 {
			parts = append(parts, number(n[w])+" "+w)
		}
	}
	return strings.Join(parts, ", ")
}

// word is the one word for a finding: its severity, or its status when it is
// not a fail.
func word(f *ops.Finding) string {
	if f.Status == ops.Fail {
		return f.Severity.String()
	}
	return string(f.Status)
}

func wordStyle(w string) string {
	return map[string]string{"critical": boldRed, "high": red, "medium": yellow, "low": blue, "unknown": cyan, "excepted": dim, "pass": green}[w]
}

// The columns of a finding: "  CRITICAL  12:9     message".
const (
	wordColumn = 2
	linesAt    = 12
	messageAt  = 21
)

func (t *table) finding(f *ops.Finding, advice bool) {
	at := ""
	if f.Line > 0 {
		at = strconv.Itoa(f.Line)
		if f.Column > 0 {
			at += ":" + strconv.Itoa(f.Column)
		}
	}
	w := word(f)
	t.put("  ", t.style(wordStyle(w), pad(strings.ToUpper(w), linesAt-wordColumn)), pad(at, messageAt-linesAt-1), " ")
	indent := strings.Repeat(" ", messageAt)
	room := t.width - messageAt
	id := shorten(inline(string(f.Check)), room)
	lines := wrap(inline(f.Message), room)
	for i, l := range lines {
		if i > 0 {
			t.put(indent)
		}
		t.put(l)
		if i == len(lines)-1 {
			if columns(l)+2+columns(id) <= room {
				t.put("  ", t.style(dim, id))
			} else {
				t.put("\n", indent, t.style(dim, id))
			}
		}
		t.put("\n")
	}
	if text := objectText(f); columns(text)+3 <= room || f.Path == "" {
		t.aside("in", text, room)
	} else {
		t.aside("in", inline(f.Object.String()), room)
		t.aside("at", inline(f.Path), room)
	}
	if len(f.Via) > 0 {
		t.aside("via", nameList(f.Via), room)
	}
	if e := f.Exception; e != nil {
		t.aside("excepted", exceptionText(e), room)
	}
	if advice && f.Fix != "" && f.Status != ops.Pass {
		t.aside("fix", inline(f.Fix), room)
	}
}

// aside writes a labelled text below a finding.
func (t *table) aside(label, text string, room int) {
	if text == "" {
		return
	}
	indent := strings.Repeat(" ", messageAt)
	for i, l := range wrap(text, room-len(label)-1) {
		head := pad("", len(label))
		if i == 0 {
			head = t.style(dim, label)
		}
		t.put(indent, head, " ", l, "\n")
	}
}

// objectText is the object and the field of a finding.
func objectText(f *ops.Finding) string {
	s := ""
	if !f.Object.IsZero() {
		s = inline(f.Object.String())
	}
	if f.Path != "" {
		s = strings.TrimPrefix(s+" at "+inline(f.Path), " ")
	}
	return s
}

func nameList(names []string) string {
	safe := make([]string, len(names))
	for i, n := range names {
		safe[i] = name(n)
	}
	return strings.Join(safe, ", ")
}

// exceptionText says who answers for a finding, why and until when.
func exceptionText(e *ops.Exception) string {
	s := inline(e.Reason)
	var parts []string
	if e.Owner != "" {
		parts = append(parts, "owner "+inline(e.Owner))
	}
	if e.Expires != "" {
		parts = append(parts, "until "+inline(e.Expires))
	}
	if e.Source != "" {
		parts = append(parts, "by "+name(e.Source))
	}
	if len(parts) > 0 {
		s += " (" + strings.Join(parts, ", ") + ")"
	}
	return strings.TrimSpace(s)
}

// tallyOf is how often one check gave one answer.
type tallyOf struct {
	word  string
	check ops.CheckID
	n     int
	first *ops.Finding
	files int
}

// tallies counts findings by answer and check, the most harmful and frequent
// first.
func tallies(fs []*ops.Finding) []tallyOf {
	type key struct {
		word  string
		check ops.CheckID
	}
	place := map[key]int{}
	files := map[key]map[string]bool{}
	var all []tallyOf
	for _, f := range fs {
		k := key{word(f), f.Check}
		i, ok := place[k]
		if !ok {
			i = len(all)
			place[k] = i
			files[k] = map[string]bool{}
			all = append(all, tallyOf{word: k.word, check: k.check, first: f})
		}
		all[i].n++
		files[k][f.File] = true
		all[i].files = len(files[k])
	}
	slices.SortStableFunc(all, func(a, b tallyOf) int {
		return cmp.Or(
			cmp.Compare(statusRank(a.first.Status), statusRank(b.first.Status)), cmp.Compare(b.first.Severity, a.first.Severity),
			cmp.Compare(b.n, a.n), cmp.Compare(a.check, b.check))
	})
	return all
}

// collapsed counts what is not written out, by check.
func (t *table) collapsed() {
	rest := sorted(t.rep, func(f *ops.Finding) bool { return !t.shown(f) && f.Status != ops.Pass }, byHarm)
	if len(rest) == 0 {
		return
	}
	t.heading("Also found", "(--verbose writes these out)")
	for _, c := range tallies(rest) {
		where := place(c.first.File, c.first.Line, c.first.Column)
		if c.n > 1 {
			where = "in " + count(c.files, "file") + ", first " + where
		}
		head := pad(strings.ToUpper(c.word), linesAt-wordColumn) + pad(number(c.n), 6)
		id := shorten(inline(string(c.check)), t.width-wordColumn-columns(head))
		room := t.width - wordColumn - columns(head) - columns(id) - 2
		t.put("  ", t.style(wordStyle(c.word), head[:linesAt-wordColumn]), head[linesAt-wordColumn:], id)
		if room >= 12 {
			t.put("  ", t.style(dim, shorten(where, room)))
		}
		t.put("\n")
	}
	t.put("\n")
}

func (t *table) heading(title, remark string) {
	t.put(t.style(bold, title))
	if remark != "" {
		t.put("  ", t.style(dim, remark))
	}
	t.put("\n")
}

func (t *table) notices() {
	if len(t.rep.Notices) == 0 {
		return
	}
	t.heading("Notices", "")
	for _, n := range t.rep.Notices {
		text := inline(n.Message)
		if p := place(n.File, n.Line, n.Column); p != "" {
			text = p + "  " + text
		}
		for i, l := range wrap(text, t.width-4) {
			t.put([]string{"  ", "    "}[min(i, 1)], l, "\n")
		}
	}
	t.put("\n")
}

// scorecard draws the practices: a row an area, a mark a practice.
func (t *table) scorecard() {
	as := areas(t.rep.Practices)
	if len(as) == 0 {
		return
	}
	wide, bars := 0, 0
	for _, a := range as {
		wide, bars = max(wide, columns(a.title())), max(bars, len(a.practices))
	}
	wide = min(wide, 26)
	const column = 4 // of a count
	counts := 2+wide+2+bars+column*len(statuses) <= t.width
	t.put(t.style(bold, "Practices"))
	if counts {
		t.put(pad("", wide+bars+4-len("Practices")))
		for i := range statuses {
			t.put(t.style(dim, "   "+marks[i:i+1]))
		}
	}
	t.put("\n")
	for _, a := range as {
		t.put("  ", pad(shorten(a.title(), wide), wide), "  ", t.bar(a))
		if counts {
			line := pad("", bars-len(a.practices))
			for _, n := range a.counts {
				cell := ""
				if n > 0 {
					cell = strconv.Itoa(n)
				}
				line += pad("", column-len(cell)) + cell
			}
			t.put(strings.TrimRight(line, " "))
		}
		t.put("\n")
	}
	var legend []string
	for i, s := range statuses {
		legend = append(legend, marks[i:i+1]+" "+string(s))
	}
	for _, l := range wrap(strings.Join(legend, ", "), t.width-2) {
		t.put("  ", t.style(dim, l), "\n")
	}
	t.practices(as)
	t.put("\n")
}

func (t *table) bar(a area) string {
	if !t.o.Color {
		return a.bar()
	}
	var b strings.Builder
	for i, n := range a.counts {
		b.WriteString(t.style([]string{green, yellow, red, cyan, dim, dim}[i], strings.Repeat(marks[i:i+1], n)))
	}
	return b.String()
}

// practices lists the practices that are missing or followed partly; all of
// them with Verbose.
func (t *table) practices(as []area) {
	for _, status := range statuses {
		open := status == scorecard.Missing || status == scorecard.Partly
		if !open && !t.o.Verbose {
			continue
		}
		var titles []string
		for _, a := range as {
			for _, p := range a.practices {
				if p.Status == status {
					titles = append(titles, inline(cmp.Or(p.Title, p.ID)))
				}
			}
		}
		if len(titles) == 0 {
			continue
		}
		label := string(status) + ": "
		label = strings.ToUpper(label[:1]) + label[1:]
		for i, l := range wrap(strings.Join(titles, "; "), t.width-2-len(label)) {
			head := pad("", len(label))
			if i == 0 {
				head = label
			}
			t.put("  ", head, l, "\n")
		}
	}
}

// coverage says what was evaluated, and names what was not with the reason.
func (t *table) coverage() {
	c := t.rep.Summary.Coverage
	t.heading("Coverage", "")
	for _, l := range wrap(coverageText(c)+".", t.width-2) {
		t.put("  ", l, "\n")
	}
	const most = 10
	unknown := unknownInputs(t.rep)
	for i, in := range unknown {
		if i == most && !t.o.Verbose && len(unknown) > most+1 {
			t.put("  ", t.style(dim, "and "+number(len(unknown)-most)+" more that are unknown; --verbose names them"), "\n")
			break
		}
		t.put("  ", t.style(cyan, "UNKNOWN"), "  ", shorten(place(in.File, in.Line, 0), t.width-11), "\n")
		for _, l := range wrap(inline(in.Reason), t.width-11) {
			t.put("           ", t.style(dim, l), "\n")
		}
	}
	t.put("\n")
}

// verdict ends the table with what was judged and the counts.
func (t *table) verdict() {
	for _, l := range wrap(scopeText(t.rep.Summary)+".", t.width) {
		t.put(t.style(dim, l), "\n")
	}
	for _, l := range wrap(countsText(t.rep.Summary), t.width) {
		t.put(t.style(bold, l), "\n")
	}
}
