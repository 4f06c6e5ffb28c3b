package signature_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/deliver/signature"
)

// oracle is a repository in which git itself signs and verifies.
type oracle struct {
	t   *testing.T
	dir string
	env []string
}

func newOracle(t *testing.T, programs ...string) *oracle {
	t.Helper()
	for _, p := range append(programs, "git") {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
	o := &oracle{t: t, dir: t.TempDir()}
	o.env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HOME="+o.dir, "GNUPGHOME="+filepath.Join(o.dir, "gpg"),
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	o.run(nil, "git", "init", "-q", "-b", "main")
	return o
}

func (o *oracle) try(stdin []byte, args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = o.dir, o.env, bytes.NewReader(stdin)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if err != nil {
		err = errors.Join(err, errors.New(complaint.String()))
	}
	return out.String(), err
}

func (o *oracle) run(stdin []byte, args ...string) string {
	o.t.Helper()
	out, err := o.try(stdin, args...)
	if err != nil {
		o.t.Fatalf("%v: %v", args, err)
	}
	return out
}

func (o *oracle) write(name string, text []byte) string {
	o.t.Helper()
	p := filepath.Join(o.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, text, 0o600)); err != nil {
		o.t.Fatal(err)
	}
	return p
}

// compare signs a commit and a tag with git, and asks git and us about them
// and about forgeries of them.
func (o *oracle) compare(k *signature.Keys) {
	o.t.Helper()
	o.run(nil, "git", "commit", "-q", "-S", "--allow-empty", "-m", "first")
	o.run(nil, "git", "commit", "-q", "-S", "--allow-empty", "-m", "a change\n\nwith a body")
	o.run(nil, "git", "tag", "-f", "-s", "-m", "release", "v1")
	raw := []byte(o.run(nil, "git", "cat-file", "commit", "HEAD"))
	tag := []byte(o.run(nil, "git", "cat-file", "tag", "v1"))
	at := time.Now()
	ask := func(name string, raw []byte, good bool) {
		o.t.Helper()
		sha := strings.TrimSpace(o.run(raw, "git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"))
		_, theirs := o.try(nil, "git", "verify-commit", sha)
		v, ours := signature.Check(k, signature.Head, signature.Subject{SHA: sha, Commit: raw}, at)
		if (theirs == nil) != good || (ours == nil) != good {
			o.t.Errorf("%s: git says %v, we say %+v, want %v", name, theirs, v, good)
		}
	}
	askTag := func(name string, tag []byte, good bool) {
		o.t.Helper()
		sha := strings.TrimSpace(o.run(tag, "git", "hash-object", "-t", "tag", "-w", "--literally", "--stdin"))
		_, theirs := o.try(nil, "git", "verify-tag", sha)
		v, ours := signature.Check(k, signature.Tag, signature.Subject{SHA: id("commit", raw), Commit: raw, TagID: sha, Tag: tag, TagName: "v1"}, at)
		if (theirs == nil) != good || (ours == nil) != good {
			o.t.Errorf("%s: git says %v, we say %+v, want %v", name, theirs, v, good)
		}
	}
	edit := func(text []byte, old, by string) []byte { return []byte(strings.Replace(string(text), old, by, 1)) }
	ask("as git signed it", raw, true)
	ask("another message", edit(raw, "a change", "a chance"), false)
	ask("another author", edit(raw, "author Ada", "author Eve"), false)
	ask("another tree", edit(raw, "tree 4b", "tree 5b"), false)
	ask("no parent", []byte(strings.Join(append(strings.Split(string(raw), "\n")[:1], strings.Split(string(raw), "\n")[2:]...), "\n")), false)
	ask("unsigned", edit(raw, "\ngpgsig ", "\nother "), false)
	ask("a header more", edit(raw, "\ngpgsig", "\nencoding latin1\ngpgsig"), false)
	ask("a line in front of the message", edit(raw, "\n\na change", "\n\n\na change"), false)
	first := []byte(o.run(nil, "git", "cat-file", "commit", "HEAD~1"))
	i, j := bytes.Index(first, []byte("gpgsig ")), bytes.Index(first, []byte("\n\n"))
	ask("another's signature", insert(bytes.Replace(raw, raw[bytes.Index(raw, []byte("gpgsig ")):bytes.Index(raw, []byte("\n\n"))+1], nil, 1), "gpgsig", strings.ReplaceAll(string(first[i+len("gpgsig "):j]), "\n ", "\n")), false)
	askTag("as git signed it", tag, true)
	askTag("another message", edit(tag, "release", "Release"), false)
	askTag("another tagger", edit(tag, "tagger Ada", "tagger Eve"), false)
	askTag("unsigned", tag[:bytes.Index(tag, []byte("-----BEGIN"))], false)
}

