package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // for the page's style and script
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/ops"
)

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// The most that one page lists. What is beyond it is counted on the page.
const (
	maxPageFindings = 5_000
	maxPageInputs   = 3_000
)

// HTML writes one self-contained page: the scorecard as a picture, the counts,
// the findings by check with their source lines, the practices, the inputs. It
// asks for nothing from anywhere, and a content security policy forbids it to;
// everything can be read without its script, which adds filters. Source lines
// that hold secret values are masked (see mask).
func HTML(w io.Writer, rep *assess.Report, o Options) error {
	p := &page{out: newOut(w), rep: rep, o: o, checks: infos(rep, o), areas: areas(rep.Practices)}
	p.areaOf = map[string]string{}
	for _, pr := range rep.Practices {
		p.areaOf[pr.ID] = pr.Area
	}
	p.head()
	p.header()
	p.put("<main id=\"main\">\n")
	p.overview()
	p.findings()
	p.practices()
	p.notices()
	p.inputs()
	p.put("</main>\n")
	p.footer()
	p.put("<script>", pageScript, "</script>\n</body>\n</html>\n")
	return p.Flush()
}

type page struct {
	out
	rep    *assess.Report
	o      Options
	checks map[ops.CheckID]*checkInfo
	areas  []area
	areaOf map[string]string // by practice
}

// esc makes a text safe as the content of an element and of a quoted attribute.
func esc(s string) string { return html.EscapeString(plain(s)) }

// escName is esc for names, in which every space counts.
func escName(s string) string { return html.EscapeString(name(s)) }

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (p *page) target() string { return cmp.Or(p.rep.Target.Path, ".") }

func (p *page) head() {
	p.put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ", hashOf(pageStyle), "; script-src ", hashOf(pageScript), "; img-src data:; base-uri 'none'; form-action 'none'\">\n",
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
		"<link rel=\"icon\" href=\"data:,\">\n",
		"<title>Assessment of ", esc(p.target()), "</title>\n<style>", pageStyle, "</style>\n</head>\n<body>\n", icons)
}

// icons are the signs of the statuses: each has a shape of its own, so that
// nothing depends on colour.
const icons = `<svg class="defs" aria-hidden="true"><defs>
<symbol id="i-implemented" viewBox="0 0 16 16"><path d="M3.5 8.5l3 3 6-7" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></symbol>
<symbol id="i-partly" viewBox="0 0 16 16"><path d="M8 3a5 5 0 0 0 0 10z" fill="currentColor"/><circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.6"/></symbol>
<symbol id="i-missing" viewBox="0 0 16 16"><path d="M4.5 4.5l7 7m0-7l-7 7" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></symbol>
<symbol id="i-unknown" viewBox="0 0 16 16"><path d="M5.7 6.1a2.3 2.3 0 1 1 3.4 2c-.8.4-1.1.8-1.1 1.5" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/><circle cx="8" cy="12.2" r="1.05" fill="currentColor"/></symbol>
<symbol id="i-not-applicable" viewBox="0 0 16 16"><path d="M5 8h6" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/></symbol>
<symbol id="i-not-evaluated" viewBox="0 0 16 16"><circle cx="8" cy="8" r="1.4" fill="currentColor"/></symbol>
</defs></svg>
`

// slug makes a text fit for an id or a class.
func slug(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(s))
}

func icon(s scorecard.Status) string {
	return "<svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-" + slug(string(statuses[rankOf(s)])) + "\"/></svg>"
}

func (p *page) header() {
	s := p.rep.Summary
	p.put("<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n<header>\n<p class=\"brand\">AutoEcoOps assessment</p>\n<h1>", esc(p.target()), "</h1>\n<p class=\"meta\">")
	if c := p.rep.Target.Commit; c != "" {
		p.put("<span>Commit <code>", escName(c[:min(len(c), 12)]), "</code></span>")
	}
	p.put("<span>", count(s.Objects, "object"), "</span><span>", count(s.Checks, "check"), "</span><span>", count(s.Passed, "result"), " passed</span></p>\n")
	p.put("<nav aria-label=\"Sections\"><a href=\"#findings\">Findings</a><a href=\"#practices\">Practices</a>")
	if len(p.rep.Notices) > 0 {
		p.put("<a href=\"#notices\">Notices</a>")
	}
	p.put("<a href=\"#inputs\">Inputs</a></nav>\n</header>\n")
}

// overview is the picture at the top: the scorecard beside the counts.
func (p *page) overview() {
	p.put("<div class=\"overview\">\n")
	if len(p.areas) > 0 {
		p.picture()
	}
	p.put("<section class=\"counts\" aria-labelledby=\"h-counts\">\n<h2 id=\"h-counts\">Findings</h2>\n")
	c := p.rep.Summary.Findings
	p.put("<dl class=\"numbers\">\n")
	for _, n := range []struct {
		word string
		n    int
	}{{"critical", c.Critical}, {"high", c.High}, {"medium", c.Medium}, {"low", c.Low}} {
		p.printf("<div class=\"n-%s%s\"><dt>%s</dt><dd>%s</dd></div>\n", n.word, zero(n.n), upper(n.word), number(n.n))
	}
	p.put("</dl>\n<dl class=\"others\">\n")
	for _, n := range []struct {
		word, text string
		n          int
	}{
		{"Unknown", "could not be told; neither passed nor failed", c.Unknown},
		{"Excepted", "somebody answers for them until a date", c.Excepted},
		{"Baseline", "known before and not listed here", p.rep.Summary.Baseline},
	} {
		p.printf("<div class=\"o%s\"><dt>%s</dt><dd><b>%s</b> <span>%s</span></dd></div>\n", zero(n.n), n.word, number(n.n), n.text)
	}
	p.put("</dl>\n")
	p.coverage()
	p.put("</section>\n</div>\n")
}

