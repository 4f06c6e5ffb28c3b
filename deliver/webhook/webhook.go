// Package webhook reads what forges send when somebody pushes.
//
// A message is believed only after its signature, or token, was compared with
// the shared secret; until then it is bytes. A message is a hint that a
// repository may have changed, never what it changed to: whoever gets it asks
// the repository itself. So a forged, repeated or late message can cost one
// question, and nothing else.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// MaxBody bounds a message, in bytes. Pushes of very many commits are larger;
// polling finds those.
const MaxBody = 5 << 20

// Forge is the kind of server that a message comes from.
type Forge string

// The forges. Forgejo signs as Gitea does.
const (
	GitHub Forge = "github"
	GitLab Forge = "gitlab"
	Gitea  Forge = "gitea"
)

// Kind is what a message is about.
type Kind string

// The kinds.
const (
	// Push says that branches or tags were made, moved or deleted.
	Push Kind = "push"
	// Ping is sent to try the webhook out.
	Ping Kind = "ping"
	// Other is anything that doesn't move a branch or tag; it is not read.
	Other Kind = "other"
)

// Event is one message that was proven to come from the forge.
type Event struct {
	Forge Forge
	Kind  Kind
	// Repositories are the addresses of the repository that was pushed to, in
	// all forms that the forge names; only with Push.
	Repositories []giturl.Address
	// Ref is the full name of the branch or tag.
	Ref string
	// Before and After are the object ids that it named and names now, "" for
	// none. They are hints: others may have pushed since.
	Before, After string
	// Digest identifies the message, for Memory.
	Digest [sha256.Size]byte
}

// Touches reports whether an address means the repository of the event.
func (e Event) Touches(a giturl.Address) bool {
	for _, r := range e.Repositories {
		if r.Identity() == a.Identity() {
			return true
		}
	}
	return false
}

const op = "read webhook message"

// Parse checks a message against the shared secrets, of which one must fit (an
// old and a new one while they are changed), and reads it. header returns a
// header by its name as http.Header.Get does. The errors are Denied for what
// is not signed as it should be, Invalid for what cannot be read, and Blocked
// if there is no secret to compare with.
func Parse(forge Forge, header func(string) string, body []byte, secrets ...[]byte) (Event, error) {
	if len(body) > MaxBody {
		return Event{}, fault.New(fault.Invalid, op, string(forge), "the message is larger than allowed", "polling finds the change")
	}
	f, ok := forges[forge]
	if !ok {
		return Event{}, fault.New(fault.NotFound, op, "", "there is no such kind of forge", "use github, gitlab or gitea")
	}
	usable := false
	verified := false
	for _, s := range secrets {
		// An empty secret would let everybody in.
		if len(s) > 0 {
			usable = true
			verified = f.verify(header, body, s) || verified
		}
	}
	switch {
	case !usable:
		return Event{}, fault.New(fault.Blocked, op, string(forge), "no secret is configured, so nobody can be believed", "put a secret into the operator's Secret for webhooks, and the same at the forge")
	case !verified:
		return Event{}, fault.New(fault.Denied, op, string(forge), "the signature or token is missing or wrong", "enter the same secret at the forge and in the operator's Secret for webhooks")
	}
	e := Event{Forge: forge, Digest: sha256.Sum256(append([]byte(string(forge)+"\x00"), body...))}
	return f.read(e, header, body)
}

// reading is how one kind of forge proves and writes its messages.
type reading struct {
	verify func(header func(string) string, body, secret []byte) bool
	read   func(e Event, header func(string) string, body []byte) (Event, error)
}

var forges = map[Forge]reading{
	GitHub: {verifyGitHub, readGitHub},
	GitLab: {verifyGitLab, readGitLab},
	Gitea:  {verifyGitea, readGitea},
}

// signed reports whether signature is the hexadecimal HMAC-SHA256 of body. The
// time that it takes doesn't depend on what is compared.
func signed(signature string, body, secret []byte) bool {
	got, err := hex.DecodeString(signature)
	if err != nil || len(got) != sha256.Size {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

func verifyGitHub(header func(string) string, body, secret []byte) bool {
	// The older X-Hub-Signature is SHA-1 and not taken.
	signature, ok := strings.CutPrefix(header("X-Hub-Signature-256"), "sha256=")
	return ok && signed(signature, body, secret)
}

func verifyGitea(header func(string) string, body, secret []byte) bool {
	for _, name := range []string{"X-Gitea-Signature", "X-Forgejo-Signature"} {
		if s := header(name); s != "" {
			return signed(s, body, secret)
		}
	}
	return false
}

func verifyGitLab(header func(string) string, _, secret []byte) bool {
	// Hashing first makes both the same length.
	got, want := sha256.Sum256([]byte(header("X-Gitlab-Token"))), sha256.Sum256(secret)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
