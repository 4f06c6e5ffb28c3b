package sops

import (
	"errors"
	"regexp"
	"strings"
)

// rules say which values are encrypted.
type rules struct {
	plainSuffix, suffix string
	plain, encrypted    *regexp.Regexp
}

func rulesOf(m *metadata) (*rules, error) {
	if m.UnencryptedCommentRegex != "" || m.EncryptedCommentRegex != "" {
		return nil, errors.New("it chooses values by comments, which is not supported")
	}
	r := &rules{plainSuffix: m.UnencryptedSuffix, suffix: m.EncryptedSuffix}
	var err error
	if m.UnencryptedRegex != "" {
		if r.plain, err = regexp.Compile(m.UnencryptedRegex); err != nil {
			return nil, errors.New("its unencrypted_regex is not valid")
		}
	}
	if m.EncryptedRegex != "" {
		if r.encrypted, err = regexp.Compile(m.EncryptedRegex); err != nil {
			return nil, errors.New("its encrypted_regex is not valid")
		}
	}
	return r, nil
}

// secret tells whether the value at a path is encrypted.
func (r *rules) secret(path []string) bool {
	any := func(f func(string) bool) bool {
		for _, p := range path {
			if f(p) {
				return true
			}
		}
		return false
	}
	switch {
	case r.plainSuffix != "":
		return !any(func(p string) bool { return strings.HasSuffix(p, r.plainSuffix) })
	case r.suffix != "":
		return any(func(p string) bool { return strings.HasSuffix(p, r.suffix) })
	case r.plain != nil:
		return !any(r.plain.MatchString)
	case r.encrypted != nil:
		return any(r.encrypted.MatchString)
	}
	return true
}
