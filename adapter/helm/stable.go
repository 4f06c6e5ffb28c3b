package helm

import (
	"encoding/base64"
	"encoding/binary"
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

// stableFuncs replace what is random or tells the time. Helm prints something
// else each time; here the same chart must give the same bytes, and an
// assessment has no business making keys. Shapes and lengths are kept.
func stableFuncs(now func() time.Time) template.FuncMap {
	rng := rand.New(rand.NewPCG(0x6165_6f, 1)) //nolint:gosec // stable on purpose
	pick := func(from string) func(int) (string, error) {
		return func(n int) (string, error) {
			if n < 0 || n > maxString {
				return "", tooLong()
			}
			b := make([]byte, n)
			for i := range b {
				b[i] = from[rng.IntN(len(from))]
			}
			return string(b), nil
		}
	}
	raw := func(n int) []byte {
		b := make([]byte, 0, n+8)
		for len(b) < n {
			b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
		}
		return b[:n]
	}
	pem := func(kind string) string {
		return "-----BEGIN " + kind + "-----\n" + base64.StdEncoding.EncodeToString(raw(48)) + "\n-----END " + kind + "-----\n"
	}
	cert := func(...any) (certificate, error) {
		return certificate{Cert: pem("CERTIFICATE"), Key: pem("RSA PRIVATE KEY")}, nil
	}
	hash := func(string) string {
		return "$2a$10$" + strings.NewReplacer("+", ".", "=", "").Replace(base64.StdEncoding.EncodeToString(raw(39)))
	}
	ascii := make([]byte, 0, 95)
	for c := byte(32); c < 127; c++ {
		ascii = append(ascii, c)
	}
	return template.FuncMap{
		"now":          func() time.Time { return now() },
		"randAlphaNum": pick(letters + digits),
		"randAlpha":    pick(letters),
		"randNumeric":  pick(digits),
		"randAscii":    pick(string(ascii)),
		"randBytes": func(n int) (string, error) {
			if n < 0 || n > maxString/2 {
				return "", tooLong()
			}
			return base64.StdEncoding.EncodeToString(raw(n)), nil
		},
		"randInt": func(low, high int) (int, error) {
			if high <= low {
				return 0, fmt.Errorf("randInt: %d is not above %d", high, low)
			}
			return low + rng.IntN(high-low), nil
		},
		"shuffle": func(s string) string {
			r := []rune(s)
			rng.Shuffle(len(r), func(i, j int) { r[i], r[j] = r[j], r[i] })
			return string(r)
		},
		"uuidv4": func() string {
			b := raw(16)
			b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		},
		"bcrypt": hash,
		"htpasswd": func(user, password string) string {
			if strings.Contains(user, ":") {
				return "invalid username: " + user
			}
			return user + ":" + hash(password)
		},
		"genPrivateKey": func(kind string) string {
			switch kind {
			case "", "rsa":
				return pem("RSA PRIVATE KEY")
			case "dsa":
				return pem("DSA PRIVATE KEY")
			case "ecdsa":
				return pem("EC PRIVATE KEY")
			case "ed25519":
				return pem("PRIVATE KEY")
			}
			return "Unknown type " + kind
		},
		"genCA":                    cert,
		"genCAWithKey":             cert,
		"genSelfSignedCert":        cert,
		"genSelfSignedCertWithKey": cert,
		"genSignedCert":            cert,
		"genSignedCertWithKey":     cert,
		"buildCustomCert": func(b64cert, b64key string) (certificate, error) {
			c, err := base64.StdEncoding.DecodeString(b64cert)
			if err != nil {
				return certificate{}, fmt.Errorf("unable to decode base64 certificate")
			}
			k, err := base64.StdEncoding.DecodeString(b64key)
			if err != nil {
				return certificate{}, fmt.Errorf("unable to decode base64 private key")
			}
			return certificate{Cert: string(c), Key: string(k)}, nil
		},
	}
}