func TestGitAndGPG(t *testing.T) {
	o := newOracle(t, "gpg", "gpgconf")
	o.write("gpg/gpg.conf", []byte("batch\nno-tty\n"))
	t.Cleanup(func() {
		if _, err := o.try(nil, "gpgconf", "--kill", "all"); err != nil {
			t.Error(err)
		}
	})
	for _, kind := range []string{"ed25519", "rsa2048"} {
		o.run(nil, "gpg", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", kind+" <"+kind+"@example.com>", kind, "sign", "1y")
		o.run(nil, "git", "config", "user.signingKey", kind+"@example.com")
		o.compare(keys(t, map[string][]byte{"k.asc": []byte(o.run(nil, "gpg", "--armor", "--export", kind+"@example.com"))}))
	}
	// Expired: both say no.
	o.run(nil, "gpg", "--quiet", "--faked-system-time", "20250101T000000!", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", "old <old@example.com>", "ed25519", "sign", "10d")
	script := o.write("gpg-then", []byte("#!/bin/sh\nexec gpg --faked-system-time 20250102T000000! \"$@\"\n"))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	o.run(nil, "git", "-c", "gpg.program="+script, "-c", "user.signingKey=old@example.com", "commit", "-q", "-S", "--allow-empty", "-m", "old")
	raw := []byte(o.run(nil, "git", "cat-file", "commit", "HEAD"))
	k := keys(t, map[string][]byte{"k.asc": []byte(o.run(nil, "gpg", "--armor", "--export", "old@example.com"))})
	if _, err := o.try(nil, "git", "verify-commit", "HEAD"); err == nil {
		t.Error("git takes an expired key")
	}
	if v, _ := signature.Check(k, signature.Head, commit(raw), time.Now()); v.Status != signature.Expired {
		t.Errorf("%+v", v)
	}
	if v, _ := signature.Check(k, signature.Head, commit(raw), time.Date(2025, 1, 3, 0, 0, 0, 0, time.UTC)); v.Status != signature.Good {
		t.Errorf("%+v", v)
	}
}

func TestGitAndSSH(t *testing.T) {
	o := newOracle(t, "ssh-keygen")
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		file := filepath.Join(o.dir, kind)
		o.run(nil, "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file)
		public, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		lines := []byte("ada@example.com namespaces=\"git\" " + string(public))
		o.write("signers", lines)
		for key, value := range map[string]string{"gpg.format": "ssh", "user.signingKey": file, "gpg.ssh.allowedSignersFile": filepath.Join(o.dir, "signers")} {
			o.run(nil, "git", "config", key, value)
		}
		o.compare(keys(t, map[string][]byte{signature.AllowedSigners: lines}))
	}
	// Certificates, and lines that allow less.
	o.run(nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(o.dir, "ca"))
	o.run(nil, "ssh-keygen", "-q", "-s", filepath.Join(o.dir, "ca"), "-I", "ada", "-n", "ada@example.com", "-V", "-1h:+1h", filepath.Join(o.dir, "ed25519.pub"))
	o.run(nil, "git", "config", "user.signingKey", filepath.Join(o.dir, "ed25519-cert.pub"))
	o.run(nil, "git", "commit", "-q", "-S", "--allow-empty", "-m", "certified")
	certified := []byte(o.run(nil, "git", "cat-file", "commit", "HEAD"))
	o.run(nil, "git", "config", "user.signingKey", filepath.Join(o.dir, "ed25519"))
	o.run(nil, "git", "commit", "-q", "-S", "--allow-empty", "-m", "plain")
	plain := []byte(o.run(nil, "git", "cat-file", "commit", "HEAD"))
	read := func(name string) string {
		return strings.TrimSpace(string(must[[]byte](t)(os.ReadFile(filepath.Join(o.dir, name)))))
	}
	for _, c := range []struct {
		line string
		raw  []byte
		good bool
	}{
		{"* cert-authority " + read("ca.pub"), certified, true},
		{"*@example.com cert-authority,namespaces=\"git\" " + read("ca.pub"), certified, true},
		{"bob@example.com cert-authority " + read("ca.pub"), certified, false},
		{"* cert-authority,valid-before=\"20200101\" " + read("ca.pub"), certified, false},
		{"* " + read("ca.pub"), certified, false},
		{"* cert-authority " + read("ca.pub"), plain, false},
		{"ada " + read("ed25519.pub"), plain, true},
		{"ada valid-after=\"20200101\",valid-before=\"20990101\" " + read("ed25519.pub"), plain, true},
		{"ada valid-before=\"20200101\" " + read("ed25519.pub"), plain, false},
		{"ada valid-after=\"20990101\" " + read("ed25519.pub"), plain, false},
		{"ada namespaces=\"file\" " + read("ed25519.pub"), plain, false},
		{"ada namespaces=\"f*,g*\" " + read("ed25519.pub"), plain, true},
		{"ada " + read("rsa.pub"), plain, false},
	} {
		o.write("signers", []byte(c.line+"\n"))
		sha := strings.TrimSpace(o.run(c.raw, "git", "hash-object", "-t", "commit", "-w", "--stdin"))
		_, theirs := o.try(nil, "git", "verify-commit", sha)
		v, ours := signature.Check(keys(t, map[string][]byte{signature.AllowedSigners: []byte(c.line)}), signature.Head, commit(c.raw), time.Now())
		if (theirs == nil) != c.good || (ours == nil) != c.good {
			t.Errorf("%.60s: git says %v, we say %+v", c.line, theirs, v)
		}
	}
}

// TestOpenSSL lets openssl sign for us and verify what our tests sign.
func TestOpenSSL(t *testing.T) {
	o := newOracle(t, "openssl")
	root := newAuthority(t, nil, nil)
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	leaf := root.leaf(key.Public(), nil)
	certFile := o.write("leaf.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))
	keyFile := o.write("leaf.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))}))
	rootFile := o.write("root.pem", root.pem())
	trusted := keys(t, map[string][]byte{"root.pem": root.pem(), signature.Identities: []byte("ada@example.com")})
	text := commitText("x")
	payload := o.write("payload", text)
	for name, args := range map[string][]string{"attributes": nil, "bare": {"-noattr"}, "key id": {"-keyid"}, "sha512": {"-md", "sha512"}} {
		if name == "key id" && len(leaf.SubjectKeyId) == 0 {
			continue // it has none to go by
		}
		der := o.run(nil, append([]string{"openssl", "cms", "-sign", "-binary", "-in", payload, "-signer", certFile, "-inkey", keyFile, "-outform", "DER"}, args...)...)
		check(t, trusted, name, signature.Head, commit(insert(text, "gpgsig", armored("SIGNED MESSAGE", []byte(der)))), signature.Good)
		check(t, trusted, name, signature.Head, commit(insert(commitText("y"), "gpgsig", armored("SIGNED MESSAGE", []byte(der)))), signature.BadSignature)
	}
	ours := cmsSign(t, leaf, key, cmsOptions{})(text)
	body := strings.Split(strings.TrimSpace(ours), "\n")
	der := must[[]byte](t)(base64.StdEncoding.DecodeString(strings.Join(body[1:len(body)-1], "")))
	sig := o.write("sig", der)
	o.run(nil, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", sig, "-content", payload, "-CAfile", rootFile, "-purpose", "any", "-no_check_time", "-out", "/dev/null")
}

// TestGPGSM reads what gpgsm signs: its lengths are indefinite.
func TestGPGSM(t *testing.T) {
	o := newOracle(t, "openssl", "gpgsm", "gpgconf")
	root := newAuthority(t, nil, nil)
	key := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	leaf := root.leaf(key.Public(), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter, c.ExtKeyUsage = made.AddDate(-1, 0, 0), made.AddDate(4, 0, 0), []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	})
	certFile := o.write("leaf.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))
	keyFile := o.write("leaf.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))}))
	rootFile := o.write("root.pem", root.pem())
	o.write("gpg/gpg-agent.conf", []byte("allow-loopback-pinentry\n"))
	o.write("gpg/trustlist.txt", fmt.Appendf(nil, "%X S relax\n", sha1.Sum(root.cert.Raw)))
	t.Cleanup(func() {
		if _, err := o.try(nil, "gpgconf", "--kill", "all"); err != nil {
			t.Error(err)
		}
	})
	p12 := filepath.Join(o.dir, "leaf.p12")
	o.run(nil, "openssl", "pkcs12", "-export", "-in", certFile, "-inkey", keyFile, "-certfile", rootFile, "-passout", "pass:x", "-out", p12, "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1")
	gpgsm := []string{"gpgsm", "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--disable-crl-checks"}
	if _, err := o.try([]byte("x\n"), append(gpgsm, "--import", p12)...); err != nil {
		t.Skipf("this gpgsm takes no key without a terminal: %v", err)
	}
	text := commitText("x")
	sig := o.run([]byte("x\n"), append(gpgsm, "-bsa", "-u", "ada@example.com", o.write("payload", text))...)
	trusted := keys(t, map[string][]byte{"root.pem": root.pem(), signature.Identities: []byte("ada@example.com")})
	check(t, trusted, "gpgsm", signature.Head, commit(insert(text, "gpgsig", sig)), signature.Good)
	check(t, trusted, "gpgsm", signature.Head, commit(insert(commitText("y"), "gpgsig", sig)), signature.BadSignature)
}