func zero(n int) string {
	if n == 0 {
		return " zero"
	}
	return ""
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (p *page) coverage() {
	c := p.rep.Summary.Coverage
	p.put("<h2 class=\"second\">Coverage</h2>\n")
	if c.Evaluated+c.Unknown > 0 {
		p.printf("<svg class=\"gauge\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"%d percent evaluated\"><rect class=\"rest\" width=\"100\" height=\"4\"/><rect class=\"done\" width=\"%d\" height=\"4\"/></svg>\n", c.Percent, c.Percent)
	}
	p.put("<p class=\"note\">", upper(esc(coverageText(c))), ".")
	if c.Unknown > 0 {
		p.put(" <a href=\"#inputs\">Which are unknown, and why</a>")
	}
	p.put("</p>\n")
}

// picture draws a row for each area and a cell for each practice, the best
// first.
func (p *page) picture() {
	p.put("<section class=\"scorecard\" aria-labelledby=\"h-card\">\n<h2 id=\"h-card\">Practices</h2>\n<table>\n<thead><tr><th scope=\"col\"><span class=\"vh\">Area</span></th><th scope=\"col\"><span class=\"vh\">Practices</span></th><th scope=\"col\">implemented</th></tr></thead>\n<tbody>\n")
	for _, a := range p.areas {
		p.put("<tr><th scope=\"row\"><a href=\"#a-", slug(a.id), "\">", esc(a.title()), "</a></th><td><ul>")
		ps := slices.Clone(a.practices)
		slices.SortStableFunc(ps, func(x, y scorecard.Judged) int { return cmp.Compare(rankOf(x.Status), rankOf(y.Status)) })
		for _, pr := range ps {
			label := esc(inline(cmp.Or(pr.Title, pr.ID)) + ": " + string(statuses[rankOf(pr.Status)]))
			p.put("<li><a class=\"c s-", slug(string(statuses[rankOf(pr.Status)])), "\" href=\"#p-", slug(pr.ID), "\" title=\"", label, "\">", icon(pr.Status), "<span class=\"vh\">", label, "</span></a></li>")
		}
		applicable := len(a.practices) - a.counts[rankOf(scorecard.NotApplicable)]
		p.printf("</ul></td><td class=\"of\"><b>%d</b><span> of %d</span></td></tr>\n", a.counts[0], applicable)
	}
	p.put("</tbody>\n</table>\n<ul class=\"legend\">")
	for i, n := range totals(p.areas) {
		p.printf("<li><span class=\"c s-%s\">%s</span>%s <b>%d</b></li>", slug(string(statuses[i])), icon(statuses[i]), upper(string(statuses[i])), n)
	}
	p.put("</ul>\n</section>\n")
}

func (p *page) notices() {
	if len(p.rep.Notices) == 0 {
		return
	}
	p.put("<section id=\"notices\" aria-labelledby=\"h-notices\">\n<h2 id=\"h-notices\">Notices</h2>\n<ul class=\"plainlist\">\n")
	for _, n := range p.rep.Notices {
		p.put("<li>")
		if n.File != "" {
			p.put("<code>", html.EscapeString(place(n.File, n.Line, n.Column)), "</code> ")
		}
		p.put(esc(inline(n.Message)), "</li>\n")
	}
	p.put("</ul>\n</section>\n")
}

// inputs lists what could not be evaluated, and, folded, every other file.
func (p *page) inputs() {
	p.put("<section id=\"inputs\" aria-labelledby=\"h-inputs\">\n<h2 id=\"h-inputs\">Inputs</h2>\n<p class=\"note\">", upper(esc(coverageText(p.rep.Summary.Coverage))), ".</p>\n")
	unknown := unknownInputs(p.rep)
	if len(unknown) > 0 {
		p.inputTable("Could not be evaluated", unknown)
	}
	var others []assess.Input
	for _, in := range p.rep.Inputs {
		if in.Status != assess.Unevaluated {
			others = append(others, in)
		}
	}
	if len(others) > 0 {
		p.put("<details class=\"fold\"><summary>", upper(count(len(others), "other file")), "</summary>\n")
		p.inputTable("Evaluated and skipped", others)
		p.put("</details>\n")
	}
	p.put("</section>\n")
}

func (p *page) inputTable(caption string, ins []assess.Input) {
	p.put("<div class=\"scroll\"><table class=\"inputs\"><caption>", caption, "</caption><thead><tr><th scope=\"col\">File</th><th scope=\"col\">Kind</th><th scope=\"col\">Status</th><th scope=\"col\">Reason</th></tr></thead><tbody>\n")
	for _, in := range ins[:min(len(ins), maxPageInputs)] {
		p.put("<tr><td><code>", html.EscapeString(place(in.File, in.Line, 0)), "</code></td><td>", esc(in.Kind), "</td><td class=\"t-", slug(string(in.Status)), "\">", esc(string(in.Status)), "</td><td>", esc(inline(in.Reason)), "</td></tr>\n")
	}
	p.put("</tbody></table></div>\n")
	if n := len(ins) - maxPageInputs; n > 0 {
		p.put("<p class=\"note\">", count(n, "more file"), " not listed here; the JSON report has all of them.</p>\n")
	}
}

func (p *page) footer() {
	p.put("<footer>\n<p>", esc(countsText(p.rep.Summary)), "</p>\n<p>Controls are ids that a finding bears on; they do not say that a requirement is met.")
	if p.o.Version != "" {
		p.put(" Made by aeo ", esc(p.o.Version), ".")
	}
	p.put("</p>\n</footer>\n")
}
