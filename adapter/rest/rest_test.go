package rest_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// serverOf describes a server of a test.
func serverOf(address string, change func(*rest.Server)) rest.Server {
	s := rest.Server{
		Name: "Oracle", Example: "http://HOST:1", Before: "/api", URL: address,
		Pause:  func(context.Context, time.Duration) {},
		Reason: func(a rest.Answer) string { return strings.TrimPrefix(string(a.Text), "why: ") },
		Hints:  rest.Hints{TooLarge: "ask for less", Slow: "wait", Denied: "show a token", NotFound: "look elsewhere", Busy: "ask less often", Invalid: "mend it", Wrong: "is it an oracle?"},
	}
	if change != nil {
		change(&s)
	}
	return s
}

func client(t *testing.T, address string, change func(*rest.Server)) *rest.Client {
	t.Helper()
	c, err := rest.New(serverOf(address, change))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGet sends what was given with the question, and only to whom it belongs.
func TestGet(t *testing.T) {
	var stolen []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stolen = append(stolen, r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	var asked *http.Request
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/api/away":
			http.Redirect(w, r, thief.URL, http.StatusFound)
			return
		case "/base/api/round":
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return
		case "/base/api/moved":
			http.Redirect(w, r, "/base/api/here?q=1", http.StatusFound)
			return
		}
		asked = r
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, `{"a":1}`)
	}))
	defer s.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	c := client(t, s.URL+"/base/", func(x *rest.Server) {
		x.CA, x.Token, x.Tenant, x.TenantHeader, x.Header, x.Timeout = ca, "token", "team", "x-tenant", http.Header{"X-More": {"1"}}, 20*time.Second
	})
	for _, path := range []string{"api/here", "api/moved"} {
		a, err := c.Get(t.Context(), path, url.Values{"q": {"1"}})
		if err != nil || a.Type != rest.JSON || string(a.Text) != `{"a":1}` {
			t.Fatalf("%s: %+v %v", path, a, err)
		}
		if asked.Header.Get("Authorization") != "Bearer token" || asked.Header.Get("X-Tenant") != "team" || asked.Header.Get("X-More") != "1" || asked.URL.RawQuery != "q=1" || asked.Header.Get("Accept") != rest.JSON {
			t.Errorf("%s: %v %v", path, asked.URL, asked.Header)
		}
	}
	for path, told := range map[string]string{"api/away": strings.TrimPrefix(thief.URL, "http://"), "api/round": "status 302"} {
		if _, err := c.Get(t.Context(), path, nil); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), told) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(stolen) > 0 {
		t.Errorf("went elsewhere with %v", stolen)
	}
	if c.Timeout() != 20*time.Second {
		t.Errorf("a timeout of %s", c.Timeout())
	}
	basic := client(t, s.URL+"/base", func(x *rest.Server) { x.CA, x.User, x.Password, x.Tenant = ca, "me", "secret", "a|b" })
	if _, err := basic.Get(t.Context(), "api/here", nil, "text/plain", rest.JSON); err != nil {
		t.Fatal(err)
	}
	if user, password, ok := asked.BasicAuth(); !ok || user != "me" || password != "secret" || asked.Header.Get("X-Scope-OrgID") != "a|b" || asked.Header.Get("Accept") != "text/plain" {
		t.Errorf("%v", asked.Header)
	}
	if _, err := client(t, s.URL, nil).Get(t.Context(), "api/here", nil); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server that nobody vouches for: %v", err)
	}
}

