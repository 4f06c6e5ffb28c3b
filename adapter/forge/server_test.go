package forge

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const token = "s3cret-token"

// server is a small forge that holds a real Git repository and speaks the part
// of an API that we use, as its documentation describes it.
type server struct {
	*httptest.Server
	t   *testing.T
	dir string // the bare repository

	mu       sync.Mutex
	requests []map[string]any // with number, title, body, head, base, state, labels
	statuses []map[string]any
	fork     bool // an older request of a fork has the same branch name
	calls    int
	// fault, if set, may answer a call in the server's place.
	fault func(n int, w http.ResponseWriter, r *http.Request) bool
}

func newServer(t *testing.T, kind string) *server {
	t.Helper()
	s := &server{t: t, dir: filepath.Join(t.TempDir(), "shop.git")}
	s.git("", "init", "-q", "--bare", "-b", "main", s.dir)
	mux := http.NewServeMux()
	switch kind {
	case GitHub:
		s.github(mux)
	case GitLab:
		s.gitlab(mux)
	case Gitea:
		s.gitea(mux)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls++
		if s.fault != nil && s.fault(s.calls, w, r) {
			return
		}
		sent := strings.TrimPrefix(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), "token ") + r.Header.Get("Private-Token")
		if sent != token {
			reply(w, 401, map[string]any{"message": "bad credentials " + sent})
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) open(kind string) Forge {
	s.t.Helper()
	f, err := New(kind, Options{URL: s.URL, Repository: "team/shop", Token: token, AllowHTTP: true, Pause: noPause})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *server) git(stdin string, args ...string) string {
	out, err := s.try(stdin, nil, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *server) try(stdin string, env []string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	if args[0] != "init" {
		cmd.Dir = s.dir
	}
	cmd.Env = append(append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %v: %w: %s", args, err, stderr.String())
	}
	return strings.TrimRight(string(out), "\n"), nil
}

// file is a file to be committed; a nil content deletes it.
type file struct {
	mode    string
	content []byte
	id      string
}

// commit puts files on top of a commit ("" for none) and returns the new one.
func (s *server) commit(parent, message string, files map[string]file) (string, error) {
	index := filepath.Join(s.t.TempDir(), "index")
	env := []string{"GIT_INDEX_FILE=" + index}
	args := []string{"commit-tree", "-m", message}
	if parent != "" {
		if _, err := s.try("", env, "read-tree", parent); err != nil {
			return "", err
		}
		args = append(args, "-p", parent)
	}
	var lines strings.Builder
	for p, f := range files {
		id := f.id
		if f.content != nil {
			id = s.git(string(f.content), "hash-object", "-w", "--stdin")
		}
		line := f.mode + " " + id + "\t" + p + "\n"
		if id == "" {
			line = "0 0000000000000000000000000000000000000000\t" + p + "\n"
		}
		lines.WriteString(line)
	}
	if _, err := s.try(lines.String(), env, "update-index", "--add", "--index-info"); err != nil {
		return "", err
	}
	tree, err := s.try("", env, "write-tree")
	if err != nil {
		return "", err
	}
	return s.try("", nil, append(args, tree)...)
}

// push commits onto a branch.
func (s *server) push(branch string, files map[string]file) string {
	s.t.Helper()
	parent, _ := s.try("", nil, "rev-parse", "--verify", "-q", "refs/heads/"+branch)
	id, err := s.commit(parent, "change", files)
	if err != nil {
		s.t.Fatal(err)
	}
	s.git("", "update-ref", "refs/heads/"+branch, id)
	return id
}

func text(content string) file { return file{mode: "100644", content: []byte(content)} }

// tree lists a commit: path to mode and content.
func (s *server) tree(rev string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(s.git("", "ls-tree", "-r", rev), "\n") {
		about, p, _ := strings.Cut(line, "\t")
		f := strings.Fields(about)
		if len(f) != 3 {
			continue
		}
		out[p] = f[0] + " " + f[2]
		if f[1] == "blob" {
			out[p] = f[0] + " " + s.git("", "cat-file", "blob", f[2])
		}
	}
	return out
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func read(r *http.Request) map[string]any {
	var v map[string]any
	_ = json.NewDecoder(r.Body).Decode(&v)
	return v
}

func str(v any) string { s, _ := v.(string); return s }

// entries lists one level of a tree as the APIs do.
func (s *server) entries(treeish string) ([]map[string]any, error) {
	out, err := s.try("", nil, "ls-tree", treeish)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for line := range strings.SplitSeq(out, "\n") {
		about, name, ok := strings.Cut(line, "\t")
		if !ok {
			continue
		}
		f := strings.Fields(about)
		list = append(list, map[string]any{"mode": f[0], "type": f[1], "sha": f[2], "id": f[2], "path": name, "name": name})
	}
	return list, nil
}

func (s *server) branch(name string) (id string, parents []string, ok bool) {
	id, err := s.try("", nil, "rev-parse", "--verify", "-q", "refs/heads/"+name)
	if err != nil {
		return "", nil, false
	}
	return id, strings.Fields(s.git("", "log", "-1", "--format=%P", id)), true
}

func (s *server) newRequest(head, base, title, body string) map[string]any {
	r := map[string]any{"number": len(s.requests) + 1, "title": title, "body": body, "head": head, "base": base, "url": s.URL + "/r/" + strconv.Itoa(len(s.requests)+1)}
	s.requests = append(s.requests, r)
	return r
}

func notFound(w http.ResponseWriter) { reply(w, 404, map[string]any{"message": "404 Not Found"}) }

func (s *server) github(mux *http.ServeMux) {
	repo := "/repos/team/shop"
	mux.HandleFunc("GET "+repo, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"default_branch": "main"}) })
	mux.HandleFunc("GET "+repo+"/branches/{b}", func(w http.ResponseWriter, r *http.Request) {
		id, parents, ok := s.branch(r.PathValue("b"))
		if !ok {
			notFound(w)
			return
		}
		list := []map[string]any{}
		for _, p := range parents {
			list = append(list, map[string]any{"sha": p})
		}
		reply(w, 200, map[string]any{"commit": map[string]any{"sha": id, "parents": list}})
	})
	mux.HandleFunc("GET "+repo+"/git/trees/{id}", func(w http.ResponseWriter, r *http.Request) {
		list, err := s.entries(r.PathValue("id"))
		if err != nil {
			notFound(w)
			return
		}
		reply(w, 200, map[string]any{"tree": list, "truncated": false})
	})
	mux.HandleFunc("GET "+repo+"/git/commits/{id}", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"tree": map[string]any{"sha": s.git("", "rev-parse", r.PathValue("id")+"^{tree}")}})
	})
	mux.HandleFunc("POST "+repo+"/git/trees", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		env := []string{"GIT_INDEX_FILE=" + filepath.Join(s.t.TempDir(), "index")}
		if _, err := s.try("", env, "read-tree", str(in["base_tree"])); err != nil {
			reply(w, 422, map[string]any{"message": "base_tree is not a tree"})
			return
		}
		for _, e := range in["tree"].([]any) {
			e := e.(map[string]any)
			if e["type"] == "commit" != (e["mode"] == "160000") {
				reply(w, 422, map[string]any{"message": "GitRPC::BadObjectState"})
				return
			}
			mode, id := str(e["mode"]), str(e["sha"])
			if e["sha"] == nil {
				mode, id = "0", strings.Repeat("0", 40)
			}
			if _, err := s.try(mode+" "+id+"\t"+str(e["path"])+"\n", env, "update-index", "--add", "--index-info"); err != nil {
				reply(w, 422, map[string]any{"message": err.Error()})
				return
			}
		}
		tree, _ := s.try("", env, "write-tree")
		reply(w, 201, map[string]any{"sha": tree})
	})
	mux.HandleFunc("POST "+repo+"/git/commits", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		id := s.git("", "commit-tree", "-m", str(in["message"]), "-p", str(in["parents"].([]any)[0]), str(in["tree"]))
		reply(w, 201, map[string]any{"sha": id})
	})
	mux.HandleFunc("POST "+repo+"/git/refs", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		if _, err := s.try("", nil, "update-ref", str(in["ref"]), str(in["sha"]), strings.Repeat("0", 40)); err != nil {
			reply(w, 422, map[string]any{"message": "Reference already exists"})
			return
		}
		reply(w, 201, in)
	})
	mux.HandleFunc("GET "+repo+"/pulls", func(w http.ResponseWriter, r *http.Request) {
		out := []map[string]any{}
		for _, q := range slices.Backward(s.requests) {
			if r.URL.Query().Get("state") == "all" && r.URL.Query().Get("head") == "team:"+str(q["head"]) {
				out = append(out, map[string]any{"number": q["number"], "html_url": q["url"]})
			}
		}
		reply(w, 200, out)
	})
	mux.HandleFunc("POST "+repo+"/pulls", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		q := s.newRequest(str(in["head"]), str(in["base"]), str(in["title"]), str(in["body"]))
		reply(w, 201, map[string]any{"number": q["number"], "html_url": q["url"]})
	})
	mux.HandleFunc("POST "+repo+"/issues/{n}/labels", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		s.requests[n-1]["labels"] = fmt.Sprint(read(r)["labels"])
		reply(w, 200, []any{})
	})
	mux.HandleFunc("POST "+repo+"/statuses/{id}", s.status)
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	in := read(r)
	in["commit"] = r.PathValue("id")
	if len(str(in["description"])) > 140 {
		reply(w, 422, map[string]any{"message": "description is too long (maximum is 140 characters)"})
		return
	}
	s.statuses = append(s.statuses, in)
	reply(w, 201, in)
}

