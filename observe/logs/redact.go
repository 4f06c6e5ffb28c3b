package logs

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/autoecoops/autoecoops/fault/credential"
)

// redacted stands for what looks like a credential.
const redacted = credential.Hidden

// credentialName is how the names of credentials end.
const credentialName = `(?:pass(?:wor[dt]|wd|phrase|code)?|pwd|kennwort|contrase(?:ñ|n)a|senha|wachtwoord|парол[ья]|密码|パスワード|dockerconfigjson|dockercfg|secret(?:[_-]?key(?:[_-]?base)?)?|account[_-]?key|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|private[_-]?key|encryption[_-]?key|credentials?|session[_-]?id|sig|signature|authorization|cookie)`

// secrets are what looks like a credential, with what to put in its place.
var secrets = sync.OnceValue(func() []struct {
	re *regexp.Regexp
	by string
} {
	type rule = struct {
		re *regexp.Regexp
		by string
	}
	r := func(re, by string) rule { return rule{regexp.MustCompile(re), by} }
	return []rule{
		r(`-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|$)`, redacted),
		r(`(?i)(\b(?:bearer|basic)\s+(?:token\s+)?["']?)[A-Za-z0-9._~+/=-]{8,}`, `${1}`+redacted),
		r(`(?i)((?:authorization|cookie)["'\\]*\s*[:=]\s*)[^"'\n]+`, `${1}`+redacted),
		r(`(?i)(`+credentialName+`s?["'\\]*\s*(?::=|=>|[:=])\s*)(?:[bu]?\\?"(?:[^"\\]|\\.)*(?:"|$)|[bu]?'[^'\n]*(?:'|$)|[A-Za-z]*\([^)\n]*\)?|\{[^}\n]*\}?|[^\s"';}&\[]+)`, `${1}`+redacted),
		r(`(?i)(`+credentialName+`%3[ad])[^\s&]+`, `${1}`+redacted),
		r(`(?i)("-{0,2}[a-z_-]*`+credentialName+`"\s*,\s*(?:"value"\s*:\s*)?")[^"\n]*`, `${1}`+redacted),
		r(`(?i)(<(?:\w+:)?[a-z_-]*`+credentialName+`(?:\s[^>\n]*)?>)[^<\n]+`, `${1}`+redacted),
		r(`(?i)(--?[a-z-]*`+credentialName+`\s+)[^\s-]\S*`, `${1}`+redacted),
		r(`(://[^/\s:@]*:)[^\s"'<>/]+(@)`, `${1}`+redacted+`${2}`),
		r(`(https?://)[^/\s:@"'<>]{8,}(@)`, `${1}`+redacted+`${2}`),
		r(`(\w:)[^\s:@/]+(@(?:tcp|udp|unix)\()`, `${1}`+redacted+`${2}`),
		r(`(hooks\.slack\.com/services/)\S+`, `${1}`+redacted),
		r(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\bglpat-[\w-]{20,}|\bxox[abeprs]-[A-Za-z0-9-]{10,}|\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?|\b[sr]k_(?:live|test)_\w{10,}|\bsk-[\w-]{20,}|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\bnpm_\w{30,}|\bhv[sb]\.[\w-]{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bAGE-SECRET-KEY-1[A-Z0-9]{30,}|\beyJhdXRo[\w+/-]{6,}={0,2}`, redacted),
	}
})

// Redact takes what looks like a credential out of a text: what is named like
// one or said to be one, stands in an address or on a command line, or has a
// well-known form. It takes rather too much
// than too little, and is a net below a net: programs should not log them.
func Redact(text string) string {
	for _, s := range secrets() {
		text = s.re.ReplaceAllString(text, s.by)
	}
	return credential.Hide(text)
}

// risky is what stands beside a credential, or is one.
var risky = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)` + credentialName + `|\bpw\b|\bpin\b|\botp\b|\bauth\b|[a-z0-9]key\s*[=:]|\bkey=|\b(?:bearer|basic)\s|://[^\s/]*@|:[^\s@/]+@|\s-[pu]\s*\S|hooks\.slack|\bSG\.|-----BEGIN|` + regexp.QuoteMeta(redacted))
})

// Discreet tells whether a text says nothing of credentials, however it is written: for
// those who may not read the log itself.
func Discreet(text string) bool { return !risky().MatchString(Redact(text)) }

// sensitive tells whether a word is the name of a credential.
func sensitive(word []byte) bool {
	if len(word) > 64 {
		return false
	}
	w := strings.TrimRight(strings.ToLower(strings.TrimFunc(string(word), unicode.IsSpace)), "s")
	for _, end := range []string{"password", "passwort", "passwd", "passphrase", "passcode", "pwd", "kennwort", "secret", "token", "apikey", "api_key", "api-key", "access_key", "access-key", "private_key", "private-key", "credential", "authorization", "cookie", "signature", "dockerconfigjson"} {
		if strings.HasSuffix(w, end) {
			return true
		}
	}
	return false
}

// concealer tells of the words of a line, one after the other, which are credentials by
// what stands before them: a template must not have them.
type concealer struct {
	close string // the quote that ends a text all of which is one
	told  bool   // only "is" or the like stands between the name and the word
	named bool   // the word before is a name
}

// hides takes the next word and what stands before it.
func (c *concealer) hides(gap string, word []byte) bool {
	if c.close != "" {
		if !strings.Contains(gap, c.close) {
			return true
		}
		c.close = ""
	}
	named, told := c.named, c.told
	c.named, c.told = sensitive(word), false
	if !named && !told {
		return false
	}
	if strings.ContainsAny(gap, ":=") && named {
		return true
	}
	// A quote right behind the name ends that.
	if rest := strings.TrimLeft(gap, `"'\`); rest != "" && rest[0] == ' ' {
		if i := strings.IndexAny(rest, "\"'`"); i >= 0 {
			c.close = rest[i : i+1]
			return true
		}
	}
	if strings.Trim(gap, " ([{<\"'") != "" {
		return false
	}
	switch string(word) {
	case "is", "was", "are", "were":
		c.told = named
		return false
	}
	return credential.Likely(string(word), told)
}
