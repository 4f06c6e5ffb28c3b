package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"hash"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"

	"github.com/autoecoops/autoecoops/deliver/signature"
	"github.com/autoecoops/autoecoops/fault"
)

func TestOpenPGPKeys(t *testing.T) {
	config := &packet.Config{Time: func() time.Time { return made.AddDate(0, 0, 3) }}
	verify := func(name string, k *openpgp.Entity, s sign, want signature.Status) {
		t.Helper()
		check(t, keys(t, map[string][]byte{"k.asc": pgpPublic(t, k)}), name, signature.Head, commit(signed(commitText("x"), s)), want)
	}
	old := made.AddDate(-1, 0, 0)
	k := pgpKey(t, old, 0, nil)
	verify("good", k, pgpSign(t, k, made, nil), signature.Good)
	verify("made in the future", k, pgpSign(t, k, now.AddDate(0, 0, 2), nil), signature.NotYetValid)
	verify("made within the clocks' skew", k, pgpSign(t, k, now.Add(time.Hour), nil), signature.Good)
	verify("older than its key", k, resign(t, k, func(s *packet.Signature) { s.CreationTime = old.AddDate(0, 0, -1) }), signature.NotYetValid)
	verify("a signature that expired", k, pgpSign(t, k, made, func(c *packet.Config) { c.SigLifetimeSecs = 3600 }), signature.Expired)
	k = pgpKey(t, old, 366*24*time.Hour, nil)
	verify("expired since", k, pgpSign(t, k, made, nil), signature.Expired)
	k = pgpKey(t, old, 3660*24*time.Hour, nil)
	verify("not expired yet", k, pgpSign(t, k, made, nil), signature.Good)
	for name, reason := range map[string]packet.ReasonForRevocation{"compromised": packet.KeyCompromised, "superseded": packet.KeySuperseded, "retired": packet.KeyRetired} {
		k = pgpKey(t, old, 0, nil)
		s := pgpSign(t, k, made, nil)
		text := signed(commitText("x"), s)
		if err := k.RevokeKey(reason, "", config); err != nil {
			t.Fatal(err)
		}
		check(t, keys(t, map[string][]byte{"k.asc": pgpPublic(t, k)}), name, signature.Head, commit(text), signature.Revoked)
	}
	// A subkey that may sign, and one that may not any more.
	k = pgpKey(t, old, 0, nil)
	if err := k.AddSigningSubkey(&packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return old }}); err != nil {
		t.Fatal(err)
	}
	text := signed(commitText("x"), pgpSign(t, k, made, nil))
	ring := pgpPublic(t, k)
	check(t, keys(t, map[string][]byte{"k.asc": ring}), "subkey", signature.Head, commit(text), signature.Good)
	for i := range k.Subkeys {
		if k.Subkeys[i].Sig.FlagSign {
			if err := k.RevokeSubkey(&k.Subkeys[i], packet.KeyCompromised, "", config); err != nil {
				t.Fatal(err)
			}
		}
	}
	check(t, keys(t, map[string][]byte{"k.asc": pgpPublic(t, k)}), "revoked subkey", signature.Head, commit(text), signature.Revoked)
	// A key that is only meant for encryption.
	k = pgpKey(t, old, 0, nil)
	for _, id := range k.Identities {
		id.SelfSignature.FlagSign = false
		if err := id.SelfSignature.SignUserId(id.Name, k.PrimaryKey, k.PrivateKey, config); err != nil {
			t.Fatal(err)
		}
	}
	stripped := pgpPublic(t, k)
	for _, id := range k.Identities {
		id.SelfSignature.FlagSign = true
	}
	text = signed(commitText("x"), pgpSign(t, k, made, nil))
	check(t, keys(t, map[string][]byte{"k.asc": stripped}), "not for signing", signature.Head, commit(text), signature.NotAllowed)
	k = pgpKey(t, old, 0, func(c *packet.Config) { c.Algorithm, c.RSABits = packet.PubKeyAlgoRSA, 1024 })
	verify("a short key", k, pgpSign(t, k, made, nil), signature.Weak)
}

