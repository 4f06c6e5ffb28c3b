package forge

import (
	"context"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
)

func noPause(context.Context, time.Duration) {}

func kinds() []string { return []string{GitHub, GitLab, Gitea} }

func reversion(good, bad string) forge.Reversion {
	return forge.Reversion{Bad: bad, Good: good, Branch: "aeo/revert-1", Scope: forge.Scope{Folders: []string{"shop"}}, Title: "Revert it", Body: "because"}
}

// history is a good commit, two bad ones, and a newer one elsewhere.
func history(s *server) (good, bad string) {
	binary := string([]byte{0, 1, 2, 255, '\n'})
	good = s.push("main", map[string]file{
		"README": text("hello"), "shop/web.yaml": text("image: 1\n"), "shop/gone.yaml": text("here"), "shop/deep/er/blob": text(binary),
		"shop/a.yaml": text("a"), "shop/b.yaml": text("b"), "shop/c.yaml": text("c"), "shop/d.yaml": text("d"), "shop/empty": text(""), "other/x": text("1"),
	})
	s.push("main", map[string]file{"shop/web.yaml": text("image: 2\n"), "other/x": text("2"), "shop/empty": text("full")})
	bad = s.push("main", map[string]file{"shop/web.yaml": text("image: 3\n"), "shop/gone.yaml": {}, "shop/new.yaml": text("new"), "shop/deep/er/blob": text("x")})
	s.push("main", map[string]file{"README": text("hello again")})
	return good, bad
}

func TestRevert(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			s := newServer(t, kind)
			s.fork = true
			good, bad := history(s)
			f := s.open(kind)
			address, err := forge.Revert(t.Context(), f, reversion(good, bad))
			if err != nil || !strings.HasPrefix(address, s.URL+"/r/1") {
				t.Fatalf("%q, %v", address, err)
			}
			want := s.tree(good)
			want["README"], want["other/x"] = "100644 hello again", "100644 2"
			if got := s.tree("refs/heads/aeo/revert-1"); !maps.Equal(got, want) {
				t.Errorf("the branch has\n%v\nwant\n%v", got, want)
			}
			if n := s.git("", "rev-list", "--count", "main..aeo/revert-1"); n != "1" {
				t.Errorf("%s commits on the branch", n)
			}
			q := s.requests[0]
			if q["title"] != "Revert it" || q["body"] != "because" || q["base"] != "main" || q["labels"] != "["+forge.Label+"]" {
				t.Errorf("the request: %v", q)
			}
			if again, err := forge.Revert(t.Context(), s.open(kind), reversion(good, bad)); err != nil || again != address || len(s.requests) != 1 {
				t.Errorf("a second call: %q, %v, %d requests", again, err, len(s.requests))
			}
		})
	}
}

// TestRevertIsTakenUp stops the forge's answers at every call.
func TestRevertIsTakenUp(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			for stop := 1; ; stop++ {
				s := newServer(t, kind)
				good := s.push("main", map[string]file{"shop/a": text("1")})
				bad := s.push("main", map[string]file{"shop/a": text("2")})
				first := true
				s.fault = func(n int, w http.ResponseWriter, r *http.Request) bool {
					if n < stop || !first {
						return false
					}
					reply(w, 502, map[string]any{"message": "bad gateway"})
					return true
				}
				if _, err := forge.Revert(t.Context(), s.open(kind), reversion(good, bad)); err == nil {
					if stop < 5 {
						t.Fatalf("only %d calls", stop-1)
					}
					return
				} else if fault.KindOf(err) != fault.Unavailable {
					t.Fatalf("stop %d: %v", stop, err)
				}
				first = false
				if address, err := forge.Revert(t.Context(), s.open(kind), reversion(good, bad)); err != nil || len(s.requests) != 1 {
					t.Fatalf("stop %d: %q, %v, %d requests", stop, address, err, len(s.requests))
				}
				if got := s.tree("refs/heads/aeo/revert-1")["shop/a"]; got != "100644 1" {
					t.Fatalf("stop %d: %s", stop, got)
				}
			}
		})
	}
}

func TestRevertRefuses(t *testing.T) {
	for _, kind := range kinds() {
		s := newServer(t, kind)
		good, bad := history(s)
		s.push("main", map[string]file{"shop/web.yaml": text("image: 4\n")})
		if _, err := forge.Revert(t.Context(), s.open(kind), reversion(good, bad)); fault.KindOf(err) != fault.Blocked || !strings.Contains(err.Error(), "shop/web.yaml") {
			t.Errorf("%s: a conflict: %v", kind, err)
		}
		if _, err := forge.Revert(t.Context(), s.open(kind), reversion(strings.Repeat("1", 40), bad)); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: a commit that is gone: %v", kind, err)
		}
		if _, _, made := s.branch("aeo/revert-1"); made || len(s.requests) > 0 {
			t.Errorf("%s: something was made", kind)
		}
	}
}

