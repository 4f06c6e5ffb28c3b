package signature_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/autoecoops/autoecoops/deliver/signature"
	"github.com/autoecoops/autoecoops/fault"
)

// world is a set of trusted keys and those who hold them.
type world struct {
	keys *signature.Keys
	// signers and the names they are found under, by method.
	signers map[string]sign
	names   map[string]string
	files   map[string][]byte
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{signers: map[string]sign{}, names: map[string]string{}}
	add := func(name, who string, s sign) { w.signers[name], w.names[name] = s, who }

	ed := pgpKey(t, made.AddDate(0, -1, 0), 0, nil)
	long := pgpKey(t, made.AddDate(0, -1, 0), 0, func(c *packet.Config) { c.Algorithm, c.RSABits = packet.PubKeyAlgoRSA, 2048 })
	add("openpgp", "Ada <ada@example.com>", pgpSign(t, ed, made, nil))
	add("openpgp rsa", "Ada <ada@example.com>", pgpSign(t, long, made, func(c *packet.Config) { c.DefaultHash = crypto.SHA512 }))

	plain, p256, rsa2k, ca, certified := edKey(t), ecKey(t, elliptic.P256()), rsaKey(t, 2048), edKey(t), edKey(t)
	add("ssh", "ada@example.com", sshSign(t, plain, sshOptions{}))
	add("ssh sha256", "ada@example.com", sshSign(t, plain, sshOptions{hash: "sha256"}))
	add("ssh ecdsa", "bob@example.com", sshSign(t, p256, sshOptions{}))
	add("ssh rsa", "rsa@example.com", sshSign(t, rsa2k, sshOptions{}))
	add("ssh certificate", "ada@example.com", sshSign(t, certified, sshOptions{public: sshCert(t, ca, certified.PublicKey(), nil)}))
	lines := sshLine(plain.PublicKey(), "ada@example.com", "") + "# a comment\n\n" +
		sshLine(p256.PublicKey(), "bob@example.com", `namespaces="file,git",valid-after="20260101",valid-before="20270101Z"`) +
		sshLine(rsa2k.PublicKey(), `"rsa@example.com"`, `namespaces="git"`) + sshLine(ca.PublicKey(), "*@example.com", "cert-authority")

	root := newAuthority(t, nil, nil)
	between := newAuthority(t, root, func(c *x509.Certificate) {
		c.Subject.CommonName, c.SerialNumber, c.SubjectKeyId = "between", big.NewInt(2), []byte("between")
	})
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	add("x509", "ada@example.com", cmsSign(t, root.leaf(key.Public(), nil), key, cmsOptions{}))
	add("x509 bare", "ada@example.com", cmsSign(t, root.leaf(key.Public(), nil), key, cmsOptions{noAttributes: true}))
	add("x509 indefinite", "ada@example.com", cmsSign(t, root.leaf(key.Public(), nil), key, cmsOptions{indefinite: true}))
	add("x509 chain", "ada@example.com", cmsSign(t, between.leaf(key.Public(), nil), key, cmsOptions{others: []*x509.Certificate{between.cert}}))
	add("x509 keyless", "https://ci.example.com/org/repo (https://token.example.com)",
		cmsSign(t, root.leaf(key.Public(), withURI(t, "https://ci.example.com/org/repo")), key, cmsOptions{}))
	rsaX := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	add("x509 rsa", "ada@example.com", cmsSign(t, root.leaf(rsaX.Public(), nil), rsaX, cmsOptions{}))
	add("x509 pss", "ada@example.com", cmsSign(t, root.leaf(rsaX.Public(), nil), rsaX, cmsOptions{pss: true}))
	_, edX, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	add("x509 ed25519", "ada@example.com", cmsSign(t, root.leaf(edX.Public(), nil), edX, cmsOptions{}))

	w.files = map[string][]byte{
		"team.asc": pgpPublic(t, ed, long), signature.AllowedSigners: []byte(lines), "roots.pem": root.pem(),
		signature.Identities: []byte("# who\nada@example.com\nhttps://ci.example.com/org/* issuer=https://token.example.com\n"),
	}
	w.keys = keys(t, w.files)
	return w
}

func check(t *testing.T, k *signature.Keys, name string, mode signature.Mode, s signature.Subject, want signature.Status) signature.Verdict {
	t.Helper()
	v, err := signature.Check(k, mode, s, now)
	if v.Status != want || (err == nil) != (want == signature.Good) {
		t.Errorf("%s: %+v, %v, want %s", name, v, err, want)
	}
	if err != nil && (fault.KindOf(err) != fault.Denied || v.Reason == "" || v.Signer != "") {
		t.Errorf("%s: %v, %+v", name, err, v)
	}
	return v
}

