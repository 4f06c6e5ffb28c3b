package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/autoecoops/autoecoops/fault"
)

// Keys are whom to trust. They are read once and not changed.
type Keys struct {
	pgp        openpgp.EntityList
	signers    []signer
	revoked    map[string]bool // wire forms of ssh keys
	roots      *x509.CertPool
	identities []identity
}

// Names of the files that ParseKeys reads, besides *.asc, *.gpg and *.pgp
// (OpenPGP keys) and *.pem, *.crt and *.cer (X.509 roots).
const (
	// AllowedSigners are lines as in ssh-keygen(1), ALLOWED SIGNERS.
	AllowedSigners = "allowed_signers"
	// RevokedKeys are ssh public keys, one a line, that are not trusted
	// whatever else says so.
	RevokedKeys = "revoked_keys"
	// Identities say which names in X.509 certificates are trusted: lines of
	// an email address or URI, where * stands for anything but a slash, and
	// optionally issuer=URL, the identity provider that gitsign notes.
	Identities = "x509_identities"
)

const parseOp = "read trusted keys"

// ParseKeys reads the files of trusted keys, by their names. A file of another
// name is an error: it might be a list of revoked keys with a slip in its name.
func ParseKeys(files map[string][]byte) (*Keys, error) {
	k := &Keys{revoked: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		var err error
		switch ext := strings.ToLower(path.Ext(name)); {
		case name == AllowedSigners:
			k.signers, err = parseSigners(name, text)
		case name == RevokedKeys:
			err = k.parseRevoked(name, text)
		case name == Identities:
			k.identities, err = parseIdentities(name, text)
		case ext == ".asc" || ext == ".gpg" || ext == ".pgp":
			err = k.parsePGP(name, text)
		case ext == ".pem" || ext == ".crt" || ext == ".cer":
			err = k.parseRoots(name, text)
		default:
			err = invalidKeys(name, "the name of the file does not say what it holds", "name it *.asc, *.pem, "+AllowedSigners+", "+RevokedKeys+" or "+Identities)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case len(k.pgp) == 0 && len(k.signers) == 0 && k.roots == nil:
		return nil, invalidKeys("", "there is no trusted key", "put OpenPGP keys (*.asc), "+AllowedSigners+" or X.509 roots (*.pem) into the Secret")
	case k.roots != nil && len(k.identities) == 0:
		// A public authority signs certificates for everybody.
		return nil, invalidKeys(Identities, "there are X.509 roots, but no identities: everybody to whom the authority gives a certificate would be trusted", "add "+Identities+" with lines such as ada@example.com or *@example.com")
	}
	return k, nil
}

func invalidKeys(name, why, hint string) error {
	return fault.New(fault.Invalid, parseOp, name, why, hint)
}

func (k *Keys) parsePGP(name string, text []byte) error {
	var list openpgp.EntityList
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		// A file may hold several armored blocks, one after the other.
		for rest := text; ; {
			i := bytes.Index(rest, []byte("-----BEGIN PGP"))
			if i < 0 {
				break
			}
			end := bytes.Index(rest[i:], []byte("-----END PGP"))
			if end < 0 {
				return invalidKeys(name, "an armored key has no end", "write what gpg --armor --export prints")
			}
			line := bytes.IndexByte(rest[i+end:], '\n')
			stop := len(rest)
			if line >= 0 {
				stop = i + end + line + 1
			}
			var block openpgp.EntityList
			if block, err = openpgp.ReadArmoredKeyRing(bytes.NewReader(rest[i:stop])); err != nil {
				break
			}
			list = append(list, block...)
			rest = rest[stop:]
		}
	} else {
		list, err = openpgp.ReadKeyRing(bytes.NewReader(text))
	}
	if err != nil || len(list) == 0 {
		return invalidKeys(name, "it holds no OpenPGP public key that can be read", "write what gpg --armor --export prints")
	}
	k.pgp = append(k.pgp, list...)
	return nil
}

func (k *Keys) parseRoots(name string, text []byte) error {
	n := 0
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return invalidKeys(name, "it holds a "+block.Type+", not a certificate", "write certificates in PEM; never put a private key here")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return invalidKeys(name, "a certificate cannot be read", "write certificates in PEM")
		}
		if k.roots == nil {
			k.roots = x509.NewCertPool()
		}
		k.roots.AddCert(cert)
		n++
	}
	if n == 0 || len(bytes.TrimSpace(text)) > 0 {
		return invalidKeys(name, "it is no list of certificates", "write certificates in PEM")
	}
	return nil
}