func TestModes(t *testing.T) {
	for _, kind := range kinds() {
		for name, c := range map[string]struct {
			good, bad file
			can       []string
		}{
			"made executable":    {file{mode: "100644", content: []byte("a")}, file{mode: "100755", content: []byte("a")}, []string{GitHub, GitLab}},
			"executable deleted": {file{mode: "100755", content: []byte("a")}, file{}, []string{GitHub, GitLab}},
			"executable changed": {file{mode: "100755", content: []byte("a")}, file{mode: "100755", content: []byte("b")}, kinds()},
			"link":               {file{mode: "120000", content: []byte("a")}, file{mode: "120000", content: []byte("b")}, []string{GitHub}},
			"submodule":          {file{mode: "160000", id: strings.Repeat("1", 40)}, file{mode: "160000", id: strings.Repeat("2", 40)}, []string{GitHub}},
			"submodule added":    {file{}, file{mode: "160000", id: strings.Repeat("2", 40)}, []string{GitHub}},
		} {
			s := newServer(t, kind)
			first := map[string]file{"shop/k": text("k")}
			if c.good.mode != "" {
				first["shop/f"] = c.good
			}
			good := s.push("main", first)
			bad := s.push("main", map[string]file{"shop/f": c.bad})
			_, err := forge.Revert(t.Context(), s.open(kind), reversion(good, bad))
			if !strings.Contains(fmt.Sprint(c.can), kind) {
				if fault.KindOf(err) != fault.Blocked || err == nil || len(s.requests) > 0 {
					t.Errorf("%s, %s: %v", kind, name, err)
				}
				continue
			}
			if err != nil || !maps.Equal(s.tree("refs/heads/aeo/revert-1"), s.tree(good)) {
				t.Errorf("%s, %s: %v %v", kind, name, err, s.tree("refs/heads/aeo/revert-1"))
			}
		}
	}
}

