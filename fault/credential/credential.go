// Package credential takes credentials out of running text that no key=value and no
// well-known form gives away: what is said after the name of one ("password is …"),
// what stands on a command line, names written in other ways. Those who redact logs
// use it below their own rules.
package credential

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Hidden stands for what was taken out.
const Hidden = "[redacted]"

// Blank matches one space of any kind within a line, in a regular expression.
const Blank = `[ \t\r\f\v\p{Z}\x{85}\x{200B}-\x{200D}\x{2060}\x{FEFF}]`

// name is what credentials are called when one speaks of them.
const name = `(?:pass(?:wor[dt]|wd|phrase|code)|pwd|kennwort|contrase(?:ñ|n)a|senha|wachtwoord|парол[ья]|密码|パスワード|secret|token|(?:api|access|private|account|encryption|signing|secret)[ _-]?key(?:[ _-]?id)?|credential|session[ _-]?id|dockerconfigjson|dockercfg)s?`

// rules are the regular expressions of the package.
type rules struct {
	named, assigned, spoken, encoded *regexp.Regexp
	commands                         []*regexp.Regexp
}

var compiled = sync.OnceValue(func() rules {
	return rules{
		named: regexp.MustCompile(`(?i)` + name + `$`),
		// Ahead of the value may stand any blanks, quotes and brackets.
		assigned: regexp.MustCompile(`(?i)` + name + `["'\\]*` + Blank + `*(?::=|=>|={1,3}|:|＝|：)(?:` + Blank + "|[\"'`\\\\(\\[{<“‘«])*"),
		spoken:   regexp.MustCompile(`(?i)` + name + `["'”]{0,2}` + Blank + `+(?:((?:is|was|are|were)(?:` + Blank + `+(?:now|set` + Blank + `+to))?|(?:re)?set` + Blank + `+to|changed` + Blank + `+to|equals)` + Blank + `+)?`),
		encoded:  regexp.MustCompile(`([\w.-]*%[0-9A-Fa-f]{2}[\w.%-]*?)(=|%3[dD])([^\s&"'<>]+)`),
		commands: []*regexp.Regexp{
			regexp.MustCompile(`(\s(?:-u|-U|--user|--proxy-user)[ =]*(?:[A-Za-z_][^\s:"'/]*)?:)([^\s"':][^\s"']*)`),
			regexp.MustCompile(`(\s(?:-u|-U|--user|--proxy-user)[ =]*["'][^\s:"'/]*:)([^"'\n]+)`),
			regexp.MustCompile(`(\b(?:mysql|mariadb)[\w-]*\s(?:[^\n]*?\s)?-p)([^\s"']+|"[^"\n]*"?|'[^'\n]*'?)`),
			regexp.MustCompile(`(\b(?:sshpass|mongo\w*|(?:docker|podman|registry)\s+login)\s(?:[^\n]*?\s)?-p\s*)([^\s"']+|"[^"\n]*"?|'[^'\n]*'?)`),
			regexp.MustCompile(`(\bredis-cli\s(?:[^\n]*?\s)?-a\s*)([^\s"']+|"[^"\n]*"?|'[^'\n]*'?)`),
		},
	}
})

// hints are what a text has one of, in small letters, that names a credential: to look
// for them is far cheaper than a regular expression.
var hints = []string{"pass", "pwd", "kennwort", "contrase", "senha", "wachtwoord", "парол", "密码", "パスワード", "secret", "token", "key", "credential", "session", "docker"}

// Hide takes out what looks like a credential by the words around it.
func Hide(text string) string {
	r := compiled()
	low := strings.ToLower(text)
	for _, h := range hints {
		if strings.Contains(low, h) {
			text = replace(text, r.spoken, spokenValue)
			text = replace(text, r.assigned, assignedValue)
			break
		}
	}
	if strings.Contains(text, "%") {
		text = r.encoded.ReplaceAllStringFunc(text, func(s string) string {
			part := r.encoded.FindStringSubmatch(s)
			if plain, err := url.PathUnescape(part[1]); err == nil && r.named.MatchString(plain) {
				return part[1] + part[2] + Hidden
			}
			return s
		})
	}
	if strings.Contains(text, " -") || strings.Contains(text, "\t-") {
		for _, c := range r.commands {
			text = c.ReplaceAllString(text, "${1}"+Hidden)
		}
	}
	return text
}

// replace hides the values that follow the matches of a regular expression. value tells
// where it lies in what follows; to is 0 if nothing is to be hidden.
func replace(text string, re *regexp.Regexp, value func(match, told, rest string) (from, to int)) string {
	var b strings.Builder
	done := 0 // what is written
	for at := 0; at < len(text); {
		m := re.FindStringSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		told, end := "", at+m[1]
		if len(m) > 2 && m[2] >= 0 {
			told = text[at+m[2] : at+m[3]]
		}
		if from, to := value(text[at+m[0]:end], told, text[end:]); to > 0 {
			b.WriteString(text[done : end+from])
			b.WriteString(Hidden)
			end += to
			done = end
		}
		at = end
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// assignedValue is what stands behind an equals sign or colon, whatever it is.
func assignedValue(match, _, rest string) (from, to int) {
	if strings.HasPrefix(rest, strings.TrimPrefix(Hidden, "[")) || strings.HasPrefix(rest, "*>") {
		return 0, 0 // it was hidden before; the bracket belongs to the match
	}
	end := strings.IndexAny(rest, "\n")
	if end < 0 {
		end = len(rest)
	}
	if open := match[len(match)-1]; strings.IndexByte("\"'`", open) >= 0 {
		if i := strings.IndexByte(rest[:end], open); i >= 0 {
			return 0, i
		}
	}
	return 0, run(rest[:end], "\"'`<>;,)}]&“”‘’«»")
}

// run is the length of what no blank and none of the signs ends.
func run(text, ends string) int {
	for i, c := range text {
		if blank(c) || strings.ContainsRune(ends, c) {
			return i
		}
	}
	return len(text)
}

// quotes are pairs of them, the longer first.
var quotes = [][2]string{{`\"`, `\"`}, {`\'`, `\'`}, {`"`, `"`}, {`'`, `'`}, {"`", "`"}, {"“", "”"}, {"‘", "’"}, {"«", "»"}}

// spokenValue is the word or quoted text that follows a name, if it is none that one
// says of a credential.
func spokenValue(match, told, rest string) (from, to int) {
	if strings.HasPrefix(rest, Hidden) {
		return 0, 0
	}
	line, _, _ := strings.Cut(rest, "\n")
	for _, q := range quotes {
		inside, ok := strings.CutPrefix(line, q[0])
		if !ok {
			continue
		}
		value, after, _ := strings.Cut(inside, q[1])
		if value == "" || strings.HasPrefix(value, Hidden) || value == "<*>" || punctuation(value) || object(match, value, after) {
			return 0, 0
		}
		return len(q[0]), len(q[0]) + len(value)
	}
	open := len(line) - len(strings.TrimLeft(line, "([{<"))
	end := open + run(line[open:], "\"'`<>“”‘’«»")
	word := strings.TrimRight(line[open:end], ".,;:!?)]}")
	if !Likely(word, told != "") || object(match, word, line[open+len(word):]) {
		return 0, 0
	}
	return open, open + len(word)
}
