package report

import (
	"regexp"
	"strings"
	"sync"

	"github.com/autoecoops/autoecoops/ops"
)

// masked stands for a value that is not shown.
const masked = "[masked]"

// secretWord ends a key whose value is likely to be a secret.
const secretWord = `(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|encryption[_-]?key|credentials?|connection[_-]?string|dsn)`

// structural are the keys of an object that hold no data.
var structural = map[string]bool{"apiVersion": true, "kind": true, "name": true, "namespace": true, "type": true, "immutable": true, "key": true}

// patterns are the expressions that lines are masked by.
type patterns struct {
	// keyValue is a line that gives a key its value: its indentation with
	// dashes, the key, the colon, the value.
	keyValue *regexp.Regexp
	// secretKey is the key of a secret, and secretName a line that names the
	// variable whose value the next line gives.
	secretKey, secretName *regexp.Regexp
	// inlineSecret is a key with its value inside of a line: in flow style, in
	// JSON, in an argument.
	inlineSecret *regexp.Regexp
	// inlineVariable is a variable that sounds like a secret, with its value, in
	// flow style.
	inlineVariable *regexp.Regexp
	// secretCheck is a check whose findings are about secret values.
	secretCheck *regexp.Regexp
	// harmless is a value that tells nothing: a switch, a small number, a
	// reference to what is elsewhere, the start of a block.
	harmless *regexp.Regexp
	// userInfo is the password of an address.
	userInfo *regexp.Regexp
	// encoded is a line of a key or a certificate.
	encoded *regexp.Regexp
}

// compiled returns the patterns. Most runs of the program show no source line,
// so they are not compiled when it starts.
var compiled = sync.OnceValue(func() *patterns {
	return &patterns{
		keyValue:       regexp.MustCompile(`^([\s-]*)("?[\w./@-]+"?)(\s*[:=]\s+)(\S.*)$`),
		secretKey:      regexp.MustCompile(`(?i)` + secretWord + `$`),
		secretName:     regexp.MustCompile(`(?i)^[\s-]*"?name"?:\s+["']?[\w.-]*` + secretWord + `["']?,?$`),
		inlineSecret:   regexp.MustCompile(`(?i)(` + secretWord + `["']?\s*[:=]\s*)("[^"]+"|'[^']+'|[^\s,{}\[\]"'$|>&*!][^\s,}\]"']*)`),
		inlineVariable: regexp.MustCompile(`(?i)("?name"?:\s*["']?[\w.-]*` + secretWord + `["']?\s*,\s*"?value"?:\s*)("[^"]*"|'[^']*'|[^\s,{}\[\]]+)`),
		secretCheck:    regexp.MustCompile(`secret|credential|password`),
		harmless:       regexp.MustCompile(`^(true|false|null|~|\d{1,5}|[|>][+-]?\d?|["']?\{\{.*\}\}["']?|["']?\$[({].*|\{\}|\[\]|""|'')$`),
		userInfo:       regexp.MustCompile(`(://[^/\s:@]*:)[^@\s/]+@`),
		encoded:        regexp.MustCompile(`^[\s-]*["']?[A-Za-z0-9+/=_-]{40,}["']?$`),
	}
})

// mask returns the lines of an excerpt without the secret values in them. A
// report travels further than the repository, so it shows where a secret is,
// never what it is. In the lines of a Secret, and in those that a finding about
// secrets points at, all values are masked; elsewhere those of keys that sound
// like secrets. It is a safeguard, not a proof: a value under an innocent key
// stays. The first of the lines has the number from.
func mask(f *ops.Finding, lines []string, from int) []string {
	p := compiled()
	about := p.secretCheck.MatchString(string(f.Check))
	out := make([]string, len(lines))
	block := -1 // the indentation of the key whose block is masked
	for i, l := range lines {
		hit := from+i >= f.Line && from+i <= max(f.Line, f.EndLine)
		all := f.Object.Kind == "Secret" || about && hit
		depth := len(l) - len(strings.TrimLeft(l, " \t"))
		if block >= 0 && strings.TrimSpace(l) != "" {
			if depth > block {
				out[i] = l[:depth] + masked
				continue
			}
			block = -1
		}
		value := about || i > 0 && p.secretName.MatchString(lines[i-1])
		out[i] = maskLine(l, all, value)
		if m := p.keyValue.FindStringSubmatch(l); m != nil && strings.ContainsAny(m[4][:1], "|>") && (all || p.secretKey.MatchString(strings.Trim(m[2], `"`))) {
			block = depth
		}
	}
	return out
}

// maskLine masks one line: all its values, or, with value, that of a variable.
func maskLine(line string, all, value bool) string {
	p := compiled()
	line = p.userInfo.ReplaceAllString(line, "${1}"+masked+"@")
	m := p.keyValue.FindStringSubmatch(line)
	if m == nil {
		trimmed := strings.TrimSpace(line)
		data := all && trimmed != "" && !strings.HasSuffix(trimmed, ":") && !strings.HasPrefix(trimmed, "#") && trimmed != "---"
		if data || p.encoded.MatchString(line) {
			return line[:len(line)-len(strings.TrimLeft(line, " \t-"))] + masked
		}
		return maskInline(line)
	}
	key := strings.Trim(m[2], `"`)
	secret := all && !structural[key] || p.secretKey.MatchString(key) || value && key == "value"
	if secret && !p.harmless.MatchString(m[4]) {
		return m[1] + m[2] + m[3] + masked
	}
	return maskInline(line)
}

func maskInline(line string) string {
	p := compiled()
	line = p.inlineVariable.ReplaceAllString(line, "${1}"+masked)
	return p.inlineSecret.ReplaceAllStringFunc(line, func(s string) string {
		m := p.inlineSecret.FindStringSubmatch(s)
		if p.harmless.MatchString(m[2]) || strings.HasPrefix(m[2], `"{{`) || strings.HasPrefix(m[2], `"$`) {
			return s
		}
		return m[1] + masked
	})
}