func (s *server) gitlab(mux *http.ServeMux) {
	// The project's path comes as one escaped step.
	api := http.NewServeMux()
	mux.HandleFunc("/projects/", func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/projects/team%2Fshop")
		if !ok {
			notFound(w)
			return
		}
		r2 := r.Clone(r.Context())
		r2.URL, _ = url.Parse("/p" + rest + "?" + r.URL.RawQuery)
		api.ServeHTTP(w, r2)
	})
	api.HandleFunc("GET /p", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"default_branch": "main"}) })
	api.HandleFunc("GET /p/repository/branches/{b}", func(w http.ResponseWriter, r *http.Request) {
		id, parents, ok := s.branch(r.PathValue("b"))
		if !ok {
			notFound(w)
			return
		}
		reply(w, 200, map[string]any{"commit": map[string]any{"id": id, "parent_ids": parents}})
	})
	api.HandleFunc("GET /p/repository/tree", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		list, err := s.entries(q.Get("ref") + ":" + q.Get("path"))
		if err != nil {
			notFound(w)
			return
		}
		size, _ := strconv.Atoi(q.Get("per_page"))
		n, _ := strconv.Atoi(q.Get("page"))
		from := min((n-1)*size, len(list))
		reply(w, 200, list[from:min(from+size, len(list))])
	})
	api.HandleFunc("GET /p/repository/blobs/{id}/raw", func(w http.ResponseWriter, r *http.Request) {
		cmd := exec.Command("git", "cat-file", "blob", r.PathValue("id"))
		cmd.Dir = s.dir
		out, err := cmd.Output()
		if err != nil {
			notFound(w)
			return
		}
		_, _ = w.Write(out)
	})
	api.HandleFunc("POST /p/repository/commits", s.gitlabCommit)
	api.HandleFunc("GET /p/merge_requests", func(w http.ResponseWriter, r *http.Request) {
		out := []map[string]any{}
		if s.fork {
			out = append(out, map[string]any{"web_url": "https://evil", "source_project_id": 9, "target_project_id": 1})
		}
		for _, q := range slices.Backward(s.requests) {
			if r.URL.Query().Get("source_branch") == str(q["head"]) {
				out = append(out, map[string]any{"web_url": q["url"], "source_project_id": 1, "target_project_id": 1})
			}
		}
		reply(w, 200, out)
	})
	api.HandleFunc("POST /p/merge_requests", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		q := s.newRequest(str(in["source_branch"]), str(in["target_branch"]), str(in["title"]), str(in["description"]))
		q["labels"] = "[" + str(in["labels"]) + "]"
		reply(w, 201, map[string]any{"web_url": q["url"]})
	})
	api.HandleFunc("POST /p/statuses/{id}", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		for _, old := range s.statuses {
			if old["commit"] == r.PathValue("id") && old["name"] == in["name"] && old["state"] == in["state"] {
				reply(w, 400, map[string]any{"message": "Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")"})
				return
			}
		}
		in["commit"], in["context"] = r.PathValue("id"), in["name"]
		s.statuses = append(s.statuses, in)
		reply(w, 201, in)
	})
}

