package gitops

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// forge is a small GitHub around the repository of a scenario: Git over HTTP,
// the part of the API that opens pull requests and sets statuses, and webhooks.
type forge struct {
	*httptest.Server
	w *world

	mu       sync.Mutex
	pulls    []pull
	statuses []map[string]string
}

// pull is a pull request.
type pull struct{ title, body, head, base string }

const (
	forgeToken    = "t0ken-of-the-forge"
	webhookSecret = "secret-of-the-webhook"
)

func newForge(w *world) *forge {
	w.Helper()
	backend, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		w.Fatal(err)
	}
	f := &forge{w: w}
	mux := http.NewServeMux()
	mux.Handle("/team/shop.git/", &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(backend)), "git-http-backend"), Root: "/team/shop.git",
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(w.repo.dir, ".git"), "GIT_HTTP_EXPORT_ALL=1"},
	})
	for pattern, answer := range map[string]func(*http.Request, map[string]any) (any, error){
		"GET /{$}": f.repository, "GET /branches/{name...}": f.branch, "GET /git/trees/{id}": f.tree, "GET /git/commits/{id}": f.commit,
		"POST /git/trees": f.newTree, "POST /git/commits": f.newCommit, "POST /git/refs": f.newRef,
		"GET /pulls": f.found, "POST /pulls": f.open, "POST /issues/{n}/labels": f.label, "POST /statuses/{commit}": f.status,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /repos/team/shop"+strings.TrimSuffix(path, "/{$}"), f.api(answer))
	}
	f.Server = httptest.NewServer(mux)
	w.Cleanup(f.Close)
	return f
}

// api makes a function a page of the API.
func (f *forge) api(answer func(*http.Request, map[string]any) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+forgeToken {
			http.Error(w, `{"message":"bad credentials"}`, http.StatusUnauthorized)
			return
		}
		var in map[string]any
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				http.Error(w, `{"message":"no JSON"}`, http.StatusBadRequest)
				return
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		out, err := answer(r, in)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case err != nil && r.Method == http.MethodGet:
			w.WriteHeader(http.StatusNotFound)
		case err != nil:
			w.WriteHeader(http.StatusUnprocessableEntity)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		}
		if err != nil {
			out = map[string]any{"message": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(out) // who asked may be gone
	}
}

