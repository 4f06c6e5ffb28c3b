package diagnose

import (
	"regexp"
	"strings"
	"sync"

	"github.com/autoecoops/autoecoops/fault/credential"
)

const gone = credential.Hidden

// pattern is a text that looks like a credential.
type pattern struct {
	re *regexp.Regexp
	by string
	// hints are texts, in small letters, of which a line has one if the pattern
	// can match: searching for them is far cheaper.
	hints []string
}

// word is how names of credentials end, as in DB_PASSWORD or x-api-key.
const word = `(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|account[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|credentials?|session[_-]?id|sig|signature)`

func words() []string {
	return []string{"pass", "pwd", "secret", "token", "key", "credential", "session", "sig"}
}

// patterns are texts in a line that look like credentials: what stands behind a
// key with such a name, in an address, in a header, and tokens of well-known
// shapes.
var patterns = sync.OnceValue(func() []pattern {
	compile := func(re, by string, hints ...string) pattern { return pattern{regexp.MustCompile(re), by, hints} }
	return []pattern{
		compile(`(?i)(`+word+`s?["']?\s*[:=]\s*)"(?:[^"\\]|\\.)*(?:"|$)`, `${1}"`+gone+`"`, words()...),
		compile(`(?i)(`+word+`s?["']?\s*[:=]\s*)'[^']*(?:'|$)`, `${1}'`+gone+`'`, words()...),
		compile(`(?i)(authorization["']?\s*[:=]\s*["']?)[^"']+`, `${1}`+gone, "authorization"),
		compile(`(?i)(cookie["']?\s*[:=]\s*["']?)[^"']+`, `${1}`+gone, "cookie"),
		compile(`(?i)(`+word+`s?["']?\s*[:=]\s*["']?)[^\s"',;}&\[]+`, `${1}`+gone, words()...),
		compile(`(?i)(--?[a-z-]*`+word+`\s+)[^\s-][^\s]*`, `${1}`+gone, words()...),
		compile(`(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}`, `${1}`+gone, "bearer"),
		compile(`(://[^/\s:@]*:)[^\s"'<>]+(@)`, `${1}`+gone+`${2}`, "://"),
		compile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abeprs]-[A-Za-z0-9-]{10,}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?|\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bhv[sb]\.[A-Za-z0-9_-]{20,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\bAGE-SECRET-KEY-1[A-Z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{30,}|\beyJhdXRo[\w+/-]{6,}={0,2}`,
			gone, "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "eyj", "k_live_", "k_test_", "sk-", "aiza", "ya29.", "npm_", "hvs.", "hvb.", "sg.", "age-secret-key", "pypi-"),
	}
})

// blocks are credentials of several lines: private keys, also those whose
// beginning or end was cut off.
var blocks = sync.OnceValue(func() []pattern {
	return []pattern{
		{re: regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|$)`), by: gone},
		{re: regexp.MustCompile(`(?:^|\n)[A-Za-z0-9+/=\s…]*-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----`), by: "\n" + gone},
	}
})

// Redact takes what looks like credentials out of a text. It is a net below a
// net: programs should not log them. It takes rather too much than too little,
// but leaves digests, commits, names and addresses of images, which are hex or
// lower case.
func Redact(text string) string {
	if strings.Contains(text, "PRIVATE KEY") {
		for _, p := range blocks() {
			text = p.re.ReplaceAllString(text, p.by)
		}
	}
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		rest, end := strings.CutSuffix(line, "\n")
		b.WriteString(redactLine(rest))
		if end {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func redactLine(line string) string {
	low := strings.ToLower(line)
	for _, p := range patterns() {
		for _, h := range p.hints {
			if strings.Contains(low, h) {
				line = p.re.ReplaceAllString(line, p.by)
				break
			}
		}
	}
	return withoutRandom(credential.Hide(line))
}

// long is how many characters make a word that may be a key.
const long = 32

// withoutRandom replaces long words that look random.
func withoutRandom(line string) string {
	if len(line) < long {
		return line
	}
	start := -1
	for i := 0; i <= len(line); i++ {
		if i < len(line) && wordByte(line[i]) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 && i-start >= long && looksRandom(line[start:i]) {
			return line[:start] + gone + withoutRandom(line[i:])
		}
		start = -1
	}
	return line
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/_=-", c) >= 0
}

// looksRandom tells whether a long word has capitals, small letters and digits
// mixed up, and is no path.
func looksRandom(s string) bool {
	if strings.Count(s, "/") > 2 {
		return false
	}
	var upper, lower, digit, turns int
	kind := byte(0)
	for i := range len(s) {
		var k byte
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z':
			upper++
			k = 'A'
		case c >= 'a' && c <= 'z':
			lower++
			k = 'a'
		case c >= '0' && c <= '9':
			digit++
			k = '0'
		}
		if k != kind && k != 0 {
			turns++
			kind = k
		}
	}
	return upper > 2 && lower > 2 && digit > 1 && turns*4 > len(s)
}
