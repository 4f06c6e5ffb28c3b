package report

import (
	"cmp"
	"html"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/control"
	"github.com/autoecoops/autoecoops/ops"
)

// group is the findings of one check on the page.
type group struct {
	info     *checkInfo
	findings []*ops.Finding
}

// groups orders the checks by the worst that they found, then by how often.
func (p *page) groups() (all []group, dropped []*ops.Finding) {
	fs := sorted(p.rep, func(*ops.Finding) bool { return true }, byHarm)
	if len(fs) > maxPageFindings {
		fs, dropped = fs[:maxPageFindings], fs[maxPageFindings:]
	}
	at := map[ops.CheckID]int{}
	for _, f := range fs {
		i, ok := at[f.Check]
		if !ok {
			i = len(all)
			at[f.Check] = i
			all = append(all, group{info: p.checks[f.Check]})
		}
		all[i].findings = append(all[i].findings, f)
	}
	slices.SortStableFunc(all, func(a, b group) int {
		x, y := a.findings[0], b.findings[0]
		return cmp.Or(cmp.Compare(statusRank(x.Status), statusRank(y.Status)), cmp.Compare(y.Severity, x.Severity),
			cmp.Compare(len(b.findings), len(a.findings)), cmp.Compare(x.Check, y.Check))
	})
	return all, dropped
}

func (p *page) findings() {
	p.put("<section id=\"findings\" aria-labelledby=\"h-findings\">\n<h2 id=\"h-findings\">Findings</h2>\n")
	gs, dropped := p.groups()
	if len(gs) == 0 {
		p.put("<p class=\"empty\">Nothing was found. What could not be looked at is listed under <a href=\"#inputs\">Inputs</a>.</p>\n</section>\n")
		return
	}
	p.filters(gs)
	if len(dropped) > 0 {
		p.put("<p class=\"note\">The ", number(maxPageFindings), " most harmful are listed. Not listed: ", severityCounts(dropped), ". The JSON report has all of them.</p>\n")
	}
	for _, g := range gs {
		p.group(g)
	}
	p.put("<p class=\"empty\" id=\"none\" hidden>No finding matches these filters.</p>\n</section>\n")
}

// filters writes the controls, which stay hidden until the script works.
func (p *page) filters(gs []group) {
	words, files, areaIDs := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, g := range gs {
		for _, a := range p.areasOf(g.info) {
			areaIDs[a] = true
		}
		for _, f := range g.findings {
			words[word(f)]++
			files[f.File]++
		}
	}
	p.put("<form id=\"filters\" hidden role=\"search\" aria-label=\"Filter the findings\">\n<fieldset><legend class=\"vh\">Severity and status</legend>")
	for _, w := range []string{"critical", "high", "medium", "low", "unknown", "excepted", "pass"} {
		if words[w] > 0 {
			p.put("<label class=\"toggle\"><input type=\"checkbox\" name=\"word\" value=\"", w, "\" checked><span class=\"w w-", w, "\">", wordTitle(w), "</span> ", number(words[w]), "</label>")
		}
	}
	p.put("</fieldset>\n<div class=\"selects\">")
	p.put("<label>Search <input type=\"search\" name=\"q\" autocomplete=\"off\" placeholder=\"message, object, file, control\"></label>")
	p.put("<label>Check <select name=\"check\"><option value=\"\">All checks</option>")
	ids := make([]string, 0, len(gs))
	for _, g := range gs {
		ids = append(ids, string(g.info.id))
	}
	slices.Sort(ids)
	for _, id := range ids {
		p.put("<option>", escName(id), "</option>")
	}
	p.put("</select></label><label>Area <select name=\"area\"><option value=\"\">All areas</option>")
	for _, a := range p.areas {
		if areaIDs[a.id] {
			p.put("<option value=\"", slug(a.id), "\">", esc(a.title()), "</option>")
		}
	}
	p.put("</select></label><label>File <select name=\"file\"><option value=\"\">All files</option>")
	names := make([]string, 0, len(files))
	for f := range files {
		names = append(names, name(f))
	}
	slices.Sort(names)
	for _, f := range slices.Compact(names) {
		p.put("<option>", html.EscapeString(f), "</option>")
	}
	p.put("</select></label></div>\n<p class=\"state\"><output id=\"shown\" aria-live=\"polite\"></output><span><button type=\"button\" id=\"open\">Expand all</button><button type=\"button\" id=\"close\">Collapse all</button><button type=\"reset\">Reset</button></span></p>\n</form>\n")
}

// wordTitle is the word of a finding as its label.
func wordTitle(w string) string {
	if w == "pass" {
		return "Passed"
	}
	return upper(w)
}

// areasOf lists the areas of the practices that a check is evidence for.
func (p *page) areasOf(c *checkInfo) []string {
	var ids []string
	for _, pr := range c.practices {
		if a := p.areaOf[pr]; a != "" && !slices.Contains(ids, a) {
			ids = append(ids, a)
		}
	}
	return ids
}

