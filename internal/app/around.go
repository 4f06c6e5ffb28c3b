package app

import (
	"context"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// Around implements cli.ClusterState.
func (d desk) Around(ctx context.Context, namespace string, since time.Time) (cli.Around, error) {
	var out cli.Around
	happened, err := d.Happenings(ctx, namespace, since)
	if err != nil {
		return out, err
	}
	for _, h := range happened {
		out.Happenings = append(out.Happenings, cli.Happening(h))
	}
	placed, err := d.Placements(ctx, namespace)
	for _, p := range placed {
		out.Placements = append(out.Placements, cli.Placement(p))
	}
	return out, err
}
