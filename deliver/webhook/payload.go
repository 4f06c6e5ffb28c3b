package webhook

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// payload is what the forges' messages have, each some of it. GitHub and Gitea
// agree on the names; GitLab has its own.
type payload struct {
	Ref        string     `json:"ref"`
	Before     string     `json:"before"`
	After      string     `json:"after"`
	EventName  string     `json:"event_name"`
	Repository repository `json:"repository"`
	Project    repository `json:"project"`
}

type repository struct {
	CloneURL   string `json:"clone_url"`
	SSHURL     string `json:"ssh_url"`
	HTMLURL    string `json:"html_url"`
	GitHTTPURL string `json:"git_http_url"`
	GitSSHURL  string `json:"git_ssh_url"`
	WebURL     string `json:"web_url"`
}

func (r repository) urls() []string {
	return []string{r.CloneURL, r.SSHURL, r.HTMLURL, r.GitHTTPURL, r.GitSSHURL, r.WebURL}
}

func readGitHub(e Event, header func(string) string, body []byte) (Event, error) {
	switch header("X-GitHub-Event") {
	case "push":
	case "ping":
		e.Kind = Ping
		return e, nil
	case "":
		return Event{}, unreadable(e.Forge, "it names no event (X-GitHub-Event)")
	default:
		e.Kind = Other
		return e, nil
	}
	// A webhook may be set up to send a form that holds the JSON.
	if media, _, _ := strings.Cut(header("Content-Type"), ";"); strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil || form.Get("payload") == "" {
			return Event{}, unreadable(e.Forge, "the form has no payload")
		}
		body = []byte(form.Get("payload"))
	}
	return e.push(body)
}

func readGitea(e Event, header func(string) string, body []byte) (Event, error) {
	kind := header("X-Gitea-Event")
	if kind == "" {
		kind = header("X-Forgejo-Event")
	}
	switch kind {
	case "push", "create", "delete":
		// Only a push names its ref in full; the others come with a push.
		if kind == "push" {
			return e.push(body)
		}
		e.Kind = Other
		return e, nil
	case "":
		return Event{}, unreadable(e.Forge, "it names no event (X-Gitea-Event)")
	}
	e.Kind = Other
	return e, nil
}

func readGitLab(e Event, header func(string) string, body []byte) (Event, error) {
	switch header("X-Gitlab-Event") {
	case "Push Hook", "Tag Push Hook":
		return e.push(body)
	case "System Hook":
		// One webhook for the whole server: the body says what happened.
		var p payload
		if err := json.Unmarshal(body, &p); err != nil {
			return Event{}, unreadable(e.Forge, "it is no JSON of the expected form")
		}
		if p.EventName == "push" || p.EventName == "tag_push" {
			return e.push(body)
		}
	case "":
		return Event{}, unreadable(e.Forge, "it names no event (X-Gitlab-Event)")
	}
	e.Kind = Other
	return e, nil
}

func unreadable(f Forge, why string) error {
	return fault.New(fault.Invalid, op, string(f), why, "send push events as application/json")
}

// push reads a push. Addresses that are none are left out; one must be left.
func (e Event) push(body []byte) (Event, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		// The text of the error may quote the body.
		return Event{}, unreadable(e.Forge, "it is no JSON of the expected form")
	}
	if !strings.HasPrefix(p.Ref, "refs/") || len(p.Ref) > 1024 {
		return Event{}, unreadable(e.Forge, "it names no reference")
	}
	e.Kind, e.Ref, e.Before, e.After = Push, strings.ToValidUTF8(p.Ref, "?"), objectID(p.Before), objectID(p.After)
	for _, s := range append(p.Repository.urls(), p.Project.urls()...) {
		a, err := giturl.Parse(s)
		if err != nil || a.Scheme == giturl.File || slices.Contains(e.Repositories, a) {
			continue
		}
		e.Repositories = append(e.Repositories, a)
	}
	if len(e.Repositories) == 0 {
		return Event{}, unreadable(e.Forge, "it names no repository")
	}
	return e, nil
}

// objectID returns s if it is an object id, "" if it is none or all zeros,
// which stand for nothing.
func objectID(s string) string {
	if len(s) != 40 && len(s) != 64 || strings.Trim(s, "0") == "" || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}
