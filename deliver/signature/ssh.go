package signature

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// namespace is what Git signs for: a signature of a file or a mail with the
// same key is none of a commit.
const namespace = "git"

// sshSignature is the content of an SSH signature, see PROTOCOL.sshsig of
// OpenSSH.
type sshSignature struct {
	key       ssh.PublicKey
	namespace string
	reserved  string
	hash      string
	signature *ssh.Signature
}

// blob is its wire form behind the six magic bytes.
type blob struct {
	Version   uint32
	Key       []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

const magic = "SSHSIG"

// signedBlob is what the key signs, behind the magic bytes.
type signedBlob struct {
	Namespace string
	Reserved  string
	Hash      string
	Digest    []byte
}

func readSSH(text []byte) (*sshSignature, error) {
	if len(text) > maxSignature {
		return nil, errors.New("it is too long")
	}
	body, ok := bytes.CutPrefix(text, []byte("-----BEGIN SSH SIGNATURE-----"))
	end := bytes.Index(body, []byte("-----END SSH SIGNATURE-----"))
	if !ok || end < 0 || len(bytes.TrimSpace(body[end+len("-----END SSH SIGNATURE-----"):])) > 0 {
		return nil, errors.New("it has no end, or something behind it")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(body[:end])), ""))
	if err != nil || !bytes.HasPrefix(raw, []byte(magic)) {
		return nil, errors.New("its armor is damaged")
	}
	var b blob
	if err := ssh.Unmarshal(raw[len(magic):], &b); err != nil || b.Version != 1 {
		return nil, errors.New("it is of no known version")
	}
	s := &sshSignature{namespace: b.Namespace, reserved: b.Reserved, hash: b.Hash, signature: &ssh.Signature{}}
	if s.key, err = ssh.ParsePublicKey(b.Key); err != nil {
		return nil, errors.New("its key cannot be read")
	}
	if err := ssh.Unmarshal(b.Signature, s.signature); err != nil {
		return nil, errors.New("its signature cannot be read")
	}
	return s, nil
}

// digest is the payload's hash by the name that the signature gives.
func (s *sshSignature) digest(payload []byte) ([]byte, bool) {
	switch s.hash {
	case "sha256":
		d := sha256.Sum256(payload)
		return d[:], true
	case "sha512":
		d := sha512.Sum512(payload)
		return d[:], true
	}
	return nil, false
}

func (k *Keys) ssh(m *message) Verdict {
	s, err := readSSH(m.signature)
	if err != nil {
		return refuse(Malformed, "the SSH signature cannot be read: "+err.Error())
	}
	return k.checkSSH(s, m).via("", ssh.FingerprintSHA256(s.key))
}

func (k *Keys) checkSSH(s *sshSignature, m *message) Verdict {
	digest, ok := s.digest(m.payload)
	if !ok {
		return refuse(Weak, "the signature is over an unknown hash")
	}
	if s.namespace != namespace {
		return refuse(NotAllowed, "the signature was made for another purpose than Git")
	}
	certificate, _ := s.key.(*ssh.Certificate)
	plain := s.key
	if certificate != nil {
		plain = certificate.Key
	}
	if v := weakSSH(plain, s.signature); v.Status != Good {
		return v
	}
	signed := append([]byte(magic), ssh.Marshal(signedBlob{s.namespace, s.reserved, s.hash, digest})...)
	if err := plain.Verify(signed, s.signature); err != nil {
		return refuse(BadSignature, "the signature does not fit: the text or the signature was changed")
	}
	if k.revoked[string(plain.Marshal())] || k.revoked[string(s.key.Marshal())] {
		return refuse(Revoked, "the key was revoked")
	}
	if certificate != nil {
		return k.certified(certificate, m.when)
	}
	return k.listed(s.key, m.when)
}

