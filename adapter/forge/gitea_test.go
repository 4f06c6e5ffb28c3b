package forge

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"net/http"
	"os"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
)

// TestOnARealGitea runs the whole way against a Gitea: AEO_TEST_GITEA is the
// address of its API, AEO_TEST_GITEA_TOKEN a token that may do everything.
func TestOnARealGitea(t *testing.T) {
	address, token := os.Getenv("AEO_TEST_GITEA"), os.Getenv("AEO_TEST_GITEA_TOKEN")
	if address == "" {
		t.Skip("AEO_TEST_GITEA names no Gitea to write to")
	}
	name := "shop-" + rand.Text()
	var owner struct{ Login string }
	open := func(repository string) *gitea {
		f, err := New(Gitea, Options{URL: address, Repository: repository, Token: token, AllowHTTP: true})
		if err != nil {
			t.Fatal(err)
		}
		return f.(*gitea)
	}
	call := func(method, path string, in, out any) {
		t.Helper()
		if err := open("a/b").call(t.Context(), method, path, in, out); err != nil {
			t.Fatal(err)
		}
	}
	call(http.MethodGet, "/user", nil, &owner)
	call(http.MethodPost, "/user/repos", map[string]any{"name": name, "auto_init": true, "default_branch": "main"}, nil)
	repo := "/repos/" + owner.Login + "/" + name
	push := func(files ...giteaFile) string {
		t.Helper()
		for i, f := range files {
			files[i].Content = base64.StdEncoding.EncodeToString([]byte(f.Content))
			if f.Operation != "create" {
				var now struct{ SHA string }
				call(http.MethodGet, repo+"/contents/"+f.Path, nil, &now)
				files[i].SHA = now.SHA
			}
		}
		var made struct{ Commit struct{ SHA string } }
		call(http.MethodPost, repo+"/contents", map[string]any{"branch": "main", "message": "change", "files": files}, &made)
		return made.Commit.SHA
	}
	good := push(giteaFile{Operation: "create", Path: "shop/web.yaml", Content: "image: 1"}, giteaFile{Operation: "create", Path: "shop/gone.yaml", Content: "x"}, giteaFile{Operation: "create", Path: "other", Content: "1"})
	push(giteaFile{Operation: "update", Path: "shop/web.yaml", Content: "image: 2"}, giteaFile{Operation: "update", Path: "other", Content: "2"})
	bad := push(giteaFile{Operation: "update", Path: "shop/web.yaml", Content: "image: 3"}, giteaFile{Operation: "delete", Path: "shop/gone.yaml"}, giteaFile{Operation: "create", Path: "shop/new.yaml", Content: "n"})
	push(giteaFile{Operation: "update", Path: "other", Content: "3"})

	f := open(owner.Login + "/" + name)
	if _, err := f.Tip(t.Context(), "none"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a branch that is not there: %v", err)
	}
	if _, err := forge.Revert(t.Context(), f, reversion("1234567890123456789012345678901234567890", bad)); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a commit that is not there: %v", err)
	}
	url, err := forge.Revert(t.Context(), f, reversion(good, bad))
	if err != nil || url == "" {
		t.Fatalf("%q, %v", url, err)
	}
	if again, err := forge.Revert(t.Context(), f, reversion(good, bad)); err != nil || again != url {
		t.Errorf("a second call: %q, %v", again, err)
	}
	got := map[string]string{}
	for _, p := range []string{"shop/web.yaml", "shop/gone.yaml", "shop/new.yaml", "other"} {
		text, err := f.raw(t.Context(), http.MethodGet, repo+"/raw/"+p+"?ref=aeo/revert-1", nil)
		if err == nil {
			got[p] = string(text)
		}
	}
	if want := map[string]string{"shop/web.yaml": "image: 1", "shop/gone.yaml": "x", "other": "3"}; !maps.Equal(got, want) {
		t.Errorf("the branch has %v, want %v", got, want)
	}
	var pull struct {
		Title, Body string
		Labels      []struct{ Name string }
	}
	call(http.MethodGet, repo+"/pulls/1", nil, &pull)
	if pull.Title != "Revert it" || pull.Body != "because" || len(pull.Labels) != 1 || pull.Labels[0].Name != forge.Label {
		t.Errorf("%+v", pull)
	}
	// The branch is what it is, with no request: it is taken up.
	call(http.MethodPatch, repo+"/pulls/1", map[string]any{"state": "closed"}, nil)
	if closed, err := forge.Revert(t.Context(), f, reversion(good, bad)); err != nil || closed != url {
		t.Errorf("after it was closed: %q, %v", closed, err)
	}
	for _, state := range []forge.State{forge.Pending, forge.Failure, forge.Dropped, forge.Success} {
		if err := f.SetStatus(t.Context(), bad, forge.Status{State: state, Context: "aeo/prod/shop", Description: "d"}); err != nil {
			t.Errorf("%s: %v", state, err)
		}
	}
	var status struct{ State string }
	call(http.MethodGet, repo+"/commits/"+bad+"/status", nil, &status)
	if status.State != "success" {
		t.Errorf("the commit is %q", status.State)
	}
	push(giteaFile{Operation: "update", Path: "shop/web.yaml", Content: "image: 4"})
	r := reversion(good, bad)
	r.Branch = "aeo/revert-2"
	if _, err := forge.Revert(t.Context(), f, r); fault.KindOf(err) != fault.Blocked {
		t.Errorf("a conflict: %v", err)
	}
	call(http.MethodDelete, repo, nil, nil)
}
