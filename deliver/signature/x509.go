package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// identity is one line of x509_identities.
type identity struct {
	// name is an email address, URI or DNS name, in which * stands for
	// anything but a slash.
	name string
	// issuer is the identity provider that must stand in the certificate, ""
	// for any.
	issuer string
}

func parseIdentities(name string, text []byte) ([]identity, error) {
	var all []identity
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		id := identity{name: f[0]}
		for _, option := range f[1:] {
			issuer, ok := strings.CutPrefix(option, "issuer=")
			if !ok || issuer == "" {
				return nil, invalidKeys(name, "line "+strconv.Itoa(n)+": "+strconv.Quote(option)+" is unknown", "write ada@example.com, or a URI, and optionally issuer=https://…")
			}
			id.issuer = issuer
		}
		if strings.Trim(id.name, "*@./:") == "" {
			return nil, invalidKeys(name, "line "+strconv.Itoa(n)+" would trust everybody", "write an address or a domain, as in *@example.com")
		}
		all = append(all, id)
	}
	return all, nil
}

// x509 verifies a signature by a certificate.
func (k *Keys) x509(m *message, _ time.Time) Verdict {
	if k.roots == nil {
		return refuse(UnknownKey, "the text is signed with an X.509 certificate, and no root is trusted")
	}
	s, err := readCMS(m.signature)
	if errors.Is(err, errWeakDigest) {
		return refuse(Weak, "the X.509 signature is over a hash that can be forged")
	}
	if err != nil {
		return refuse(Malformed, "the X.509 signature cannot be read: "+err.Error())
	}
	sum := sha256.Sum256(s.leaf.Raw)
	return k.checkX509(s, m).via("", hex.EncodeToString(sum[:]))
}

func (k *Keys) checkX509(s *cms, m *message) Verdict {
	if v := s.verify(m.payload); v.Status != Good {
		return v
	}
	if s.leaf.KeyUsage != 0 && s.leaf.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return refuse(NotAllowed, "the certificate is not meant for signing")
	}
	if v := k.chain(s, m.when); v.Status != Good {
		return v
	}
	issuer := providerOf(s.leaf)
	for _, name := range namesOf(s.leaf) {
		for _, id := range k.identities {
			if globName(id.name, name) && (id.issuer == "" || id.issuer == issuer) {
				if issuer != "" {
					name += " (" + issuer + ")"
				}
				return Verdict{Status: Good, Signer: name}
			}
		}
	}
	return refuse(NotAllowed, "the certificate is for nobody among the trusted identities")
}

// chain verifies the way from the certificate to a root, at the time that the
// commit states.
func (k *Keys) chain(s *cms, when time.Time) Verdict {
	between := x509.NewCertPool()
	for _, c := range s.others {
		between.AddCert(c)
	}
	_, err := s.leaf.Verify(x509.VerifyOptions{
		Roots: k.roots, Intermediates: between, CurrentTime: when,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageCodeSigning},
	})
	if err == nil {
		return Verdict{Status: Good}
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch invalid.Reason {
		case x509.Expired:
			if when.Before(invalid.Cert.NotBefore) {
				return refuse(NotYetValid, "the certificate was not valid yet when the commit was made")
			}
			return refuse(Expired, "the certificate had expired when the commit was made")
		case x509.IncompatibleUsage:
			return refuse(NotAllowed, "the certificate is not meant for signing")
		}
		return refuse(NotAllowed, "the certificate's chain breaks a rule of its authorities")
	}
	if _, weak := errors.AsType[x509.InsecureAlgorithmError](err); weak {
		return refuse(Weak, "a certificate of the chain is signed in a way that can be broken")
	}
	return refuse(UnknownKey, "the certificate does not come from a trusted root")
}

// namesOf are the names that an authority has checked. The subject's common
// name is none of them.
func namesOf(c *x509.Certificate) []string {
	names := append([]string{}, c.EmailAddresses...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	return append(names, c.DNSNames...)
}

// globName matches a name, without regard to case in what has none.
func globName(pattern, name string) bool {
	if !strings.Contains(pattern, "://") {
		pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	}
	return glob(pattern, name)
}

// glob matches * with anything but a slash.
func glob(p, s string) bool {
	star, back := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, back = i, j
			i++
		case i < len(p) && p[i] == s[j]:
			i++
			j++
		case star >= 0 && s[back] != '/':
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}

// Extensions in which Fulcio, the authority of Sigstore, notes who vouched for
// the name.
var (
	oidIssuerV1 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
	oidIssuerV2 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
)

// providerOf returns the identity provider in a certificate, "" if none is noted.
func providerOf(c *x509.Certificate) string {
	old := ""
	for _, e := range c.Extensions {
		switch {
		case e.Id.Equal(oidIssuerV2):
			var s string
			if rest, err := asn1.UnmarshalWithParams(e.Value, &s, "utf8"); err == nil && len(rest) == 0 {
				return s
			}
		case e.Id.Equal(oidIssuerV1):
			old = string(e.Value)
		}
	}
	return old
}

// readCMS decodes the armor around a CMS message.
func readCMS(text []byte) (*cms, error) {
	if len(text) > maxSignature {
		return nil, errors.New("it is too long")
	}
	body, ok := bytes.CutPrefix(text, []byte("-----BEGIN SIGNED MESSAGE-----"))
	end := bytes.Index(body, []byte("-----END SIGNED MESSAGE-----"))
	if !ok || end < 0 || len(bytes.TrimSpace(body[end+len("-----END SIGNED MESSAGE-----"):])) > 0 {
		return nil, errors.New("it has no end, or something behind it")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(body[:end])), ""))
	if err != nil {
		return nil, errors.New("its armor is damaged")
	}
	return parseCMS(raw)
}

// verifyRaw verifies a signature over data with a certificate's key.
func verifyRaw(key crypto.PublicKey, hash crypto.Hash, pss bool, data, signature []byte) Verdict {
	bad := refuse(BadSignature, "the signature does not fit: the text or the signature was changed")
	if ed, ok := key.(ed25519.PublicKey); ok {
		if !ed25519.Verify(ed, data, signature) {
			return bad
		}
		return Verdict{Status: Good}
	}
	h := hash.New()
	h.Write(data)
	digest := h.Sum(nil)
	switch pub := key.(type) {
	case *rsa.PublicKey:
		if pub.N.BitLen() < minRSA {
			return refuse(Weak, "the certificate's RSA key is shorter than 2048 bits")
		}
		err := rsa.VerifyPKCS1v15(pub, hash, digest, signature)
		if pss {
			err = rsa.VerifyPSS(pub, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: hash})
		}
		if err != nil {
			return bad
		}
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(pub, digest, signature) {
			return bad
		}
	default:
		return refuse(Weak, "the certificate's key is of a kind that is not supported")
	}
	return Verdict{Status: Good}
}
