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
	for _, p := range placed {
		out.Placements = append(out.Placements, cli.Placement(p))
	}
	return out, errors.Join(untold, unplaced)
}
