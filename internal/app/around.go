package app

import (
	"context"
	"errors"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// Around implements cli.ClusterState.
func (d desk) Around(ctx context.Context, namespace string, since time.Time) (cli.Around, error) {
	var out cli.Around
	happened, untold := d.Happenings(ctx, namespace, since)
	for _, h := range happened {
		out.Happenings = append(out.Happenings, cli.Happening(h))
	}
	// Who may not read events may perhaps read pods.
	placed, unplaced := d.Placements(ctx, namespace)
	configs := map[string]bool{}
	for _, p := range placed {
		out.Placements = append(out.Placements, cli.Placement(p))
		configs["ConfigMap"] = configs["ConfigMap"] || len(p.ConfigMaps) > 0
		configs["Secret"] = configs["Secret"] || len(p.Secrets) > 0
	}
	failed := []error{untold, unplaced}
	for _, kind := range []string{"ConfigMap", "Secret"} {
		if !configs[kind] {
			continue // nobody's right to read them is needed
		}
		edits, err := d.Edits(ctx, kind, namespace, since)
		for _, e := range edits {
			out.Edits = append(out.Edits, cli.Edit(e))
		}
		failed = append(failed, err)
	}
	return out, errors.Join(failed...)
}