func (s *server) gitlabCommit(w http.ResponseWriter, r *http.Request) {
	in := read(r)
	if _, _, taken := s.branch(str(in["branch"])); taken {
		reply(w, 400, map[string]any{"message": "A branch called '" + str(in["branch"]) + "' already exists. Switch to that branch in order to make changes"})
		return
	}
	now, files := s.tree(str(in["start_sha"])), map[string]file{}
	for _, a := range in["actions"].([]any) {
		a := a.(map[string]any)
		p := str(a["file_path"])
		old, exists := now[p]
		f := files[p]
		if f.mode == "" && exists {
			f.mode = old[:6]
		}
		if f.mode == "" {
			f.mode = "100644"
		}
		content, _ := base64.StdEncoding.DecodeString(str(a["content"]))
		switch str(a["action"]) {
		case "create":
			if exists {
				reply(w, 400, map[string]any{"message": "A file with this name already exists"})
				return
			}
			f.content = append([]byte{}, content...)
		case "update":
			f.content = append([]byte{}, content...)
		case "delete":
			f = file{}
		case "chmod":
			f.mode = "100644"
			if a["execute_filemode"] == true {
				f.mode = "100755"
			}
			if f.content == nil {
				f.id = strings.Fields(s.git("", "ls-tree", str(in["start_sha"]), p))[2]
			}
		}
		files[p] = f
	}
	id, err := s.commit(str(in["start_sha"]), str(in["commit_message"]), files)
	if err != nil {
		reply(w, 400, map[string]any{"message": err.Error()})
		return
	}
	s.git("", "update-ref", "refs/heads/"+str(in["branch"]), id)
	reply(w, 201, map[string]any{"id": id})
}

