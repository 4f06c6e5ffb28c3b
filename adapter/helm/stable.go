package helm

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"text/template"
	"time"
)

// Alphabets of the random functions.
const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// certificate has the fields that templates read of Sprig's certificates.
type certificate struct {
	Cert, Key string
}

// stable makes what is random in Helm from a fixed seed. It replaces what is
// random or tells the time: Helm prints something else each time; here the
// same chart must give the same bytes, and an assessment has no business
// making keys. Shapes and lengths are kept.
type stable struct{ rng *rand.Rand }

func stableFuncs(now func() time.Time) template.FuncMap {
	s := stable{rand.New(rand.NewPCG(0x6165_6f, 1))} //nolint:gosec // stable on purpose
	f := template.FuncMap{
		"now":          func() time.Time { return now() },
		"randAlphaNum": s.pick(letters + digits),
		"randAlpha":    s.pick(letters),
		"randNumeric":  s.pick(digits),
		"randAscii":    s.pick(printable()),
		"randBytes":    s.randBytes,
		"randInt":      s.randInt,
		"shuffle":      s.shuffle,
		"uuidv4":       s.uuid,
		"bcrypt":       s.hash,
		"htpasswd": func(user, password string) string {
			if strings.Contains(user, ":") {
				return "invalid username: " + user
			}
			return user + ":" + s.hash(password)
		},
		"genPrivateKey":   s.privateKey,
		"buildCustomCert": buildCustomCert,
	}
	for _, name := range []string{"genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey"} {
		f[name] = s.certificate
	}
	return f
}

func printable() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}

// pick returns a function that makes a text of n characters of an alphabet.
func (s stable) pick(from string) func(int) (string, error) {
	return func(n int) (string, error) {
		if n < 0 || n > maxString {
			return "", tooLong()
		}
		b := make([]byte, n)
		for i := range b {
			b[i] = from[s.rng.IntN(len(from))]
		}
		if len(from) > len(digits) {
			mark(b)
		}
		return string(b), nil
	}
}

// made begins what stands for a secret that is made at installation, so that
// nobody takes it for one that lies in Git.
const made = "generated"

// mark writes made over the beginning of a text that is long enough to be a
// secret.
func mark(b []byte) {
	if len(b) > len(made) {
		copy(b, made)
	}
}

// encoded returns n random bytes in base64, marked.
func (s stable) encoded(n int) string {
	b := []byte(base64.StdEncoding.EncodeToString(s.raw(n)))
	mark(b)
	return string(b)
}

func (s stable) raw(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, s.rng.Uint64())
	}
	return b[:n]
}

func (s stable) pem(kind string) string {
	return "-----BEGIN " + kind + "-----\n" + s.encoded(48) + "\n-----END " + kind + "-----\n"
}

func (s stable) certificate(...any) (certificate, error) {
	return certificate{Cert: s.pem("CERTIFICATE"), Key: s.pem("RSA PRIVATE KEY")}, nil
}

// hash has the shape of a bcrypt hash.
func (s stable) hash(string) string {
	text := base64.StdEncoding.EncodeToString(s.raw(42))[:53]
	return "$2a$10$" + strings.ReplaceAll(text, "+", ".")
}

func (s stable) randBytes(n int) (string, error) {
	if n < 0 || n > maxString/2 {
		return "", tooLong()
	}
	return s.encoded(n), nil
}

func (s stable) randInt(low, high int) (int, error) {
	if high <= low {
		return 0, fmt.Errorf("randInt: %d is not above %d", high, low)
	}
	return low + s.rng.IntN(high-low), nil
}

func (s stable) shuffle(text string) string {
	r := []rune(text)
	s.rng.Shuffle(len(r), func(i, j int) { r[i], r[j] = r[j], r[i] })
	return string(r)
}

func (s stable) uuid() string {
	b := s.raw(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s stable) privateKey(kind string) string {
	switch kind {
	case "", "rsa":
		return s.pem("RSA PRIVATE KEY")
	case "dsa":
		return s.pem("DSA PRIVATE KEY")
	case "ecdsa":
		return s.pem("EC PRIVATE KEY")
	case "ed25519":
		return s.pem("PRIVATE KEY")
	}
	return "Unknown type " + kind
}

// buildCustomCert does not look into what it is given: it may be one of the
// stand-ins above.
func buildCustomCert(b64cert, b64key string) (certificate, error) {
	c, err := base64.StdEncoding.DecodeString(b64cert)
	if err != nil {
		return certificate{}, errors.New("unable to decode base64 certificate")
	}
	k, err := base64.StdEncoding.DecodeString(b64key)
	if err != nil {
		return certificate{}, errors.New("unable to decode base64 private key")
	}
	return certificate{Cert: string(c), Key: string(k)}, nil
}
