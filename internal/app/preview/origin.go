package preview

import (
	"context"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// Written renders a revision of an application once more, to learn where its
// objects are written: nothing in the cluster says so.
func (s *Stand) Written(ctx context.Context, app *v1alpha1.Application, revision string) (delivery.Written, error) {
	if app.Spec.Source == nil || revision == "" {
		return delivery.Written{}, fault.New(fault.Blocked, "find the lines of", app.Name, "no revision of it is known", "wait for its first sync")
	}
	tree, err := s.remote.Fetch(ctx, app, revision)
	if err != nil {
		return delivery.Written{}, err
	}
	r, err := s.render(ctx, app, tree)
	if err != nil {
		return delivery.Written{}, err
	}
	return delivery.WrittenIn(r.Rendered), nil
}

// Object tells what is known of one managed object.
func (s *Stand) Object(ctx context.Context, app *v1alpha1.Application, g deliver.GVK, k deliver.Key) (*cli.ObjectTrace, error) {
	out := &cli.ObjectTrace{Object: refOf(g, k)}
	s.doctor.Learn(app)
	body, err := s.cluster.Get(ctx, deliver.Identity{}, g, k)
	switch {
	case err == nil:
		out.Exists = true
		h := s.doctor.Evaluate(body)
		out.Health, out.HealthMessage = string(h.Status), h.Message
		out.Applied = appliedAt(body)
	case !absent(err):
		out.Unknown = said(err)
	}
	if app.Status.Sync == nil {
		out.LineUnknown = "nothing was applied yet"
		return out, nil
	}
	written, err := s.Written(ctx, app, app.Status.Sync.Revision)
	if err != nil {
		out.LineUnknown = said(err)
		return out, nil
	}
	at, ok := written.Place(k, "")
	if !ok {
		out.LineUnknown = "the revision renders no such object under this name"
		return out, nil
	}
	out.Written = lineOf(at)
	return out, nil
}

// appliedAt is when an apply of the operator last changed something of an
// object, zero if it never did: the API server notes it, to the second.
func appliedAt(body map[string]any) (at time.Time) {
	meta, _ := body["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	for _, item := range list {
		e, _ := item.(map[string]any)
		if e["manager"] != v1alpha1.FieldManager || e["operation"] != "Apply" {
			continue
		}
		text, _ := e["time"].(string)
		if when, err := time.Parse(time.RFC3339, text); err == nil && when.After(at) {
			at = when
		}
	}
	return at
}