// resign makes an OpenPGP signature of a kind that the library would not make.
func resign(t *testing.T, k *openpgp.Entity, change func(*packet.Signature)) sign {
	return func(payload []byte) string {
		id := k.PrimaryKey.KeyId
		sig := &packet.Signature{Version: 4, SigType: packet.SigTypeBinary, PubKeyAlgo: k.PrimaryKey.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: made, IssuerKeyId: &id}
		change(sig)
		h := must[hash.Hash](t)(sig.PrepareSign(nil))
		if _, err := h.Write(payload); err != nil {
			t.Fatal(err)
		}
		if err := sig.Sign(h, k.PrivateKey, nil); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := sig.Serialize(&out); err != nil {
			t.Fatal(err)
		}
		return pgpArmor(t, out.Bytes())
	}
}

func pgpArmor(t *testing.T, raw []byte) string {
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.SignatureType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

func TestOpenPGPSignatures(t *testing.T) {
	k := pgpKey(t, made.AddDate(-1, 0, 0), 0, func(c *packet.Config) { c.Algorithm, c.RSABits = packet.PubKeyAlgoRSA, 2048 })
	trusted := keys(t, map[string][]byte{"k.asc": pgpPublic(t, k)})
	verify := func(name string, s sign, want signature.Status) {
		t.Helper()
		check(t, trusted, name, signature.Head, commit(signed(commitText("x"), s)), want)
	}
	verify("good", resign(t, k, func(*packet.Signature) {}), signature.Good)
	verify("sha-1", func(p []byte) string {
		block := must[*armor.Block](t)(armor.Decode(strings.NewReader(resign(t, k, func(*packet.Signature) {})(p))))
		raw := must[[]byte](t)(io.ReadAll(block.Body))
		body := 2 // behind the packet's header
		if raw[1] >= 192 {
			body = 3
		}
		raw[body+3] = 2 // the hash
		return pgpArmor(t, raw)
	}, signature.Weak)
	verify("text", resign(t, k, func(s *packet.Signature) { s.SigType = packet.SigTypeText }), signature.Malformed)
	verify("of a key", resign(t, k, func(s *packet.Signature) { s.SigType = packet.SigTypeGenericCert }), signature.Malformed)
	var key bytes.Buffer
	if err := k.PrimaryKey.Serialize(&key); err != nil {
		t.Fatal(err)
	}
	verify("a key instead", func([]byte) string { return pgpArmor(t, key.Bytes()) }, signature.Malformed)
	good := resign(t, k, func(*packet.Signature) {})
	verify("two signatures", func(p []byte) string {
		one := must[*armor.Block](t)(armor.Decode(strings.NewReader(good(p))))
		raw := must[[]byte](t)(io.ReadAll(one.Body))
		return pgpArmor(t, append(raw, raw...))
	}, signature.Malformed)
	verify("nothing", func([]byte) string { return pgpArmor(t, nil) }, signature.Malformed)
	verify("very long", func([]byte) string { return pgpArmor(t, make([]byte, 1<<20)) }, signature.Malformed)
}

func TestSSHSigners(t *testing.T) {
	k, k256 := edKey(t), ecKey(t, elliptic.P256())
	verify := func(name, options string, o sshOptions, want signature.Status) {
		t.Helper()
		trusted := keys(t, map[string][]byte{signature.AllowedSigners: []byte(sshLine(k256.PublicKey(), "bob", "") + sshLine(k.PublicKey(), "ada", options))})
		check(t, trusted, name, signature.Head, commit(signed(commitText("x"), sshSign(t, k, o))), want)
	}
	verify("another namespace", "", sshOptions{namespace: "file"}, signature.NotAllowed)
	verify("no namespace", "", sshOptions{namespace: " "}, signature.NotAllowed)
	verify("weak hash", "", sshOptions{hash: "sha1"}, signature.Weak)
	verify("unknown version", "", sshOptions{version: 2}, signature.Malformed)
	verify("key for files", `namespaces="file"`, sshOptions{}, signature.NotAllowed)
	verify("key for anything but git", `namespaces="*,!git"`, sshOptions{}, signature.NotAllowed)
	verify("key for anything", `namespaces="*"`, sshOptions{}, signature.Good)
	verify("a pattern", `namespaces="g?t"`, sshOptions{}, signature.Good)
	verify("not yet", `valid-after="20260302"`, sshOptions{}, signature.NotYetValid)
	verify("no longer", `valid-before="202603011159Z"`, sshOptions{}, signature.Expired)
	verify("in time", `valid-after="20260301115959",valid-before="20260301120001"`, sshOptions{}, signature.Good)
	verify("an authority does not sign itself", "cert-authority", sshOptions{}, signature.UnknownKey)

	line := sshLine(k.PublicKey(), "ada", "")
	raw := commit(signed(commitText("x"), sshSign(t, k, sshOptions{})))
	revoked := keys(t, map[string][]byte{signature.AllowedSigners: []byte(line), signature.RevokedKeys: append([]byte("# gone\n\n"), ssh.MarshalAuthorizedKey(k.PublicKey())...)})
	check(t, revoked, "revoked", signature.Head, raw, signature.Revoked)
	// A second line may allow what the first doesn't.
	two := keys(t, map[string][]byte{signature.AllowedSigners: []byte(sshLine(k.PublicKey(), "ada", `valid-before="20200101"`) + line)})
	check(t, two, "renewed", signature.Head, raw, signature.Good)

	short := rsaKey(t, 1024)
	trusted := keys(t, map[string][]byte{signature.AllowedSigners: []byte(sshLine(short.PublicKey(), "ada", ""))})
	check(t, trusted, "a short key", signature.Head, commit(signed(commitText("x"), sshSign(t, short, sshOptions{}))), signature.Weak)
	long := rsaKey(t, 2048)
	trusted = keys(t, map[string][]byte{signature.AllowedSigners: []byte(sshLine(long.PublicKey(), "ada", ""))})
	check(t, trusted, "ssh-rsa with sha-1", signature.Head, commit(signed(commitText("x"), sshSign(t, long, sshOptions{algorithm: ssh.KeyAlgoRSA}))), signature.Weak)
	check(t, trusted, "rsa with sha-256", signature.Head, commit(signed(commitText("x"), sshSign(t, long, sshOptions{algorithm: ssh.KeyAlgoRSASHA256}))), signature.Good)
}

func TestSSHCertificates(t *testing.T) {
	ca, k := edKey(t), edKey(t)
	verify := func(name, principals string, change func(*ssh.Certificate), want signature.Status) {
		t.Helper()
		trusted := keys(t, map[string][]byte{signature.AllowedSigners: []byte(sshLine(ca.PublicKey(), principals, `cert-authority,namespaces="git"`))})
		s := sshSign(t, k, sshOptions{public: sshCert(t, ca, k.PublicKey(), change)})
		check(t, trusted, name, signature.Head, commit(signed(commitText("x"), s)), want)
	}
	verify("good", "*@example.com", nil, signature.Good)
	verify("for ever", "*", func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = 0, ssh.CertTimeInfinity }, signature.Good)
	verify("expired", "*", func(c *ssh.Certificate) { c.ValidBefore = uint64(made.Unix()) }, signature.Expired)
	verify("not yet", "*", func(c *ssh.Certificate) { c.ValidAfter = uint64(made.Unix()) + 1 }, signature.NotYetValid)
	verify("a host's", "*", func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, signature.NotAllowed)
	verify("for nobody", "*", func(c *ssh.Certificate) { c.ValidPrincipals = nil }, signature.NotAllowed)
	verify("for another", "*@example.org", nil, signature.NotAllowed)
	verify("for all but her", "*@example.com,!ada@*", nil, signature.NotAllowed)
	verify("limited", "*", func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "x"} }, signature.NotAllowed)

	trusted := map[string][]byte{signature.AllowedSigners: []byte(sshLine(ca.PublicKey(), "*", "cert-authority"))}
	cert := sshCert(t, ca, k.PublicKey(), nil)
	cert.ValidPrincipals = []string{"root@example.com"} // after it was signed
	check(t, keys(t, trusted), "changed", signature.Head, commit(signed(commitText("x"), sshSign(t, k, sshOptions{public: cert}))), signature.BadSignature)
	// Another's certificate needs another's key.
	cert = sshCert(t, ca, k.PublicKey(), nil)
	check(t, keys(t, trusted), "stolen", signature.Head, commit(signed(commitText("x"), sshSign(t, edKey(t), sshOptions{public: cert}))), signature.BadSignature)
	good := commit(signed(commitText("x"), sshSign(t, k, sshOptions{public: cert})))
	for name, gone := range map[string]ssh.PublicKey{"authority": ca.PublicKey(), "key": k.PublicKey(), "certificate": cert} {
		trusted[signature.RevokedKeys] = ssh.MarshalAuthorizedKey(gone)
		check(t, keys(t, trusted), "revoked "+name, signature.Head, good, signature.Revoked)
	}
	weak := rsaKey(t, 1024)
	trusted = map[string][]byte{signature.AllowedSigners: []byte(sshLine(weak.PublicKey(), "*", "cert-authority"))}
	check(t, keys(t, trusted), "weak authority", signature.Head, commit(signed(commitText("x"), sshSign(t, k, sshOptions{public: sshCert(t, weak, k.PublicKey(), nil)}))), signature.Weak)
}

