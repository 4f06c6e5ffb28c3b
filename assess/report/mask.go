package report

import (
	"regexp"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// masked stands for a value that is not shown.
const masked = "[masked]"

var (
	// keyValue is a line that gives a key its value: its indentation with
	// dashes, the key, the colon, the value.
	keyValue = regexp.MustCompile(`^([\s-]*)("?[\w./@-]+"?)(\s*[:=]\s+)(\S.*)$`)
	// secretKey is a key whose value is likely to be a secret.
	secretKey = regexp.MustCompile(`(?i)(password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|client[_-]?secret|connection[_-]?string|dsn)"?$`)
	// secretCheck is a check whose findings are about secret values.
	secretCheck = regexp.MustCompile(`secret|credential|password|token|key`)
	// harmless is a value that tells nothing.
	harmless = regexp.MustCompile(`^(true|false|null|~|\d{1,5}|[|>][+-]?\d?|\{\{.*\}\}|\{\}|\[\]|""|'')$`)
	// structural are the keys of an object that hold no data.
	structural = map[string]bool{"apiVersion": true, "kind": true, "name": true, "namespace": true, "type": true, "immutable": true, "key": true}
	// userInfo is the password of an address.
	userInfo = regexp.MustCompile(`(://[^/\s:@]*:)[^@\s/]+@`)
)

// mask returns the lines of an excerpt without the secret values in them. A
// report travels further than the repository, so it shows where a secret is,
// never what it is. In the lines of a Secret and of a finding about secrets all
// values are masked; elsewhere those of keys that sound like secrets.
func mask(f *ops.Finding, lines []string) []string {
	all := f.Object.Kind == "Secret" || secretCheck.MatchString(string(f.Check))
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = maskLine(l, all)
	}
	return out
}

func maskLine(line string, all bool) string {
	line = userInfo.ReplaceAllString(line, "${1}"+masked+"@")
	m := keyValue.FindStringSubmatch(line)
	if m == nil {
		trimmed := strings.TrimSpace(line)
		if all && trimmed != "" && !strings.HasSuffix(trimmed, ":") && !strings.HasPrefix(trimmed, "#") && trimmed != "---" {
			return line[:len(line)-len(strings.TrimLeft(line, " \t-"))] + masked
		}
		return line
	}
	key := strings.Trim(m[2], `"`)
	if harmless.MatchString(m[4]) || structural[key] || !all && !secretKey.MatchString(key) {
		return line
	}
	return m[1] + m[2] + m[3] + masked
}
