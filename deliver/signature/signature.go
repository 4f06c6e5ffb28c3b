package signature

import (
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Mode says what must be signed.
type Mode string

// The modes.
const (
	// Head asks for a signed commit.
	Head Mode = "head"
	// Tag asks for a signed annotated tag that names the commit.
	Tag Mode = "tag"
	// TagAndHead asks for both.
	TagAndHead Mode = "tagAndHead"
)

// Status is the outcome of a verification.
type Status string

// The statuses. Only Good is a yes.
const (
	Good         Status = "good"
	Unsigned     Status = "unsigned"
	UnknownKey   Status = "unknown key"
	Expired      Status = "expired"
	NotYetValid  Status = "not yet valid"
	Revoked      Status = "revoked"
	BadSignature Status = "bad signature"
	Tampered     Status = "tampered"
	Weak         Status = "weak algorithm"
	Malformed    Status = "malformed"
	NotAllowed   Status = "not allowed"
	Mismatch     Status = "mismatch"
)

// Verdict is what was found of one signature.
type Verdict struct {
	Status Status
	// Signer is who signed, as the trusted keys name them; only with Good.
	Signer string
	// Method is openpgp, ssh or x509, "" if there is no signature.
	Method string
	// Key is the key's or certificate's fingerprint, "" if unknown.
	Key string
	// Reason is one sentence for a person; "" with Good.
	Reason string
}

func refuse(s Status, reason string) Verdict { return Verdict{Status: s, Reason: reason} }

// via adds the method and key to a verdict.
func (v Verdict) via(method, key string) Verdict {
	v.Method = method
	if v.Key == "" {
		v.Key = key
	}
	return v
}

// Subject is a commit, and the annotated tag that led to it, as Git stores
// them.
type Subject struct {
	// SHA is the commit's id and Commit its text.
	SHA    string
	Commit []byte
	// TagID is the tag object's id, Tag its text and TagName the name that was
	// asked for, without refs/tags/; all empty without an annotated tag.
	TagID   string
	Tag     []byte
	TagName string
}

const op = "verify signature"

// Check verifies a subject as mode asks. The error is fault.Denied with the
// refusal, fault.Invalid for a mode that is none.
func Check(k *Keys, mode Mode, s Subject, now time.Time) (Verdict, error) {
	var v Verdict
	switch mode {
	case Head, "":
		v = k.commit(s, now)
	case Tag:
		v = k.tag(s, now)
	case TagAndHead:
		if v = k.tag(s, now); v.Status == Good {
			signer := v.Signer
			if v = k.commit(s, now); v.Status == Good && v.Signer != signer {
				v.Signer = signer + ", " + v.Signer
			}
		}
	default:
		return Verdict{}, fault.New(fault.Invalid, op, s.SHA, "there is no such mode of verification", "use head, tag or tagAndHead")
	}
	if v.Status != Good {
		return v, fault.New(fault.Denied, op, s.SHA, string(v.Status)+": "+v.Reason, "sign it with a key that the application's verification trusts, or add the signer's key to the Secret that it names")
	}
	return v, nil
}

func (k *Keys) commit(s Subject, now time.Time) Verdict {
	if !isObject("commit", s.Commit, s.SHA) {
		return refuse(Tampered, "the text of the commit does not have the commit's id")
	}
	m, v := splitCommit(s.Commit, len(s.SHA))
	if v.Status != Good {
		return v
	}
	return k.verify(m, now)
}

func (k *Keys) tag(s Subject, now time.Time) Verdict {
	switch {
	case len(s.Tag) == 0:
		return refuse(Unsigned, "the revision was not reached by an annotated tag: a branch, a commit and a lightweight tag carry no signature of a tag")
	case !isObject("tag", s.Tag, s.TagID):
		return refuse(Tampered, "the text of the tag does not have the tag's id")
	}
	m, v := splitTag(s.Tag)
	switch {
	case v.Status != Good:
		return v
	case m.object != s.SHA || m.kind != "commit":
		return refuse(Mismatch, "the signed tag names another object than the commit")
	case m.name != s.TagName:
		return refuse(Mismatch, "the tag was signed under another name: somebody has put a signed tag in the place of this one")
	}
	return k.verify(m, now)
}

// verify finds out how a message is signed.
func (k *Keys) verify(m *message, now time.Time) Verdict {
	switch m.method {
	case "openpgp":
		return k.openPGP(m, now).via(m.method, "")
	case "ssh":
		return k.ssh(m).via(m.method, "")
	default:
		return k.x509(m, now).via(m.method, "")
	}
}