func TestX509(t *testing.T) {
	root := newAuthority(t, nil, nil)
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	verify := func(name, identities string, change func(*x509.Certificate), o cmsOptions, want signature.Status) {
		t.Helper()
		trusted := keys(t, map[string][]byte{"root.crt": root.pem(), signature.Identities: []byte(identities)})
		check(t, trusted, name, signature.Head, commit(signed(commitText("x"), cmsSign(t, root.leaf(key.Public(), change), key, o))), want)
	}
	const all = "*@example.com"
	verify("good", all, nil, cmsOptions{}, signature.Good)
	verify("another case", "ADA@Example.com", nil, cmsOptions{}, signature.Good)
	verify("another person", "bob@example.com", nil, cmsOptions{}, signature.NotAllowed)
	verify("a longer domain", "*@example.co", nil, cmsOptions{}, signature.NotAllowed)
	verify("only a common name", all, func(c *x509.Certificate) { c.EmailAddresses = nil }, cmsOptions{}, signature.NotAllowed)
	verify("expired", all, func(c *x509.Certificate) { c.NotAfter = made.Add(-time.Second) }, cmsOptions{}, signature.Expired)
	verify("not yet", all, func(c *x509.Certificate) { c.NotBefore = made.Add(time.Second) }, cmsOptions{}, signature.NotYetValid)
	verify("a server's", all, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, cmsOptions{}, signature.NotAllowed)
	verify("for encryption", all, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, cmsOptions{}, signature.NotAllowed)
	verify("for mail", all, func(c *x509.Certificate) {
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageContentCommitment, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	}, cmsOptions{}, signature.Good)

	keyless := withURI(t, "https://ci.example.com/org/repo")
	verify("keyless", "https://ci.example.com/org/*", keyless, cmsOptions{}, signature.Good)
	verify("keyless, provider", "https://ci.example.com/org/* issuer=https://token.example.com", keyless, cmsOptions{}, signature.Good)
	verify("keyless, another provider", "https://ci.example.com/org/* issuer=https://evil.example.com", keyless, cmsOptions{}, signature.NotAllowed)
	verify("keyless, another path", "https://ci.example.com/*", keyless, cmsOptions{}, signature.NotAllowed)
	verify("a provider asked, none noted", all+" issuer=https://token.example.com", nil, cmsOptions{}, signature.NotAllowed)

	verify("no certificate", all, nil, cmsOptions{noCertificate: true}, signature.Malformed)
	verify("no digest", all, nil, cmsOptions{noDigest: true}, signature.Malformed)
	verify("two digests", all, nil, cmsOptions{twoDigests: true}, signature.Malformed)
	verify("another content type", all, nil, cmsOptions{contentType: asn1.ObjectIdentifier{1, 2, 3}}, signature.Malformed)
	verify("sha-1", all, nil, cmsOptions{digestOID: asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}}, signature.Weak)
	verify("two signers", all, nil, cmsOptions{signers: 2}, signature.Malformed)
	verify("its own text", all, nil, cmsOptions{content: []byte("x")}, signature.Malformed)
	verify("another serial number", all, nil, cmsOptions{wrongSerial: true}, signature.Malformed)
	verify("damaged armor", all, nil, cmsOptions{}, signature.Good)

	for name, text := range map[string]string{
		"no cms": armored("SIGNED MESSAGE", []byte("hello")), "nothing": armored("SIGNED MESSAGE", nil), "no base64": "-----BEGIN SIGNED MESSAGE-----\n!!!\n-----END SIGNED MESSAGE-----\n",
		"endless": armored("SIGNED MESSAGE", bytes.Repeat([]byte{0x30, 0x80}, 1000)), "primitive without length": armored("SIGNED MESSAGE", []byte{0x04, 0x80, 0, 0}),
		"long length": armored("SIGNED MESSAGE", []byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}), "too long": armored("SIGNED MESSAGE", make([]byte, 1<<20)),
	} {
		trusted := keys(t, map[string][]byte{"root.crt": root.pem(), signature.Identities: []byte(all)})
		check(t, trusted, name, signature.Head, commit(insert(commitText("x"), "gpgsig", text)), signature.Malformed)
	}
	short := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	trusted := keys(t, map[string][]byte{"root.crt": root.pem(), signature.Identities: []byte(all)})
	check(t, trusted, "short key", signature.Head, commit(signed(commitText("x"), cmsSign(t, root.leaf(short.Public(), nil), short, cmsOptions{}))), signature.Weak)
	limited := newAuthority(t, root, func(c *x509.Certificate) {
		c.PermittedEmailAddresses, c.PermittedDNSDomainsCritical = []string{"example.org"}, true
	})
	check(t, trusted, "an authority of another domain", signature.Head, commit(signed(commitText("x"), cmsSign(t, limited.leaf(key.Public(), nil), key, cmsOptions{others: []*x509.Certificate{limited.cert}}))), signature.NotAllowed)
}

