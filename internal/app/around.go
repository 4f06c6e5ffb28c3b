package app

import (
	"context"
	"errors"
	"time"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// aroundTime is for each list of what a cluster tells: of a slow one a part comes.
const aroundTime = time.Minute

// Around implements cli.ClusterState.
func (d desk) Around(ctx context.Context, namespace string, since time.Time, progress func(done, total int)) (cli.Around, error) {
	return d.around(ctx, namespace, since, aroundTime, progress)
}

// aroundLists is how many lists are read at most.
const aroundLists = 5

func (d desk) around(ctx context.Context, namespace string, since time.Time, within time.Duration, progress func(done, total int)) (cli.Around, error) {
	var out cli.Around
	var failed []error
	read := func(what string, list func(context.Context) error) {
		if progress != nil {
			progress(len(failed), aroundLists)
		}
		short, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		err := list(short)
		if err != nil && short.Err() != nil && ctx.Err() == nil {
			err = fault.New(fault.TimedOut, "list", what, "not all was told within "+within.String(), "")
		}
		failed = append(failed, err)
	}
	read("events", func(ctx context.Context) error {
		all, err := d.Happenings(ctx, namespace, since, cli.HappeningKinds...)
		for _, h := range all {
			out.Happenings = append(out.Happenings, cli.Happening{At: h.At, Kind: h.Kind, Namespace: h.Namespace, Name: h.Name, Reason: h.Reason, Note: h.Note, By: h.By})
		}
		return err
	})
	// Who may not read events may perhaps read pods.
	configs := map[string]bool{}
	var placed []kube.Placed
	read("pods", func(ctx context.Context) (err error) {
		placed, err = d.Placements(ctx, namespace)
		for _, p := range placed {
			out.Placements = append(out.Placements, cli.Placement{Of: p.Of, Node: p.Node, ConfigMaps: p.ConfigMaps, Secrets: p.Secrets})
			configs["ConfigMap"] = configs["ConfigMap"] || len(p.ConfigMaps) > 0
			configs["Secret"] = configs["Secret"] || len(p.Secrets) > 0
		}
		return err
	})
	read("events", func(ctx context.Context) error {
		all, err := d.Departures(ctx, namespace, since, placed)
		for _, x := range all {
			out.Departures = append(out.Departures, cli.Departure(x))
		}
		return err
	})
	for _, x := range []struct{ kind, plural string }{{"ConfigMap", "configmaps"}, {"Secret", "secrets"}} {
		if !configs[x.kind] {
			continue // nobody's right to read them is needed
		}
		read(x.plural, func(ctx context.Context) error {
			all, err := d.Edits(ctx, x.kind, namespace, since)
			for _, e := range all {
				out.Edits = append(out.Edits, cli.Edit(e))
			}
			return err
		})
	}
	return out, errors.Join(failed...)
}