func (p *page) group(g group) {
	c := g.info
	var slugs []string
	for _, a := range p.areasOf(c) {
		slugs = append(slugs, slug(a))
	}
	p.put("<section class=\"g\" data-check=\"", escName(string(c.id)), "\" data-area=\"", strings.Join(slugs, " "), "\">\n<h3>", esc(inline(c.Title)),
		" <span class=\"id\"><code>", escName(string(c.id)), "</code></span> <span class=\"tally\">", severityCounts(g.findings), "</span></h3>\n")
	if c.Why != "" || c.Fix != "" {
		p.put("<details class=\"about\"><summary>Why it matters and how to fix it</summary>\n<div class=\"prose\">", prose(c.Why))
		if c.Fix != "" {
			p.put("<h4>Fix</h4>", prose(c.Fix), prose(c.More))
		}
		var refs []string
		for _, r := range c.References {
			if u, ok := webAddress(r); ok {
				refs = append(refs, "<li><a rel=\"noreferrer noopener\" href=\""+esc(u)+"\">"+esc(u)+"</a></li>")
			}
		}
		if len(refs) > 0 {
			p.put("<h4>References</h4><ul>", strings.Join(refs, ""), "</ul>")
		}
		p.put("</div></details>\n")
	}
	for _, f := range g.findings {
		p.finding(f)
	}
	p.put("</section>\n")
}

func (p *page) finding(f *ops.Finding) {
	w := word(f)
	p.put("<details class=\"f\" data-word=\"", w, "\" data-file=\"", escName(f.File), "\">\n<summary><span class=\"w w-", w, "\">", wordTitle(w), "</span><span class=\"m\">",
		proseLine(sentence(cmp.Or(inline(f.Message), f.Object.String()))), "</span><code class=\"at\">", breakable(html.EscapeString(place(f.File, f.Line, 0))), "</code></summary>\n<div class=\"body\">\n")
	p.source(f)
	p.put("<dl>\n")
	if f.Fix != "" && f.Status != ops.Pass {
		p.term("Fix", proseLine(inline(f.Fix)))
	}
	if e := f.Exception; e != nil {
		p.term("Excepted", esc(exceptionText(e)))
	}
	if !f.Object.IsZero() {
		p.term("Object", esc(inline(f.Object.String()))+" <span class=\"api\">"+esc(inline(f.Object.APIVersion))+"</span>")
	}
	if f.Path != "" {
		p.term("Field", "<code>"+breakable(esc(inline(f.Path)))+"</code>")
	}
	if f.Status == ops.Unknown {
		p.term("Severity", "None: it could not be told whether this is a deviation.")
	}
	if f.Origin != "" {
		p.term("Written in", esc(inline(f.Origin)))
	}
	if len(f.Via) > 0 {
		var names []string
		for _, v := range f.Via {
			names = append(names, "<code>"+breakable(escName(v))+"</code>")
		}
		p.term("Brought out by", strings.Join(names, ", "))
	}
	if len(f.Controls) > 0 {
		p.term("Controls", controlList(f.Controls))
	}
	p.put("</dl>\n</div>\n</details>\n")
}

func (p *page) term(label, value string) {
	p.put("<div><dt>", label, "</dt><dd>", value, "</dd></div>\n")
}

// breakable lets a long path break after its separators.
func breakable(escaped string) string {
	return strings.NewReplacer("/", "/<wbr>", ".", ".<wbr>").Replace(escaped)
}

// controlList has a line for each framework, with what each control is about.
func controlList(ids []string) string {
	byFramework := map[control.Framework][]string{}
	for _, id := range ids {
		prefix, rest, _ := strings.Cut(id, ":")
		ref := control.Ref{Framework: control.Framework(prefix), ID: rest}
		text := "<span class=\"ref\">" + escName(rest) + "</span>"
		if l := ref.Label(); l != "" {
			text += " <span class=\"about\">" + esc(l) + "</span>"
		}
		byFramework[ref.Framework] = append(byFramework[ref.Framework], text)
	}
	order := control.Frameworks()
	for _, f := range slices.Sorted(maps.Keys(byFramework)) {
		if !slices.Contains(order, f) {
			order = append(order, f)
		}
	}
	var b strings.Builder
	b.WriteString("<ul class=\"controls\">")
	for _, f := range order {
		if texts := byFramework[f]; len(texts) > 0 {
			b.WriteString("<li><span>" + escName(f.Name()) + "</span><span>" + strings.Join(texts, "; ") + "</span></li>")
		}
	}
	b.WriteString("</ul>")
	return b.String()
}

// sentence starts a message with a capital, if it starts with a plain word.
func sentence(s string) string {
	first, _, _ := strings.Cut(s, " ")
	for _, r := range first {
		if r < 'a' || r > 'z' {
			return s
		}
	}
	return upper(s)
}

// How many lines stand around the ones that a finding is about, and how many
// of those are shown at most.
const (
	around  = 3
	maxHits = 8
)

// source shows the finding's lines in their file.
func (p *page) source(f *ops.Finding) {
	if p.o.Excerpt == nil || f.Line <= 0 || f.File == "" {
		return
	}
	from := max(1, f.Line-around)
	last := min(max(f.EndLine, f.Line), f.Line+maxHits-1)
	lines := p.o.Excerpt(f.File, from, last+around)
	if len(lines) == 0 || len(lines) <= f.Line-from {
		return
	}
	safe := mask(f, lines[:min(len(lines), last+around-from+1)], from)
	p.put("<figure class=\"src\"><figcaption>", html.EscapeString(place(f.File, f.Line, f.Column)), "</figcaption><pre tabindex=\"0\"><code>")
	for i, l := range safe {
		n := from + i
		tag := "span"
		if n >= f.Line && n <= last {
			tag = "mark"
		}
		p.put("<", tag, " class=\"l\" data-n=\"", strconv.Itoa(n), "\">", html.EscapeString(strings.ReplaceAll(plain(clip(l, 300)), "\n", " ")), "\n</", tag, ">")
	}
	p.put("</code></pre></figure>\n")
}
