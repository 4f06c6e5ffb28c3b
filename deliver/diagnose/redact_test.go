package diagnose_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/diagnose"
)

func TestRedact(t *testing.T) {
	const r = "[redacted]"
	for in, want := range map[string]string{
		"DB_PASSWORD=abc next":                                                "DB_PASSWORD=" + r + " next",
		`{"api_key":"abc","n":1}`:                                             `{"api_key":"` + r + `","n":1}`,
		`{"password": "two \"words\" here", "user":"x"}`:                      `{"password": "` + r + `", "user":"x"}`,
		`password: 'two words' user`:                                          `password: '` + r + `' user`,
		`password: "cut off`:                                                  `password: "` + r + `"`,
		"postgres://shop:hunter2@db/shop":                                     "postgres://shop:" + r + "@db/shop",
		"postgres://shop:p@ss/w:ord@db/shop":                                  "postgres://shop:" + r + "@db/shop",
		"amqp://:hunter2@mq":                                                  "amqp://:" + r + "@mq",
		"Authorization: Bearer abc.def":                                       "Authorization: " + r,
		"authorization=Basic dXNlcjpwYXNz":                                    "authorization=" + r,
		"curl -H 'X-Api-Key: k3y' https://x":                                  "curl -H 'X-Api-Key: " + r + "' https://x",
		"Set-Cookie: session=abc; Path=/":                                     "Set-Cookie: " + r,
		"GET /x?token=abc&page=2":                                             "GET /x?token=" + r + "&page=2",
		"run --password hunter2 --user root":                                  "run --password " + r + " --user root",
		"run --db-password=hunter2":                                           "run --db-password=" + r,
		`login with password "hunter2" refused`:                               `login with password "` + r + `" refused`,
		"PASSWORD\u00a0=\u00a0hunter2":                                        "PASSWORD\u00a0=\u00a0" + r,
		"curl -u admin:hunter2 http://x":                                      "curl -u admin:" + r + " http://x",
		"the password is hunter2":                                             "the password is " + r,
		"auths eyJhdXRocyI6e30K":                                              "auths " + r,
		"sent bearer abcdefghijkl":                                            "sent bearer " + r,
		"ghp_0123456789012345678901234567890123 end":                          r + " end",
		"key AKIAIOSFODNN7EXAMPLE":                                            "key " + r,
		"AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ":            r,
		"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----": r,
		"-----BEGIN PRIVATE KEY-----\nMIIabc":                                 r,
		"…IBAQ\nabcd==\n-----END PRIVATE KEY-----\nnext":                      "\n" + r + "\nnext",
	} {
		if got := diagnose.Redact(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if once := diagnose.Redact(in); diagnose.Redact(once) != once {
			t.Errorf("%q: twice gives %q", in, diagnose.Redact(once))
		}
	}
	for _, same := range []string{
		"", "listening on :8080", "open https://db.example:5432/x", "dial tcp 10.0.0.1:5432: connect: connection refused",
		`secret "db" not found`, "couldn't find key password in Secret shop/db", "registry.example/web@sha256:4bc453b53cb3d914b45f4b250294236adba2c0e09ff6f03793949e7e39fd4cc1",
		"commit 3a1f5c9e8b7d6a5f4e3d2c1b0a9f8e7d6c5b4a39", "pod web-5d9c8b7f6d-abcde", "/var/lib/kubelet/pods/0fa1c5b2-1c2d-4e5f-8a9b-0c1d2e3f4a5b/volumes/kubernetes.io~secret/db",
		"panic: runtime error: invalid memory address or nil pointer dereference", "java.lang.NullPointerException at com.example.shop.cart.CartServiceImplementationFactoryBean.get(CartService.java:42)",
		"MountVolume.SetUp failed for volume \"data\" : hostPath type check failed", "tokens per second 12", "the password is wrong",
	} {
		if got := diagnose.Redact(same); got != same {
			t.Errorf("%q: %q", same, got)
		}
	}
}

// TestRedactRandom: a random credential, in the forms in which programs log
// them, does not stay.
func TestRedactRandom(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		raw := make([]byte, 32)
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		b64, h := base64.RawURLEncoding.EncodeToString(raw), hex.EncodeToString(raw)
		secret := []string{b64, h, "correct-horse-" + h[:6]}[r.IntN(3)]
		form := []string{"password=%s", `"client_secret": "%s"`, "token: %s", "redis://default:%s@cache:6379/0", "Authorization: Bearer %s", "--api-key %s", "AWS_SECRET_ACCESS_KEY=%s", "?sig=%s&x=1"}[r.IntN(8)]
		text := "2026-01-01 ERROR connect " + fmt.Sprintf(form, secret) + "\n next line"
		if got := diagnose.Redact(text); strings.Contains(got, secret) || !strings.Contains(got, "next line") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("password=x")
	f.Add("-----END PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, s string) {
		if got := diagnose.Redact(s); len(got) > 20*len(s)+20 {
			t.Errorf("%q grows to %d bytes", s, len(got))
		}
	})
}
