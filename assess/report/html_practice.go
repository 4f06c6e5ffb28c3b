package report

import (
	"cmp"
	"html"

	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/ops"
)

// practices writes every practice with its verdict and the places that show it.
func (p *page) practices() {
	if len(p.areas) == 0 {
		return
	}
	looks := map[string]string{}
	for _, pr := range scorecard.Practices() {
		looks[pr.ID] = pr.Looks
	}
	p.put("<section id=\"practices\" aria-labelledby=\"h-practices\">\n<h2 id=\"h-practices\">Practices</h2>\n")
	for _, a := range p.areas {
		p.put("<section class=\"area\" id=\"a-", slug(a.id), "\">\n<h3>", esc(a.title()), "</h3>\n")
		for _, pr := range a.practices {
			p.practice(pr, looks[pr.ID])
		}
		p.put("</section>\n")
	}
	p.put("</section>\n")
}

func (p *page) practice(pr scorecard.Judged, looks string) {
	status := statuses[rankOf(pr.Status)]
	s := slug(string(status))
	p.put("<article class=\"p\" id=\"p-", slug(pr.ID), "\"><p class=\"status\"><span class=\"c s-", s, "\">", icon(status), "</span>", upper(string(status)), "</p>\n<div><h4>", esc(inline(cmp.Or(pr.Title, pr.ID))), "</h4>")
	if pr.Reason != "" {
		p.put("<p>", proseLine(inline(pr.Reason)), "</p>")
	}
	if looks != "" {
		p.put("<p class=\"looks\">Followed when: ", esc(looks), "</p>")
	}
	if len(pr.Evidence) > 0 {
		p.evidence(pr)
	}
	p.put("</div></article>\n")
}

func (p *page) evidence(pr scorecard.Judged) {
	p.printf("<details class=\"fold\"><summary>%s for it, %s against it</summary>\n<ul class=\"evidence\">\n", count(pr.Good, "place"), number(pr.Bad))
	rest := pr.Good + pr.Bad
	for _, e := range pr.Evidence {
		if e.Status == ops.Pass || e.Status == ops.Fail {
			rest--
		}
		p.put("<li><span class=\"w w-", slug(string(e.Status)), "\">", sideOf(e.Status), "</span> <span>")
		if e.File != "" {
			p.put("<code>", breakable(html.EscapeString(place(e.File, e.Line, 0))), "</code> ")
		}
		p.put(esc(inline(e.Object)))
		if e.Note != "" {
			p.put(" <span class=\"looks\">", proseLine(inline(e.Note)), "</span>")
		}
		if e.Check != "" {
			p.put(" <span class=\"looks\">", esc(inline(string(e.Check))), "</span>")
		}
		p.put("</span></li>\n")
	}
	p.put("</ul>\n")
	if rest > 0 {
		p.put("<p class=\"note\">", count(rest, "more place"), " not listed.</p>\n")
	}
	p.put("</details>")
}

// sideOf says for which side a place speaks.
func sideOf(s ops.Status) string {
	switch s {
	case ops.Pass:
		return "For"
	case ops.Fail:
		return "Against"
	}
	return upper(esc(string(s)))
}
