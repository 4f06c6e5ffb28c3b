package slo

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// WriteRules writes groups as a rule file that Prometheus, Mimir's and Thanos'
// rulers read. The same groups give the same bytes.
func WriteRules(w io.Writer, groups []RuleGroup) error {
	y := &ruleWriter{}
	y.line(0, "groups:")
	if len(groups) == 0 {
		y.b.Reset()
		y.line(0, "groups: []")
	}
	for _, g := range groups {
		y.line(1, "- name: "+quoted(g.Name))
		y.line(2, "interval: "+FormatDuration(g.Interval))
		y.line(2, "rules:")
		for _, r := range g.Rules {
			y.rule(r)
		}
	}
	_, err := w.Write(y.b.Bytes())
	return err
}

type ruleWriter struct{ b bytes.Buffer }

func (y *ruleWriter) line(indent int, text string) {
	y.b.WriteString(strings.Repeat("  ", indent))
	y.b.WriteString(text)
	y.b.WriteByte('\n')
}

func (y *ruleWriter) rule(r Rule) {
	if r.Record != "" {
		y.line(3, "- record: "+quoted(r.Record))
	} else {
		y.line(3, "- alert: "+quoted(r.Alert))
	}
	y.expr(r.Expr)
	if r.For > 0 {
		y.line(4, "for: "+FormatDuration(r.For.Truncate(time.Millisecond)))
	}
	y.texts("labels:", r.Labels)
	y.texts("annotations:", r.Annotations)
}

// expr writes an expression as it is, not in quotes, where YAML can keep it so.
func (y *ruleWriter) expr(text string) {
	strange := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if strings.ContainsFunc(text, strange) || strings.HasPrefix(text, " ") || strings.HasSuffix(text, "\n") {
		y.line(4, "expr: "+quoted(text))
		return
	}
	y.line(4, "expr: |-")
	for l := range strings.SplitSeq(text, "\n") {
		if l == "" {
			y.b.WriteByte('\n')
			continue
		}
		y.line(5, l)
	}
}

func (y *ruleWriter) texts(head string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	y.line(4, head)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		y.line(5, quoted(k)+": "+quoted(m[k]))
	}
}

// quoted writes a text so that YAML reads it as it is. What is plainly a word
// stands without quotes.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '/' || r == '-' || r == '.')
	}) && s[0] != '-' && s[0] != '.' && !reserved[strings.ToLower(s)] {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// A text always has a JSON form; invalid bytes become the replacement sign.
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

// reserved are the words that YAML 1.1 takes for something else.
var reserved = map[string]bool{"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true, "null": true, "nan": true, "inf": true}
