package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/observe/cause"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Around is what a cluster tells beside Releases.
type Around struct {
	Happenings []Happening
	Placements []Placement
}

// Happening is what the cluster tells of an object in an event.
type Happening struct {
	At                    time.Time
	Kind, Namespace, Name string
	// Reason is a word, Note a sentence.
	Reason, Note string
}

// Placement is a pod's part of its workload: where it runs, "" for nowhere yet, and the
// names of the ConfigMaps and Secrets that configure it.
type Placement struct {
	Of                  identity.Key
	Node                string
	ConfigMaps, Secrets []string
}

// around adds to a case what a cluster tells: who runs where, what was scaled, what
// happened to nodes, and whose configuration a release changed. What cannot be read does
// not keep the rest from being judged; it is told.
func (o *causesOptions) around(ctx context.Context, c *cause.Case) error {
	if !o.events {
		return nil
	}
	since := c.At.Add(-o.request.Since)
	a, err := o.changes.cluster.Around(ctx, o.request.Namespace, since)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(o.streams.Err, "blind: what the cluster tells could not be read: %s\n", clean(err.Error()))
	}
	c.Dependencies = append(c.Dependencies[:len(c.Dependencies):len(c.Dependencies)], places(a.Placements)...)
	c.Changes = append(c.Changes, happened(a.Happenings)...)
	if o.changes.releases {
		releases, err := o.changes.cluster.Releases(ctx, o.request.Namespace)
		if err != nil {
			return err
		}
		c.Changes = append(c.Changes, configured(releases, a.Placements, since)...)
	}
	return nil
}

func nodeOf(name string) cause.Component {
	return cause.Component{Kind: cause.Node, Key: identity.Key{Service: identity.Clean(name)}}
}

func workloadOf(k identity.Key) cause.Component { return cause.Component{Kind: spans.Service, Key: k} }

// places tells which workloads need which nodes. Where all is on one node that tells it
// from nothing.
func places(all []Placement) (out []cause.Dependency) {
	known := map[cause.Dependency]bool{}
	nodes := map[string]bool{}
	for _, p := range all {
		if p.Node == "" {
			continue
		}
		nodes[p.Node] = true
		if d := (cause.Dependency{Who: workloadOf(p.Of), On: nodeOf(p.Node), Kind: cause.RunsOn}); !known[d] {
			known[d] = true
			out = append(out, d)
		}
	}
	if len(nodes) < 2 {
		return nil
	}
	return out
}

// harmless are what nodes say while all is well with them.
var harmless = []string{"RegisteredNode", "NodeReady", "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeAllocatableEnforced", "NodeSchedulable", "Synced"}

// happened makes changes of events: what was scaled, and what happened to nodes.
func happened(all []Happening) (out []cause.Change) {
	for _, h := range all {
		x := cause.Change{At: h.At, Text: cut(clean(h.Note), 100), Reference: h.Kind + "/" + h.Name}
		switch {
		case h.Kind == "Node" && !slices.Contains(harmless, h.Reason):
			x.Kind, x.Of = cause.NodeChange, nodeOf(h.Name)
			x.Text = h.Reason + ": " + x.Text
		case h.Kind == "Deployment" && h.Reason == "ScalingReplicaSet":
			x.Kind, x.Of = cause.Scaling, workloadOf(identity.Key{Namespace: identity.Clean(h.Namespace), Service: identity.Clean(h.Name)})
		default:
			continue
		}
		out = append(out, x)
	}
	return out
}

// configured makes changes of the workloads whose ConfigMaps or Secrets releases changed.
func configured(releases []v1alpha1.Release, placed []Placement, since time.Time) (out []cause.Change) {
	for i := range releases {
		r := &releases[i]
		at := r.Status.Timings.Started
		if at == nil || at.Time.Before(since) || r.Status.Phase == "Refused" {
			continue
		}
		told := map[string]bool{}
		for _, id := range r.Spec.Changed {
			_, k, err := deliver.ParseID(id)
			if err != nil || k.Kind != "ConfigMap" && k.Kind != "Secret" {
				continue
			}
			for _, p := range placed {
				names := p.ConfigMaps
				if k.Kind == "Secret" {
					names = p.Secrets
				}
				if p.Of.Namespace != identity.Clean(k.Namespace) || !slices.Contains(names, k.Name) {
					continue
				}
				if key := strings.Join([]string{id, p.Of.String()}, " "); !told[key] {
					told[key] = true
					out = append(out, cause.Change{At: at.Time, Of: workloadOf(p.Of), Kind: cause.Config, Text: k.Kind + " " + k.Name + " by " + r.Spec.Application + "@" + deliver.Short(r.Spec.Revision), Reference: r.Namespace + "/" + r.Name})
				}
			}
		}
	}
	return out
}
