package secret

import (
	"math"
	"strings"
)

// verdict is what a value is taken for.
type verdict uint8

// The verdicts: no credential (or a reference or placeholder for one), a
// credential anyone would guess, a credential.
const (
	none verdict = iota
	weak
	evident
)

// judge says what the value under a key is, and for a credential what kind.
func judge(key, value string) (verdict, string) {
	v := strings.TrimSpace(value)
	if len(v) < 3 || filledLater(v) {
		return none, ""
	}
	if what := knownForm(v); what != "" {
		if example(v) {
			return none, ""
		}
		return evident, what
	}
	if got, what := inURL(v); what != "" {
		return got, what
	}
	if got := inConnectionString(v); got != none {
		return got, "a connection string with a password"
	}
	switch kind := keyKind(key); kind {
	case password, token:
		return shape(kind, key, v), kind.String()
	}
	return none, ""
}

// shape judges a value by its looks, given that its key speaks of a
// credential.
func shape(kind kind, key, v string) verdict {
	switch {
	case plainSetting(v) || sameWords(v, key) && kind == token:
		return none
	case placeholder(v):
		return none
	case guessable(v) || sameWords(v, key):
		return weak
	case kind == password:
		if len(v) < 4 {
			return weak
		}
		return evident
	}
	if len(v) < 8 || strings.ContainsAny(v, " \t\n") || !mixed(v) || entropy(v) < 2.8 {
		return none
	}
	return evident
}

// filledLater reports whether a value is a reference that something resolves
// before it is used, or is encrypted.
func filledLater(v string) bool {
	if v[0] == '$' && (len(v) < 3 || v[1] != '2' && v[1] != '1' && v[1] != '6' && v[1] != '5' && v[1] != 'a') {
		return true // a variable; hashes such as $2y$ and $6$ are not
	}
	for _, prefix := range [...]string{"ENC[", "vault:", "op://", "ref+", "awssm:", "gcpsm:", "azurekv:", "secretref:", "arn:aws:", "file:", "env:", "!vault", "sops:", "bao:", "AgA"} {
		if strings.HasPrefix(v, prefix) && (prefix != "AgA" || len(v) > 200) {
			return true
		}
	}
	if strings.Contains(v, "{{") {
		return true
	}
	return v[0] == '<' && v[len(v)-1] == '>' || v[0] == '%' && v[len(v)-1] == '%' || v[0] == '[' && v[len(v)-1] == ']' ||
		strings.HasPrefix(v, "__") && strings.HasSuffix(v, "__") || v[0] == '@' && v[len(v)-1] == '@'
}

// forms are beginnings of credentials that their makers gave a recognisable
// form, with the shortest length of the whole.
var forms = [...]struct {
	prefix string
	length int
	what   string
}{
	{"AKIA", 20, "an AWS access key"}, {"ASIA", 20, "an AWS access key"},
	{"ghp_", 36, "a GitHub token"}, {"gho_", 36, "a GitHub token"}, {"ghs_", 36, "a GitHub token"}, {"ghu_", 36, "a GitHub token"}, {"github_pat_", 40, "a GitHub token"},
	{"glpat-", 20, "a GitLab token"}, {"glrt-", 20, "a GitLab runner token"}, {"xoxb-", 20, "a Slack token"}, {"xoxp-", 20, "a Slack token"}, {"xapp-", 20, "a Slack token"},
	{"https://hooks.slack.com/services/T", 50, "a Slack webhook address"}, {"https://discord.com/api/webhooks/", 60, "a Discord webhook address"},
	{"sk_live_", 20, "a Stripe key"}, {"rk_live_", 20, "a Stripe key"}, {"whsec_", 20, "a webhook signing key"}, {"sk-ant-", 30, "an Anthropic key"}, {"sk-proj-", 30, "an OpenAI key"},
	{"AIzaSy", 39, "a Google API key"}, {"npm_", 36, "an npm token"}, {"pypi-AgE", 50, "a PyPI token"}, {"dop_v1_", 40, "a DigitalOcean token"}, {"SG.", 60, "a SendGrid key"},
	{"hf_", 34, "a Hugging Face token"}, {"dckr_pat_", 30, "a Docker Hub token"}, {"glsa_", 40, "a Grafana token"}, {"glc_", 40, "a Grafana token"}, {"ATATT3", 60, "an Atlassian token"},
	{"shpat_", 34, "a Shopify token"}, {"lin_api_", 40, "a Linear key"}, {"hvs.", 26, "a Vault token"}, {"pul-", 40, "a Pulumi token"}, {"sntrys_", 40, "a Sentry token"}, {"AGE-SECRET-KEY-1", 59, "an age private key"},
}

// knownForm names the kind of credential that a value's form gives away.
func knownForm(v string) string {
	if strings.HasPrefix(v, "-----BEGIN ") {
		head, _, _ := strings.Cut(v, "\n")
		if strings.Contains(head, "PRIVATE KEY") && keyMaterial(v) {
			return "a private key"
		}
		return ""
	}
	if strings.HasPrefix(v, "eyJ") {
		if strings.Count(v, ".") == 2 && strings.Contains(v, ".eyJ") && len(v) > 60 && !strings.ContainsAny(v, " \n") {
			return "a signed token (JWT)"
		}
		return ""
	}
	for i := range forms {
		f := &forms[i]
		if v[0] == f.prefix[0] && len(v) >= f.length && strings.HasPrefix(v, f.prefix) && !strings.ContainsAny(v, " \t\n") {
			return f.what
		}
	}
	return ""
}

