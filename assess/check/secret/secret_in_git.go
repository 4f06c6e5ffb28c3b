package secret

import (
	"encoding/base64"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var secretInGit = &check.Check{
	ID: "k8s-secret-in-git", Name: "secret-in-git", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K57"},
	Practices: []string{"secrets-managed-outside-git"},
	Facts:     []check.Fact{{Number: 16, Strength: check.Direct}, {Number: 14, Strength: check.Supporting}},
	Kinds:     []string{"Secret", "ExternalSecret", "ClusterExternalSecret", "SealedSecret"},
	Object: func(p *check.Pass, s *graph.Object) {
		switch {
		case s.Kind != "Secret":
			p.Good(s.Body) // how it should be
			return
		case s.APIVersion != "v1" || s.Body.Get("type").Text() == tokenType:
			p.Skip()
			return
		case encrypted(s.Body):
			p.Good(s.Body)
			return
		}
		var found findings
		found.about = about(s.Body)
		for k, v := range s.Body.Get("data").Fields() {
			found.add(k.Text(), v, decode(v.Text()))
		}
		for k, v := range s.Body.Get("stringData").Fields() {
			found.add(k.Text(), v, v.Text())
		}
		found.report(p)
	},
}

// tokenType is the type of Secrets that the control plane fills with a token.
const tokenType = "kubernetes.io/service-account-token"

// encrypted reports whether SOPS or a like tool encrypted the values.
func encrypted(body tree.Node) bool {
	if body.Get("sops").IsMap() {
		return true
	}
	sealed := false
	for _, list := range [...]string{"data", "stringData"} {
		for _, v := range body.Get(list).Fields() {
			if !strings.HasPrefix(v.Text(), "ENC[") {
				return false
			}
			sealed = true
		}
	}
	return sealed
}

// decode undoes base64; what is not base64 is taken as it is, since that is
// what somebody meant to write.
func decode(s string) string {
	if len(s) > 1<<20 {
		s = s[:1<<20]
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return s
	}
	return string(b)
}

// findings collects the confidential entries of one Secret, because it is one
// thing to do for a person: take the whole Secret out.
type findings struct {
	evident, weak []string
	at, weakAt    tree.Node
	what          string
	// about are words that the Secret says of itself, which are no password.
	about []string
}

// about returns the names that a Secret's passwords may be made of.
func about(body tree.Node) []string {
	names := []string{body.At("metadata", "name").Text(), body.At("metadata", "namespace").Text(), body.Get("type").Text()}
	for _, list := range [...]string{"data", "stringData"} {
		for k, v := range body.Get(list).Fields() {
			if !identifier(k.Text()) {
				continue
			}
			name := v.Text()
			if list == "data" {
				name = decode(name)
			}
			names = append(names, name)
		}
	}
	return names
}

func (f *findings) add(key string, n tree.Node, value string) {
	v, what := content(key, value)
	if v == evident && what == password.String() && derived(value, f.about...) {
		v = weak
	}
	switch v {
	case evident:
		if len(f.evident) == 0 {
			f.at, f.what = n, what
		}
		f.evident = append(f.evident, key)
	case weak:
		if len(f.weak) == 0 {
			f.weakAt = n
		}
		f.weak = append(f.weak, key)
	}
}

func (f *findings) report(p *check.Pass) {
	switch {
	case len(f.evident) == 1:
		p.Fail(f.at, "", "%s lies readable in Git under %s; base64 is no encryption", f.what, f.evident[0])
	case len(f.evident) > 1:
		p.Fail(f.at, "", "%s and more lie readable in Git under %s; base64 is no encryption", f.what, strings.Join(f.evident, ", "))
	case len(f.weak) > 0:
		p.Fail(f.weakAt, "", "a password that anyone would try first lies in Git under %s: if it is deployed as it is, it protects nothing", strings.Join(f.weak, ", ")).As(ops.Medium)
	}
}

// content judges an entry of a Secret by its decoded value.
func content(key, value string) (verdict, string) {
	v := strings.TrimSpace(value)
	if v == "" || publicCertificate(v) || strings.HasSuffix(key, ".pub") || strings.HasSuffix(key, ".crt") && !strings.Contains(v, "PRIVATE KEY") {
		return none, ""
	}
	if key == ".dockerconfigjson" || key == ".dockercfg" {
		return registryLogin(v), "a registry login"
	}
	if got, what := judge(key, v); got != none {
		return got, what
	}
	if strings.Contains(v, "PRIVATE KEY-----") && keyMaterial(v) {
		return evident, "a private key"
	}
	if strings.Contains(v, ":$apr1$") || strings.Contains(v, ":$2y$") || strings.Contains(v, ":{SHA}") {
		return evident, "a list of password hashes"
	}
	got, what := none, ""
	if oneLine(v) {
		if len(v) >= 16 && !strings.ContainsAny(v, " \t:/@{") && !plainSetting(v) && !placeholder(v) && !filledLater(v) && mixed(v) && entropy(v) >= 3.5 && !identifier(key) {
			return evident, "a value that looks random"
		}
		return none, ""
	}
	scan(v, func(_ string, _ int, v verdict, w string) {
		if v > got {
			got, what = v, w+" in a file"
		}
	})
	return got, what
}

// identifier reports whether a key says that its value is known to others.
func identifier(key string) bool {
	last, _ := lastWord(key)
	for _, w := range [...]string{"id", "name", "username", "user", "host", "hostname", "endpoint", "url", "uri", "region", "bucket", "database", "db", "port", "email", "version", "checksum", "hash", "digest", "fingerprint", "arn"} {
		if word(last, w) {
			return true
		}
	}
	return false
}

func publicCertificate(v string) bool {
	return (strings.HasPrefix(v, "-----BEGIN CERTIFICATE") || strings.HasPrefix(v, "-----BEGIN PUBLIC KEY") || strings.HasPrefix(v, "ssh-") || strings.HasPrefix(v, "-----BEGIN TRUSTED")) && !strings.Contains(v, "PRIVATE KEY")
}

// registryLogin judges a registry configuration: a login has a password or
// the two in one as "auth".
func registryLogin(v string) verdict {
	for _, field := range [...]string{`"auth"`, `"password"`, `"identitytoken"`} {
		rest := v
		for {
			_, after, ok := strings.Cut(rest, field)
			if !ok {
				break
			}
			rest = after
			value := strings.TrimLeft(after, " \t\r\n:")
			if len(value) < 2 || value[0] != '"' {
				continue
			}
			value, _, _ = strings.Cut(value[1:], `"`)
			if len(value) < 4 || filledLater(value) || placeholder(value) {
				continue
			}
			return evident
		}
	}
	return none
}
