package report

import (
	"html"
	"strings"
)

// prose turns the Markdown of a check's page into HTML: paragraphs, lists,
// fenced code and code in back quotes. Everything else is literal.
func prose(text string) string {
	var b strings.Builder
	var para, items, code []string
	fenced := false
	flush := func() {
		if len(para) > 0 {
			b.WriteString("<p>" + proseLine(inline(strings.Join(para, " "))) + "</p>")
		}
		if len(items) > 0 {
			b.WriteString("<ul>")
			for _, it := range items {
				b.WriteString("<li>" + proseLine(inline(it)) + "</li>")
			}
			b.WriteString("</ul>")
		}
		para, items = nil, nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```"):
			if fenced {
				b.WriteString("<pre tabindex=\"0\"><code>" + esc(strings.Join(code, "\n")) + "</code></pre>")
				code = nil
			} else {
				flush()
			}
			fenced = !fenced
		case fenced:
			code = append(code, line)
		case trimmed == "":
			flush()
		case strings.HasPrefix(trimmed, "- "):
			if len(para) > 0 {
				flush()
			}
			items = append(items, trimmed[2:])
		case len(items) > 0:
			items[len(items)-1] += " " + trimmed
		default:
			para = append(para, trimmed)
		}
	}
	if fenced {
		b.WriteString("<pre tabindex=\"0\"><code>" + esc(strings.Join(code, "\n")) + "</code></pre>")
	}
	flush()
	return b.String()
}

// proseLine is a text of one line whose pairs of back quotes stand for code
// type.
func proseLine(s string) string {
	parts := strings.Split(s, "`")
	var b strings.Builder
	for i, part := range parts {
		switch {
		case i%2 == 0:
			b.WriteString(esc(part))
		case i == len(parts)-1: // no second quote
			b.WriteString(html.EscapeString("`") + esc(part))
		default:
			b.WriteString("<code>" + esc(part) + "</code>")
		}
	}
	return b.String()
}
