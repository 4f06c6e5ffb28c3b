package daemon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// sourcesOf is a real controller.Sources that follows these repositories; asked
// gets a word for every inquiry.
func sourcesOf(t *testing.T, urls ...string) (s *controller.Sources, asked chan string) {
	asked = make(chan string, 100)
	s = &controller.Sources{
		Remote: remote{asked}, Wake: func(deliver.AppKey) {}, Workers: 2, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	for i, u := range urls {
		app := &v1alpha1.Application{}
		app.Namespace, app.Name = "shop", fmt.Sprint("app", i)
		app.Spec.Source = &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: u}}
		if strings.HasPrefix(u, "oci://") {
			app.Spec.Source = &v1alpha1.Source{OCI: &v1alpha1.OCISource{URL: u}}
		}
		_, _, _ = s.Head(app)
	}
	started(t, s.Run)
	for range urls {
		<-asked // the first inquiry of each
	}
	return s, asked
}

type remote struct{ asked chan string }

func (r remote) Resolve(_ context.Context, app *v1alpha1.Application, _ time.Duration) (string, string, error) {
	r.asked <- app.Name
	return "r1", "main", nil
}
func (remote) Fetch(context.Context, *v1alpha1.Application, string) (deliver.Tree, error) {
	return nil, fault.New(fault.NotFound, "fetch", "", "", "")
}
func (remote) Keep(context.Context, *v1alpha1.Application, string, string) error { return nil }
func (remote) Forget(deliver.AppKey)                                             {}

