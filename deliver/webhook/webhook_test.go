package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/deliver/webhook"
	"github.com/autoecoops/autoecoops/fault"
)

const (
	before = "1111111111111111111111111111111111111111"
	after  = "2222222222222222222222222222222222222222"
	zero   = "0000000000000000000000000000000000000000"
)

var secret = []byte("It's a Secret to Everybody")

func mac(body string, secret []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}

func github(body, event string) http.Header {
	return header("X-GitHub-Event", event, "X-Hub-Signature-256", "sha256="+mac(body, secret), "Content-Type", "application/json")
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			h.Set(pairs[i], pairs[i+1])
		}
	}
	return h
}

const githubPush = `{"ref":"refs/heads/main","before":"` + before + `","after":"` + after + `","deleted":false,
 "repository":{"id":1,"full_name":"Org/Repo","html_url":"https://github.com/Org/Repo","git_url":"git://github.com/Org/Repo.git","ssh_url":"git@github.com:Org/Repo.git","clone_url":"https://github.com/Org/Repo.git","pushed_at":1700000000},
 "commits":[{"id":"` + after + `","message":"x"}]}`

const gitlabPush = `{"object_kind":"push","event_name":"push","before":"` + before + `","after":"` + zero + `","ref":"refs/heads/main","checkout_sha":null,
 "project":{"name":"r","web_url":"https://gitlab.example/g/s/r","git_ssh_url":"ssh://git@gitlab.example:2222/g/s/r.git","git_http_url":"https://gitlab.example/g/s/r.git"},
 "repository":{"name":"r","url":"ssh://git@gitlab.example:2222/g/s/r.git","git_http_url":"https://gitlab.example/g/s/r.git","git_ssh_url":"ssh://git@gitlab.example:2222/g/s/r.git"}}`

const giteaPush = `{"ref":"refs/tags/v1","before":"` + zero + `","after":"` + after + `","repository":{"html_url":"http://gitea.example:3000/o/r","ssh_url":"git@gitea.example:o/r.git","clone_url":"http://gitea.example:3000/o/r.git"}}`

func TestPush(t *testing.T) {
	form := "payload=" + url.QueryEscape(githubPush)
	for name, c := range map[string]struct {
		forge   webhook.Forge
		header  http.Header
		body    string
		ref     string
		before  string
		after   string
		touches []string
		leaves  []string
	}{
		"github": {webhook.GitHub, github(githubPush, "push"), githubPush, "refs/heads/main", before, after,
			[]string{"https://github.com/org/repo", "git@github.com:Org/Repo.git", "ssh://git@github.com:22/Org/Repo"}, []string{"https://github.com/org/repo2", "https://github.com/org", "https://evil.example/github.com/org/repo"}},
		"github form": {webhook.GitHub, header("X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+mac(form, secret), "Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), form,
			"refs/heads/main", before, after, []string{"https://github.com/org/repo"}, nil},
		"gitlab": {webhook.GitLab, header("X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", string(secret)), gitlabPush, "refs/heads/main", before, "",
			[]string{"https://gitlab.example/g/s/r.git", "ssh://git@gitlab.example:2222/g/s/r"}, []string{"https://gitlab.example/s/r"}},
		"gitlab system hook": {webhook.GitLab, header("X-Gitlab-Event", "System Hook", "X-Gitlab-Token", string(secret)), gitlabPush, "refs/heads/main", before, "", []string{"https://gitlab.example/g/s/r.git"}, nil},
		"gitea": {webhook.Gitea, header("X-Gitea-Event", "push", "X-Gitea-Signature", mac(giteaPush, secret)), giteaPush, "refs/tags/v1", "", after,
			[]string{"http://gitea.example:3000/o/r", "ssh://git@gitea.example/o/r"}, []string{"http://gitea.example/o/x"}},
		"forgejo": {webhook.Gitea, header("X-Forgejo-Event", "push", "X-Forgejo-Signature", mac(giteaPush, secret)), giteaPush, "refs/tags/v1", "", after, []string{"git@gitea.example:o/r.git"}, nil},
	} {
		e, err := webhook.Parse(c.forge, c.header.Get, []byte(c.body), []byte("another"), secret)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if e.Kind != webhook.Push || e.Forge != c.forge || e.Ref != c.ref || e.Before != c.before || e.After != c.after {
			t.Errorf("%s: %+v", name, e)
		}
		for _, u := range c.touches {
			if !e.Touches(must(t, u)) {
				t.Errorf("%s is not about %s", name, u)
			}
		}
		for _, u := range c.leaves {
			if e.Touches(must(t, u)) {
				t.Errorf("%s is about %s", name, u)
			}
		}
	}
}

