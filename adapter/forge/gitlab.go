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

// gitlab fills forge.Repository with the REST API of GitLab.
type gitlab struct {
	*client
	project string
}

// Tip implements forge.Repository.
func (g *gitlab) Tip(ctx context.Context, branch string) (forge.Tip, error) {
	if branch == "" {
		var p struct {
			Default string `json:"default_branch"`
		}
		if err := g.call(ctx, http.MethodGet, g.project, nil, &p); err != nil {
			return forge.Tip{}, err
		}
		branch = p.Default
	}
	var b struct {
		Commit struct {
			ID      string
			Parents []string `json:"parent_ids"`
		}
	}
	if err := g.call(ctx, http.MethodGet, g.project+"/repository/branches/"+url.PathEscape(branch), nil, &b); err != nil {
		return forge.Tip{}, err
	}
	t := forge.Tip{Branch: branch, Commit: b.Commit.ID}
	if len(b.Commit.Parents) > 0 {
		t.Parent = b.Commit.Parents[0]
	}
	return t, nil
}

// page is how many names are asked for at once, maxPages how often.
const (
	page     = 100
	maxPages = 50
)

// Folder implements forge.Repository.
func (g *gitlab) Folder(ctx context.Context, at forge.Place) ([]forge.Entry, error) {
	var out []forge.Entry
	for n := 1; n <= maxPages; n++ {
		q := url.Values{"ref": {at.Commit}, "per_page": {strconv.Itoa(page)}, "page": {strconv.Itoa(n)}}
		if at.Path != "" {
			q.Set("path", at.Path)
		}
		var list []struct {
			ID, Name string
			Mode     forge.Mode
		}
		if err := g.call(ctx, http.MethodGet, g.project+"/repository/tree?"+q.Encode(), nil, &list); err != nil {
			return nil, err
		}
		for _, e := range list {
			out = append(out, forge.Entry{Name: e.Name, Mode: e.Mode, ID: e.ID})
		}
		if len(list) < page {
			return out, nil
		}
	}
	return nil, fault.New(fault.Blocked, "list folder", at.Path, "it has more than "+strconv.Itoa(page*maxPages)+" names", "revert by hand: git revert")
}

// gitlabAction is one change of a commit.
type gitlabAction struct {
	Action     string `json:"action"`
	Path       string `json:"file_path"`
	Content    string `json:"content,omitempty"`
	Encoding   string `json:"encoding,omitempty"`
	Executable *bool  `json:"execute_filemode,omitempty"`
}

// Commit implements forge.Repository. The parent is named, so that the commit
// stands on what was compared.
func (g *gitlab) Commit(ctx context.Context, c forge.Commit) error {
	var actions []gitlabAction
	for _, e := range c.Edits {
		if err := plainFile(e); err != nil {
			return err
		}
		if e.To == (forge.Entry{}) {
			actions = append(actions, gitlabAction{Action: "delete", Path: e.Path})
			continue
		}
		if e.To.ID != e.From.ID {
			text, err := g.raw(ctx, http.MethodGet, g.project+"/repository/blobs/"+url.PathEscape(e.To.ID)+"/raw", nil)
			if err != nil {
				return err
			}
			a := gitlabAction{Action: "update", Path: e.Path, Content: base64.StdEncoding.EncodeToString(text), Encoding: "base64"}
			if e.From == (forge.Entry{}) {
				a.Action = "create"
			}
			actions = append(actions, a)
		}
		if executable := e.To.Mode == forge.ModeExecutable; executable != (e.From.Mode == forge.ModeExecutable) {
			actions = append(actions, gitlabAction{Action: "chmod", Path: e.Path, Executable: &executable})
		}
	}
	err := g.call(ctx, http.MethodPost, g.project+"/repository/commits", map[string]any{
		"branch": c.Branch, "start_sha": c.Parent, "commit_message": c.Message, "actions": actions,
	}, nil)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Invalid && strings.Contains(f.Public, "already exists") {
		f.Kind = fault.Conflict
	}
	return err
}

// plainFile refuses what a forge's API for files cannot write.
func plainFile(e forge.Edit) error {
	for _, m := range []forge.Mode{e.From.Mode, e.To.Mode} {
		if m == forge.ModeLink || m == forge.ModeModule {
			return fault.New(fault.Blocked, "revert", e.Path, "it is a symbolic link or a submodule, which the forge's API cannot write", "revert by hand: git revert")
		}
	}
	return nil
}

type gitlabRequest struct {
	URL  string `json:"web_url"`
	From int64  `json:"source_project_id"`
	Into int64  `json:"target_project_id"`
}

// Find implements forge.Repository.
func (g *gitlab) Find(ctx context.Context, branch string) (string, error) {
	var all []gitlabRequest
	q := url.Values{"source_branch": {branch}, "state": {"all"}, "order_by": {"created_at"}, "per_page": {"10"}}
	if err := g.call(ctx, http.MethodGet, g.project+"/merge_requests?"+q.Encode(), nil, &all); err != nil {
		return "", err
	}
	for _, r := range all {
		if r.From == r.Into { // not one of a fork that uses our name
			return r.URL, nil
		}
	}
	return "", nil
}

// Open implements forge.Repository.
func (g *gitlab) Open(ctx context.Context, p forge.Proposal) (string, error) {
	var r gitlabRequest
	err := g.call(ctx, http.MethodPost, g.project+"/merge_requests", map[string]any{
		"title": p.Title, "description": p.Body, "source_branch": p.From, "target_branch": p.Into, "labels": p.Label, "remove_source_branch": true,
	}, &r)
	return r.URL, err
}

// SetStatus implements Statuses.
func (g *gitlab) SetStatus(ctx context.Context, commit string, s forge.Status) error {
	state := map[forge.State]string{forge.Pending: "pending", forge.Success: "success", forge.Failure: "failed", forge.Dropped: "canceled"}[s.State]
	err := g.call(ctx, http.MethodPost, g.project+"/statuses/"+url.PathEscape(commit), map[string]any{"state": state, "name": s.Context, "description": s.Description}, nil)
	// GitLab has it for an error that a status is what it is to become.
	if f, ok := errors.AsType[*fault.Error](err); ok && strings.Contains(f.Public, "Cannot transition status") {
		return nil
	}
	return err
}
