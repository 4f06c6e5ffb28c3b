package forge

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
)

// gitea fills forge.Repository with the API of Gitea (and Forgejo).
type gitea struct {
	*client
	repo string
}

// Tip implements forge.Repository.
func (g *gitea) Tip(ctx context.Context, branch string) (forge.Tip, error) {
	if branch == "" {
		var r struct {
			Default string `json:"default_branch"`
		}
		if err := g.call(ctx, http.MethodGet, g.repo, nil, &r); err != nil {
			return forge.Tip{}, err
		}
		branch = r.Default
	}
	var b struct{ Commit struct{ ID string } }
	if err := g.call(ctx, http.MethodGet, g.repo+"/branches/"+escapeSteps(branch), nil, &b); err != nil {
		return forge.Tip{}, err
	}
	var c struct{ Parents []struct{ SHA string } }
	if err := g.call(ctx, http.MethodGet, g.repo+"/git/commits/"+url.PathEscape(b.Commit.ID)+"?stat=false&files=false&verification=false", nil, &c); err != nil {
		return forge.Tip{}, err
	}
	t := forge.Tip{Branch: branch, Commit: b.Commit.ID}
	if len(c.Parents) > 0 {
		t.Parent = c.Parents[0].SHA
	}
	return t, nil
}

// escapeSteps escapes what stands between slashes: Gitea's routes for branches
// take those as they are.
func escapeSteps(p string) string { return (&url.URL{Path: p}).EscapedPath() }

// Folder implements forge.Repository.
func (g *gitea) Folder(ctx context.Context, at forge.Place) ([]forge.Entry, error) {
	id := at.Tree
	if id == "" {
		id = at.Commit
	}
	var out []forge.Entry
	for n := 1; n <= maxPages; n++ {
		var t struct {
			Tree []struct {
				Path, SHA string
				Mode      forge.Mode
			}
			Total int `json:"total_count"`
		}
		if err := g.call(ctx, http.MethodGet, g.repo+"/git/trees/"+url.PathEscape(id)+"?per_page=1000&page="+strconv.Itoa(n), nil, &t); err != nil {
			if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Invalid && strings.Contains(f.Public, "sha not found") {
				f.Kind = fault.NotFound // Gitea answers 400 for it
			}
			return nil, err
		}
		for _, e := range t.Tree {
			out = append(out, forge.Entry{Name: e.Path, Mode: e.Mode, ID: e.SHA})
		}
		if len(out) >= t.Total || len(t.Tree) == 0 {
			return out, nil
		}
	}
	return nil, fault.New(fault.Blocked, "list folder", at.Path, "it has too many names", "revert by hand: git revert")
}

// giteaFile is one change of a commit. SHA is what the file is now: it is not
// changed if it is another.
type giteaFile struct {
	Operation string `json:"operation"`
	Path      string `json:"path"`
	Content   string `json:"content,omitempty"`
	SHA       string `json:"sha,omitempty"`
}

// Commit implements forge.Repository. Gitea takes the newest commit of the base
// branch for the parent; files that changed meanwhile make it refuse.
func (g *gitea) Commit(ctx context.Context, c forge.Commit) error {
	files := make([]giteaFile, len(c.Edits))
	for i, e := range c.Edits {
		if err := g.expressible(e); err != nil {
			return err
		}
		files[i] = giteaFile{Operation: "update", Path: e.Path, SHA: e.From.ID}
		switch {
		case e.To == (forge.Entry{}):
			files[i].Operation = "delete"
			continue
		case e.From == (forge.Entry{}):
			files[i].Operation = "create"
		}
		var b struct{ Content, Encoding string }
		if err := g.call(ctx, http.MethodGet, g.repo+"/git/blobs/"+url.PathEscape(e.To.ID), nil, &b); err != nil {
			return err
		}
		if _, err := base64.StdEncoding.DecodeString(b.Content); err != nil || b.Encoding != "base64" {
			return fault.New(fault.Blocked, "read", e.Path, "Gitea does not give its content: it may be larger than its API allows", "revert by hand: git revert")
		}
		files[i].Content = b.Content
	}
	return g.call(ctx, http.MethodPost, g.repo+"/contents", map[string]any{
		"branch": c.Base, "new_branch": c.Branch, "message": c.Message, "files": files,
	}, nil)
}

// expressible refuses what Gitea's API cannot write: it keeps the mode of a
// file that is there, and makes new ones that cannot be run.
func (g *gitea) expressible(e forge.Edit) error {
	if err := plainFile(e); err != nil {
		return err
	}
	before := e.From.Mode
	if e.From == (forge.Entry{}) {
		before = forge.ModeFile
	}
	if e.To != (forge.Entry{}) && e.To.Mode != before {
		return fault.New(fault.Blocked, "revert", e.Path, "whether it may be run has to be changed, which Gitea's API cannot do", "revert by hand: git revert")
	}
	return nil
}

type giteaRequest struct {
	Number int
	HTML   string `json:"html_url"`
	Head   giteaSide
	Base   giteaSide
}

// giteaSide is one side of a request.
type giteaSide struct {
	Ref  string
	Repo int64 `json:"repo_id"`
}

// Find implements forge.Repository. Gitea has no filter by branch: the newest
// requests are looked through.
func (g *gitea) Find(ctx context.Context, branch string) (string, error) {
	for n := 1; n <= 4; n++ {
		var all []giteaRequest
		if err := g.call(ctx, http.MethodGet, g.repo+"/pulls?state=all&sort=newest&limit=50&page="+strconv.Itoa(n), nil, &all); err != nil {
			return "", err
		}
		for _, r := range all {
			if r.Head.Ref == branch && r.Head.Repo == r.Base.Repo { // not one of a fork that uses our name
				return r.HTML, nil
			}
		}
		if len(all) < 50 {
			break
		}
	}
	return "", nil
}

// Open implements forge.Repository.
func (g *gitea) Open(ctx context.Context, p forge.Proposal) (string, error) {
	var r giteaRequest
	err := g.call(ctx, http.MethodPost, g.repo+"/pulls", map[string]any{"title": p.Title, "body": p.Body, "head": p.From, "base": p.Into}, &r)
	if err != nil {
		return "", err
	}
	// That the request exists matters; a label is for finding.
	_ = g.label(ctx, r.Number, p.Label)
	return r.HTML, nil
}

// label puts a label on a request, and makes it first if there is none.
func (g *gitea) label(ctx context.Context, number int, name string) error {
	type label struct {
		ID   int64
		Name string
	}
	var all []label
	if err := g.call(ctx, http.MethodGet, g.repo+"/labels?limit=50", nil, &all); err != nil {
		return err
	}
	var mine label
	for _, l := range all {
		if l.Name == name {
			mine = l
		}
	}
	if mine.ID == 0 {
		if err := g.call(ctx, http.MethodPost, g.repo+"/labels", map[string]any{"name": name, "color": "#b60205"}, &mine); err != nil {
			return err
		}
	}
	return g.call(ctx, http.MethodPost, g.repo+"/issues/"+strconv.Itoa(number)+"/labels", map[string]any{"labels": []int64{mine.ID}}, nil)
}

// SetStatus implements Statuses.
func (g *gitea) SetStatus(ctx context.Context, commit string, s forge.Status) error {
	state := string(s.State)
	if s.State == forge.Dropped {
		state = "warning"
	}
	return g.call(ctx, http.MethodPost, g.repo+"/statuses/"+url.PathEscape(commit), map[string]any{"state": state, "context": s.Context, "description": s.Description}, nil)
}