// git runs a command of Git's own in the repository, with an index aside.
func (f *forge) git(stdin string, args ...string) (string, error) {
	c := exec.Command("git", append([]string{"-C", f.w.repo.dir, "-c", "user.name=aeo", "-c", "user.email=aeo@example.com"}, args...)...)
	c.Env = append(os.Environ(), "GIT_INDEX_FILE="+filepath.Join(f.w.repo.dir, ".git", "index.forge"))
	c.Stdin = strings.NewReader(stdin)
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (f *forge) repository(*http.Request, map[string]any) (any, error) {
	return map[string]any{"default_branch": "main"}, nil
}

func (f *forge) branch(r *http.Request, _ map[string]any) (any, error) {
	ids, err := f.git("", "log", "-1", "--format=%H %P", "refs/heads/"+r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	all := strings.Fields(ids)
	parents := []any{}
	for _, id := range all[1:] {
		parents = append(parents, map[string]any{"sha": id})
	}
	return map[string]any{"commit": map[string]any{"sha": all[0], "parents": parents}}, nil
}

func (f *forge) tree(r *http.Request, _ map[string]any) (any, error) {
	list, err := f.git("", "ls-tree", r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	entries := []any{}
	for line := range strings.Lines(list) {
		about, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		x := strings.Fields(about)
		entries = append(entries, map[string]any{"path": name, "mode": x[0], "type": x[1], "sha": x[2]})
	}
	return map[string]any{"tree": entries}, nil
}

func (f *forge) commit(r *http.Request, _ map[string]any) (any, error) {
	id, err := f.git("", "rev-parse", r.PathValue("id")+"^{tree}")
	return map[string]any{"tree": map[string]any{"sha": id}}, err
}

func (f *forge) newTree(_ *http.Request, in map[string]any) (any, error) {
	if _, err := f.git("", "read-tree", fmt.Sprint(in["base_tree"])); err != nil {
		return nil, err
	}
	entries, _ := in["tree"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		line := fmt.Sprintf("%v %v\t%v\n", entry["mode"], entry["sha"], entry["path"])
		if entry["sha"] == nil {
			line = fmt.Sprintf("0 %s\t%v\n", strings.Repeat("0", 40), entry["path"])
		}
		if _, err := f.git(line, "update-index", "--add", "--index-info"); err != nil {
			return nil, err
		}
	}
	id, err := f.git("", "write-tree")
	return map[string]any{"sha": id}, err
}

func (f *forge) newCommit(_ *http.Request, in map[string]any) (any, error) {
	args := []string{"commit-tree", "-m", fmt.Sprint(in["message"]), fmt.Sprint(in["tree"])}
	parents, _ := in["parents"].([]any)
	for _, p := range parents {
		args = append(args, "-p", fmt.Sprint(p))
	}
	id, err := f.git("", args...)
	return map[string]any{"sha": id}, err
}

func (f *forge) newRef(_ *http.Request, in map[string]any) (any, error) {
	_, err := f.git("", "update-ref", fmt.Sprint(in["ref"]), fmt.Sprint(in["sha"]), strings.Repeat("0", 40))
	return in, err
}

func (f *forge) found(r *http.Request, _ map[string]any) (any, error) {
	out := []any{}
	for i, p := range f.pulls {
		if "team:"+p.head == r.URL.Query().Get("head") {
			out = append(out, map[string]any{"number": i + 1, "html_url": f.address(i + 1)})
		}
	}
	return out, nil
}

func (f *forge) open(_ *http.Request, in map[string]any) (any, error) {
	f.pulls = append(f.pulls, pull{fmt.Sprint(in["title"]), fmt.Sprint(in["body"]), fmt.Sprint(in["head"]), fmt.Sprint(in["base"])})
	return map[string]any{"number": len(f.pulls), "html_url": f.address(len(f.pulls))}, nil
}

func (f *forge) address(number int) string { return fmt.Sprintf("%s/team/shop/pull/%d", f.URL, number) }

func (f *forge) label(*http.Request, map[string]any) (any, error) { return []any{}, nil }

func (f *forge) status(r *http.Request, in map[string]any) (any, error) {
	f.statuses = append(f.statuses, map[string]string{
		"commit": r.PathValue("commit"), "context": fmt.Sprint(in["context"]), "state": fmt.Sprint(in["state"]), "description": fmt.Sprint(in["description"]),
	})
	return map[string]any{}, nil
}

// requests are the pull requests that there are.
func (f *forge) requests() []pull {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.pulls)
}

// says waits until the newest status of a commit in a context is as expected.
func (f *forge) says(context, commit, state, description string) {
	f.w.Helper()
	await(f.w.T, scenarioTime, "status "+context+" "+state+" of "+commit[:8], func() string {
		f.mu.Lock()
		defer f.mu.Unlock()
		return newest(f.statuses, context, commit, state, description)
	})
}

// push sends the webhook of a push of the main branch, and returns the code and
// the text that aeod answers.
func (f *forge) push(d *daemon, secret, before, after string) (int, string) {
	f.w.Helper()
	body, err := json.Marshal(map[string]any{"ref": "refs/heads/main", "before": before, "after": after, "repository": map[string]any{"clone_url": f.clone(), "html_url": strings.TrimSuffix(f.clone(), ".git")}})
	if err != nil {
		f.w.Fatal(err)
	}
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write(body)
	r, err := http.NewRequestWithContext(f.w.Context(), http.MethodPost, d.address(f.w.T)+"/webhook/github", strings.NewReader(string(body)))
	if err != nil {
		f.w.Fatal(err)
	}
	r.Header.Set("X-GitHub-Event", "push")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(sum.Sum(nil)))
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		f.w.Fatal(err)
	}
	defer answer.Body.Close()
	var said struct {
		Sources int
		Message string
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		f.w.Fatal(err)
	}
	return answer.StatusCode, fmt.Sprintf("%d sources %s", said.Sources, said.Message)
}

// pushed commits and has the forge tell of it.
func (f *forge) pushed(d *daemon, content files) string {
	f.w.Helper()
	before := f.w.repo.head()
	after := f.w.repo.commit(content)
	f.w.learn(content)
	f.told(d, before, after)
	return after
}

func (f *forge) told(d *daemon, before, after string) {
	f.w.Helper()
	if code, said := f.push(d, webhookSecret, before, after); code != http.StatusAccepted || !strings.HasPrefix(said, "1 sources") {
		f.w.Fatalf("the webhook got %d: %s", code, said)
	}
}

func (f *forge) clone() string { return f.URL + "/team/shop.git" }

// follow has an Application come from here, and give its bad revisions back.
func (f *forge) follow(a *v1alpha1.Application) {
	a.Spec.Source.Git.URL = f.clone()
	a.Spec.Rollback.PullRequest = &v1alpha1.RevertRequest{Forge: "github", URL: f.URL, Repository: "team/shop", Secret: v1alpha1.LocalReference{Name: "forge"}}
	a.Spec.Health.Deadline.Duration = 20 * time.Second
}

// merge does what a person does who accepts a pull request.
func (f *forge) merge(p pull) string {
	f.w.Helper()
	f.w.repo.git("merge", "-q", "--no-ff", "-m", "Merge "+p.head, p.head)
	return f.w.repo.head()
}
