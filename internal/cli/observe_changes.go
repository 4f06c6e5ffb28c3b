package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/observe/cause"
)

// changeOptions say where it is read what was changed.
type changeOptions struct {
	releases bool
	// events has what a cluster tells of scaling, nodes and configuration read, too.
	events  bool
	cluster Cluster // nil if nothing is to be read
	// read are the Releases that were read last, known says that they could be.
	read  []v1alpha1.Release
	known bool
}

func (o *changeOptions) add(f *pflag.FlagSet) {
	f.BoolVar(&o.releases, "releases", false, "read the Releases of a cluster, as changes")
	f.BoolVar(&o.events, "events", false, "read what a cluster tells of scaling, nodes and configuration, too")
}

// open reaches the cluster, if Releases or anything else of it is to be read.
func (o *changeOptions) open(b Backend, where ClusterOptions) (err error) {
	if o.releases || o.events {
		o.cluster, err = b.Cluster(where)
	}
	return err
}

// since returns what was changed in a namespace, "" for all, since a moment.
func (o *changeOptions) since(ctx context.Context, namespace string, at time.Time) ([]cause.Change, error) {
	if !o.releases {
		return nil, nil
	}
	all, err := o.cluster.Releases(ctx, namespace)
	o.read, o.known = all, err == nil
	if err != nil {
		o.read = nil
		return nil, err
	}
	return changesOf(o.read, at), nil
}

// workloadKinds are the kinds whose objects run.
var workloadKinds = []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}

// changesOf makes changes of the workloads that releases changed, of those that were
// applied since a moment. Where it is not known what a release changed it is all.
func changesOf(releases []v1alpha1.Release, since time.Time) []cause.Change {
	var out []cause.Change
	for i := range releases {
		r := &releases[i]
		at := r.Status.Timings.Started
		if at == nil || at.Time.Before(since) || r.Status.Phase == "Refused" {
			continue
		}
		objects := r.Spec.Changed
		if objects == nil {
			objects = r.Spec.Objects
		}
		for _, id := range objects {
			_, k, err := deliver.ParseID(id)
			if err != nil || !slices.Contains(workloadKinds, k.Kind) {
				continue
			}
			of, _ := component(k.Namespace + "/" + k.Name)
			out = append(out, cause.Change{At: at.Time, Of: of, Kind: cause.Release, Text: titleOf(r), Reference: r.Namespace + "/" + r.Name})
		}
	}
	return out
}

// titleOf names a release: what of, the revision, and how its commit is titled.
func titleOf(r *v1alpha1.Release) string {
	text := r.Spec.Application + "@" + deliver.Short(r.Spec.Revision)
	if c := r.Spec.Commit; c != nil && c.Subject != "" {
		text += " (" + cut(clean(c.Subject), 60) + ")"
	}
	if r.Spec.Trigger == "rollback" {
		text = "rollback to " + text
	}
	return text
}
