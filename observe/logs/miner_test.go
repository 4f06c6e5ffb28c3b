package logs_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/logs"
)

func miner(t testing.TB, change func(*logs.Settings)) *logs.Miner {
	t.Helper()
	set := logs.Default()
	if change != nil {
		change(&set)
	}
	m, err := logs.New(set)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func texts(m *logs.Miner) []string {
	var out []string
	for _, t := range m.Templates() {
		out = append(out, t.Text)
	}
	slices.Sort(out)
	return out
}

// TestMasks gives single lines: only what has the form of a value is one.
func TestMasks(t *testing.T) {
	for line, want := range map[string]string{
		"user logged in after 12 tries":                                         "user logged in after <*> tries",
		"took 12.5ms, -3 left, 45% done, 0xdeadBEEF":                            "took <*>, <*> left, <*>% done, <*>",
		"peer 10.0.0.1:8080 and [fe80::1:2]:443 are gone":                       "peer <*> and [<*>]:<*> are gone",
		"peer db.example.org:5432 is gone":                                      "peer <*> is gone",
		"mac 00:1c:ba:fe:01:02 or fe:ab:cd:ef:ab:cd.":                           "mac <*> or <*>.",
		"id 7d44b3a0-1c0e-4f5e-9b8e-0123456789ab ok":                            "id <*> ok",
		"open /var/lib/data: no such file or directory":                         "open <*>: no such file or directory",
		"GET https://a.example.org/x?y=z&b=c gave 200.":                         "GET <*> gave <*>.",
		`read C:\Users\me\file.txt again`:                                       "read <*> again",
		"2024-05-01T12:00:00.123Z started":                                      "started",
		"[2024-05-01 12:00:00,123] started":                                     "started",
		"2024/05/01 12:00:00 started":                                           "started",
		"next run at 2024-05-01 12:00:00,123 sharp":                             "next run at <*> sharp",
		"next run at Fri Jul 22 09:27:24 2005 or Jul 22 09:27:24.":              "next run at <*> or <*>.",
		"next run in May with Sun and Moon":                                     "next run in May with Sun and Moon",
		"read 5.2 KB and 7 MiB":                                                 "read <*> and <*>",
		"ok=true done=false x=null it is nil":                                   "ok=<*> done=<*> x=<*> it is <*>",
		`name="a b c" other='d e' free = word call=f(x)`:                        `name="<*>" other='<*>' free = <*> call=f(x)`,
		"from=<a@b.org> size=5 user=":                                           "from=<<*>> size=<*> user=",
		"pull r.example.org/a/b@sha256:0123456789abcdef now":                    "pull <*> now",
		"mail to jo@example.org by Listener@1f2e3d":                             "mail to <*> by Listener@<*>",
		"pods [a1b2, c3d4, e5f6] are gone":                                      "pods [<*>] are gone",
		"dump 01 02 03 04 05 06 07 08 09 end":                                   "dump <*> <*> <*> <*> <*> end",
		"sizes 1,2,3,4":                                                         "sizes <*>",
		"connection from 10.0.0.1 () at port 5":                                 "connection from <*> (<*>) at port <*>",
		"enabled.....1 and Done...":                                             "enabled.....<*> and Done...",
		"Input/output error on a/b/c":                                           "Input/output error on <*>",
		"   many \t  spaces\x00here  ":                                          "many spaces here",
		"\x1b[31mred\x1b[0m \x1b]0;title\x07alert":                              "red alert",
		"password: hunter two":                                                  "password: <*> two",
		"r24=1 ssh2 eth0: up":                                                   "r24=<*> ssh2 eth0: up",
		`{"level":"error","msg":"cannot open file 12","n":3}`:                   "cannot open file <*>",
		`{"severity":"WARNING","message":"a \"b\" c\nd","x":{"y":[1,"}"]}}`:     `a "b" c`,
		`{"message":"sn\u00f6w` + "\t" + `x","level":30}`:                       "snöw x",
		"cursor=dGVzdA== page=c2l4dHk= last=eHh4":                               "cursor=<*> page=<*> last=<*>",
		"cursor=a1B/2+x9==, next a==b and cmd=go=run x=y===":                    "cursor=<*>, next a==b and cmd=go=<*> x=y===",
		"logname= uid=0 ruser= rhost= user=root":                                "logname= uid=<*> ruser= rhost= user=<*>",
		`{"a":1}`:                                                               `{"a":<*>}`,
		`{"level":"error","error":"no space left on 12"}`:                       "no space left on <*>",
		`{"log":"12 lost\n","stream":"stderr"}`:                                 "<*> lost",
		`time=2024-05-01T12:00:00Z level=error msg="cannot \"reach\" 10.0.0.1"`: `cannot "reach" <*>`,
		`level=info msg=started port=80`:                                        "started",
		`I0501 12:00:00.000000       1 x.go:12] "Synced" pod="a/b"`:             `<*> <*> <*> <*>] "Synced" pod="<*>"`,
		"bad \xff\xfe bytes":                                                    "bad � bytes",
		"state 失敗 reached 3 次":                                                  "state 失敗 reached <*> 次",
	} {
		m := miner(t, nil)
		hit := m.Add([]byte(line), 1)
		got, ok := m.Template(hit.ID)
		if !ok || got.Text != want {
			t.Errorf("%q:\n got %q\nwant %q", line, got.Text, want)
		}
	}
}

func TestLevels(t *testing.T) {
	for line, want := range map[string]logs.Level{
		"all is well":                          logs.None,
		"2024-05-01 12:00:00 ERROR boom":       logs.Error,
		"2024-05-01 12:00:00 [warn] x":         logs.Warn,
		"fatal: not a repository":              logs.Fatal,
		"INFO no errors here, nothing failed":  logs.Info,
		"connection refused by peer":           logs.Error,
		"java.lang.IllegalStateException: no":  logs.Error,
		"information about the house":          logs.None,
		`{"level":"fatal","msg":"x"}`:          logs.Fatal,
		`{"level":50,"msg":"x"}`:               logs.Error,
		`{"level":"warn","count":3}`:           logs.Warn,
		`{"lvl":"nonsense","msg":"it failed"}`: logs.Error,
		`level=WARN msg="x y" a=b`:             logs.Warn,
		"E0501 12:00:00.000000 1 x.go:1] y":    logs.Error,
		"W0501 12:00:00.000000 1 x.go:1] y":    logs.Warn,
		"I0501 12:00:00.000000 1 x.go:1] y":    logs.Info,
		"F0501 12:00:00.000000 1 x.go:1] y":    logs.Fatal,
		"level=debug a=b":                      logs.Debug,
	} {
		if got := miner(t, nil).Add([]byte(line), 1).Level; got != want {
			t.Errorf("%q is %s, not %s", line, got, want)
		}
	}
	if text, _ := logs.Error.MarshalText(); string(text) != "error" || logs.Level(99).String() != "" || logs.ParseLevel("Warning") != logs.Warn {
		t.Error("names of levels")
	}
}

// TestGeneralise follows a place from words to a value.
func TestGeneralise(t *testing.T) {
	m := miner(t, nil)
	add := func(format string, args ...any) logs.Hit { return m.Add(fmt.Appendf(nil, format, args...), 1) }
	first := add("worker alice picked up a job")
	second := add("worker bob picked up a job")
	if !first.New || !second.New || first.ID == second.ID {
		t.Fatal("two words are two kinds of lines")
	}
	third := add("worker carol picked up a job")
	if third.New {
		t.Error("a variant is no news")
	}
	want := "worker <*> picked up a job"
	for _, id := range []logs.ID{first.ID, second.ID, third.ID} {
		got, ok := m.Template(id)
		if !ok || got.Text != want || got.Count != 3 || !slices.Contains(got.Former, first.ID) || !slices.Contains(got.Former, second.ID) {
			t.Errorf("%+v", got)
		}
	}
	if hit := add("worker dave picked up a job"); hit.New || hit.ID != third.ID || m.Resolve(first.ID) != hit.ID {
		t.Error("a new value of a known template")
	}
	// The same template has the same ID in another process, however it came
	// about.
	o := miner(t, nil)
	for _, n := range []string{"x", "yy", "zzz"} {
		o.Add([]byte("worker "+n+" picked up a job"), 1)
	}
	if got := o.Templates(); len(got) != 1 || got[0].ID != third.ID {
		t.Errorf("%+v", got)
	}
	if id, err := logs.ParseID(third.ID.String()); err != nil || id != third.ID {
		t.Error(err)
	}
	if _, err := logs.ParseID("12"); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if _, ok := m.Template(12345); ok || m.Resolve(12345) != 12345 {
		t.Error("an unknown ID")
	}
}

// TestStatesStay: words that are few and frequent are no values, names of
// states least of all.
func TestStatesStay(t *testing.T) {
	m := miner(t, nil)
	for i := range 400 {
		m.Add([]byte("the house door is "+[]string{"open", "shut"}[i%2]+" now"), 1)
		m.Add([]byte("machine went to "+[]string{"RUNNING", "STOPPED", "FAILED", "PAUSED"}[i%4]+" at once"), 1)
	}
	if got := texts(m); len(got) != 6 {
		t.Errorf("%q", got)
	}
	// The first word is seldom a value.
	m = miner(t, nil)
	for _, w := range []string{"cups", "portmap", "syslog", "random", "nfslock"} {
		m.Add([]byte(w+" startup succeeded in time"), 1)
	}
	if got := texts(m); len(got) != 5 {
		t.Errorf("%q", got)
	}
}

// TestDeterminism gives the same lines to two miners: their hashes differ,
// what they say does not.
func TestDeterminism(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	words := strings.Fields("alpha beta gamma delta error user from 12 x9 a=b (c) open close")
	var lines [][]byte
	for range 20_000 {
		var l []string
		for range 1 + random.Intn(6) {
			l = append(l, words[random.Intn(len(words))])
		}
		lines = append(lines, []byte(strings.Join(l, " ")))
	}
	run := func() string {
		m := miner(t, func(s *logs.Settings) { s.Templates = 200 })
		for i, l := range lines {
			m.Add(l, int64(i)*100)
		}
		return fmt.Sprintf("%+v %+v %+v", m.Templates(), m.Lost(), m.Signals(2e6))
	}
	if a, b := run(), run(); a != b {
		t.Error("two runs differ")
	}
}

// TestBounds gives ever new kinds of lines.
func TestBounds(t *testing.T) {
	m := miner(t, func(s *logs.Settings) { s.Templates, s.Bytes = 500, 1<<20 })
	word := func(i int) string {
		w := ""
		for ; i > 0; i /= 26 {
			w += string(rune('a' + i%26))
		}
		return w
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 50_000 {
		m.Add([]byte(strings.Repeat(word(i*7919+1)+" ", 2+i%40)+"failed (error)"), int64(i))
		if i%10 == 0 {
			m.Add([]byte("the one that stays is here"), int64(i))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	all := m.Templates()
	if len(all) > 500 || len(all) < 16 || m.Lost().Forgotten == 0 {
		t.Errorf("%d templates, %+v", len(all), m.Lost())
	}
	if all[0].Text != "the one that stays is here" || all[0].Count != 5000 {
		t.Errorf("%+v", all[0])
	}
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > 4<<20 {
		t.Errorf("%d bytes are in use", used)
	}
	runtime.KeepAlive(m)
	// What was known once is no news.
	m = miner(t, func(s *logs.Settings) { s.Templates = 16 })
	if !m.Add([]byte("something went wrong in here"), 1).New {
		t.Fatal("it is new")
	}
	for i := range 16 {
		m.Add([]byte(strings.Repeat("other ", i+6)), 1)
	}
	if m.Lost().Forgotten == 0 || m.Add([]byte("something went wrong in here"), 1).New {
		t.Error("it was known before")
	}
}

// TestHostileLines must be bounded, too.
func TestHostileLines(t *testing.T) {
	m := miner(t, nil)
	long := bytes.Repeat([]byte("word 12 "), 10<<20/8)
	hit := m.Add(long, 1)
	got, ok := m.Template(hit.ID)
	if !ok || m.Lost().Cut != 1 || len(got.Text) > 8<<10 || len(got.Example) > 2<<10 || !strings.HasSuffix(got.Text, "<*>") {
		t.Errorf("%d %d %+v", len(got.Text), len(got.Example), m.Lost())
	}
	for _, l := range []string{"", "   ", "\x00\x00", "...", "\x1b[", "\x1b", "{", "{\"", "[]"} {
		m.Add([]byte(l), 1)
	}
	if m.Lost().Empty != 9 || m.Lost().Lines != 10 {
		t.Errorf("%+v", m.Lost())
	}
	m.Add([]byte("no \xff text"), 1)
	if m.Lost().Invalid != 1 {
		t.Errorf("%+v", m.Lost())
	}
	// Several lines: the first counts, all are the example.
	hit = m.Add([]byte("it broke\n\tat a.b(C.java:1)\n\tat d\x07"), 1)
	if got, _ := m.Template(hit.ID); got.Text != "it broke" || got.Example != "it broke\n\tat a.b(C.java:1)\n\tat d " {
		t.Errorf("%+v", got)
	}
}

// TestNoAllocations: a known line costs none, whatever its values are.
func TestNoAllocations(t *testing.T) {
	lines := corpus.LogLines(600)
	m := miner(t, nil)
	for _, l := range lines {
		m.Add(l, 1)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { m.Add(lines[i%600], int64(i)); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := m.Templates(); len(got) != 6 {
		t.Errorf("%d templates: %q", len(got), texts(m))
	}
}

func TestSettings(t *testing.T) {
	set := logs.Settings{}
	if _, err := logs.New(set); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "lineBytes") || !strings.Contains(err.Error(), "bucket") {
		t.Error(err)
	}
}

// TestRedactForms masks the whole of what stands beside the name of a credential, in an
// address, or in a well-known form; and what may be one otherwise is not discreet.
func TestRedactForms(t *testing.T) {
	const s = "hunter2xyz"
	for _, text := range []string{
		`params {:user=>"bob", :password=>"` + s + `"}`, `params {"password" => "` + s + `"}`, `Config { password: Some("` + s + `") }`, `{'password': b'` + s + `'}`, `password=u'` + s + `'`,
		`password := ` + s, `password=abc,` + s, `password=(x ` + s + `)`, `"secret":{"value":"` + s + `"}`, `secretKey=` + s, `secret_key: ` + s, `SECRET_KEY='` + s + `'`, `SECRET_KEY_BASE=` + s,
		`AccountName=x;AccountKey=` + s + `==;EndpointSuffix=y`, `postgres://app:p@` + s + `@db:5432/x`, `https://` + s + s + `@github.com/a`, `app:` + s + `@tcp(db:3306)/shop`,
		`"args":["--password","` + s + `"]`, `{"name":"DB_PASSWORD","value":"` + s + `"}`, `<password>` + s + `</password>`, `<wsse:Password Type="text">` + s + `</wsse:Password>`, `user=bob%26password%3D` + s,
		`https://hooks.slack.com/services/T0/B0/` + s, `SG.` + s + `aaaaaaaaa.` + s + `bbbbbbbbb`, `bearer token "` + s + `"`, `passcode=` + s, `mysqldump --password ` + s + ` db`, `redis://:` + s + `@cache:6379`,
		`password "` + s + `"`, "PASSWORD\u00a0=\u00a0" + s, `password = [` + s + `]`, `api-key ` + s + `1`, `curl -u admin:` + s + ` http://x`, `mysql -p` + s, `dockerconfigjson eyJhdXRocyI6` + s, `auths eyJhdXRocyI6` + s + `== read`, `pass%77ord=` + s, `Passwort=` + s, `password is ` + s, `token was ` + s,
	} {
		if got := logs.Redact(text); strings.Contains(got, s) || !strings.Contains(got, "[redacted]") {
			t.Errorf("%s: %s", text, got)
		}
		if logs.Discreet(text) {
			t.Errorf("it passes for discreet: %s", text)
		}
	}
	for _, text := range []string{"password is " + s, s + " is not a valid password", "mysqldump -p" + s, "curl -u bob:" + s, "pw=" + s, "otp=123456", "X-Auth: " + s, "AKIAABCDEFGHIJKLMNOP and " + s, "fernet key=" + s + "= bad"} {
		if logs.Discreet(text) {
			t.Errorf("it passes for discreet: %s", text)
		}
	}
	for _, text := range []string{"order 7 was lost: disk full", "dial tcp 10.0.0.1:5432: connect: connection refused", "java.lang.IllegalStateException: no table orders", "worker -n 3 -c /etc/x.conf started", `GET https://example.com/a?b=c 502`, "duplicate key value violates unique constraint"} {
		if !logs.Discreet(text) || logs.Redact(text) != text {
			t.Errorf("it does not pass for discreet: %s, %s", text, logs.Redact(text))
		}
	}
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"password=hunter2 next":                           "password=[redacted] next",
		`"api_key": "abc def", "x": 1`:                    `"api_key": [redacted], "x": 1`,
		"Authorization: Bearer abcdef0123456":             "Authorization: [redacted]",
		"postgres://me:pa55@db/x":                         "postgres://me:[redacted]@db/x",
		"key AKIAABCDEFGHIJKLMNOP here":                   "key [redacted] here",
		"--token abc --x y":                               "--token [redacted] --x y",
		"-----BEGIN RSA PRIVATE KEY-----\nabc":            "[redacted]",
		"commit 0123456789abcdef0123456789abcdef01234567": "commit 0123456789abcdef0123456789abcdef01234567",
	} {
		if got := logs.Redact(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	m := miner(t, nil)
	hit := m.Add([]byte("login with password: hunterx failed, token=abc"), 1)
	got, _ := m.Template(hit.ID)
	if strings.Contains(got.Text+got.Example, "hunterx") || strings.Contains(got.Text+got.Example, "abc") {
		t.Errorf("%+v", got)
	}
}

// TestTemplateConceals: what is said to be a credential is in no template and in no
// example; what one says of credentials is.
func TestTemplateConceals(t *testing.T) {
	for line, want := range map[string]string{
		`login with password "hunter" refused`:             `login with password "<*>" refused`,
		`login with password "hunter two" of "bob"`:        `login with password "<*> <*>" of "bob"`,
		"login with password 'Hunter' refused":             "login with password '<*>' refused",
		"login with password\u00a0: hunter":                "login with password\u00a0: <*>",
		"login, Passwort: hunter":                          "login, Passwort: <*>",
		"refused: password is hunter":                      "refused: password is <*>",
		"refused: token huntHunt unknown":                  "refused: token <*> unknown",
		"refused: the password is wrong":                   "refused: the password is wrong",
		"refused: token expired":                           "refused: token expired",
		`refused "token" expired for user`:                 `refused "token" expired for user`,
		"refused: password for user was not found in file": "refused: password for user was not found in file",
	} {
		m := miner(t, nil)
		got, _ := m.Template(m.Add([]byte(line), 1).ID)
		if got.Text != want || strings.Contains(strings.ToLower(got.Example), "hunt") {
			t.Errorf("%q: %q, for example %q", line, got.Text, got.Example)
		}
		if again := m.Add([]byte(line), 2); again.ID != got.ID || again.New {
			t.Errorf("%q is new again", line)
		}
	}
}

// FuzzAdd gives any lines.
func FuzzAdd(f *testing.F) {
	for _, s := range []string{"a=\"b", "{\"msg\":\"\\u12", "x@1.", "Fri Jul 2 1", "2024-05-01 12:0", "00:1", "http://", "C:\\", "msg=\"\\", "(", "E0501 1", "ab:cd:ef", "[1,2", "\xd0@/\x91S\xc7?\x86", "x@\xc7.\xa6\x01 ..x@a..b", strings.Repeat("1 a ", 300)} {
		f.Add([]byte(s), []byte("x "+s))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		m := miner(t, func(s *logs.Settings) { s.LineBytes = 512 })
		j := logs.NewJoiner(1024)
		for i := range 3 {
			for _, l := range [][]byte{a, b} {
				keep := bytes.Clone(l)
				first := m.Add(l, int64(i))
				if !bytes.Equal(keep, l) {
					t.Fatal("the line was changed")
				}
				if again := m.Add(l, int64(i)); m.Resolve(first.ID) != again.ID || again.New {
					t.Fatalf("%q is %s and then %s", l, first.ID, again.ID)
				}
				if event, _, ok := j.Add(l, 1); ok && len(event) > 1024+len(a)+len(b) {
					t.Fatal("an event has no bound")
				}
			}
		}
		var lines uint64
		for _, x := range m.Templates() {
			lines += x.Count
			if !strings.Contains(strings.ToValidUTF8(x.Text, "\x00"), x.Text) {
				t.Fatalf("%q is no text", x.Text)
			}
		}
		if lost := m.Lost(); lines+lost.Empty != lost.Lines {
			t.Fatalf("%d lines of %+v", lines, lost)
		}
	})
}
