package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// Sizes in bytes of what protects personal data.
const (
	saltSize   = 32 // hides data that could be guessed
	secretSize = 32 // AES-256
)

// Members of the personal data that the ledger adds.
const (
	fieldActor   = "actor"   // the name of the person who acted
	fieldSubject = "subject" // the name of the person that it is about
)

// personalOf returns whose data a record has and the data; "" if there is none.
func personalOf(r *ops.Record) (name string, fields map[string]string, err error) {
	acted := r.Actor.Kind == ops.ActorPerson
	if r.Personal == nil && !acted {
		return "", nil, nil
	}
	fields = map[string]string{}
	if p := r.Personal; p != nil {
		maps.Copy(fields, p.Fields)
		name = p.Subject
	}
	switch {
	case acted && name == "":
		name = r.Actor.Name
	case acted && name != r.Actor.Name:
		return "", nil, fault.New(fault.Invalid, "append to the ledger a record of", r.Source, "it has data about two people, its actor and another", "tell it in two records, so that each can be erased alone")
	case name == "":
		return "", nil, fault.New(fault.Invalid, "append to the ledger a record of", r.Source, "it has personal data and does not say whose", "set its subject, under which it can be erased")
	}
	if !plainName(name) {
		return "", nil, fault.New(fault.Invalid, "append to the ledger a record of", r.Source, "the person's name is too long or has control characters", "use an e-mail address or an account")
	}
	if acted {
		fields[fieldActor] = name
	}
	fields[fieldSubject] = name
	return name, fields, nil
}

// newSubject makes up a pseudonym and a key for a person.
func newSubject(name string, random io.Reader) (Subject, error) {
	b := make([]byte, 8+secretSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return Subject{}, err
	}
	return Subject{ID: "person-" + hex.EncodeToString(b[:8]), Name: name, Secret: b[8:]}, nil
}

// seal encrypts fields under a person's key. The commitment says what they
// are without showing them.
func seal(s Subject, fields map[string]string, random io.Reader) (box *Sealed, commitment string, err error) {
	w := writer{}
	w.object(fields)
	if w.err != nil {
		return nil, "", w.err
	}
	aead, err := newAEAD(s.Secret)
	if err != nil {
		return nil, "", err
	}
	fresh := make([]byte, saltSize+aead.NonceSize())
	if _, err := io.ReadFull(random, fresh); err != nil {
		return nil, "", err
	}
	salt, nonce := fresh[:saltSize], fresh[saltSize:]
	plain := append(salt[:saltSize:saltSize], w.buf...)
	commitment = commit(plain)
	return &Sealed{Subject: s.ID, Box: aead.Seal(nonce, nonce, plain, []byte(commitment))}, commitment, nil
}

// commit hashes a salt and the data behind it.
func commit(salted []byte) string {
	h := sha256.New()
	h.Write([]byte("autoecoops personal data v1\n"))
	h.Write(salted)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// unseal decrypts what belongs to an entry's commitment.
func unseal(s Sealed, commitment string) (map[string]string, error) {
	broken := func(cause error) error {
		return fault.Wrap(fault.Internal, "read the personal data of", s.Subject, cause, "what is kept beside the log was changed; the log itself is not concerned")
	}
	aead, err := newAEAD(s.Secret)
	if err != nil {
		return nil, broken(err)
	}
	n := aead.NonceSize()
	if len(s.Box) < n {
		return nil, broken(fmt.Errorf("it has %d bytes", len(s.Box)))
	}
	plain, err := aead.Open(nil, s.Box[:n], s.Box[n:], []byte(commitment))
	if err != nil {
		return nil, broken(err)
	}
	if len(plain) < saltSize || commit(plain) != commitment {
		return nil, broken(fmt.Errorf("it is not what the entry commits to"))
	}
	var fields map[string]string
	if err := json.Unmarshal(plain[saltSize:], &fields); err != nil {
		return nil, broken(err)
	}
	return fields, nil
}

func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
