package diff

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// MaxMarkdown is how much Markdown writes, in bytes: what forges take as one
// comment.
const MaxMarkdown = 60_000

// Markdown writes differences for a pull request: a sentence with the sum, then
// each object as a folded block. What does not fit into MaxMarkdown is named and
// counted.
func Markdown(w io.Writer, diffs []ObjectDiff) error {
	b := bufio.NewWriter(w)
	counts := map[Action]int{}
	for _, d := range diffs {
		counts[d.Action]++
	}
	head := "**" + total(counts) + "**\n"
	fmt.Fprint(b, head)
	left := MaxMarkdown - len(head) - 200
	omitted := 0
	for _, d := range diffs {
		if d.Action == None && d.Note == "" {
			continue
		}
		text := section(d)
		if len(text) > left {
			omitted++
			continue
		}
		left -= len(text)
		fmt.Fprint(b, text)
	}
	if omitted > 0 {
		fmt.Fprintf(b, "\n%s not shown: the difference is too long for a comment.\n", count(omitted, "object"))
	}
	return b.Flush()
}

func section(d ObjectDiff) string {
	var b strings.Builder
	verb := map[Action]string{Create: "create", Update: "change", Delete: "delete", None: "unchanged", Refuse: "refused", Unknown: "unknown"}[d.Action]
	fmt.Fprintf(&b, "\n<details><summary>%s <code>%s</code>", verb, escape(title(d)))
	if d.Action == Update {
		fmt.Fprintf(&b, ": %s", count(len(d.Changes), "change"))
	}
	if d.Source != "" {
		fmt.Fprintf(&b, ", <code>%s</code>", escape(clean(d.Source)))
	}
	b.WriteString("</summary>\n\n")
	if d.Note != "" {
		b.WriteString(escape(clean(d.Note)) + "\n\n")
	}
	if list := body(d); len(list) > 0 && d.Action != Delete {
		var text strings.Builder
		for _, l := range list {
			sign := l.sign
			if sign == '~' {
				sign = '!' // what forges colour as a change
			}
			fmt.Fprintf(&text, "%c %s\n", sign, l.text)
		}
		fence := fenceFor(text.String())
		fmt.Fprintf(&b, "%sdiff\n%s%s\n", fence, text.String(), fence)
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// fenceFor returns a fence that a text cannot close.
func fenceFor(text string) string {
	longest, run := 2, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return strings.Repeat("`", longest+1)
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "&#96;", "@", "&#64;", "*", "&#42;", "_", "&#95;", "[", "&#91;")

// escape keeps text from being markup or from calling anyone.
func escape(s string) string { return escaper.Replace(s) }
