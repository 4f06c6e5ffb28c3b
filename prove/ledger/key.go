package ledger

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/autoecoops/autoecoops/fault"
)

// The kinds of signatures under a checkpoint, as C2SP numbers them.
const (
	algNote        = 1 // Ed25519 over the text
	algCosignature = 4 // Ed25519 over a time and the text
)

// SigningKey signs checkpoints: a name and an Ed25519 key, which may live in
// hardware.
type SigningKey struct {
	name   string
	public ed25519.PublicKey
	signer crypto.Signer
}

// GenerateKey makes a key for a log or witness of a name. The text is what
// ParseSigningKey reads: a secret.
func GenerateKey(random io.Reader, name string) (key *SigningKey, text string, err error) {
	text, _, err = note.GenerateKey(random, name)
	if err != nil {
		return nil, "", fault.Wrap(fault.Internal, "generate a key for", name, err, "")
	}
	key, err = ParseSigningKey(text)
	return key, text, err
}

// ParseSigningKey reads a private key in the form of C2SP signed notes:
// "PRIVATE+KEY+name+hash+base64". The error does not show it.
func ParseSigningKey(text string) (*SigningKey, error) {
	bad := fault.New(fault.Invalid, "read the ledger's signing key", "", "it is not of the form PRIVATE+KEY+name+hash+base64", "use the file that was written when the ledger was created")
	text = strings.TrimSpace(text)
	if _, err := note.NewSigner(text); err != nil {
		return nil, bad
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(text, "PRIVATE+KEY+"), "+")
	_, b64, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, bad
	}
	return NewSigningKey(name, ed25519.NewKeyFromSeed(raw[1:]))
}

// NewSigningKey makes a key of a signer whose public key is Ed25519.
func NewSigningKey(name string, signer crypto.Signer) (*SigningKey, error) {
	public, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fault.New(fault.Invalid, "use a signing key for", name, fmt.Sprintf("its public key is a %T", signer.Public()), "use an Ed25519 key")
	}
	if _, err := note.NewEd25519VerifierKey(name, public); err != nil || !validName(name) {
		return nil, fault.New(fault.Invalid, "use a signing key for", strconv.Quote(name), "a log's name has no spaces and no plus sign", "use a name such as example.com/ledger")
	}
	return &SigningKey{name, public, signer}, nil
}

func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '+' || r == 0x7f || r > 0x7e })
}

// Public returns the public key in the form "name+hash+base64".
func (k *SigningKey) Public() string {
	return encodeKey(k.name, algNote, k.public)
}

// Witness returns the public key as one of cosignatures.
func (k *SigningKey) Witness() string {
	return encodeKey(k.name, algCosignature, k.public)
}

func encodeKey(name string, alg byte, public ed25519.PublicKey) string {
	key := append([]byte{alg}, public...)
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, key), base64.StdEncoding.EncodeToString(key))
}

func keyHash(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

// noteSigner signs a note's text.
type noteSigner struct{ *SigningKey }

// Name implements note.Signer.
func (s noteSigner) Name() string { return s.name }

// KeyHash implements note.Signer.
func (s noteSigner) KeyHash() uint32 { return keyHash(s.name, append([]byte{algNote}, s.public...)) }

// Sign implements note.Signer.
func (s noteSigner) Sign(text []byte) ([]byte, error) {
	return s.signer.Sign(nil, text, crypto.Hash(0))
}

// cosigner signs a note's text together with a time.
type cosigner struct {
	*SigningKey
	at time.Time
}

// Name implements note.Signer.
func (s cosigner) Name() string { return s.name }

// KeyHash implements note.Signer.
func (s cosigner) KeyHash() uint32 {
	return keyHash(s.name, append([]byte{algCosignature}, s.public...))
}

// Sign implements note.Signer: eight bytes of time, then the signature.
func (s cosigner) Sign(text []byte) ([]byte, error) {
	at := uint64(s.at.Unix())
	sig, err := s.signer.Sign(nil, cosigned(at, text), crypto.Hash(0))
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint64(nil, at), sig...), nil
}

// cosigned is the message of a cosignature.
func cosigned(at uint64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

// Key is a public key of a log or a witness.
type Key struct {
	name   string
	public ed25519.PublicKey
	alg    byte
}

// ParseKey reads a public key of the form "name+hash+base64".
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	bad := func(why string) error {
		return fault.New(fault.Invalid, "read a public key", "", why, "give a line of the form name+hash+base64, as the log or the witness publishes it")
	}
	name, rest, _ := strings.Cut(text, "+")
	hash, b64, ok := strings.Cut(rest, "+")
	if !ok || !validName(name) {
		return nil, bad("it is not of the form name+hash+base64")
	}
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algNote && raw[0] != algCosignature {
		return nil, bad("it is no Ed25519 key of a log or witness")
	}
	if fmt.Sprintf("%08x", keyHash(name, raw)) != hash {
		return nil, bad("its hash does not belong to its name and key")
	}
	return &Key{name, raw[1:], raw[0]}, nil
}

// Name returns the name of the log or witness.
func (k *Key) Name() string { return k.name }

// String returns the key's text.
func (k *Key) String() string { return encodeKey(k.name, k.alg, k.public) }

// plain verifies signatures over a text alone.
type plain struct{ *Key }

// KeyHash implements note.Verifier.
func (v plain) KeyHash() uint32 { return keyHash(v.name, append([]byte{algNote}, v.public...)) }

// Verify implements note.Verifier.
func (v plain) Verify(text, sig []byte) bool { return ed25519.Verify(v.public, text, sig) }

// timed verifies cosignatures.
type timed struct{ *Key }

// KeyHash implements note.Verifier.
func (v timed) KeyHash() uint32 {
	return keyHash(v.name, append([]byte{algCosignature}, v.public...))
}

// Verify implements note.Verifier.
func (v timed) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at <= maxInteger && ed25519.Verify(v.public, cosigned(at, text), sig[8:])
}

// signedAt returns the time in a cosignature that was verified.
func signedAt(s note.Signature) (time.Time, bool) {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(raw) != 4+8+ed25519.SignatureSize {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), true
}
