package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"

	"github.com/autoecoops/autoecoops/deliver/signature"
)

// made is when the commits of the tests were made, now is when they are verified.
var (
	made = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now  = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
)

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// sign makes an armored signature of a payload.
type sign func(payload []byte) string

// commitText is an unsigned commit.
func commitText(message string) []byte {
	return fmt.Appendf(nil, "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 1111111111111111111111111111111111111111\nauthor Ada <ada@example.com> %d +0000\ncommitter Ada <ada@example.com> %d +0000\n\n%s\n", made.Unix(), made.Unix(), message)
}

// insert puts a signature into a commit's headers.
func insert(text []byte, header, sig string) []byte {
	head, body, _ := bytes.Cut(text, []byte("\n\n"))
	folded := strings.ReplaceAll(strings.TrimSuffix(sig, "\n"), "\n", "\n ")
	return fmt.Appendf(nil, "%s\n%s %s\n\n%s", head, header, folded, body)
}

func signed(text []byte, s sign) []byte { return insert(text, "gpgsig", s(text)) }

func id(kind string, text []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(text)), text...))
	return hex.EncodeToString(sum[:])
}

func commit(raw []byte) signature.Subject {
	return signature.Subject{SHA: id("commit", raw), Commit: raw}
}

// tagText is an unsigned tag of a commit.
func tagText(sha, name string) []byte {
	return fmt.Appendf(nil, "object %s\ntype commit\ntag %s\ntagger Ada <ada@example.com> %d +0000\n\nrelease\n", sha, name, made.Unix())
}

func tagged(raw, tag []byte, name string) signature.Subject {
	s := commit(raw)
	s.Tag, s.TagID, s.TagName = tag, id("tag", tag), name
	return s
}

// pgpKey makes an OpenPGP key.
func pgpKey(t testing.TB, at time.Time, lifetime time.Duration, change func(*packet.Config)) *openpgp.Entity {
	t.Helper()
	c := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return at }, KeyLifetimeSecs: uint32(lifetime.Seconds())}
	if change != nil {
		change(c)
	}
	return must[*openpgp.Entity](t)(openpgp.NewEntity("Ada", "", "ada@example.com", c))
}

func pgpPublic(t testing.TB, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, k := range keys {
		w := must[interface {
			Write([]byte) (int, error)
			Close() error
		}](t)(armor.Encode(&out, openpgp.PublicKeyType, nil))
		if err := k.Serialize(w); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	return out.Bytes()
}

func pgpSign(t testing.TB, k *openpgp.Entity, at time.Time, change func(*packet.Config)) sign {
	return func(payload []byte) string {
		c := &packet.Config{Time: func() time.Time { return at }, DefaultHash: crypto.SHA256}
		if change != nil {
			change(c)
		}
		var out bytes.Buffer
		if err := openpgp.ArmoredDetachSign(&out, k, bytes.NewReader(payload), c); err != nil {
			t.Fatal(err)
		}
		return out.String() + "\n"
	}
}

func edKey(t testing.TB) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return must[ssh.Signer](t)(ssh.NewSignerFromKey(key))
}

func rsaKey(t testing.TB, bits int) ssh.Signer {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	return must[ssh.Signer](t)(ssh.NewSignerFromKey(must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, bits))))
}

func ecKey(t testing.TB, c elliptic.Curve) ssh.Signer {
	t.Helper()
	return must[ssh.Signer](t)(ssh.NewSignerFromKey(must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(c, rand.Reader))))
}

type sshOptions struct {
	namespace, hash, algorithm string
	public                     ssh.PublicKey // shown instead of the signer's
	version                    uint32
}

func sshSign(t testing.TB, k ssh.Signer, o sshOptions) sign {
	if o.namespace == "" {
		o.namespace = "git"
	}
	if o.hash == "" {
		o.hash = "sha512"
	}
	if o.public == nil {
		o.public = k.PublicKey()
	}
	if o.version == 0 {
		o.version = 1
	}
	return func(payload []byte) string {
		d5, d2 := sha512.Sum512(payload), sha256.Sum256(payload)
		digest := d5[:]
		if o.hash != "sha512" {
			digest = d2[:]
		}
		data := append([]byte("SSHSIG"), ssh.Marshal(struct {
			Namespace, Reserved, Hash string
			Digest                    []byte
		}{o.namespace, "", o.hash, digest})...)
		var sig *ssh.Signature
		var err error
		if k.PublicKey().Type() == ssh.KeyAlgoRSA {
			alg := o.algorithm
			if alg == "" {
				alg = ssh.KeyAlgoRSASHA512
			}
			sig, err = k.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, data, alg)
		} else {
			sig, err = k.Sign(rand.Reader, data)
		}
		if err != nil {
			t.Fatal(err)
		}
		blob := append([]byte("SSHSIG"), ssh.Marshal(struct {
			Version                   uint32
			Key                       []byte
			Namespace, Reserved, Hash string
			Signature                 []byte
		}{o.version, o.public.Marshal(), o.namespace, "", o.hash, ssh.Marshal(sig)})...)
		return armored("SSH SIGNATURE", blob)
	}
}

func armored(kind string, raw []byte) string {
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	b.WriteString("-----BEGIN " + kind + "-----\n")
	for len(text) > 70 {
		b.WriteString(text[:70] + "\n")
		text = text[70:]
	}
	b.WriteString(text + "\n-----END " + kind + "-----\n")
	return b.String()
}

func sshLine(k ssh.PublicKey, principals, options string) string {
	if options != "" {
		options += " "
	}
	return principals + " " + options + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) + "\n"
}