func must(t *testing.T, s string) giturl.Address {
	t.Helper()
	a, err := giturl.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOtherEvents(t *testing.T) {
	for _, c := range []struct {
		forge  webhook.Forge
		header http.Header
		body   string
		want   webhook.Kind
	}{
		{webhook.GitHub, github("{}", "ping"), "{}", webhook.Ping},
		{webhook.GitHub, github("{", "star"), "{", webhook.Other},
		{webhook.GitLab, header("X-Gitlab-Event", "Issue Hook", "X-Gitlab-Token", string(secret)), "{", webhook.Other},
		{webhook.GitLab, header("X-Gitlab-Event", "System Hook", "X-Gitlab-Token", string(secret)), `{"event_name":"project_create"}`, webhook.Other},
		{webhook.Gitea, header("X-Gitea-Event", "create", "X-Gitea-Signature", mac("x", secret)), "x", webhook.Other},
		{webhook.Gitea, header("X-Gitea-Event", "issues", "X-Gitea-Signature", mac("x", secret)), "x", webhook.Other},
	} {
		e, err := webhook.Parse(c.forge, c.header.Get, []byte(c.body), secret)
		if err != nil || e.Kind != c.want || len(e.Repositories) > 0 {
			t.Errorf("%s %v: %+v, %v", c.forge, c.header, e, err)
		}
	}
}

func TestRefused(t *testing.T) {
	gitea := func(body string) http.Header {
		return header("X-Gitea-Event", "push", "X-Gitea-Signature", mac(body, secret))
	}
	gitlab := header("X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", string(secret))
	forged := github(githubPush, "push")
	forged.Set("X-Hub-Signature-256", "sha256="+mac(githubPush, []byte("wrong")))
	for name, c := range map[string]struct {
		forge  webhook.Forge
		header http.Header
		body   string
		secret []byte
		want   fault.Kind
	}{
		"unknown forge":        {"bitbucket", github(githubPush, "push"), githubPush, secret, fault.NotFound},
		"no secret":            {webhook.GitHub, github(githubPush, "push"), githubPush, nil, fault.Blocked},
		"no secret, no token":  {webhook.GitLab, header("X-Gitlab-Event", "Push Hook"), gitlabPush, nil, fault.Blocked},
		"empty hmac key":       {webhook.GitHub, header("X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+mac(githubPush, nil)), githubPush, []byte{}, fault.Blocked},
		"wrong key":            {webhook.GitHub, forged, githubPush, secret, fault.Denied},
		"changed body":         {webhook.GitHub, github(githubPush, "push"), githubPush + " ", secret, fault.Denied},
		"no signature":         {webhook.GitHub, header("X-GitHub-Event", "push"), githubPush, secret, fault.Denied},
		"sha1 only":            {webhook.GitHub, header("X-GitHub-Event", "push", "X-Hub-Signature", "sha1=0000"), githubPush, secret, fault.Denied},
		"no prefix":            {webhook.GitHub, header("X-GitHub-Event", "push", "X-Hub-Signature-256", mac(githubPush, secret)), githubPush, secret, fault.Denied},
		"short signature":      {webhook.GitHub, header("X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+mac(githubPush, secret)[:10]), githubPush, secret, fault.Denied},
		"signature of a ping":  {webhook.GitHub, github("{}", "push"), githubPush, secret, fault.Denied},
		"no hexadecimal":       {webhook.Gitea, header("X-Gitea-Event", "push", "X-Gitea-Signature", strings.Repeat("z", 64)), giteaPush, secret, fault.Denied},
		"gitea unsigned":       {webhook.Gitea, header("X-Gitea-Event", "push"), giteaPush, secret, fault.Denied},
		"wrong token":          {webhook.GitLab, header("X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", "x"), gitlabPush, secret, fault.Denied},
		"no token":             {webhook.GitLab, header("X-Gitlab-Event", "Push Hook"), gitlabPush, secret, fault.Denied},
		"github as gitea":      {webhook.Gitea, github(githubPush, "push"), githubPush, secret, fault.Denied},
		"no event":             {webhook.GitHub, github("{}", ""), "{}", secret, fault.Invalid},
		"no event, gitea":      {webhook.Gitea, header("X-Gitea-Signature", mac("{}", secret)), "{}", secret, fault.Invalid},
		"no event, gitlab":     {webhook.GitLab, header("X-Gitlab-Token", string(secret)), "{}", secret, fault.Invalid},
		"no json":              {webhook.GitHub, github("{", "push"), "{", secret, fault.Invalid},
		"no json, system hook": {webhook.GitLab, header("X-Gitlab-Event", "System Hook", "X-Gitlab-Token", string(secret)), "{", secret, fault.Invalid},
		"wrong types":          {webhook.GitHub, github(`{"ref":7}`, "push"), `{"ref":7}`, secret, fault.Invalid},
		"null":                 {webhook.GitHub, github(`null`, "push"), `null`, secret, fault.Invalid},
		"no ref":               {webhook.Gitea, gitea(`{"repository":{"clone_url":"https://h/x"}}`), `{"repository":{"clone_url":"https://h/x"}}`, secret, fault.Invalid},
		"no repository":        {webhook.Gitea, gitea(`{"ref":"refs/heads/x"}`), `{"ref":"refs/heads/x"}`, secret, fault.Invalid},
		"hostile repository":   {webhook.Gitea, gitea(`{"ref":"refs/heads/x","repository":{"clone_url":"ext::sh -c x","ssh_url":"-oProxyCommand=x","html_url":"file:///etc"}}`), `{"ref":"refs/heads/x","repository":{"clone_url":"ext::sh -c x","ssh_url":"-oProxyCommand=x","html_url":"file:///etc"}}`, secret, fault.Invalid},
		"empty form":           {webhook.GitHub, header("X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+mac("a=%zz", secret), "Content-Type", "application/x-www-form-urlencoded"), "a=%zz", secret, fault.Invalid},
		"deep json":            {webhook.GitLab, gitlab, strings.Repeat("[", 100_000), secret, fault.Invalid},
		"huge":                 {webhook.GitLab, gitlab, strings.Repeat(" ", webhook.MaxBody+1), secret, fault.Invalid},
	} {
		e, err := webhook.Parse(c.forge, c.header.Get, []byte(c.body), c.secret)
		if err == nil || fault.KindOf(err) != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, e, err, c.want)
		} else if strings.Contains(err.Error(), string(secret)) {
			t.Errorf("%s shows the secret: %v", name, err)
		}
	}
}

func TestMemory(t *testing.T) {
	event := func(i int) webhook.Event {
		body := fmt.Sprintf(`{"ref":"refs/heads/x","n":%d,"repository":{"clone_url":"https://h/x"}}`, i)
		e, err := webhook.Parse(webhook.GitHub, github(body, "push").Get, []byte(body), secret)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	var m webhook.Memory
	now := time.Unix(1700000000, 0)
	first := event(0)
	if !m.First(first, now) || m.First(first, now.Add(time.Minute)) || !m.First(event(1), now) {
		t.Error("a message is not told from its repetition")
	}
	if !m.First(first, now.Add(webhook.RememberFor+time.Second)) {
		t.Error("a message is remembered for ever")
	}
	now = now.Add(webhook.RememberFor + time.Second)
	for i := range webhook.MaxRemembered {
		m.First(event(i+2), now)
	}
	if !m.First(first, now) {
		t.Error("more is remembered than allowed")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{githubPush, gitlabPush, giteaPush, "{}", "null", "payload=%7B%7D"} {
		f.Add(s, "push", "application/json")
		f.Add(s, "push", "application/x-www-form-urlencoded")
	}
	f.Fuzz(func(t *testing.T, body, event, media string) {
		h := github(body, event)
		h.Set("Content-Type", media)
		e, err := webhook.Parse(webhook.GitHub, h.Get, []byte(body), secret)
		if err == nil && e.Kind == webhook.Push && (len(e.Repositories) == 0 || !strings.HasPrefix(e.Ref, "refs/")) {
			t.Errorf("%+v", e)
		}
	})
}
