package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/health"
	"github.com/autoecoops/autoecoops/fault"
)

// Cluster implements deliver.Cluster. What it applies it shows to the View at
// once: the watch's own event comes later.
type Cluster struct {
	Client   *Client
	View     *View
	Digester *deliver.Digester
	// Health tells an object's health.
	Health func(body map[string]any) health.Health
}

// handover is the manager that holds a field between us and its next owner.
const handover = v1alpha1.FieldManager + "-handover"

func (c *Cluster) where(ctx context.Context, g deliver.GVK) (resource, error) {
	return c.Client.found.resource(ctx, g)
}

// Apply implements deliver.Cluster.
func (c *Cluster) Apply(ctx context.Context, as deliver.Identity, o *deliver.Object, dryRun bool) (deliver.Live, error) {
	r, err := c.where(ctx, o.GVK())
	if err != nil {
		return deliver.Live{}, err
	}
	body, err := c.apply(ctx, as, r, o.Key, o.Body, v1alpha1.FieldManager, dryRun)
	if err != nil {
		return deliver.Live{}, err
	}
	live, ok := c.Digester.Distil(body, r.health(body, c.Health))
	if !ok {
		return deliver.Live{}, fault.New(fault.Unavailable, "apply", o.Key.String(), "the API server's answer is no object", "")
	}
	if !dryRun {
		c.View.show(live)
	}
	return live, nil
}

// ApplyBody applies an object and returns the whole answer.
func (c *Cluster) ApplyBody(ctx context.Context, as deliver.Identity, o *deliver.Object, dryRun bool) (map[string]any, error) {
	r, err := c.where(ctx, o.GVK())
	if err != nil {
		return nil, err
	}
	return c.apply(ctx, as, r, o.Key, o.Body, v1alpha1.FieldManager, dryRun)
}

func (c *Cluster) apply(ctx context.Context, as deliver.Identity, r resource, k deliver.Key, body map[string]any, manager string, dryRun bool) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "write", k.String(), err, "")
	}
	query := url.Values{"fieldManager": {manager}, "force": {"true"}}
	if dryRun {
		query.Set("dryRun", "All")
	}
	answer, err := c.Client.do(ctx, request{verb: http.MethodPatch, path: r.path(k.Namespace, k.Name), query: query, as: as, body: text, patch: types.ApplyYAMLPatchType})
	if err != nil {
		return nil, c.lost(r, classify(err, "apply", k.String(), isSecret(k)))
	}
	return decode(answer)
}

// lost makes "not found" for an apply, which makes what is not there, what it
// is: the kind is not served any more, or not yet.
func (c *Cluster) lost(r resource, err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	c.Client.found.forget(r.GVK)
	return fault.Wrap(fault.Unavailable, "apply a", r.Kind, err, "its definition is not served (any more)")
}

func isSecret(k deliver.Key) bool { return k.Group == "" && k.Kind == "Secret" }

// Release implements deliver.Cluster.
func (c *Cluster) Release(ctx context.Context, as deliver.Identity, o *deliver.Object) error {
	live, err := c.Get(ctx, as, o.GVK(), o.Key)
	if err != nil {
		return err
	}
	spec, _ := live["spec"].(map[string]any)
	replicas, ok := spec["replicas"]
	if !ok {
		return nil
	}
	r, err := c.where(ctx, o.GVK())
	if err != nil {
		return err
	}
	meta := map[string]any{"name": o.Name}
	if r.namespaced {
		meta["namespace"] = o.Namespace
	}
	body := map[string]any{"apiVersion": o.GVK().APIVersion(), "kind": o.Kind, "metadata": meta, "spec": map[string]any{"replicas": replicas}}
	_, err = c.apply(ctx, as, r, o.Key, body, handover, false)
	return err
}

// Disown implements deliver.Cluster.
func (c *Cluster) Disown(ctx context.Context, as deliver.Identity, o *deliver.Object) error {
	live, err := c.Get(ctx, as, o.GVK(), o.Key)
	if err != nil {
		return err
	}
	r, err := c.where(ctx, o.GVK())
	if err != nil {
		return err
	}
	meta, _ := live["metadata"].(map[string]any)
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"]},
		{"op": "replace", "path": "/metadata/managedFields", "value": deliver.Disown(live, v1alpha1.FieldManager, o.GVK().APIVersion())},
	})
	if err != nil {
		return fault.Wrap(fault.Internal, "write a patch of", o.Key.String(), err, "")
	}
	_, err = c.Client.do(ctx, request{verb: http.MethodPatch, path: r.path(o.Namespace, o.Name), query: url.Values{"fieldManager": {v1alpha1.FieldManager}}, as: as, body: patch, patch: types.JSONPatchType})
	return classify(err, "take over", o.Key.String(), isSecret(o.Key))
}

// Delete implements deliver.Cluster.
func (c *Cluster) Delete(ctx context.Context, as deliver.Identity, g deliver.GVK, k deliver.Key, uid string) error {
	r, err := c.where(ctx, g)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil // the kind is gone, and its objects with it
		}
		return err
	}
	options, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "DeleteOptions",
		"preconditions": map[string]any{"uid": uid}, "propagationPolicy": "Background",
	})
	if err != nil {
		return fault.Wrap(fault.Internal, "write a deletion of", k.String(), err, "")
	}
	_, err = c.Client.do(ctx, request{verb: http.MethodDelete, path: r.path(k.Namespace, k.Name), as: as, body: options})
	if f := classify(err, "delete", k.String(), isSecret(k)); f != nil && fault.KindOf(f) != fault.NotFound {
		return f
	}
	return nil
}

// Get implements deliver.Cluster.
func (c *Cluster) Get(ctx context.Context, as deliver.Identity, g deliver.GVK, k deliver.Key) (map[string]any, error) {
	r, err := c.where(ctx, g)
	if err != nil {
		return nil, err
	}
	text, err := c.Client.do(ctx, request{verb: http.MethodGet, path: r.path(k.Namespace, k.Name), as: as})
	if err != nil {
		return nil, classify(err, "read", k.String(), isSecret(k))
	}
	return decode(text)
}