// sshCert lets an authority certify a key.
func sshCert(t testing.TB, authority ssh.Signer, key ssh.PublicKey, change func(*ssh.Certificate)) *ssh.Certificate {
	t.Helper()
	c := &ssh.Certificate{Key: key, CertType: ssh.UserCert, KeyId: "x", ValidPrincipals: []string{"ada@example.com"},
		ValidAfter: uint64(made.Add(-time.Hour).Unix()), ValidBefore: uint64(made.Add(time.Hour).Unix())}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return c
}

// authority is an X.509 authority of the tests.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(t testing.TB, parent *authority, change func(*x509.Certificate)) *authority {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: made.AddDate(-1, 0, 0), NotAfter: made.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	if change != nil {
		change(c)
	}
	a := &authority{t: t, key: key}
	if parent == nil {
		parent = &authority{cert: c, key: key}
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, c, parent.cert, key.Public(), parent.key))
	a.cert = must[*x509.Certificate](t)(x509.ParseCertificate(der))
	return a
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// leaf certifies a key for a name, for ten minutes around the commits.
func (a *authority) leaf(key crypto.PublicKey, change func(*x509.Certificate)) *x509.Certificate {
	a.t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "ada@example.com"}, NotBefore: made.Add(-5 * time.Minute), NotAfter: made.Add(5 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, EmailAddresses: []string{"ada@example.com"}}
	if change != nil {
		change(c)
	}
	return must[*x509.Certificate](a.t)(x509.ParseCertificate(must[[]byte](a.t)(x509.CreateCertificate(rand.Reader, c, a.cert, key, a.key))))
}

func withURI(t testing.TB, s string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.EmailAddresses, c.URIs = nil, []*url.URL{must[*url.URL](t)(url.Parse(s))}
		v2 := must[[]byte](t)(asn1.MarshalWithParams("https://token.example.com", "utf8"))
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: v2}}
	}
}

// cmsOptions vary a CMS message.
type cmsOptions struct {
	others                  []*x509.Certificate
	noAttributes            bool
	noDigest, twoDigests    bool
	noCertificate           bool
	digestOID               asn1.ObjectIdentifier
	signers                 int
	content                 []byte
	contentType             asn1.ObjectIdentifier
	pss                     bool
	wrongSerial, indefinite bool
}

var (
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
)

// tlv encodes one value; content is joined.
func tlv(tag byte, content ...[]byte) []byte {
	body := bytes.Join(content, nil)
	n := len(body)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	}
	return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
}

// cmsSign makes what smimesign and gitsign make.
func cmsSign(t testing.TB, cert *x509.Certificate, key crypto.Signer, o cmsOptions) sign {
	der := func(v any) []byte { return must[[]byte](t)(asn1.Marshal(v)) }
	if o.digestOID == nil {
		o.digestOID = oidSHA256
	}
	if o.contentType == nil {
		o.contentType = oidData
	}
	if o.signers == 0 {
		o.signers = 1
	}
	return func(payload []byte) string {
		sum := sha256.Sum256(payload)
		attribute := func(oid asn1.ObjectIdentifier, value []byte) []byte { return tlv(0x30, der(oid), tlv(0x31, value)) }
		attrs := [][]byte{attribute(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}, der(o.contentType))}
		if !o.noDigest {
			attrs = append(attrs, attribute(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}, der(sum[:])))
		}
		if o.twoDigests {
			attrs = append(attrs, attrs[1])
		}
		data := tlv(0x31, attrs...)
		if o.noAttributes {
			data = payload
		}
		digest := sha256.Sum256(data)
		var opts crypto.SignerOpts = crypto.SHA256
		input := digest[:]
		algorithm := asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
		switch key.(type) {
		case ed25519.PrivateKey:
			opts, input, algorithm = crypto.Hash(0), data, asn1.ObjectIdentifier{1, 3, 101, 112}
		case *rsa.PrivateKey:
			algorithm = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
			if o.pss {
				algorithm = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
				opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			}
		}
		sig := must[[]byte](t)(key.Sign(rand.Reader, input, opts))
		serial := cert.SerialNumber
		if o.wrongSerial {
			serial = big.NewInt(99)
		}
		parts := [][]byte{der(1), tlv(0x30, cert.RawIssuer, der(serial)), tlv(0x30, der(o.digestOID))}
		if !o.noAttributes {
			implicit := append([]byte{0xa0}, data[1:]...)
			parts = append(parts, implicit)
		}
		parts = append(parts, tlv(0x30, der(algorithm)), der(sig))
		info := tlv(0x30, parts...)
		var certs []byte
		if !o.noCertificate {
			certs = append(certs, cert.Raw...)
		}
		for _, c := range o.others {
			certs = append(certs, c.Raw...)
		}
		content := der(oidData)
		if o.content != nil {
			content = append(content, tlv(0xa0, der(o.content))...)
		}
		wrap := tlv
		if o.indefinite {
			wrap = func(tag byte, content ...[]byte) []byte {
				return append(append([]byte{tag, 0x80}, bytes.Join(content, nil)...), 0, 0)
			}
		}
		signers := bytes.Repeat(info, o.signers)
		signedData := wrap(0x30, der(1), tlv(0x31, tlv(0x30, der(o.digestOID))), wrap(0x30, content), wrap(0xa0, certs), wrap(0x31, signers))
		return armored("SIGNED MESSAGE", wrap(0x30, der(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}), wrap(0xa0, signedData)))
	}
}

func keys(t testing.TB, files map[string][]byte) *signature.Keys {
	t.Helper()
	return must[*signature.Keys](t)(signature.ParseKeys(files))
}
