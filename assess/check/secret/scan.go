package secret

import "strings"

// scan looks through the lines of a configuration file or script for
// credentials and calls found for each, with the line's number and the key.
// It is stricter than judge: in a file, only values that look the part count.
func scan(text string, found func(key string, line int, v verdict, what string)) {
	line, end := 0, 0
	for l := range strings.Lines(text) {
		line++
		start := end
		end += len(l)
		l = strings.TrimSpace(l)
		if len(l) < 6 || len(l) > 4096 || l[0] == '#' || l[0] == ';' || strings.HasPrefix(l, "//") || strings.HasPrefix(l, "--") && !strings.HasPrefix(l, "-----BEGIN") {
			continue
		}
		if l[0] == '-' {
			if what := knownForm(strings.TrimSpace(text[start:])); what != "" {
				found("", line, evident, what)
				continue
			}
		}
		if strings.Contains(l, "://") {
			if v, what := inURL(unquote(l[strings.Index(l, "://")-scheme(l):])); v != none {
				found("", line, v, what)
				continue
			}
		}
		i := strings.IndexAny(l, "=:")
		if i <= 0 || i == len(l)-1 {
			continue
		}
		key := unquote(strings.TrimSpace(l[:i]))
		value := strings.TrimSpace(strings.TrimLeft(l[i+1:], "=:> "))
		value = unquote(strings.TrimSpace(strings.TrimRight(value, ",;")))
		if len(value) < 3 || len(key) > 80 || strings.ContainsAny(value, " \t()") || filledLater(value) {
			continue
		}
		if what := knownForm(value); what != "" && !example(value) {
			found(key, line, evident, what)
			continue
		}
		if k := keyKind(key); k != other && !placeholder(value) && !plainSetting(value) && !guessable(value) && len(value) >= 8 && mixed(value) && entropy(value) >= 2.8 {
			found(key, line, evident, k.String())
		}
	}
}

// scheme returns the length of the scheme before "://".
func scheme(l string) int {
	end := strings.Index(l, "://")
	n := 0
	for n < end && alnum(l[end-n-1]) {
		n++
	}
	return n
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'' || s[0] == '`') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return strings.Trim(s, "\"'")
}

// oneLine reports whether a text has a single line.
func oneLine(s string) bool { return !strings.Contains(strings.TrimRight(s, "\r\n"), "\n") }
