package signature

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // registers the hashes
	_ "crypto/sha512" // registers the hashes
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
)

// cms is the part of a CMS SignedData message (RFC 5652) that a detached
// signature by one signer needs.
type cms struct {
	leaf   *x509.Certificate
	others []*x509.Certificate
	hash   crypto.Hash
	pss    bool
	// attributes are the signed attributes as they were written, nil if there
	// are none.
	attributes []byte
	signature  []byte
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      asn1.RawValue
	Encapsulated encapsulated
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type encapsulated struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"optional,explicit,tag:0"`
}

type signerInfo struct {
	Version    int
	ID         asn1.RawValue
	Digest     algorithm
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  algorithm
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type algorithm struct {
	ID         asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidPSS           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
)

// errWeakDigest is answered for a message over MD5 or SHA-1.
var errWeakDigest = errors.New("it is over a hash that can be forged")

func hashOf(id asn1.ObjectIdentifier) (crypto.Hash, error) {
	switch {
	case id.Equal(oidSHA256):
		return crypto.SHA256, nil
	case id.Equal(oidSHA384):
		return crypto.SHA384, nil
	case id.Equal(oidSHA512):
		return crypto.SHA512, nil
	}
	return 0, errWeakDigest
}

// unmarshal reads exactly one value.
func unmarshal(der []byte, into any, params string) error {
	rest, err := asn1.UnmarshalWithParams(der, into, params)
	if err == nil && len(rest) > 0 {
		err = errors.New("something stands behind a value")
	}
	return err
}

// parseCMS reads a message with one signer, whose certificate is in it.
func parseCMS(raw []byte) (*cms, error) {
	der, err := definite(raw)
	if err != nil {
		return nil, err
	}
	var info contentInfo
	if err := unmarshal(der, &info, ""); err != nil || !info.Type.Equal(oidSignedData) {
		return nil, errors.New("it is no signed message")
	}
	var data signedData
	if err := unmarshal(info.Content.Bytes, &data, ""); err != nil {
		return nil, errors.New("the signed message is malformed")
	}
	if len(data.Encapsulated.Content.FullBytes) > 0 || !data.Encapsulated.Type.Equal(oidData) {
		// A message that brings its own text says nothing of the commit's.
		return nil, errors.New("the message brings a text of its own")
	}
	if len(data.Signers) != 1 {
		return nil, errors.New("it has not exactly one signer")
	}
	certs, err := x509.ParseCertificates(data.Certificates.Bytes)
	if err != nil {
		return nil, errors.New("a certificate in it cannot be read")
	}
	return newCMS(data.Signers[0], certs)
}

func newCMS(signer signerInfo, certs []*x509.Certificate) (*cms, error) {
	s := &cms{signature: signer.Signature, pss: signer.Algorithm.ID.Equal(oidPSS)}
	var err error
	if s.hash, err = hashOf(signer.Digest.ID); err != nil {
		return nil, err
	}
	if len(signer.Attributes.FullBytes) > 0 {
		// They are signed as a SET, and written with a tag of their own.
		s.attributes = bytes.Clone(signer.Attributes.FullBytes)
		s.attributes[0] = 0x31
	}
	for _, c := range certs {
		if s.leaf == nil && isSigner(signer.ID, c) {
			s.leaf = c
		} else {
			s.others = append(s.others, c)
		}
	}
	if s.leaf == nil {
		return nil, errors.New("the signer's certificate is not in it")
	}
	return s, nil
}

// isSigner reports whether a signer's id means a certificate.
func isSigner(id asn1.RawValue, c *x509.Certificate) bool {
	if id.Class == asn1.ClassContextSpecific && id.Tag == 0 {
		return len(c.SubjectKeyId) > 0 && bytes.Equal(id.Bytes, c.SubjectKeyId)
	}
	var by issuerAndSerial
	if err := unmarshal(id.FullBytes, &by, ""); err != nil || by.Serial == nil {
		return false
	}
	return by.Serial.Cmp(c.SerialNumber) == 0 && bytes.Equal(by.Issuer.FullBytes, c.RawIssuer)
}

// verify verifies the signature over a payload with the signer's certificate.
func (s *cms) verify(payload []byte) Verdict {
	if s.attributes == nil {
		return verifyRaw(s.leaf.PublicKey, s.hash, s.pss, payload, s.signature)
	}
	var list []attribute
	if err := unmarshal(s.attributes, &list, "set"); err != nil {
		return refuse(Malformed, "the signed attributes cannot be read")
	}
	kind, digest := 0, 0
	for _, a := range list {
		switch {
		case a.Type.Equal(oidContentType):
			var id asn1.ObjectIdentifier
			if kind++; unmarshal(a.Values.Bytes, &id, "") != nil || !id.Equal(oidData) {
				return refuse(Malformed, "the signature is over something else than data")
			}
		case a.Type.Equal(oidMessageDigest):
			var sum []byte
			if digest++; unmarshal(a.Values.Bytes, &sum, "") != nil {
				return refuse(Malformed, "the signed digest cannot be read")
			}
			h := s.hash.New()
			h.Write(payload)
			if subtle.ConstantTimeCompare(sum, h.Sum(nil)) != 1 {
				return refuse(BadSignature, "the signature does not fit: the text was changed")
			}
		}
	}
	if kind != 1 || digest != 1 {
		return refuse(Malformed, "the signed attributes lack the digest, or have several")
	}
	return verifyRaw(s.leaf.PublicKey, s.hash, s.pss, s.attributes, s.signature)
}

// maxNesting bounds how deep indefinite lengths may nest.
const maxNesting = 16

// definite rewrites BER of indefinite lengths, as gpgsm writes it, to definite
// ones. Parts of definite length stay byte for byte: they may be signed.
func definite(raw []byte) ([]byte, error) {
	out, rest, err := definiteValue(raw, 0)
	if err == nil && len(rest) > 0 {
		err = errors.New("something stands behind the message")
	}
	return out, err
}

var errBER = errors.New("the message's encoding is malformed")

func definiteValue(b []byte, depth int) (out, rest []byte, err error) {
	if len(b) < 2 || b[0]&0x1f == 0x1f || depth > maxNesting {
		return nil, nil, errBER
	}
	if b[1] != 0x80 {
		n, header, ok := length(b[1:])
		if !ok || len(b) < 1+header+n {
			return nil, nil, errBER
		}
		return b[:1+header+n], b[1+header+n:], nil
	}
	if b[0]&0x20 == 0 {
		return nil, nil, errBER // only what has parts may lack a length
	}
	var body []byte
	rest = b[2:]
	for !bytes.HasPrefix(rest, []byte{0, 0}) {
		var part []byte
		if part, rest, err = definiteValue(rest, depth+1); err != nil {
			return nil, nil, err
		}
		body = append(body, part...)
	}
	return append(append([]byte{b[0]}, encodeLength(len(body))...), body...), rest[2:], nil
}

// length reads a definite length and how many bytes it takes.
func length(b []byte) (n, size int, ok bool) {
	if b[0] < 0x80 {
		return int(b[0]), 1, true
	}
	size = int(b[0] & 0x7f)
	if size == 0 || size > 3 || len(b) < 1+size {
		return 0, 0, false
	}
	for _, c := range b[1 : 1+size] {
		n = n<<8 | int(c)
	}
	return n, 1 + size, true
}

func encodeLength(n int) []byte {
	switch {
	case n < 0x80:
		return []byte{byte(n)}
	case n < 0x100:
		return []byte{0x81, byte(n)}
	case n < 0x10000:
		return []byte{0x82, byte(n >> 8), byte(n)}
	}
	return []byte{0x83, byte(n >> 16), byte(n >> 8), byte(n)}
}
