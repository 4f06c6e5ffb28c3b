package secret

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/check/checktest"
)

func TestChecks(t *testing.T) { checktest.Run(t, Checks()) }

func TestJudge(t *testing.T) {
	fake := func(parts ...string) string { return strings.Join(parts, "") } // keeps scanners of this repository quiet
	for _, c := range []struct {
		key, value string
		want       verdict
	}{
		{"DB_PASSWORD", "n7Gq!x29Lw", evident},
		{"dbPassword", "correct horse battery", evident},
		{"DB_PASSWORD", "", none},
		{"DB_PASSWORD", "$(DB_PASSWORD)", none},
		{"DB_PASSWORD", "${DB_PASSWORD:-x}", none},
		{"DB_PASSWORD", "{{ .Values.password }}", none},
		{"DB_PASSWORD", "<your password>", none},
		{"API_TOKEN", "YourServiceApiToken", none},
		{"DB_PASSWORD", "REPLACE_ME", none},
		{"DB_PASSWORD", "xxxxxxxx", none},
		{"DB_PASSWORD", "changeme", weak},
		{"DB_PASSWORD", "change-me-in-production", weak},
		{"POSTGRES_PASSWORD", "postgres", weak},
		{"DB_PASSWORD", "/run/secrets/db/password", none},
		{"DB_PASSWORD_FILE", "/run/secrets/db", none},
		{"DB_PASSWORD_LENGTH", "32", none},
		{"ALLOW_EMPTY_PASSWORD", "yes", none},
		{"DISABLE_PASSWORD", "true", none},
		{"API_KEY", "9f86d081884c7d659a2feaa0c55ad015", evident},
		{"apiKey", "kq83HfnQ0sLz92Aa", evident},
		{"API_KEY_ID", "kq83HfnQ0sLz92Aa", none},
		{"PUBLIC_KEY", "kq83HfnQ0sLz92Aa", none},
		{"PARTITION_KEY", "kq83HfnQ0sLz92Aa", none},
		{"existingSecret", "shop-database", none},
		{"IMAGE_PULL_SECRET", "registry-credentials", none},
		{"TLS_SECRET", "web-tls", none},
		{"CLIENT_SECRET", "kq83HfnQ0sLz92Aa", evident},
		{"MAX_TOKENS", "4096", none},
		{"TOKEN_URL", "https://id.example.com/token", none},
		{"AUTH_TOKEN", "https://id.example.com/token", none},
		{"PASSWORD", "password", weak},
		{"passwordKey", "password", none},
		{"LOG_LEVEL", "info", none},
		{"GREETING", "kq83HfnQ0sLz92Aa", none},
		{"AWS_SECRET_ACCESS_KEY", fake("wJalrXUtnFEMI/K7MDENG/bPxRf", "iCYKEYKEYKEY"), evident},
		{"ANYTHING", fake("AK", "IAQ3EGRVXMZ7TPLC2H"), evident},
		{"ANYTHING", fake("AK", "IAIOSFODNN7EXAMPLE"), none},
		{"ANYTHING", fake("ghp", "_16C7e42F292c6912E7710c838347Ae178B4a"), evident},
		{"ANYTHING", fake("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE"), evident},
		{"ANYTHING", "-----BEGIN CERTIFICATE-----\nMIIE", none},
		{"DATABASE_URL", "postgres://app:n7Gqx29Lw@db/shop", evident},
		{"DATABASE_URL", "postgres://app:$(DB_PASSWORD)@db/shop", none},
		{"DATABASE_URL", "postgres://postgres:postgres@db/shop", weak},
		{"DATABASE_URL", "postgres://app@db/shop", none},
		{"DATABASE_URL", "http://web:8080/a@b", none},
		{"ConnectionStrings__Shop", "Server=db;User Id=app;Password=n7Gqx29Lw;", evident},
		{"ConnectionStrings__Shop", "Server=db;User Id=app;Password=${PW};", none},
		{"VAULT_TOKEN", "vault:secret/data/shop#token", none},
		{"GITHUB_TOKEN", "op://shop/github/token", none},
		{"SECRET", "ENC[AES256_GCM,data:abc,iv:x]", none},
		{"COGNITO_TOKEN", "id_token", none},
	} {
		if got, _ := judge(c.key, c.value); got != c.want {
			t.Errorf("judge(%q, %q) = %v, want %v", c.key, c.value, got, c.want)
		}
	}
}

// No message or fix may hold any part of a value.
func TestNoValueIsPrinted(t *testing.T) {
	for _, c := range Checks() {
		samples, err := c.Samples()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range samples {
			g, err := checktest.Graph(s.Files)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range checktest.Evaluate(c, g) {
				for _, text := range []string{r.Message, r.FixText} {
					if strings.Contains(text, "n7Gqx29Lw") || strings.Contains(text, "bjdHcXgyOUx3") {
						t.Errorf("%s %s prints the value: %s", c.ID, s.Name, text)
					}
				}
			}
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("DB_PASSWORD", "postgres://a:b@c")
	f.Fuzz(func(_ *testing.T, key, value string) {
		judge(key, value)
		scan(value, func(string, int, verdict, string) {})
	})
}
