package diff

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// lines writes a value as YAML-like lines for people, keys sorted, without
// control characters. It is for reading, not for parsing.
func lines(v any) []string {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return []string{"{}"}
		}
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, nested(clean(k)+":", v[k])...)
		}
		return out
	case []any:
		if len(v) == 0 {
			return []string{"[]"}
		}
		var out []string
		for _, it := range v {
			for i, l := range lines(it) {
				if i == 0 {
					out = append(out, "- "+l)
				} else {
					out = append(out, "  "+l)
				}
			}
		}
		return out
	case string:
		if strings.Contains(strings.TrimSuffix(v, "\n"), "\n") {
			return append([]string{"|"}, indented(textLines(v))...)
		}
	}
	return []string{inline(v)}
}

func nested(head string, v any) []string {
	sub := lines(v)
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 0 {
			return append([]string{head}, indented(sub)...)
		}
	case []any:
		if len(v) > 0 {
			return append([]string{head}, sub...)
		}
	}
	sub[0] = head + " " + sub[0]
	if len(sub) > 1 { // a text of several lines
		return sub
	}
	return sub[:1]
}

func indented(list []string) []string {
	out := make([]string, len(list))
	for i, l := range list {
		out[i] = "  " + l
	}
	return out
}

// textLines splits a text and cleans its lines.
func textLines(s string) []string {
	out := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, l := range out {
		out[i] = clean(l)
	}
	return out
}

// inline writes a scalar, or a small value in one line. Text is quoted where it
// would look like something else.
func inline(v any) string {
	switch v := v.(type) {
	case string:
		if ambiguous(v) {
			return strconv.Quote(v)
		}
		return clean(v)
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, clean(k)+": "+inline(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, it := range v {
			parts[i] = inline(it)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return scalar(v)
}

// ambiguous tells whether a text reads like a number, a boolean or nothing.
func ambiguous(s string) bool {
	switch strings.ToLower(s) {
	case "", "true", "false", "null", "~", "yes", "no", "on", "off":
		return true
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return true
	}
	return s != strings.TrimSpace(s) || strings.ContainsAny(s, "\n\t\"") || clean(s) != s
}

// clean replaces what a terminal would act on, and what changes the direction of
// text, by escapes.
func clean(s string) string {
	if strings.IndexFunc(s, acts) < 0 && strings.ToValidUTF8(s, "") == s {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\t':
			b.WriteString("  ")
		case acts(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func acts(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029'
}
