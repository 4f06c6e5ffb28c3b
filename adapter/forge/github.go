package forge

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/autoecoops/autoecoops/deliver/forge"
	"github.com/autoecoops/autoecoops/fault"
)

// github fills forge.Repository with the REST API of GitHub.
type github struct {
	*client
	repo, owner string
}

// Tip implements forge.Repository.
func (g *github) Tip(ctx context.Context, branch string) (forge.Tip, error) {
	if branch == "" {
		var r struct {
			Default string `json:"default_branch"`
		}
		if err := g.call(ctx, http.MethodGet, g.repo, nil, &r); err != nil {
			return forge.Tip{}, err
		}
		branch = r.Default
	}
	var b struct {
		Commit struct {
			SHA     string
			Parents []struct{ SHA string }
		}
	}
	if err := g.call(ctx, http.MethodGet, g.repo+"/branches/"+url.PathEscape(branch), nil, &b); err != nil {
		return forge.Tip{}, err
	}
	t := forge.Tip{Branch: branch, Commit: b.Commit.SHA}
	if len(b.Commit.Parents) > 0 {
		t.Parent = b.Commit.Parents[0].SHA
	}
	return t, nil
}

// Folder implements forge.Repository.
func (g *github) Folder(ctx context.Context, at forge.Place) ([]forge.Entry, error) {
	id := at.Tree
	if id == "" {
		id = at.Commit
	}
	var t struct {
		Tree []struct {
			Path, SHA string
			Mode      forge.Mode
		}
		Truncated bool
	}
	if err := g.call(ctx, http.MethodGet, g.repo+"/git/trees/"+url.PathEscape(id), nil, &t); err != nil {
		return nil, err
	}
	if t.Truncated {
		return nil, fault.New(fault.Blocked, "list folder", at.Path, "it has more names than GitHub lists", "revert by hand: git revert")
	}
	out := make([]forge.Entry, len(t.Tree))
	for i, e := range t.Tree {
		out[i] = forge.Entry{Name: e.Path, Mode: e.Mode, ID: e.SHA}
	}
	return out, nil
}

// githubEntry is one file of a tree to be made; a null SHA takes it out.
type githubEntry struct {
	Path string     `json:"path"`
	Mode forge.Mode `json:"mode"`
	Type string     `json:"type"`
	SHA  *string    `json:"sha"`
}

// Commit implements forge.Repository. The tree and the commit are made before
// the branch: until then nobody sees them.
func (g *github) Commit(ctx context.Context, c forge.Commit) error {
	var parent struct{ Tree struct{ SHA string } }
	if err := g.call(ctx, http.MethodGet, g.repo+"/git/commits/"+url.PathEscape(c.Parent), nil, &parent); err != nil {
		return err
	}
	entries := make([]githubEntry, len(c.Edits))
	for i, e := range c.Edits {
		entries[i] = githubEntry{Path: e.Path, Mode: e.To.Mode, Type: "blob"}
		if e.To == (forge.Entry{}) {
			entries[i].Mode = e.From.Mode
		} else {
			entries[i].SHA = &c.Edits[i].To.ID
		}
		if entries[i].Mode == forge.ModeModule {
			entries[i].Type = "commit"
		}
	}
	var tree, made struct{ SHA string }
	if err := g.call(ctx, http.MethodPost, g.repo+"/git/trees", map[string]any{"base_tree": parent.Tree.SHA, "tree": entries}, &tree); err != nil {
		return err
	}
	if err := g.call(ctx, http.MethodPost, g.repo+"/git/commits", map[string]any{"message": c.Message, "tree": tree.SHA, "parents": []string{c.Parent}}, &made); err != nil {
		return err
	}
	return g.call(ctx, http.MethodPost, g.repo+"/git/refs", map[string]any{"ref": "refs/heads/" + c.Branch, "sha": made.SHA}, nil)
}

type githubRequest struct {
	Number int
	HTML   string `json:"html_url"`
}

// Find implements forge.Repository.
func (g *github) Find(ctx context.Context, branch string) (string, error) {
	var all []githubRequest
	q := url.Values{"head": {g.owner + ":" + branch}, "state": {"all"}, "per_page": {"10"}}
	if err := g.call(ctx, http.MethodGet, g.repo+"/pulls?"+q.Encode(), nil, &all); err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].HTML, nil
}

// Open implements forge.Repository.
func (g *github) Open(ctx context.Context, p forge.Proposal) (string, error) {
	var r githubRequest
	err := g.call(ctx, http.MethodPost, g.repo+"/pulls", map[string]any{"title": p.Title, "body": p.Body, "head": p.From, "base": p.Into}, &r)
	if err != nil {
		return "", err
	}
	// A label is for finding; that the request exists matters, so that a token
	// that may not set labels is no failure.
	_ = g.call(ctx, http.MethodPost, g.repo+"/issues/"+strconv.Itoa(r.Number)+"/labels", map[string]any{"labels": []string{p.Label}}, nil)
	return r.HTML, nil
}

// SetStatus implements Statuses.
func (g *github) SetStatus(ctx context.Context, commit string, s forge.Status) error {
	state := string(s.State)
	if s.State == forge.Dropped {
		state = "error"
	}
	return g.call(ctx, http.MethodPost, g.repo+"/statuses/"+url.PathEscape(commit), map[string]any{"state": state, "context": s.Context, "description": s.Description}, nil)
}