func TestGood(t *testing.T) {
	w := newWorld(t)
	for name, s := range w.signers {
		raw := signed(commitText("a change"), s)
		v := check(t, w.keys, name, signature.Head, commit(raw), signature.Good)
		if v.Signer != w.names[name] || v.Method != strings.Fields(name)[0] || v.Key == "" {
			t.Errorf("%s: %+v, want %s", name, v, w.names[name])
		}
		text := tagText(id("commit", raw), "v1")
		tag := append(text, s(text)...)
		check(t, w.keys, name+" tag", signature.Tag, tagged(raw, tag, "v1"), signature.Good)
		check(t, w.keys, name+" tag", signature.TagAndHead, tagged(raw, tag, "v1"), signature.Good)
		plain := commitText("not signed itself")
		text = tagText(id("commit", plain), "v1")
		tag = append(text, s(text)...)
		check(t, w.keys, name+" tag alone", signature.Tag, tagged(plain, tag, "v1"), signature.Good)
		check(t, w.keys, name+" tag alone", signature.TagAndHead, tagged(plain, tag, "v1"), signature.Unsigned)
		check(t, w.keys, name+" tag alone", signature.Head, tagged(plain, tag, "v1"), signature.Unsigned)
	}
	raw := signed(commitText("x"), w.signers["ssh"])
	text := tagText(id("commit", raw), "v1")
	if v := check(t, w.keys, "two signers", signature.TagAndHead, tagged(raw, append(text, w.signers["openpgp"](text)...), "v1"), signature.Good); v.Signer != "Ada <ada@example.com>, ada@example.com" {
		t.Error(v.Signer)
	}
	if _, err := signature.Check(w.keys, "maybe", commit(raw), now); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

// TestForgedText changes what was signed, in every way and for every method.
func TestForgedText(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for name, s := range w.signers {
		text := commitText("a change")
		raw := signed(text, s)
		forged := func(what string, raw []byte, want signature.Status) {
			t.Helper()
			cases++
			check(t, w.keys, name+": "+what, signature.Head, commit(raw), want)
		}
		replace := func(old, by string) []byte { return []byte(strings.Replace(string(raw), old, by, 1)) }
		forged("another tree", replace("tree 4b", "tree 5b"), signature.BadSignature)
		forged("another parent", replace("parent 11", "parent 21"), signature.BadSignature)
		forged("one parent more", replace("author", "parent 2222222222222222222222222222222222222222\nauthor"), signature.BadSignature)
		forged("no parent", replace("parent 1111111111111111111111111111111111111111\n", ""), signature.BadSignature)
		forged("another author", replace("author Ada", "author Eve"), signature.BadSignature)
		forged("another message", replace("a change", "a chance"), signature.BadSignature)
		forged("a longer message", append(raw, '\n'), signature.BadSignature)
		forged("a header more", replace("\nauthor", "\nencoding x\nauthor"), signature.BadSignature)
		forged("its signature stripped", text, signature.Unsigned)
		forged("signed twice", insert(raw, "gpgsig", s(text)), signature.Malformed)
		forged("its signature under another header", insert(text, "gpgsig-sha256", s(text)), signature.Unsigned)
		forged("another's signature", insert(text, "gpgsig", s(commitText("another"))), signature.BadSignature)
		forged("a tag's signature", insert(text, "gpgsig", s(tagText(id("commit", raw), "v1"))), signature.BadSignature)
		sig := s(text)
		forged("half a signature", insert(text, "gpgsig", sig[:len(sig)/2]+"\n"), signature.Malformed)
		forged("an empty signature", insert(text, "gpgsig", strings.Split(sig, "\n")[0]+"\n"), signature.Malformed)
		forged("something behind the signature", insert(text, "gpgsig", sig+"more\n"), signature.Malformed)
		forged("of no known form", insert(text, "gpgsig", "-----BEGIN TRUST ME-----\n"), signature.Malformed)

		check(t, w.keys, name+": another id", signature.Head, signature.Subject{SHA: id("commit", text), Commit: raw}, signature.Tampered)
		check(t, w.keys, name+": no id", signature.Head, signature.Subject{Commit: raw}, signature.Tampered)
		cases += 2 + forgedTags(t, w, name, raw, s)
	}
	if cases < 150 {
		t.Errorf("only %d cases", cases)
	}
	t.Logf("%d forged texts", cases)
}

func forgedTags(t *testing.T, w *world, name string, raw []byte, s sign) int {
	t.Helper()
	text := tagText(id("commit", raw), "v1")
	tag := append(text, s(text)...)
	forged := func(what string, subject signature.Subject, want signature.Status) {
		t.Helper()
		check(t, w.keys, name+": "+what, signature.Tag, subject, want)
	}
	forged("a stripped tag", tagged(raw, text, "v1"), signature.Unsigned)
	forged("no tag", commit(raw), signature.Unsigned)
	forged("a tag renamed", tagged(raw, tag, "v2"), signature.Mismatch)
	forged("a tag rewritten", tagged(raw, []byte(strings.Replace(string(tag), "tag v1", "tag v2", 1)), "v2"), signature.BadSignature)
	forged("another message", tagged(raw, []byte(strings.Replace(string(tag), "release", "Release", 1)), "v1"), signature.BadSignature)
	other := signed(commitText("another"), s)
	forged("a tag of another commit", tagged(other, tag, "v1"), signature.Mismatch)
	forged("a tag that names a tree", tagged(raw, []byte(strings.Replace(string(tag), "type commit", "type tree", 1)), "v1"), signature.Mismatch)
	forged("two objects", tagged(raw, []byte(strings.Replace(string(tag), "type commit", "object "+id("commit", other)+"\ntype commit", 1)), "v1"), signature.Malformed)
	forged("the commit's signature", tagged(raw, append(tagText(id("commit", raw), "v1"), s(commitText("a change"))...), "v1"), signature.BadSignature)
	forged("a text behind it", tagged(raw, append([]byte(string(tag)), "more\n"...), "v1"), signature.Malformed)
	subject := tagged(raw, tag, "v1")
	subject.TagID = id("tag", text)
	forged("another id", subject, signature.Tampered)
	return 11
}

// TestDamagedSignatures flips each byte of each signature.
func TestDamagedSignatures(t *testing.T) {
	w := newWorld(t)
	good := 0
	for name, s := range w.signers {
		text := commitText("x")
		sig := []byte(s(text))
		step := 1
		if testing.Short() {
			step = 11
		}
		for i := 0; i < len(sig); i += step {
			for _, flip := range []byte{1, 0x20} {
				damaged := append([]byte{}, sig...)
				damaged[i] ^= flip
				v, err := signature.Check(w.keys, signature.Head, commit(insert(text, "gpgsig", string(damaged))), now)
				if err == nil {
					// Some bytes mean nothing: armor headers, the padding of
					// base64, what stands in unsigned parts. But then it is the
					// same signer and the same text.
					if good++; v.Signer != w.names[name] {
						t.Errorf("%s, byte %d: %+v", name, i, v)
					}
				}
			}
		}
	}
	t.Logf("%d changes mean nothing", good)
}

func TestKeysThatAreNotTrusted(t *testing.T) {
	w := newWorld(t)
	stranger, strangerSSH := pgpKey(t, made, 0, nil), edKey(t)
	otherRoot := newAuthority(t, nil, nil)
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	otherCA, subject := edKey(t), edKey(t)
	for name, s := range map[string]sign{
		"openpgp": pgpSign(t, stranger, made, nil), "ssh": sshSign(t, strangerSSH, sshOptions{}), "x509": cmsSign(t, otherRoot.leaf(key.Public(), nil), key, cmsOptions{}),
		"ssh certificate": sshSign(t, subject, sshOptions{public: sshCert(t, otherCA, subject.PublicKey(), nil)}),
	} {
		check(t, w.keys, name, signature.Head, commit(signed(commitText("x"), s)), signature.UnknownKey)
	}
	// Whoever shows a trusted key must have it.
	trusted := edKey(t)
	k := keys(t, map[string][]byte{signature.AllowedSigners: []byte(sshLine(trusted.PublicKey(), "ada", ""))})
	check(t, k, "another's key", signature.Head, commit(signed(commitText("x"), sshSign(t, strangerSSH, sshOptions{public: trusted.PublicKey()}))), signature.BadSignature)
	// Trust in one method is none in another.
	onlySSH := keys(t, map[string][]byte{signature.AllowedSigners: w.files[signature.AllowedSigners]})
	for name, s := range w.signers {
		want := signature.UnknownKey
		if strings.HasPrefix(name, "ssh") {
			want = signature.Good
		}
		check(t, onlySSH, name, signature.Head, commit(signed(commitText("x"), s)), want)
	}
}

// TestManyGood has no false refusal.
func TestManyGood(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand signatures")
	}
	w := newWorld(t)
	n := 0
	for n < 1000 {
		for name, s := range w.signers {
			raw := signed(commitText(fmt.Sprintf("%s\n\nchange %d\n gpgsig x\n-----BEGIN SSH SIGNATURE-----\n", strings.Repeat("line\n", n%50), n)), s)
			check(t, w.keys, name, signature.Head, commit(raw), signature.Good)
			n++
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	w := newWorld(b)
	for name, s := range w.signers {
		subject := commit(signed(commitText("x"), s))
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				if _, err := signature.Check(w.keys, signature.Head, subject, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