func (s *server) gitea(mux *http.ServeMux) {
	repo := "/repos/team/shop"
	mux.HandleFunc("GET "+repo, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"default_branch": "main"}) })
	mux.HandleFunc("GET "+repo+"/branches/{b...}", func(w http.ResponseWriter, r *http.Request) {
		id, _, ok := s.branch(r.PathValue("b"))
		if !ok {
			notFound(w)
			return
		}
		reply(w, 200, map[string]any{"commit": map[string]any{"id": id}})
	})
	mux.HandleFunc("GET "+repo+"/git/commits/{id}", func(w http.ResponseWriter, r *http.Request) {
		parents := []map[string]any{}
		for _, p := range strings.Fields(s.git("", "log", "-1", "--format=%P", r.PathValue("id"))) {
			parents = append(parents, map[string]any{"sha": p})
		}
		reply(w, 200, map[string]any{"sha": r.PathValue("id"), "parents": parents})
	})
	mux.HandleFunc("GET "+repo+"/git/trees/{id}", func(w http.ResponseWriter, r *http.Request) {
		list, err := s.entries(r.PathValue("id"))
		if err != nil {
			reply(w, 400, map[string]any{"message": "sha not found [" + r.PathValue("id") + "]"})
			return
		}
		const size = 3 // smaller than asked for, as a server's own limit is
		n, _ := strconv.Atoi(r.URL.Query().Get("page"))
		from := min((n-1)*size, len(list))
		reply(w, 200, map[string]any{"tree": list[from:min(from+size, len(list))], "total_count": len(list)})
	})
	mux.HandleFunc("GET "+repo+"/git/blobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		cmd := exec.Command("git", "cat-file", "blob", r.PathValue("id"))
		cmd.Dir = s.dir
		out, err := cmd.Output()
		if err != nil {
			notFound(w)
			return
		}
		reply(w, 200, map[string]any{"encoding": "base64", "content": base64.StdEncoding.EncodeToString(out)})
	})
	mux.HandleFunc("POST "+repo+"/contents", s.giteaCommit)
	mux.HandleFunc("GET "+repo+"/pulls", func(w http.ResponseWriter, r *http.Request) {
		out := []map[string]any{}
		for _, q := range slices.Backward(s.requests) {
			out = append(out, map[string]any{"html_url": q["url"], "number": q["number"], "head": map[string]any{"ref": q["head"], "repo_id": 1}, "base": map[string]any{"repo_id": 1}})
		}
		if s.fork {
			out = append(out, map[string]any{"html_url": "https://evil", "head": map[string]any{"ref": "aeo/revert-1", "repo_id": 9}, "base": map[string]any{"repo_id": 1}})
		}
		if r.URL.Query().Get("page") != "1" {
			out = nil
		}
		reply(w, 200, out)
	})
	mux.HandleFunc("POST "+repo+"/pulls", func(w http.ResponseWriter, r *http.Request) {
		in := read(r)
		q := s.newRequest(str(in["head"]), str(in["base"]), str(in["title"]), str(in["body"]))
		reply(w, 201, map[string]any{"number": q["number"], "html_url": q["url"]})
	})
	names := []string{}
	mux.HandleFunc("GET "+repo+"/labels", func(w http.ResponseWriter, _ *http.Request) {
		out := []map[string]any{}
		for i, n := range names {
			out = append(out, map[string]any{"id": i + 1, "name": n})
		}
		reply(w, 200, out)
	})
	mux.HandleFunc("POST "+repo+"/labels", func(w http.ResponseWriter, r *http.Request) {
		names = append(names, str(read(r)["name"]))
		reply(w, 201, map[string]any{"id": len(names), "name": names[len(names)-1]})
	})
	mux.HandleFunc("POST "+repo+"/issues/{n}/labels", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		id := int(read(r)["labels"].([]any)[0].(float64))
		s.requests[n-1]["labels"] = "[" + names[id-1] + "]"
		reply(w, 200, []any{})
	})
	mux.HandleFunc("POST "+repo+"/statuses/{id}", s.status)
}