func TestManyNames(t *testing.T) {
	for _, kind := range kinds() {
		s := newServer(t, kind)
		many := map[string]file{"shop/z": text("1")}
		same := s.git("x", "hash-object", "-w", "--stdin")
		for i := range 230 {
			many[fmt.Sprintf("shop/f%03d", i)] = file{mode: "100644", id: same}
		}
		good := s.push("main", many)
		bad := s.push("main", map[string]file{"shop/z": text("2")})
		_, err := forge.Revert(t.Context(), s.open(kind), reversion(good, bad))
		if kind == Gitea {
			continue // this server's pages are too small for that many
		}
		if err != nil || s.tree("refs/heads/aeo/revert-1")["shop/z"] != "100644 1" {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestSetStatus(t *testing.T) {
	want := map[string][]string{GitHub: {"pending", "success", "failure", "error"}, GitLab: {"pending", "success", "failed", "canceled"}, Gitea: {"pending", "success", "failure", "warning"}}
	for _, kind := range kinds() {
		s := newServer(t, kind)
		id := s.push("main", map[string]file{"a": text("1")})
		f := s.open(kind)
		for i, state := range []forge.State{forge.Pending, forge.Success, forge.Failure, forge.Dropped} {
			for range 2 {
				if err := f.SetStatus(t.Context(), id, forge.Status{State: state, Context: "aeo/prod/shop", Description: "d"}); err != nil {
					t.Fatalf("%s %s: %v", kind, state, err)
				}
			}
			last := s.statuses[len(s.statuses)-1]
			if last["state"] != want[kind][i] || last["context"] != "aeo/prod/shop" || last["commit"] != id {
				t.Errorf("%s: %v", kind, last)
			}
		}
	}
}

// TestFaults checks what kind of error each answer makes, how often it is asked
// for again, and that the token is in none.
func TestFaults(t *testing.T) {
	answer := func(code int, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		post    bool
		kind    fault.Kind
		tries   int
		says    string
	}{
		"unauthorized":         {answer(401, `{"message":"bad `+token+`"}`), false, fault.Denied, 1, "bad …"},
		"forbidden":            {answer(403, `{"message":"no"}`), false, fault.Denied, 1, "no"},
		"limited":              {answer(429, `{}`, "Retry-After", "1"), true, fault.Unavailable, 3, "429"},
		"limited for long":     {answer(429, `{}`, "Retry-After", "3600"), true, fault.Unavailable, 1, "429"},
		"limited, no time":     {answer(429, `{}`), true, fault.Unavailable, 3, "429"},
		"secondary limit":      {answer(403, `{}`, "Retry-After", "1"), true, fault.Denied, 3, "403"},
		"not found":            {answer(404, `{}`), false, fault.NotFound, 1, "404"},
		"conflict":             {answer(409, `{}`), true, fault.Conflict, 1, "409"},
		"unprocessable":        {answer(422, `{"message":"x","errors":[{"code":"custom"}]}`), true, fault.Conflict, 1, "custom"},
		"server error":         {answer(500, `<html>secret page</html>`), false, fault.Unavailable, 3, "500"},
		"server error, change": {answer(500, ``), true, fault.Unavailable, 1, "500"},
		"bad request":          {answer(400, `{"error":"what\u001b[31m"}`), false, fault.Invalid, 1, "what[31m"},
		"not JSON":             {answer(200, `<html>login</html>`), false, fault.Unavailable, 1, "not what the API"},
		"redirect elsewhere":   {answer(302, ``, "Location", "http://127.0.0.1:1/"), false, fault.Invalid, 1, "302"},
		"huge":                 {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+10)) }, false, fault.Invalid, 1, "larger"},
		"cut":                  {answer(200, `{`, "Content-Length", "1000"), false, fault.Unavailable, 3, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tries++; c.handler(w, r) }))
			defer s.Close()
			f, err := New(GitHub, Options{URL: s.URL, Repository: "team/shop", Token: token, AllowHTTP: true, Pause: noPause})
			if err != nil {
				t.Fatal(err)
			}
			if c.post {
				err = f.SetStatus(t.Context(), "c", forge.Status{})
			} else {
				_, err = f.Tip(t.Context(), "main")
			}
			if fault.KindOf(err) != c.kind || err == nil || tries != c.tries || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v (%s) after %d tries, want %s after %d", err, fault.KindOf(err), tries, c.kind, c.tries)
			}
			for _, never := range []string{token, "secret page", "\x1b"} {
				if strings.Contains(fmt.Sprintf("%+v", err), never) {
					t.Errorf("the error shows %q: %v", never, err)
				}
			}
		})
	}
}

func TestReach(t *testing.T) {
	for name, o := range map[string]Options{
		"http":        {URL: "http://forge.example/api", Repository: "a/b", Token: "t"},
		"no host":     {URL: "https://", Repository: "a/b", Token: "t"},
		"credentials": {URL: "https://u:p@forge.example", Repository: "a/b", Token: "t"},
		"query":       {URL: "https://forge.example?x=1", Repository: "a/b", Token: "t"},
		"no token":    {Repository: "a/b", Token: " "},
		"token lines": {Repository: "a/b", Token: "a\nb"},
		"repository":  {Repository: "a", Token: "t"},
		"three steps": {Repository: "a/b/c", Token: "t"},
		"dots":        {Repository: "a/..", Token: "t"},
		"hostile":     {Repository: "a/b?x=1", Token: "t"},
		"CA":          {Repository: "a/b", Token: "t", CA: []byte("no pem")},
	} {
		if _, err := New(GitHub, o); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New("sourcehut", Options{Repository: "a/b", Token: "t"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an unknown forge: %v", err)
	}
	for _, kind := range kinds() {
		if _, err := New(kind, Options{Repository: "a/b", Token: "t"}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := New(GitLab, Options{Repository: "a/b/c", Token: "t"}); err != nil {
		t.Errorf("a subgroup: %v", err)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"commit":{"sha":"c"}}`)
	}))
	defer s.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	for _, c := range []struct {
		url  string
		ca   []byte
		says string
	}{{s.URL, ca, ""}, {s.URL, nil, "unknown authority"}, {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), ca, "another name"}} {
		f, err := New(GitHub, Options{URL: c.url, Repository: "a/b", Token: "t", CA: c.ca, Pause: noPause})
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Tip(t.Context(), "main")
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.url, err, c.says)
		}
	}
}

func TestSilence(t *testing.T) {
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(done)
	f, err := New(Gitea, Options{URL: s.URL, Repository: "a/b", Token: "t", AllowHTTP: true, Pause: noPause, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tip(t.Context(), ""); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "in time") {
		t.Errorf("a forge that is silent: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Tip(ctx, ""); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("stopped: %v", err)
	}
}
