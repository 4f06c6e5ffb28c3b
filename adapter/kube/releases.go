package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Releases implements deliver.Releases.
type Releases struct {
	Client *Client
	// Keep is how many releases of an application that ended are kept.
	Keep int
}

func releasePath(namespace, name, sub string) string {
	r := resource{deliver.GVK{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Kind: v1alpha1.ReleaseKind}, v1alpha1.ReleaseResource, true, true}
	return r.path(namespace, name) + sub
}

// Create implements deliver.Releases.
func (r *Releases) Create(ctx context.Context, rel *v1alpha1.Release) error {
	rel.TypeMeta = typeMeta(v1alpha1.ReleaseKind)
	text, err := json.Marshal(rel)
	if err != nil {
		return fault.Wrap(fault.Internal, "write release", rel.Name, err, "")
	}
	_, err = r.Client.do(ctx, request{verb: http.MethodPost, path: releasePath(rel.Namespace, "", ""), body: text, query: url.Values{"fieldManager": {"aeod"}}})
	f := classify(err, "create release", rel.Name, false)
	if f != nil && fault.KindOf(f) == fault.Conflict {
		return nil
	}
	return f
}

// Get reads a release.
func (r *Releases) Get(ctx context.Context, namespace, name string) (*v1alpha1.Release, error) {
	text, err := r.Client.do(ctx, request{verb: http.MethodGet, path: releasePath(namespace, name, "")})
	if err != nil {
		return nil, classify(err, "read release", name, false)
	}
	var rel v1alpha1.Release
	if err := json.Unmarshal(text, &rel); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read release", name, err, "")
	}
	return &rel, nil
}

// List reads the releases of an application, or of all if name is "", the
// newest first.
func (r *Releases) List(ctx context.Context, app deliver.AppKey) ([]v1alpha1.Release, error) {
	query := url.Values{}
	if app.Name != "" {
		query.Set("labelSelector", v1alpha1.LabelApplication+"="+app.Name)
	}
	text, err := r.Client.do(ctx, request{verb: http.MethodGet, path: releasePath(app.Namespace, "", ""), query: query})
	if err != nil {
		return nil, classify(err, "list releases of", app.String(), false)
	}
	var list v1alpha1.ReleaseList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read releases of", app.String(), err, "")
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.Release) int { return newestFirst(a, b) })
	return list.Items, nil
}

func newestFirst(a, b v1alpha1.Release) int {
	if c := b.CreationTimestamp.Compare(a.CreationTimestamp.Time); c != 0 {
		return c
	}
	if newer(a.ResourceVersion, b.ResourceVersion) {
		return -1
	}
	return 1
}

// SetStatus implements deliver.Releases. A release that somebody deleted has no
// status to write.
func (r *Releases) SetStatus(ctx context.Context, app deliver.AppKey, name string, change func(*v1alpha1.ReleaseStatus)) error {
	var status v1alpha1.ReleaseStatus
	change(&status)
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return fault.Wrap(fault.Internal, "write the status of release", name, err, "")
	}
	_, err = r.Client.do(ctx, request{
		verb: http.MethodPatch, path: releasePath(app.Namespace, name, "/status"), body: patch,
		patch: types.MergePatchType, query: url.Values{"fieldManager": {"aeod"}},
	})
	f := classify(err, "write the status of release", name, false)
	if f != nil && fault.KindOf(f) == fault.NotFound {
		return nil
	}
	if f == nil && ended(status.Phase) {
		return r.prune(ctx, app)
	}
	return f
}

func ended(phase string) bool {
	switch phase {
	case v1alpha1.PhaseGood, v1alpha1.PhaseFailed, v1alpha1.PhaseRefused, v1alpha1.PhaseSuperseded:
		return true
	}
	return false
}

// prune deletes the oldest releases that ended, beyond Keep. They stay in the
// ledger.
func (r *Releases) prune(ctx context.Context, app deliver.AppKey) error {
	if r.Keep <= 0 {
		return nil
	}
	all, err := r.List(ctx, app)
	if err != nil {
		return err
	}
	for _, rel := range all[min(r.Keep, len(all)):] {
		if !ended(rel.Status.Phase) {
			continue
		}
		_, err := r.Client.do(ctx, request{verb: http.MethodDelete, path: releasePath(rel.Namespace, rel.Name, "")})
		if f := classify(err, "delete release", rel.Name, false); f != nil && fault.KindOf(f) != fault.NotFound {
			return f
		}
	}
	return nil
}