func example(v string) bool {
	return strings.Contains(v, "EXAMPLE") || strings.Contains(v, "example") || strings.Contains(v, "XXXX") || strings.Contains(v, "xxxx") || strings.Contains(v, "0000000000") || strings.Contains(v, "1234567890")
}

// inURL judges the password of an address such as scheme://user:password@host.
func inURL(v string) (verdict, string) {
	_, rest, ok := strings.Cut(v, "://")
	if !ok {
		return none, ""
	}
	authority := rest
	if i := strings.IndexAny(authority, "/?# \n\"'"); i >= 0 {
		authority = authority[:i]
	}
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return none, ""
	}
	user, pass, ok := strings.Cut(authority[:i], ":")
	if !ok || len(pass) < 3 || filledLater(pass) || placeholder(pass) || strings.Contains(pass, "$") && strings.ContainsAny(pass, "{(") {
		return none, ""
	}
	const what = "an address with a password"
	if guessable(pass) || strings.EqualFold(user, pass) {
		return weak, what
	}
	return evident, what
}

// inConnectionString judges the password of a list such as
// "Server=db;Password=x;".
func inConnectionString(v string) verdict {
	if strings.IndexByte(v, ';') < 0 || len(v) > 4096 {
		return none
	}
	for part := range strings.SplitSeq(v, ";") {
		k, pass, ok := strings.Cut(part, "=")
		if !ok || keyKind(k) == other {
			continue
		}
		pass = strings.TrimSpace(pass)
		switch {
		case len(pass) < 3 || filledLater(pass) || placeholder(pass) || plainSetting(pass):
		case guessable(pass):
			return weak
		default:
			return evident
		}
	}
	return none
}

// plainSetting reports whether a value is a switch, a number, a path or an
// address, as settings about credentials have.
func plainSetting(v string) bool {
	switch strings.ToLower(v[:min(len(v), 16)]) {
	case "true", "false", "yes", "no", "none", "null", "nil", "disabled", "enabled", "optional", "required", "auto", "basic", "bearer", "jwt", "plain", "id_token", "access_token", "client_secret", "undefined":
		return true
	}
	digits := 0
	for i := range len(v) {
		if v[i] >= '0' && v[i] <= '9' {
			digits++
		}
	}
	if digits == len(v) && digits < 5 {
		return true
	}
	return (v[0] == '/' || strings.HasPrefix(v, "./") || strings.HasPrefix(v, "~/")) && (len(v) < 24 || strings.Count(v, "/") > 1 && entropy(v) < 4.3) ||
		strings.Contains(v, "://")
}

// guessable reports whether a value is a password that is tried first.
func guessable(v string) bool {
	if len(v) > 40 {
		return false
	}
	l := strings.ToLower(v)
	for _, word := range [...]string{"changeme", "change-me", "change_me", "changeit", "example", "dummy", "insecure", "notsecret", "not-secret", "not-a-secret", "letmein", "qwerty", "123456"} {
		if strings.Contains(l, word) {
			return true
		}
	}
	l = strings.TrimRight(l, "0123456789!@#")
	switch l {
	case "password", "passw0rd", "p@ssw0rd", "p@ssword", "passwd", "pass", "pwd", "secret", "supersecret", "topsecret", "mysecret", "mysecretpassword", "mypassword", "token", "admin", "administrator", "root", "toor", "user", "guest", "test", "testing",
		"default", "demo", "postgres", "postgresql", "mysql", "redis", "mongo", "mongodb", "rabbitmq", "grafana", "minio", "minioadmin", "minio123", "elastic", "kafka", "keycloak", "jenkins", "wordpress", "nextcloud", "foo", "bar", "foobar", "hello", "dev", "local", "db", "app", "prom-operator", "":
		return true
	}
	return false
}

// mixed reports whether a value has letters and digits, or both cases of
// letters in the middle of words, so that it is no name.
func mixed(v string) bool {
	var digit, lower, upper, inner bool
	for i := range len(v) {
		switch b := v[i]; {
		case b >= '0' && b <= '9':
			digit = true
		case b >= 'a' && b <= 'z':
			lower = true
		case b >= 'A' && b <= 'Z':
			upper = true
			inner = inner || i > 0 && v[i-1] >= 'a' && v[i-1] <= 'z'
		}
	}
	if digit && (lower || upper) {
		return !nameLike(v)
	}
	return lower && upper && inner && len(v) >= 16
}

// nameLike reports whether a value is words with perhaps a number, joined by
// hyphens, as the names of objects are: "web-tls-2".
func nameLike(v string) bool {
	if strings.ToLower(v) != v || !strings.ContainsAny(v, "-._") {
		return false
	}
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == '-' || r == '.' || r == '_' }) {
		digits := strings.TrimLeft(part, "0123456789")
		letters := strings.TrimRight(part, "0123456789")
		if len(part) > 12 || digits != part && digits != "" || strings.ContainsAny(letters, "0123456789") {
			return false
		}
	}
	return true
}

// entropy returns the bits a character of v carries on average.
func entropy(v string) float64 {
	var counts [256]int
	for i := range len(v) {
		counts[v[i]]++
	}
	e, n := 0.0, float64(len(v))
	for _, c := range counts {
		if c > 0 {
			f := float64(c) / n
			e -= f * math.Log2(f)
		}
	}
	return e
}
