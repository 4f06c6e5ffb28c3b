package giturl_test

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

func TestParse(t *testing.T) {
	for in, want := range map[string][3]string{
		"https://GitHub.com/Org/Repo.git":      {"https://github.com/Org/Repo.git", "https://github.com/Org/Repo", "github.com/org/repo"},
		"https://github.com:443/Org/Repo/":     {"https://github.com/Org/Repo", "https://github.com/Org/Repo", "github.com/org/repo"},
		"HTTPS://github.com//Org//Repo":        {"https://github.com/Org/Repo", "https://github.com/Org/Repo", "github.com/org/repo"},
		"git@github.com:Org/Repo.git":          {"ssh://git@github.com/Org/Repo.git", "ssh://git@github.com/Org/Repo", "github.com/org/repo"},
		"ssh://git@github.com/Org/Repo.git":    {"ssh://git@github.com/Org/Repo.git", "ssh://git@github.com/Org/Repo", "github.com/org/repo"},
		"ssh://git@git.example:2222/a/b":       {"ssh://git@git.example:2222/a/b", "ssh://git@git.example:2222/a/b", "git.example:2222/a/b"},
		"ssh://host/~me/x":                     {"ssh://host/~me/x", "ssh://host/~me/x", "host/~me/x"},
		"git@host:/srv/x.git":                  {"ssh://git@host/srv/x.git", "ssh://git@host/srv/x", "host/srv/x"},
		"git@[::1]:x/y":                        {"ssh://git@[::1]/x/y", "ssh://git@[::1]/x/y", "[::1]/x/y"},
		"http://[fe80::1]:8080/x":              {"http://[fe80::1]:8080/x", "http://[fe80::1]:8080/x", "[fe80::1]:8080/x"},
		"http://127.0.0.1:080/x":               {"http://127.0.0.1/x", "http://127.0.0.1/x", "127.0.0.1/x"},
		"file:///srv/Git/x.git":                {"file:///srv/Git/x.git", "file:///srv/Git/x", "file:///srv/git/x"},
		"file://localhost/srv/x":               {"file:///srv/x", "file:///srv/x", "file:///srv/x"},
		"https://dev.azure.com/o/p%20q/_git/r": {"https://dev.azure.com/o/p%20q/_git/r", "https://dev.azure.com/o/p%20q/_git/r", "dev.azure.com/o/p%20q/_git/r"},
	} {
		a, err := giturl.Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := [3]string{a.String(), a.Key(), a.Identity()}; got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
		again, err := giturl.Parse(a.String())
		if err != nil || again.String() != a.String() || again.Identity() != a.Identity() {
			t.Errorf("%s: %s is read again as %+v, %v", in, a, again, err)
		}
	}
}

// hostile are addresses that must not reach Git.
var hostile = []string{
	"", " ", "-oProxyCommand=touch /tmp/x", "--upload-pack=touch", "ext::sh -c touch% x", "ext::sh", "fd::3,4", "ext::https://x/y",
	"https://user:secret@host/x", "https://secret@host/x", "http://user:secret@host/x", "ssh://git:secret@host/x", "ssh://@host/x",
	"ssh://-oProxyCommand=x/y", "ssh://git@-oProxyCommand=x/y", "git@-oProxyCommand=x:y", "-x@host:y", "ssh://host/-x", "git@host:-x", "git@host:--upload-pack=x",
	"ssh://host/~-x", "git://host/x", "ftp://host/x", "rsync://host/x", "javascript://x/y", "host:path", "./relative", "/absolute", "C:\\x", "~/x",
	"https://host", "https://host/", "https:///x", "file://", "file:///", "file://other/x", "file:///a/../b", "https://host/../x", "https://host/%2e%2E/x",
	"https://host/x?y", "https://host/x#y", "https://host:0/x", "https://host:65536/x", "https://host:x/y", "https://host:/x", "https://ho st/x", "https://host/x\ny",
	"https://host/x\x00", "https://h\u00f6st/x", "https://host/%", "https://host/%0a", "https://host/%zz", "https://host/%2f", "https://[::1/x", "https://[x]/y", "https://[127.0.0.1]/x",
	"https://a..b/x", "https://.a/x", "https://-a/x", "https://host/$(x)", "https://host/`x`", "https://host/a;b", "https://host/a|b", "git@host", "git@host/x:y", "@host:x",
	"git@host:", "https://host/\xff", "https://[fe80::1%25eth0]/x", "we ird@host:x", "a$b@host:x", "https://[::1]x/y", "https://host\\@evil/x", strings.Repeat("a", 3000),
	"https://" + strings.Repeat("a", 64) + "/x", "https://" + strings.Repeat("a.", 130) + "/x",
}

func TestParseRefuses(t *testing.T) {
	for _, in := range hostile {
		a, err := giturl.Parse(in)
		if err == nil {
			t.Errorf("%q is %+v", in, a)
			continue
		}
		if fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://u:p@h/x": "https://h/x", "https://h/x": "https://h/x", "git@h:x": "git@h:x", "https://u:p@q@h/x?y": "https://h/x?y",
		"https://u:p/q@h/x": "https://h/x", "x": "x", "https://h": "https://h", "https://p@h": "https://h",
	} {
		if got := giturl.Redact(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if n := len(giturl.Redact("https://" + strings.Repeat("x", 9000))); n != giturl.MaxLength {
		t.Error(n)
	}
	if n := len(giturl.Redact(strings.Repeat("x", 9000))); n != giturl.MaxLength {
		t.Error(n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	for _, s := range []string{"https://h/x", "git@h:x", "ssh://g@h:1/x", "file:///x", "git@[::1]:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := giturl.Parse(s)
		if err != nil {
			return
		}
		out := a.String()
		if out[0] == '-' || strings.Contains(out, "::") && !strings.Contains(out, "[") || strings.ContainsAny(out, " \t\r\n\x00") {
			t.Fatalf("%q became %q", s, out)
		}
		b, err := giturl.Parse(out)
		if err != nil || b.Key() != a.Key() || b.Identity() != a.Identity() {
			t.Fatalf("%q became %q, which is %+v, %v", s, out, b, err)
		}
	})
}