// TestRefusals: each refusal is told in the API's words with what helps, and asked again
// where that may help.
func TestRefusals(t *testing.T) {
	answer := func(code int, kind, text string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, text)
		}
	}
	for name, c := range map[string]struct {
		serve      http.HandlerFunc
		kind       fault.Kind
		says, hint string
		tries      int
		waits      time.Duration
	}{
		"denied":      {answer(403, "text/plain", "why: not you"), fault.Denied, "status 403: not you", "show a token", 1, 0},
		"not found":   {answer(404, "text/plain", ""), fault.NotFound, "status 404", "look elsewhere", 1, 0},
		"invalid":     {answer(422, "text/plain", "why: a\x1bb\n"), fault.Invalid, "a b", "mend it", 1, 0},
		"teapot":      {answer(418, "text/plain", ""), fault.Unavailable, "418", "look at its log", 1, 0},
		"broken":      {answer(500, "text/plain", ""), fault.Unavailable, "500", "look at its log", 3, 600 * time.Millisecond},
		"busy":        {answer(429, "text/plain", "", "Retry-After", "7"), fault.Unavailable, "429", "ask less often", 3, 7 * time.Second},
		"busy, vague": {answer(429, "text/plain", "", "Retry-After", "soon"), fault.Unavailable, "429", "ask less often", 3, time.Second},
		"busy, long":  {answer(503, "text/plain", "", "Retry-After", "99999999"), fault.Unavailable, "503", "look at its log", 1, 0},
		"busy, until": {func(w http.ResponseWriter, r *http.Request) {
			answer(503, "text/plain", "", "Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat))(w, r)
		}, fault.Unavailable, "503", "look at its log", 3, 9 * time.Second},
		"a login page": {answer(200, "text/html", "<html>"), fault.Unavailable, `"text/html", not application/json`, "is it an oracle?", 1, 0},
		"no type":      {answer(200, "nonsense/", "x"), fault.Unavailable, "not application/json", "is it an oracle?", 1, 0},
		"half":         {answer(200, rest.JSON, "{", "Content-Length", "10"), fault.Unavailable, "unexpected EOF", "is it running", 3, 600 * time.Millisecond},
		"slow":         {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, fault.TimedOut, "no answer in time", "wait", 1, 0},
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", rest.JSON)
			_, _ = io.CopyN(w, zeros{}, rest.MaxAnswer+1) // the reader may go away
		}, fault.Invalid, "larger than 32 MiB", "ask for less", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				tries++
				c.serve(w, r)
			}))
			defer s.Close()
			var longest time.Duration
			asker := client(t, s.URL, func(x *rest.Server) {
				x.Pause = func(_ context.Context, d time.Duration) { longest = max(longest, d) }
				if x.Timeout = time.Minute; name == "slow" {
					x.Timeout = 200 * time.Millisecond
				}
			})
			_, err := asker.Get(t.Context(), "q", url.Values{"secret": {"hunter2"}})
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Kind != c.kind || !strings.Contains(err.Error(), c.says) || !strings.Contains(f.Hint, c.hint) || strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("%v (%+v)", err, f)
			}
			// A date has no parts of a second, and a busy machine takes its time to read it.
			if tries != c.tries || longest > c.waits || longest < c.waits/4 {
				t.Errorf("%d tries, waited %s", tries, longest)
			}
			if errors.Is(err, rest.ErrTooLarge) != (name == "huge") {
				t.Errorf("too large? %v", err)
			}
		})
	}
}

// TestTimeIsForAllTries tries again only while there is time, and says why it did.
func TestTimeIsForAllTries(t *testing.T) {
	tries := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries > 1 {
			<-r.Context().Done()
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer s.Close()
	asker := client(t, s.URL, func(x *rest.Server) { x.Pause, x.Timeout = nil, 700*time.Millisecond })
	began := time.Now()
	_, err := asker.Get(t.Context(), "q", nil)
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "status 500") || tries != 2 {
		t.Errorf("%v after %d tries", err, tries)
	}
	if took := time.Since(began); took < 600*time.Millisecond || took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestStopped ends a question that nobody waits for.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer s.Close()
	if _, err := client(t, s.URL, nil).Get(ctx, "q", nil); fault.KindOf(err) != fault.Interrupted {
		t.Error(err)
	}
	down := client(t, "http://127.0.0.1:1", func(x *rest.Server) { x.Pause = nil })
	if _, err := down.Get(t.Context(), "q", nil); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

// TestNewRefuses names what is wrong with an address or with what is sent, and tells no
// secret.
func TestNewRefuses(t *testing.T) {
	for told, change := range map[string]func(*rest.Server){
		"its address is none":            func(s *rest.Server) { s.URL = "oracle:1" },
		"its address is none ":           func(s *rest.Server) { s.URL = "ftp://oracle" },
		"contains credentials":           func(s *rest.Server) { s.URL = "http://me:hunter2@oracle" },
		"has a query":                    func(s *rest.Server) { s.URL = "http://oracle?token=hunter2" },
		"a token and a user":             func(s *rest.Server) { s.Token, s.User = "hunter2", "me" },
		"the token has characters":       func(s *rest.Server) { s.Token = "hunter2\n" },
		"the user has characters":        func(s *rest.Server) { s.User = "me:" },
		"the tenant has characters":      func(s *rest.Server) { s.Tenant = "a\nb" },
		"a password without a user":      func(s *rest.Server) { s.Password = "hunter2" },
		"certificates to trust holds no": func(s *rest.Server) { s.CA = []byte("hunter2") },
	} {
		_, err := rest.New(serverOf("http://oracle", change))
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), strings.TrimSpace(told)) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", told, err)
		}
	}
}

// TestShort cuts what strangers say to what a line may have.
func TestShort(t *testing.T) {
	if s := rest.Short("a\tb\xff" + strings.Repeat("ü", 400)); !strings.HasPrefix(s, "a b\ufffd") || !strings.HasSuffix(s, "…") || len(s) > 310 {
		t.Errorf("%q", s)
	}
}

// TestList reads as much of a list as is wanted.
func TestList(t *testing.T) {
	for text, want := range map[string][]int{"[1,2,3]": {1, 2}, "[1]": {1}, " [ ] ": nil, "null": nil} {
		if got, err := rest.List[int]([]byte(text), 2); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "{}", "7", `["x"]`, "[1,"} {
		if got, err := rest.List[int]([]byte(text), 2); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}
