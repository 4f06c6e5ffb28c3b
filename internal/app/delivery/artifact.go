package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/autoecoops/autoecoops/adapter/oci"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// artifactTree fills deliver.Tree with an artifact. Its id is the digest that
// everything in it was checked against.
type artifactTree struct{ *oci.Tree }

// ID implements deliver.Tree.
func (t artifactTree) ID(name string) string {
	id, err := t.ReadID(name)
	if err != nil {
		return ""
	}
	return id
}

// Commit implements deliver.Tree. What an artifact says of the commit that it
// was made of, whoever pushed it could write: it is not passed on as known.
func (t artifactTree) Commit() *v1alpha1.CommitInfo { return nil }

// artifacts returns the cache of artifacts; an error where there is none.
func (r *Remote) artifacts(app *v1alpha1.Application) (*oci.Store, error) {
	if r.Artifacts == nil {
		return nil, fault.New(fault.Blocked, "read the source of", app.Name, "there is no cache for artifacts here", "set spec.source.git")
	}
	return r.Artifacts, nil
}

func (r *Remote) registry(ctx context.Context, app *v1alpha1.Application) (oci.Repo, error) {
	src := app.Spec.Source.OCI
	repo := oci.Repo{URL: src.URL}
	if src.Secret == nil {
		return repo, nil
	}
	const op = "read the credentials of the source in secret"
	data, err := r.Secret(ctx, app.Namespace, src.Secret.Name)
	if err != nil {
		return repo, fault.Wrap(fault.KindOf(err), op, src.Secret.Name, err, "create it in namespace "+app.Namespace)
	}
	repo.Auth = oci.Auth{
		DockerConfig: data[".dockerconfigjson"], Username: string(data["username"]), Password: string(data["password"]),
		CA: first(data, "caFile", "ca.crt"),
	}
	if len(repo.Auth.DockerConfig) == 0 && repo.Auth.Username == "" && len(repo.Auth.CA) == 0 {
		return repo, fault.New(fault.Invalid, op, src.Secret.Name, "it has no credentials for a registry", "make it with kubectl create secret docker-registry, or put username and password, or caFile, into it")
	}
	return repo, nil
}

// resolveArtifact asks which digest a tag or range means now. The revision is
// the digest; the ref is the tag that led to it.
func (r *Remote) resolveArtifact(ctx context.Context, app *v1alpha1.Application, maxAge time.Duration) (revision, ref string, err error) {
	store, err := r.artifacts(app)
	if err != nil {
		return "", "", err
	}
	repo, err := r.registry(ctx, app)
	if err != nil {
		return "", "", err
	}
	src := app.Spec.Source.OCI
	a, err := store.Resolve(ctx, repo, oci.Ref{Tag: src.Tag, Semver: src.Semver, Digest: src.Digest}, maxAge)
	return a.Digest, a.Tag, err
}

// fetchArtifact returns an artifact's files. One that was kept needs no
// registry.
func (r *Remote) fetchArtifact(ctx context.Context, app *v1alpha1.Application, revision string) (deliver.Tree, error) {
	store, err := r.artifacts(app)
	if err != nil {
		return nil, err
	}
	r.Hold(app)
	if t, err := store.Kept(string(app.UID), revision); err == nil {
		return artifactTree{t}, nil
	}
	repo, err := r.registry(ctx, app)
	if err != nil {
		return nil, deliver.Unreached{Err: err}
	}
	t, err := store.Fetch(ctx, repo, oci.Artifact{Digest: revision})
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == oci.CodeUnfit {
		return nil, err
	}
	if err != nil {
		return nil, deliver.Unreached{Err: err}
	}
	return artifactTree{t}, nil
}

// What is kept of artifacts: as many for each application as there are
// Releases, and what was used lately.
const (
	keptArtifacts = 10
	artifactAge   = 7 * 24 * time.Hour
	artifactBytes = 1 << 30
	collectEvery  = time.Hour
)

// keepArtifact pins an artifact, and lets go of what is no longer needed.
func (r *Remote) keepArtifact(ctx context.Context, app *v1alpha1.Application, revision, instead string) error {
	store, err := r.artifacts(app)
	if err != nil {
		return err
	}
	repo, err := r.registry(ctx, app)
	if err != nil {
		return err
	}
	r.Hold(app)
	if err := store.Keep(repo, string(app.UID), oci.Artifact{Digest: revision}); err != nil {
		return err
	}
	if instead != "" {
		if err := store.Release(string(app.UID), instead); err != nil {
			return err
		}
	}
	if err := store.Trim(string(app.UID), keptArtifacts); err != nil {
		return err
	}
	if !r.due(&r.collected) {
		return nil
	}
	_, _, err = store.Collect(ctx, artifactAge, artifactBytes)
	return err
}

// due tells whether it is time to collect what nobody uses; last is when that
// was done last.
func (r *Remote) due(last *time.Time) bool {
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := now(); at.Sub(*last) >= collectEvery {
		*last = at
		return true
	}
	return false
}

// Hold notes under which name the revisions of an application are kept, so that
// they can be let go of when only its name is left.
func (r *Remote) Hold(app *v1alpha1.Application) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holders == nil {
		r.holders = map[deliver.AppKey]string{}
	}
	r.holders[deliver.AppKey{Namespace: app.Namespace, Name: app.Name}] = string(app.UID)
}

// Forget implements controller.Remote.
func (r *Remote) Forget(k deliver.AppKey) {
	r.mu.Lock()
	holder := r.holders[k]
	delete(r.holders, k)
	r.mu.Unlock()
	if holder == "" {
		return
	}
	// What stays behind if that fails costs space, and nothing else.
	if r.Artifacts != nil {
		_ = r.Artifacts.Release(holder)
	}
	if r.Mirrors != nil {
		ctx, cancel := context.WithTimeout(context.Background(), forgetTime)
		defer cancel()
		_ = r.Mirrors.Forget(ctx, holder)
	}
}
