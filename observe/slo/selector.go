package slo

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// CheckSelector says what is wrong with an instant vector selector of PromQL:
// name{label="value",label=~"regexp"}. Offsets, windows and functions do not
// belong to it.
func CheckSelector(s string) error {
	rest, err := cutSelector(s)
	if err != nil {
		return err
	}
	if strings.TrimSpace(rest) != "" {
		return fmt.Errorf("%q does not belong to a selector: write name{label=\"value\"}", strings.TrimSpace(rest))
	}
	return nil
}

var (
	metricForm  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)
	matcherForm = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*`)
)

// cutSelector returns what follows the selector at the beginning of s.
func cutSelector(s string) (rest string, err error) {
	s = strings.TrimLeft(s, " \t\r\n")
	name := metricForm.FindString(s)
	s = s[len(name):]
	body := strings.TrimLeft(s, " \t\r\n")
	if !strings.HasPrefix(body, "{") {
		if name == "" {
			return "", fmt.Errorf("it does not begin with the name of a metric or a {")
		}
		return s, nil
	}
	s = body[1:]
	binds := name != ""
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if strings.HasPrefix(s, "}") {
			if !binds {
				return "", fmt.Errorf("it would select every series: name a metric, or match a label with something")
			}
			return s[1:], nil
		}
		m := matcherForm.FindStringSubmatch(s)
		if m == nil {
			return "", fmt.Errorf("a matcher such as label=\"value\" is expected at %q", head(s))
		}
		value, after, err := cutString(s[len(m[0]):])
		if err != nil {
			return "", err
		}
		if strings.HasSuffix(m[2], "~") {
			if _, err := regexp.Compile("^(?:" + value + ")$"); err != nil {
				return "", fmt.Errorf("the expression %q of %s cannot be read: %w", head(value), m[1], err)
			}
		}
		binds = binds || value != "" && !strings.HasPrefix(m[2], "!")
		s = strings.TrimLeft(after, " \t\r\n")
		if strings.HasPrefix(s, ",") {
			s = s[1:]
		} else if !strings.HasPrefix(s, "}") {
			return "", fmt.Errorf("a comma or } is expected at %q", head(s))
		}
	}
}

// cutString reads a string of PromQL: in double or single quotes with escapes,
// or in backquotes.
func cutString(s string) (value, rest string, err error) {
	if s == "" || !strings.ContainsRune("\"'`", rune(s[0])) {
		return "", "", fmt.Errorf("a text in quotes is expected at %q", head(s))
	}
	quote := s[0]
	s = s[1:]
	if quote == '`' {
		value, rest, ok := strings.Cut(s, "`")
		if !ok {
			return "", "", fmt.Errorf("the text %q is not closed", head(s))
		}
		return value, rest, nil
	}
	var b strings.Builder
	for s != "" && s[0] != quote {
		r, multibyte, tail, err := strconv.UnquoteChar(s, quote)
		if err != nil || r == '\n' && s[0] == '\n' {
			return "", "", fmt.Errorf("the text has an escape that cannot be read at %q", head(s))
		}
		if multibyte || r < 0x80 {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		s = tail
	}
	if s == "" {
		return "", "", fmt.Errorf("a text in quotes is not closed")
	}
	return b.String(), s[1:], nil
}

func head(s string) string {
	if len(s) > 24 {
		return s[:24] + "…"
	}
	return s
}

// ParseQuery recognises the usual forms of a query, so that a Monitor can follow
// its series: a selector, sum(selector), and with a window
// sum(rate(selector[w])) or sum(increase(selector[w])), each with an optional
// "by (...)" that is dropped because all is summed. w is {{.window}} or any
// duration. Anything else with a {{.window}} in it becomes a Template.
func ParseQuery(expr string) (Query, error) {
	expr = strings.TrimSpace(expr)
	marked := windowForm.ReplaceAllString(expr, WindowMark)
	if inner, ok := cutCall(marked, "sum"); ok {
		if q, ok := countOf(inner); ok {
			return q, nil
		}
	}
	if CheckSelector(marked) == nil {
		return Query{Selector: marked}, nil
	}
	if strings.Contains(marked, WindowMark) {
		return Query{Template: marked, PerSecond: strings.Contains(marked, "rate(") && !strings.Contains(marked, "increase(")}, nil
	}
	return Query{}, fmt.Errorf("%q is neither a selector nor the sum of one: write name{label=\"value\"}, sum(name{...}) or sum(rate(name{...}[%s]))", head(expr), WindowMark)
}

var (
	windowForm = regexp.MustCompile(`\{\{-?\s*\.window\s*-?\}\}`)
	byForm     = regexp.MustCompile(`^\s*by\s*\([a-zA-Z0-9_,\s]*\)`)
	rangeForm  = regexp.MustCompile(`^\s*\[\s*(\{\{\.window\}\}|[0-9a-z]+)\s*\]\s*$`)
)

// cutCall returns the argument of a call of a function that is all of s.
func cutCall(s, function string) (string, bool) {
	s, ok := strings.CutPrefix(s, function)
	if !ok {
		return "", false
	}
	if function == "sum" {
		s = s[len(byForm.FindString(s)):]
	}
	s = strings.TrimLeft(s, " \t\r\n")
	if !strings.HasPrefix(s, "(") {
		return "", false
	}
	end := closing(s)
	if end < 0 {
		return "", false
	}
	after := s[end+1:]
	if function == "sum" {
		after = after[len(byForm.FindString(after)):]
	}
	if strings.TrimSpace(after) != "" {
		return "", false
	}
	return strings.TrimSpace(s[1:end]), true
}

// closing returns where the parenthesis at the beginning of s is closed, -1 if
// it is not.
func closing(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		case '"', '\'', '`':
			_, rest, err := cutString(s[i:])
			if err != nil {
				return -1
			}
			i = len(s) - len(rest) - 1
		}
	}
	return -1
}

// countOf reads selector, rate(selector[w]) or increase(selector[w]).
func countOf(s string) (Query, bool) {
	for _, f := range []string{"rate", "increase"} {
		if inner, ok := cutCall(s, f); ok {
			rest, err := cutSelector(inner)
			if err != nil || !rangeForm.MatchString(rest) {
				return Query{}, false
			}
			return Query{Selector: strings.TrimSpace(strings.TrimSuffix(inner, rest))}, true
		}
	}
	if CheckSelector(s) == nil {
		return Query{Selector: s}, true
	}
	return Query{}, false
}