func TestMalformedTexts(t *testing.T) {
	w := newWorld(t)
	s := w.signers["ssh"]
	for name, text := range map[string]string{
		"no committer":    "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a> 1 +0000\n\nx\n",
		"two committers":  "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter A <a> 1 +0000\ncommitter A <a> 9 +0000\n\nx\n",
		"no time":         "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter A <a> x +0000\n\nx\n",
		"time out of all": "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter A <a> 99999999999999 +0000\n\nx\n",
		"negative time":   "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter A <a> -1 +0000\n\nx\n",
		"a NUL":           "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter A\x00 <a> 1 +0000\n\nx\n",
	} {
		check(t, w.keys, name, signature.Head, commit(signed([]byte(text), s)), signature.Malformed)
	}
	raw := commitText("x")
	for name, text := range map[string]string{
		"no tagger": "object " + id("commit", raw) + "\ntype commit\ntag v1\n\nx\n",
		"a NUL":     "object " + id("commit", raw) + "\ntype commit\ntag v1\ntagger A\x00 <a> 1 +0000\n\nx\n",
		"two names": "object " + id("commit", raw) + "\ntype commit\ntag v1\ntag v2\ntagger A <a> 1 +0000\n\nx\n",
	} {
		check(t, w.keys, name, signature.Tag, tagged(raw, []byte(text+s([]byte(text))), "v1"), signature.Malformed)
	}
	for _, text := range []string{"", "\n\n", "gpgsig", "gpgsig \n \n", " \n", "\x00"} {
		check(t, w.keys, text, signature.Head, commit([]byte(text)), map[bool]signature.Status{true: signature.Malformed, false: signature.Unsigned}[strings.Contains(text, "gpgsig") || text == "\x00"])
	}
}