func (s *server) giteaCommit(w http.ResponseWriter, r *http.Request) {
	in := read(r)
	if _, _, taken := s.branch(str(in["new_branch"])); taken {
		reply(w, 409, map[string]any{"message": "branch already exists"})
		return
	}
	tip, _, _ := s.branch(str(in["branch"]))
	now, files := s.tree(tip), map[string]file{}
	for _, a := range in["files"].([]any) {
		a := a.(map[string]any)
		p := str(a["path"])
		old, exists := now[p]
		op := str(a["operation"])
		if exists != (op != "create") {
			reply(w, 422, map[string]any{"message": "file exists or not"})
			return
		}
		if exists && strings.Fields(s.git("", "ls-tree", tip, p))[2] != str(a["sha"]) {
			reply(w, 422, map[string]any{"message": "sha does not match"})
			return
		}
		content, _ := base64.StdEncoding.DecodeString(str(a["content"]))
		switch op {
		case "create":
			files[p] = file{mode: "100644", content: append([]byte{}, content...)}
		case "update":
			files[p] = file{mode: old[:6], content: append([]byte{}, content...)}
		case "delete":
			files[p] = file{}
		}
	}
	id, err := s.commit(tip, str(in["message"]), files)
	if err != nil {
		reply(w, 500, map[string]any{"message": err.Error()})
		return
	}
	s.git("", "update-ref", "refs/heads/"+str(in["new_branch"]), id)
	reply(w, 201, map[string]any{"commit": map[string]any{"sha": id}})
}
