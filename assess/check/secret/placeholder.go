package secret

import "strings"

// placeholder reports whether a value says that another is to be put in its
// place before use.
func placeholder(v string) bool {
	if len(v) > 80 {
		return false
	}
	same := true
	for i := range len(v) {
		if v[i] != v[0] {
			same = false
			break
		}
	}
	if same {
		return true
	}
	l := strings.ToLower(v)
	for _, word := range [...]string{"replace", "placeholder", "your-", "your_", "todo", "redacted", "insert", "fill-", "fill_", "fillme", "xxxx", "****", "....", "override", "to-be-", "tobe", "set-me", "setme", "not-used", "unused", "notused", "to be ", "goes-here", "goes_here", "goeshere", "generated"} {
		if strings.Contains(l, word) {
			return true
		}
	}
	if strings.HasPrefix(l, "your") && (strings.Contains(l, "token") || strings.Contains(l, "password") || strings.Contains(l, "secret") || strings.Contains(l, "key")) {
		return true // "YourServiceApiToken"
	}
	return strings.Contains(v, "${") || strings.Contains(v, "$(") || stock(l) || sentence(l) || countedUp(l)
}

// pointing are the words by which a sample value speaks to its reader, naming
// those a credential is called by.
var (
	pointing = [...]string{"your", "some", "here", "value", "enter", "put", "the-", "my-", "my_", "my ", "a-", "an-"}
	naming   = [...]string{"password", "passphrase", "passwd", "pass", "pwd", "pw", "secret", "token", "credentials", "credential", "apikey", "key", "access", "private", "api", "auth", "client", "account", "database", "db", "user", "admin", "root", "github", "gitlab"}
)

// stock reports whether a lower-case value is made of nothing but words about
// credentials and such that speak to the reader: "my-password", "yourtoken".
// "mypassword" and "adminpassword" are left out, since people do use them.
func stock(l string) bool {
	pointed, named := false, false
next:
	for l != "" {
		for _, w := range pointing {
			if rest, ok := strings.CutPrefix(l, w); ok {
				pointed, l = true, rest
				continue next
			}
		}
		for _, w := range naming {
			if rest, ok := strings.CutPrefix(l, w); ok {
				named, l = true, rest
				continue next
			}
		}
		if !strings.ContainsRune("-_ .", rune(l[0])) {
			return false
		}
		l = l[1:]
	}
	return pointed && named
}

// sentence reports whether a value is prose about a credential. Pass phrases
// have spaces as well, but do not name what they are.
func sentence(l string) bool {
	if strings.Count(l, " ") < 2 {
		return false
	}
	for _, w := range [...]string{"password", "secret", "token", "credential", " key"} {
		if strings.Contains(l, w) {
			return true
		}
	}
	return false
}

// countedUp reports whether a long value was typed along the alphabet and the
// digits, as in "1234-abcd": chance makes one such run, hardly two.
func countedUp(l string) bool {
	if len(l) < 16 {
		return false
	}
	runs, n := 0, 1
	for i := 1; i < len(l); i++ {
		if l[i] != l[i-1]+1 || !alnum(l[i]) {
			n = 1
			continue
		}
		if n++; n == 4 {
			runs++
		}
	}
	return runs > 1
}

// keyMaterial reports whether a text that begins with the first line of a
// private key goes on with one, not with dots or a note to put it there.
func keyMaterial(text string) bool {
	_, body, ok := strings.Cut(text, "PRIVATE KEY-----")
	if !ok {
		return true // another form, such as that of PGP
	}
	body, _, _ = strings.Cut(body, "-----END")
	if len(body) < 4 {
		return true // the rest stands elsewhere
	}
	if strings.Contains(body, "...") || strings.ContainsAny(body, "<…*$") {
		return false
	}
	body = strings.TrimSpace(body)
	return body != "" && !placeholder(body)
}

// derived reports whether a password is no more than the name of what it
// belongs to, perhaps with a number: "storageos" in Secret storageos-secret.
func derived(v string, about ...string) bool {
	l := strings.TrimRight(strings.ToLower(strings.TrimSpace(v)), "0123456789!@#")
	if len(l) < 4 {
		return false
	}
	for _, a := range about {
		if strings.Contains(strings.ToLower(a), l) {
			return true
		}
	}
	return false
}

// sameWords reports whether two texts are equal but for case and separators,
// such as DB_PASSWORD and "db-password".
func sameWords(a, b string) bool {
	for {
		a, b = strings.TrimLeft(a, "-_. "), strings.TrimLeft(b, "-_. ")
		if a == "" || b == "" {
			return a == b
		}
		if !strings.EqualFold(a[:1], b[:1]) {
			return false
		}
		a, b = a[1:], b[1:]
	}
}