func testReceiver(t *testing.T, sources *controller.Sources) (*receiver, *httptest.Server) {
	r := newReceiver(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	r.secret = func(context.Context) (map[string][]byte, error) {
		return map[string][]byte{"github": []byte("new"), "github-previous": []byte("old"), "gitlab": []byte("lab"), "gitea": []byte("tea")}, nil
	}
	r.poke = sources.Poke
	p := newPages(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	p.mux.Handle("POST /webhook/{forge}", r)
	s := httptest.NewServer(p.mux)
	t.Cleanup(s.Close)
	return r, s
}

func sign(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

func post(t *testing.T, url, body string, headers ...string) (int, reply) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	var out reply
	if res.StatusCode != http.StatusMethodNotAllowed && json.Unmarshal(text, &out) != nil {
		t.Errorf("the answer is no JSON: %s", text)
	}
	return res.StatusCode, out
}

const (
	githubPush = `{"ref":"refs/heads/main","before":"%s","after":"%s","repository":{"clone_url":"https://git.example/team/shop.git","ssh_url":"git@git.example:team/shop.git"}}`
	gitlabPush = `{"object_kind":"push","ref":"refs/heads/main","project":{"git_http_url":"https://git.example/team/shop.git","git_ssh_url":"git@git.example:team/shop.git"}}`
)

func push(after string) string {
	return fmt.Sprintf(githubPush, strings.Repeat("0", 40), strings.Repeat(after, 40))
}

func TestPushAsksTheSources(t *testing.T) {
	sources, asked := sourcesOf(t, "https://git.example/team/shop", "ssh://git@git.example/Team/shop.git", "https://git.example/team/other", "oci://git.example/team/shop")
	_, s := testReceiver(t, sources)
	for name, headers := range map[string][]string{
		"/webhook/github": {"X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=" + sign("new", push("a"))},
		"/webhook/gitea":  {"X-Gitea-Event", "push", "X-Gitea-Signature", sign("tea", push("a"))},
	} {
		code, out := post(t, s.URL+name, push("a"), headers...)
		if code != http.StatusAccepted || out.Sources != 2 {
			t.Errorf("%s: %d, %+v", name, code, out)
		}
		got := map[string]bool{<-asked: true, <-asked: true}
		if !got["app0"] || !got["app1"] {
			t.Errorf("%s: asked %v", name, got)
		}
		if code, out := post(t, s.URL+name, push("a"), headers...); code != http.StatusAccepted || out.Sources != 0 {
			t.Errorf("%s again: %d, %+v", name, code, out)
		}
	}
	if code, out := post(t, s.URL+"/webhook/gitlab", gitlabPush, "X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", "lab"); code != http.StatusAccepted || out.Sources != 2 {
		t.Errorf("gitlab: %d, %+v", code, out)
	}
	if code, out := post(t, s.URL+"/webhook/github", push("b"), "X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+sign("old", push("b"))); code != http.StatusAccepted || out.Sources != 2 {
		t.Errorf("the secret before: %d, %+v", code, out)
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	sources, asked := sourcesOf(t, "https://git.example/team/shop")
	r, s := testReceiver(t, sources)
	good := []string{"X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=" + sign("new", push("a"))}
	broken := `{"ref":`
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		code       int
	}{
		"no signature":    {"github", push("a"), []string{"X-GitHub-Event", "push"}, 401},
		"wrong signature": {"github", push("a"), []string{"X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=" + sign("x", push("a"))}, 401},
		"another body":    {"github", push("b"), good, 401},
		"empty secret":    {"github", push("a"), []string{"X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=" + sign("", push("a"))}, 401},
		"no token":        {"gitlab", gitlabPush, []string{"X-Gitlab-Event", "Push Hook"}, 401},
		"wrong token":     {"gitlab", gitlabPush, []string{"X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", "la"}, 401},
		"unknown forge":   {"svn", push("a"), good, 404},
		"broken":          {"github", broken, []string{"X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256=" + sign("new", broken)}, 400},
		"too large":       {"github", strings.Repeat("x", maxWebhook+1), good, 413},
		"ping":            {"github", "{}", []string{"X-GitHub-Event", "ping", "X-Hub-Signature-256", "sha256=" + sign("new", "{}")}, 200},
		"another event":   {"github", "{}", []string{"X-GitHub-Event", "issues", "X-Hub-Signature-256", "sha256=" + sign("new", "{}")}, 202},
	} {
		if code, out := post(t, s.URL+"/webhook/"+c.path, c.body, c.headers...); code != c.code || out.Sources != 0 || out.Message == "" {
			t.Errorf("%s: %d, %+v", name, code, out)
		}
	}
	res, err := http.Get(s.URL + "/webhook/github")
	if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v, %v", res.StatusCode, err)
	}
	_ = res.Body.Close()
	if len(asked) != 0 {
		t.Error("a refused message had a source asked")
	}
	if n := testutil.CollectAndCount(r.counts); n < 5 {
		t.Errorf("%d series of messages", n)
	}
}

func TestFloodsAreBounded(t *testing.T) {
	sources, _ := sourcesOf(t)
	r, s := testReceiver(t, sources)
	now := time.Unix(1700000000, 0)
	r.now = func() time.Time { return now }
	reads := 0
	r.secret = func(context.Context) (map[string][]byte, error) {
		reads++
		return nil, fault.New(fault.NotFound, "read", "secret", "none", "")
	}
	codes := map[int]int{}
	for range burst + 20 {
		code, _ := post(t, s.URL+"/webhook/github", "{}")
		codes[code]++
	}
	if codes[http.StatusServiceUnavailable] != burst || codes[http.StatusTooManyRequests] != 20 {
		t.Errorf("%v", codes)
	}
	if reads != 1 {
		t.Errorf("the secret was read %d times", reads)
	}
	now = now.Add(time.Minute)
	r.secret = func(context.Context) (map[string][]byte, error) {
		return nil, fault.New(fault.Unavailable, "read", "secret", "down", "")
	}
	if code, out := post(t, s.URL+"/webhook/github", "{}"); code != http.StatusServiceUnavailable || !strings.Contains(out.Message, "cannot be read") {
		t.Errorf("%d, %+v", code, out)
	}
	for i := range maxSenders + 10 {
		r.admit(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))
	}
	if len(r.senders) > maxSenders {
		t.Errorf("%d senders are remembered", len(r.senders))
	}
}
