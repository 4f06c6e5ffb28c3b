package delivery

import (
	"context"
	"encoding/base64"
	"path"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/adapter/oci"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Remote implements controller.Remote: it knows how to reach each kind of
// source, with the credentials that the application names.
type Remote struct {
	Mirrors *gitmirror.Mirrors
	// Artifacts holds what comes from registries; nil refuses such sources.
	Artifacts *oci.Store
	// Secret reads the values of a Secret.
	Secret func(ctx context.Context, namespace, name string) (map[string][]byte, error)
	// Verify tells who signed a commit, with the trusted keys in files as a user
	// names them; Denied if nobody who counts did.
	Verify func(mode string, keys map[string][]byte, commit *gitmirror.Info) (signer string, err error)
	// Now is the clock, time.Now if nil.
	Now func() time.Time

	mu sync.Mutex
	// commits remembers by which tag a commit was found: its signature counts.
	commits map[string]gitmirror.Commit
	// holders are the names under which artifacts are kept.
	holders map[deliver.AppKey]string
	// collected and collectedMirrors are when unused artifacts and commits were
	// last removed.
	collected, collectedMirrors time.Time
}

// Bounds of what is held of repositories.
const (
	keptRevisions = 10                 // of each application, for a rollback
	revisionAge   = 7 * 24 * time.Hour // of what nobody keeps
	mirrorBytes   = 1 << 30            // of one mirror
	collectTime   = 10 * time.Minute   // for joining and removing
	forgetTime    = 30 * time.Second   // for letting go of one application
)

// noSource is the answer for an application that names no place that is known.
func noSource(app *v1alpha1.Application) error {
	return fault.New(fault.Invalid, "read the source of", app.Name, "it names neither a repository nor an artifact", "set spec.source.git or spec.source.oci")
}

func (r *Remote) repo(ctx context.Context, app *v1alpha1.Application) (gitmirror.Repo, error) {
	g := app.Spec.Source.Git
	repo := gitmirror.Repo{URL: g.URL}
	if g.Secret == nil {
		return repo, nil
	}
	data, err := r.Secret(ctx, app.Namespace, g.Secret.Name)
	if err != nil {
		return repo, fault.Wrap(fault.KindOf(err), "read the credentials of the source in secret", g.Secret.Name, err, "create it in namespace "+app.Namespace)
	}
	repo.Auth = gitmirror.Auth{
		Username: string(data["username"]), Password: string(data["password"]), Bearer: string(data["bearerToken"]),
		CA: first(data, "caFile", "ca.crt"), PrivateKey: first(data, "identity", "ssh-privatekey"), Passphrase: data["passphrase"], KnownHosts: data["known_hosts"],
	}
	return repo, nil
}

func first(data map[string][]byte, names ...string) []byte {
	for _, n := range names {
		if len(data[n]) > 0 {
			return data[n]
		}
	}
	return nil
}

// Resolve implements controller.Remote.
func (r *Remote) Resolve(ctx context.Context, app *v1alpha1.Application, maxAge time.Duration) (revision, ref string, err error) {
	g := app.Spec.Source.Git
	switch {
	case app.Spec.Source.OCI != nil:
		return r.resolveArtifact(ctx, app, maxAge)
	case g == nil:
		return "", "", noSource(app)
	}
	repo, err := r.repo(ctx, app)
	if err != nil {
		return "", "", err
	}
	c, err := r.Mirrors.Resolve(ctx, repo, gitmirror.Ref{Branch: g.Branch, Tag: g.Tag, Semver: g.Semver, Commit: g.Commit}, maxAge)
	if err != nil {
		return "", "", err
	}
	r.mu.Lock()
	if r.commits == nil {
		r.commits = map[string]gitmirror.Commit{}
	}
	if len(r.commits) > 10_000 {
		clear(r.commits) // what is asked for again is found again
	}
	r.commits[g.URL+" "+c.SHA] = c
	r.mu.Unlock()
	return c.SHA, c.Ref, nil
}

// Fetch implements controller.Remote. A revision that was kept needs no server.
func (r *Remote) Fetch(ctx context.Context, app *v1alpha1.Application, revision string) (deliver.Tree, error) {
	g := app.Spec.Source.Git
	switch {
	case app.Spec.Source.OCI != nil:
		return r.fetchArtifact(ctx, app, revision)
	case g == nil:
		return nil, noSource(app)
	}
	if t, err := r.Mirrors.Kept(ctx, g.URL, string(app.UID), revision); err == nil {
		return r.verified(ctx, app, commitTree{t})
	}
	repo, err := r.repo(ctx, app)
	if err != nil {
		return nil, deliver.Unreached{Err: err}
	}
	t, err := r.Mirrors.Fetch(ctx, repo, r.commit(g.URL, revision), r.paths(app)...)
	if err != nil {
		return nil, unlessInvalid(err)
	}
	return r.verified(ctx, app, commitTree{t})
}

// unlessInvalid marks an error of reading a source: what is Invalid is so in the
// revision, all else in what is between it and us.
func unlessInvalid(err error) error {
	if fault.KindOf(err) == fault.Invalid {
		return err
	}
	return deliver.Unreached{Err: err}
}

// verified checks the signature of a revision where one is asked for. Without
// somebody who can, a revision whose signature is asked for is refused.
func (r *Remote) verified(ctx context.Context, app *v1alpha1.Application, t commitTree) (deliver.Tree, error) {
	v := app.Spec.Source.Git.Verify
	if v == nil {
		return t, nil
	}
	if r.Verify == nil {
		return nil, fault.New(fault.Denied, "verify the signature of", deliver.Short(t.Info().SHA), "this build verifies no signatures, and spec.source.git.verify asks for one", "remove verify, or use a build that can")
	}
	keys, err := r.Secret(ctx, app.Namespace, v.Secret.Name)
	if err != nil {
		return nil, deliver.Unreached{Err: fault.Wrap(fault.KindOf(err), "read the trusted keys in secret", v.Secret.Name, err, "create it in namespace "+app.Namespace)}
	}
	signer, err := r.Verify(v.Mode, keys, t.Info())
	switch {
	case err != nil && fault.KindOf(err) != fault.Denied:
		return nil, deliver.Unreached{Err: err} // the keys are what is wrong
	case err != nil:
		return nil, err
	}
	return signedTree{t, signer}, nil
}

// paths are the folders that a render is going to read first.
func (r *Remote) paths(app *v1alpha1.Application) []string {
	return []string{path.Clean("./" + app.Spec.Source.Path)}
}

func (r *Remote) commit(url, sha string) gitmirror.Commit {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.commits[url+" "+sha]; ok {
		return c
	}
	return gitmirror.Commit{SHA: sha}
}

// Keep implements controller.Remote.
func (r *Remote) Keep(ctx context.Context, app *v1alpha1.Application, revision, instead string) error {
	switch {
	case app.Spec.Source.OCI != nil:
		return r.keepArtifact(ctx, app, revision, instead)
	case app.Spec.Source.Git == nil:
		return nil
	}
	repo, err := r.repo(ctx, app)
	if err != nil {
		return err
	}
	r.Hold(app)
	if err := r.Mirrors.Keep(ctx, repo, string(app.UID), r.commit(repo.URL, revision)); err != nil {
		return err
	}
	if instead != "" {
		if err := r.Mirrors.Release(ctx, repo.URL, string(app.UID), instead); err != nil {
			return err
		}
	}
	if err := r.Mirrors.Trim(ctx, repo.URL, string(app.UID), keptRevisions); err != nil {
		return err
	}
	if r.due(&r.collectedMirrors) {
		// Joining the packs of a large mirror takes a while; nobody waits for it.
		go func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, collectTime)
			defer cancel()
			_, _ = r.Mirrors.Collect(ctx, revisionAge, mirrorBytes) // the next one tries again
		}(context.WithoutCancel(ctx))
	}
	return nil
}

// SecretData reads the values of a Secret.
func SecretData(body map[string]any) map[string][]byte {
	out := map[string][]byte{}
	data, _ := body["data"].(map[string]any)
	for k, v := range data {
		if s, ok := v.(string); ok {
			if text, err := base64.StdEncoding.DecodeString(s); err == nil {
				out[k] = text
			}
		}
	}
	return out
}
