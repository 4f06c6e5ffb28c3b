package secret

// kind is what a key says of its value.
type kind uint8

const (
	other kind = iota
	// password is a word a person or program signs in with: any value counts.
	password
	// token is a secret that looks random; names of objects are called so too.
	token
)

// String names the kind for messages.
func (k kind) String() string {
	if k == password {
		return "a password"
	}
	return "a secret key or token"
}

// keyKind judges a key, such as DB_PASSWORD or clientSecret, by its last
// words: what follows "password" would make it a setting about one.
func keyKind(key string) kind {
	last, rest := lastWord(key)
	switch {
	case word(last, "password"), word(last, "passwd"), word(last, "pwd"), word(last, "passphrase"), word(last, "dbpass"), word(last, "userpass"):
		if before, _ := lastWord(rest); word(before, "empty") || word(before, "disable") || word(before, "require") || word(before, "show") || word(before, "reset") || word(before, "forgot") || word(before, "change") {
			return other
		}
		return password
	case word(last, "pass"):
		if rest != "" {
			return password
		}
	case word(last, "token"), word(last, "secret"), word(last, "apikey"), word(last, "secretkey"), word(last, "accesstoken"), word(last, "authtoken"), word(last, "clientsecret"), word(last, "privatekey"), word(last, "credential"), word(last, "credentials"):
		if before, _ := lastWord(rest); word(before, "existing") || word(before, "pull") || word(before, "tls") || word(before, "cert") || word(before, "csrf") || word(before, "xsrf") {
			return other
		}
		return token
	case word(last, "key"):
		switch before, _ := lastWord(rest); {
		case word(before, "api"), word(before, "secret"), word(before, "access"), word(before, "private"), word(before, "encryption"), word(before, "signing"), word(before, "auth"), word(before, "account"), word(before, "master"), word(before, "license"), word(before, "app"), word(before, "shared"):
			return token
		}
	}
	return other
}

// lastWord cuts the last word off a key: words are divided by anything but
// letters and digits, and by a change from a small to a capital letter.
func lastWord(key string) (last, rest string) {
	end := len(key)
	for end > 0 && !alnum(key[end-1]) {
		end--
	}
	for end > 0 && digit(key[end-1]) {
		end-- // password2
	}
	start := end
	for start > 0 && alnum(key[start-1]) {
		if start < end && upper(key[start]) && !upper(key[start-1]) {
			break
		}
		start--
	}
	return key[start:end], key[:start]
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
func upper(b byte) bool { return b >= 'A' && b <= 'Z' }
func alnum(b byte) bool { return digit(b) || upper(b) || b >= 'a' && b <= 'z' }

// word reports whether w is the lower-case word in any case.
func word(w, lower string) bool {
	if len(w) != len(lower) {
		return false
	}
	for i := range len(w) {
		b := w[i]
		if upper(b) {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}
