package credential_test

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault/credential"
)

// TestHide hides what the words around it give away, and nothing twice.
func TestHide(t *testing.T) {
	const h = credential.Hidden
	for in, want := range map[string]string{
		`password "hunter2" refused`:                              `password "` + h + `" refused`,
		"password\u00a0=\u00a0hunter2 refused":                    "password\u00a0=\u00a0" + h + " refused",
		"password\u2003：\u200bhunter2":                            "password\u2003：\u200b" + h,
		"password = [hunter2br] refused":                          "password = [" + h + "] refused",
		"password=(“hunter2”) refused":                            "password=(“" + h + "”) refused",
		"password = 'two words' refused":                          "password = '" + h + "' refused",
		"api-key hunter2apikey refused":                           "api-key " + h + " refused",
		"API key (hunter2apikey) refused":                         "API key (" + h + ") refused",
		"curl -u admin:hunter2curl http://x":                      "curl -u admin:" + h + " http://x",
		`curl --user "admin:two words" http://x`:                  `curl --user "admin:` + h + `" http://x`,
		"curl -sS -u :hunter2 http://x":                           "curl -sS -u :" + h + " http://x",
		"mysql -phunter2mysql -h db":                              "mysql -p" + h + " -h db",
		"mysqldump -u root -p'hunter2 x' shop":                    "mysqldump -u root -p" + h + " shop",
		"sshpass -p hunter2 ssh x":                                "sshpass -p " + h + " ssh x",
		"redis-cli -h db -a hunter2 ping":                         "redis-cli -h db -a " + h + " ping",
		"login failed for user bob with password hunter2hunter2.": "login failed for user bob with password " + h + ".",
		"the password is correcthorse":                            "the password is " + h,
		"token was 4711, bye":                                     "token was " + h + ", bye",
		"password is now set, secret is hunter2":                  "password is now set, secret is " + h,
		"password changed to swordfish":                           "password changed to " + h,
		"dockerconfigjson eyJhdXRocyI6e30K ok":                    "dockerconfigjson " + h + " ok",
		"GET /x?pass%77ord=hunter2&b=c":                           "GET /x?pass%77ord=" + h + "&b=c",
		"Passwort=hunter2":                                        "Passwort=" + h,
		"secret token HunterTwo":                                  "secret token " + h,
		`said \"password \"hunter2\" x`:                           `said \"password \"` + h + `\" x`,
	} {
		got := credential.Hide(in)
		if got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
		if again := credential.Hide(got); again != got {
			t.Errorf("%q: twice gives %q", in, again)
		}
	}
}

// TestOrdinary leaves what one says of credentials.
func TestOrdinary(t *testing.T) {
	for _, text := range []string{
		"password expired", "token not found", "wrong password for user bob", "invalid token received", "the password is wrong", "token is not valid yet", "password was rejected by db-1",
		"tokens per second 12", "token 3 of 5", "tokens 1024 used", `secret "db-2" not found`, `secrets "db" is forbidden: User "x" cannot get`, "couldn't find key password in Secret shop/db", "password must have 8 characters",
		"access token has expired", "token bucket full", "API key missing", "credentials from ~/.aws/config2", "Unexpected token '<' in JSON at position 0", `unexpected token "}"`, "token is about to expire",
		"password hash sha256", "docker run -u 1000:1000 web", "ps -p 4711", "mysql -P 3306 -h db", "mkdir -p /data/x1", "token https://auth.example.com/v2", "token user=bob2", "secrets are mounted", "password is longer than 72 bytes",
		"a=%41bc&b=%3D5", "password <*> refused", "failed to load token provider com.example.auth.Tokens", "secret\nv1.2.3x", "token " + credential.Hidden,
	} {
		if got := credential.Hide(text); got != text {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzHide(f *testing.F) {
	for _, s := range []string{"password “", "token=[", "pass%77ord=x", " -u :x", `secret \"`, "password is \xff", "token\u200b=\u200bx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := credential.Hide(s); len(got) > (len(credential.Hidden)+1)*(len(s)+1) || strings.Count(got, "\n") < strings.Count(s, "\n") {
			t.Errorf("%q: %q", s, got)
		}
	})
}
