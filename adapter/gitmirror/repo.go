package gitmirror

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"strings"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// Repo is a remote repository and what to show its server.
type Repo struct {
	// URL is an address as giturl.Parse reads it.
	URL  string
	Auth Auth
}

// Auth holds credentials. It prints as "credentials", whatever it holds.
type Auth struct {
	// Username and Password are for http; a token goes into Password.
	Username, Password string
	// Bearer is sent instead of them, for http.
	Bearer string
	// CA are PEM certificates to trust for https instead of the system's.
	CA []byte
	// PrivateKey (PEM) and its Passphrase are for ssh.
	PrivateKey, Passphrase []byte
	// KnownHosts are lines as in ~/.ssh/known_hosts; ssh is refused without.
	KnownHosts []byte
}

// String implements fmt.Stringer without showing anything.
func (Auth) String() string { return "credentials" }

// GoString implements fmt.GoStringer without showing anything.
func (Auth) GoString() string { return "gitmirror.Auth{…}" }

// LogValue implements slog.LogValuer without showing anything.
func (Auth) LogValue() slog.Value { return slog.StringValue("credentials") }

// MarshalText implements encoding.TextMarshaler without showing anything.
func (Auth) MarshalText() ([]byte, error) { return []byte("credentials"), nil }

// digest identifies credentials together with the address they are shown to,
// in this process only.
func (m *Mirrors) digest(a giturl.Address, auth Auth) string {
	h := hmac.New(sha256.New, m.secret[:])
	for _, part := range [][]byte{[]byte(a.String()), []byte(a.Path), []byte(auth.Username), []byte(auth.Password), []byte(auth.Bearer), auth.CA, auth.PrivateKey, auth.Passphrase, auth.KnownHosts} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Ref says which commit is wanted: at most one field is set. The zero Ref is
// the repository's default branch.
type Ref struct {
	Branch string
	Tag    string
	// Semver is a range such as ">=1.2 <2"; the highest tag in it is meant.
	Semver string
	// Commit is a full object id.
	Commit string
}

// String returns the ref for messages.
func (r Ref) String() string {
	switch {
	case r.Commit != "":
		return "commit " + r.Commit
	case r.Semver != "":
		return "semver range " + r.Semver
	case r.Tag != "":
		return "tag " + r.Tag
	case r.Branch != "":
		return "branch " + r.Branch
	}
	return "default branch"
}

// check refuses what cannot be a ref.
func (r Ref) check() error {
	const op = "resolve revision"
	set := 0
	for _, s := range []string{r.Branch, r.Tag, r.Semver, r.Commit} {
		if s != "" {
			set++
		}
	}
	switch {
	case set > 1:
		return fault.New(fault.Invalid, op, r.String(), "a revision is one of branch, tag, semver and commit, not several", "set one of them")
	case r.Branch != "" && !validRefName("refs/heads/"+r.Branch):
		return fault.New(fault.Invalid, op, "", "this is no name of a branch", "write its name alone, as in main")
	case r.Tag != "" && !validRefName("refs/tags/"+r.Tag):
		return fault.New(fault.Invalid, op, "", "this is no name of a tag", "write its name alone, as in v1.2.3")
	case r.Commit != "" && !validID(r.Commit):
		return fault.New(fault.Invalid, op, "", "this is no full object id", "write all 40 (or 64) hexadecimal digits, as `git rev-parse` prints them")
	case len(r.Semver) > 256:
		return fault.New(fault.Invalid, op, "", "the semver range is longer than 256 bytes", "write a range such as >=1.2 <2")
	}
	return nil
}

// Commit is what a Ref means at one moment.
type Commit struct {
	// SHA is the commit's object id.
	SHA string
	// Ref is the full name that led to it, "" for a commit that was named.
	Ref string
	// Tag is the object id of the annotated tag, "" for all else.
	Tag string
	// Version is the version that a semver range chose.
	Version string
}

// want is the object to ask the server for.
func (c Commit) want() string {
	if c.Tag != "" {
		return c.Tag
	}
	return c.SHA
}

// validID reports whether s is a whole object id in lower case.
func validID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// validRefName reports whether name is a full reference as git-check-ref-format
// has it, and of sane length.
func validRefName(name string) bool {
	if len(name) > 512 || strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.HasSuffix(name, ".") {
		return false
	}
	for step := range strings.SplitSeq(name, "/") {
		if step == "" || step[0] == '.' || step[0] == '-' || strings.HasSuffix(step, ".lock") {
			return false
		}
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd || strings.ContainsRune("~^:?*[\\", r) })
}