// weakSSH refuses keys and algorithms that can be broken, and hardware keys
// that signed without being touched.
func weakSSH(key ssh.PublicKey, s *ssh.Signature) Verdict {
	switch s.Format {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
	case ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512:
		wrapped, ok := key.(ssh.CryptoPublicKey)
		if !ok {
			return refuse(Malformed, "the key cannot be read")
		}
		if r, ok := wrapped.CryptoPublicKey().(*rsa.PublicKey); !ok || r.N.BitLen() < minRSA {
			return refuse(Weak, "the RSA key is shorter than 2048 bits")
		}
	case ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		const touched = 1
		if len(s.Rest) == 0 || s.Rest[0]&touched == 0 {
			return refuse(NotAllowed, "the hardware key signed without being touched")
		}
	default:
		return refuse(Weak, "the signature is of a kind that can be broken")
	}
	return Verdict{Status: Good}
}

// listed looks for a line of the allowed signers that has the key itself.
func (k *Keys) listed(key ssh.PublicKey, when time.Time) Verdict {
	v := refuse(UnknownKey, "the SSH key is not among the allowed signers")
	wire := key.Marshal()
	for _, s := range k.signers {
		if s.authority || !bytes.Equal(s.key.Marshal(), wire) {
			continue
		}
		if v = s.allows(when); v.Status == Good {
			v.Signer = s.principals
			return v
		}
	}
	return v
}

// certified looks for a line that has the authority of a certificate, and lets
// it certify one of the certificate's principals.
func (k *Keys) certified(c *ssh.Certificate, when time.Time) Verdict {
	v := refuse(UnknownKey, "the certificate's authority is not among the allowed signers")
	authority := c.SignatureKey.Marshal()
	if k.revoked[string(authority)] {
		return refuse(Revoked, "the certificate's authority was revoked")
	}
	for _, s := range k.signers {
		if !s.authority || !bytes.Equal(s.key.Marshal(), authority) {
			continue
		}
		if v = s.allows(when); v.Status != Good {
			continue
		}
		if v = s.certifies(c, when); v.Status == Good {
			return v
		}
	}
	return v
}

func (s signer) certifies(c *ssh.Certificate, when time.Time) Verdict {
	if v := weakSSH(c.SignatureKey, c.Signature); v.Status == Weak {
		return refuse(Weak, "the certificate is signed in a way that can be broken")
	}
	at := uint64(max(0, when.Unix()))
	switch {
	case c.CertType != ssh.UserCert:
		return refuse(NotAllowed, "the certificate is one of a host")
	case len(c.CriticalOptions) > 0:
		return refuse(NotAllowed, "the certificate is limited to something else than signing")
	case at < c.ValidAfter:
		return refuse(NotYetValid, "the certificate was not valid yet when the commit was made")
	case at >= c.ValidBefore && c.ValidBefore != ssh.CertTimeInfinity:
		return refuse(Expired, "the certificate had expired when the commit was made")
	}
	i := slices.IndexFunc(c.ValidPrincipals, func(p string) bool { return matchList(s.principals, p) })
	if i < 0 {
		return refuse(NotAllowed, "the certificate is for none of the principals that its authority may certify")
	}
	// The checker verifies the authority's signature over the certificate;
	// everything else was looked at above.
	checker := ssh.CertChecker{Clock: func() time.Time { return when }, IsUserAuthority: func(ssh.PublicKey) bool { return true }}
	if err := checker.CheckCert(c.ValidPrincipals[i], c); err != nil {
		return refuse(BadSignature, "the certificate was not signed by its authority, or was changed")
	}
	return Verdict{Status: Good, Signer: c.ValidPrincipals[i]}
}

// matchList matches a name with patterns as ssh has them: separated by commas,
// * and ? for any, ! for never.
func matchList(patterns, name string) bool {
	found := false
	for p := range strings.SplitSeq(patterns, ",") {
		p, negated := strings.CutPrefix(strings.TrimSpace(p), "!")
		if p == "" || !wildcard(p, name) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// wildcard matches * and ?. It takes at most the product of both lengths.
func wildcard(p, s string) bool {
	star, back := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, back = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}
