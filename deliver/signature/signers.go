package signature

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// signer is one line of allowed_signers.
type signer struct {
	// principals are patterns, separated by commas.
	principals string
	key        ssh.PublicKey
	// authority says that the key certifies others and is none itself.
	authority bool
	// namespaces are patterns, "" for any.
	namespaces string
	// after and before bound when signatures count; zero for no bound.
	after, before time.Time
}

// allows reports whether the line counts for a signature made at a time.
func (s signer) allows(when time.Time) Verdict {
	switch {
	case s.namespaces != "" && !matchList(s.namespaces, namespace):
		return refuse(NotAllowed, "the key is allowed for other namespaces than git")
	case !s.after.IsZero() && when.Before(s.after):
		return refuse(NotYetValid, "the key was not allowed yet when the commit was made")
	case !s.before.IsZero() && when.After(s.before):
		return refuse(Expired, "the key was no longer allowed when the commit was made")
	}
	return Verdict{Status: Good}
}

// maxSigners bounds the lines of allowed_signers.
const maxSigners = 10_000

// parseSigners reads lines of principals, options and a key. A line that
// cannot be read is an error: it might hold a restriction.
func parseSigners(name string, text []byte) ([]signer, error) {
	var all []signer
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		s, why := parseSigner(line)
		if why != "" {
			return nil, invalidKeys(name, "line "+strconv.Itoa(n)+": "+why, "write lines as ssh-keygen(1) says under ALLOWED SIGNERS: ada@example.com namespaces=\"git\" ssh-ed25519 AAAA…")
		}
		if all = append(all, s); len(all) > maxSigners {
			return nil, invalidKeys(name, "it has more lines than allowed", "use a certificate authority")
		}
	}
	return all, nil
}

func parseSigner(line string) (s signer, why string) {
	principals, rest, ok := word(line)
	if !ok || principals == "" {
		return s, "the principals cannot be read"
	}
	s.principals = principals
	// Options stand before the key, unless the key begins here.
	if first, _, _ := strings.Cut(rest, " "); !keyType(first) {
		options, after, ok := optionsEnd(rest)
		if !ok {
			return s, "there is no key"
		}
		if why := s.parseOptions(options); why != "" {
			return s, why
		}
		rest = after
	}
	key, _, more, trailing, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil || len(more) > 0 || len(bytes.TrimSpace(trailing)) > 0 {
		return s, "the key cannot be read"
	}
	if _, isCert := key.(*ssh.Certificate); isCert {
		return s, "it holds a certificate where a key is needed"
	}
	s.key = key
	return s, ""
}

func keyType(s string) bool {
	return strings.HasPrefix(s, "ssh-") || strings.HasPrefix(s, "ecdsa-") || strings.HasPrefix(s, "sk-")
}

// word reads the first word of a line, which may be quoted.
func word(line string) (w, rest string, ok bool) {
	if quoted, isQuoted := strings.CutPrefix(line, `"`); isQuoted {
		w, rest, ok = strings.Cut(quoted, `"`)
		return w, strings.TrimLeft(rest, " \t"), ok
	}
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return line, "", false
	}
	return line[:i], strings.TrimLeft(line[i:], " \t"), true
}

// optionsEnd cuts options off, which end at the first space outside of quotes.
func optionsEnd(s string) (options, rest string, ok bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case (s[i] == ' ' || s[i] == '\t') && !quoted:
			return s[:i], strings.TrimLeft(s[i:], " \t"), true
		}
	}
	return "", "", false
}

func (s *signer) parseOptions(text string) (why string) {
	for text != "" {
		name, rest, hasValue := text, "", false
		if i := strings.IndexAny(text, "=,"); i >= 0 {
			name, rest, hasValue = text[:i], text[i+1:], text[i] == '='
		}
		value := ""
		if hasValue {
			quoted, ok := strings.CutPrefix(rest, `"`)
			if value, rest, ok = cutIf(quoted, `"`, ok); !ok {
				return "the value of " + name + " is not in quotes"
			}
			rest = strings.TrimPrefix(rest, ",")
		}
		var err bool
		switch strings.ToLower(name) {
		case "cert-authority":
			s.authority, err = true, hasValue
		case "namespaces":
			s.namespaces, err = value, value == ""
		case "valid-after":
			s.after, err = parseTime(value)
		case "valid-before":
			s.before, err = parseTime(value)
		default:
			return "the option " + strconv.Quote(name) + " is unknown"
		}
		if err {
			return "the value of " + name + " cannot be read"
		}
		text = rest
	}
	return ""
}

func cutIf(s, sep string, ok bool) (before, after string, found bool) {
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, sep)
}

// parseTime reads YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS. ssh-keygen takes a
// time without Z for local time; here all times are UTC.
func parseTime(s string) (at time.Time, bad bool) {
	s = strings.TrimSuffix(s, "Z")
	for _, form := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(s) == len(form) {
			at, err := time.ParseInLocation(form, s, time.UTC)
			return at, err != nil
		}
	}
	return time.Time{}, true
}

// parseRevoked reads public keys, one a line.
func (k *Keys) parseRevoked(name string, text []byte) error {
	if bytes.HasPrefix(text, []byte("SSHKRL\n\x00")) {
		return invalidKeys(name, "it is a binary revocation list, which is not supported", "write the public keys, one a line")
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			return invalidKeys(name, "line "+strconv.Itoa(n)+" is no public key", "write the public keys, one a line")
		}
		k.revoked[string(key.Marshal())] = true
	}
	return nil
}