func TestParseKeysRefuses(t *testing.T) {
	root, k := newAuthority(t, nil, nil), edKey(t)
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey())))
	cert := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshCert(t, k, k.PublicKey(), nil))))
	for name, files := range map[string]map[string][]byte{
		"nothing":               {},
		"a slip in a name":      {"allowed_signer": []byte("x")},
		"revoked only":          {signature.RevokedKeys: []byte(key)},
		"roots alone":           {"root.pem": root.pem()},
		"identities alone":      {signature.Identities: []byte("ada@example.com")},
		"everybody":             {"root.pem": root.pem(), signature.Identities: []byte("*")},
		"everybody at all":      {"root.pem": root.pem(), signature.Identities: []byte("*@*.*")},
		"an unknown word":       {"root.pem": root.pem(), signature.Identities: []byte("ada@example.com by=x")},
		"an empty provider":     {"root.pem": root.pem(), signature.Identities: []byte("ada@example.com issuer=")},
		"a private key":         {"root.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})},
		"no certificate":        {"root.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})},
		"no pem":                {"root.pem": []byte("x")},
		"half a pem":            {"root.pem": append(root.pem(), "-----BEGIN"...)},
		"no openpgp":            {"a.asc": []byte("x")},
		"an endless block":      {"a.asc": []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx")},
		"a damaged block":       {"a.asc": []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!!\n-----END PGP PUBLIC KEY BLOCK-----\n")},
		"an empty ring":         {"a.gpg": nil},
		"no key":                {signature.AllowedSigners: []byte("ada")},
		"no key behind":         {signature.AllowedSigners: []byte("ada cert-authority")},
		"a damaged key":         {signature.AllowedSigners: []byte("ada ssh-ed25519 AAAA")},
		"a certificate":         {signature.AllowedSigners: []byte("ada " + cert)},
		"an unknown option":     {signature.AllowedSigners: []byte("ada no-touch-required " + key)},
		"a flag with a value":   {signature.AllowedSigners: []byte(`ada cert-authority="x" ` + key)},
		"no value":              {signature.AllowedSigners: []byte("ada namespaces " + key)},
		"an empty value":        {signature.AllowedSigners: []byte(`ada namespaces="" ` + key)},
		"no quotes":             {signature.AllowedSigners: []byte("ada namespaces=git " + key)},
		"no end of quotes":      {signature.AllowedSigners: []byte(`ada namespaces="git ` + key)},
		"no date":               {signature.AllowedSigners: []byte(`ada valid-after="soon" ` + key)},
		"no such date":          {signature.AllowedSigners: []byte(`ada valid-before="20269999" ` + key)},
		"open quotes":           {signature.AllowedSigners: []byte(`"ada ` + key)},
		"empty principals":      {signature.AllowedSigners: []byte(`"" ` + key)},
		"a binary list":         {signature.AllowedSigners: []byte("ada " + key), signature.RevokedKeys: []byte("SSHKRL\n\x00...")},
		"no key that's revoked": {signature.AllowedSigners: []byte("ada " + key), signature.RevokedKeys: []byte("everything")},
		"too many lines":        {signature.AllowedSigners: []byte(strings.Repeat("ada "+key+"\n", 10_001))},
	} {
		if _, err := signature.ParseKeys(files); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	w := newWorld(f)
	for _, s := range w.signers {
		f.Add(s(commitText("x")))
	}
	for _, s := range []string{"", "-----BEGIN PGP SIGNATURE-----", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----\nMIA=\n-----END SIGNED MESSAGE-----"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sig string) {
		// A signature that is made up fits only the text it was made for.
		v, err := signature.Check(w.keys, signature.Head, commit(insert(commitText("another"), "gpgsig", sig)), now)
		if err == nil {
			t.Errorf("%+v", v)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	w := newWorld(f)
	for name, text := range w.files {
		f.Add(name, text)
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		k, err := signature.ParseKeys(map[string][]byte{name: text})
		if (k == nil) == (err == nil) {
			t.Errorf("%v, %v", k, err)
		}
	})
}
