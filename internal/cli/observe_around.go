package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
	spans "github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Around is what a cluster tells beside Releases.
type Around struct {
	Happenings []Happening
	Placements []Placement
	Departures []Departure
	Edits      []Edit
}

// HappeningKinds are the kinds of objects of which a cluster's events say what may be a
// cause.
var HappeningKinds = []string{"Node", "Deployment", "StatefulSet"}

// Happening is what the cluster tells of an object in an event.
type Happening struct {
	At                    time.Time
	Kind, Namespace, Name string
	// Reason is a word, Note a sentence.
	Reason, Note string
	// By names who tells it, as in kubelet.
	By string
}

// Placement is a pod's part of its workload: where it runs, "" for nowhere yet, and the
// names of the ConfigMaps and Secrets that configure it.
type Placement struct {
	Of                  identity.Key
	Node                string
	ConfigMaps, Secrets []string
}

// Departure is a workload of which a pod was ended on a node.
type Departure struct {
	At   time.Time
	Of   identity.Key
	Node string
}

// Edit is the last change of a ConfigMap or Secret that was there before.
type Edit struct {
	At                    time.Time
	Kind, Namespace, Name string
	// By names the program or the person's tool.
	By string
}

// around adds to a case what a cluster tells: who runs where, what was scaled, what
// happened to nodes, and whose configuration a release changed. What cannot be read does
// not keep the rest from being judged; notes tell it.
func (o *observeOptions) around(ctx context.Context, changes *changeOptions, c *cause.Case) (notes []string, err error) {
	if !changes.events {
		return nil, nil
	}
	since := c.At.Add(-o.request.Since)
	progress, end := o.streams.counting("asking the cluster what happened")
	a, err := changes.cluster.Around(ctx, o.request.Namespace, since, progress)
	end()
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		for _, x := range each(err) {
			if text := "blind: what the cluster tells could not be read: " + clean(shortly(x)); !slices.Contains(notes, text) {
				notes = append(notes, text)
			}
		}
	}
	c.Dependencies = append(c.Dependencies[:len(c.Dependencies):len(c.Dependencies)], places(a.Placements, a.Departures, a.Happenings)...)
	more := append(happened(a.Happenings), edited(a.Edits, a.Placements, changes.known)...)
	more = append(more, configured(changes.read, a.Placements, since)...)
	if left := len(c.Changes) + len(more) - cause.MaxChanges; left > 0 {
		notes = append(notes, fmt.Sprintf("note: the cluster tells of %d more changes than are judged; the newest of each kind are", left))
		more = inTurn(more, c.At)
	}
	c.Changes = append(c.Changes, more...)
	return notes, nil
}

// inTurn orders changes, but those after a moment, so that of more than are judged the
// newest of each kind come first: many of one kind do not displace the few of another.
func inTurn(all []cause.Change, until time.Time) []cause.Change {
	all = slices.DeleteFunc(all, func(x cause.Change) bool { return x.At.After(until) })
	slices.SortStableFunc(all, func(a, b cause.Change) int { return b.At.Compare(a.At) })
	turns, turn := map[cause.ChangeKind]int{}, make([]int, len(all))
	for i := range all {
		turn[i] = turns[all[i].Kind]
		turns[all[i].Kind]++
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return turn[a] - turn[b] })
	out := make([]cause.Change, len(all))
	for i, x := range order {
		out[i] = all[x]
	}
	return out
}

// each are the errors that were joined to one.
func each(err error) (out []error) {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, x := range all.Unwrap() {
		out = append(out, each(x)...)
	}
	return out
}

// shortly says of a fault what it says for anyone, and not the same once more by its cause.
func shortly(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Public != "" {
		return strings.TrimSpace(f.Op+" "+f.Subject) + ": " + f.Public
	}
	return err.Error()
}

func nodeOf(name string) cause.Component {
	return cause.Component{Kind: cause.Node, Key: identity.Key{Service: identity.Clean(name)}}
}

func workloadOf(k identity.Key) cause.Component { return cause.Component{Kind: spans.Service, Key: k} }

// places tells which workloads need which nodes, or did before they had to leave one to
// which something happened. Where all is on one node that tells it from nothing, unless
// something grave happened to it.
func places(now []Placement, left []Departure, told []Happening) (out []cause.Dependency) {
	known := map[cause.Dependency]bool{}
	nodes, some, struck, changed := map[string]bool{}, false, struck(told), map[string]bool{}
	for _, x := range happened(told) {
		changed[x.Of.Key.Service] = changed[x.Of.Key.Service] || x.Kind == cause.NodeChange
	}
	all := slices.Clone(now)
	for _, d := range left {
		if changed[identity.Clean(d.Node)] {
			all = append(all, Placement{Of: d.Of, Node: d.Node})
		}
	}
	for _, p := range all {
		if p.Node == "" {
			continue
		}
		nodes[p.Node] = true
		some = some || struck[p.Node]
		if d := (cause.Dependency{Who: workloadOf(p.Of), On: nodeOf(p.Node), Kind: cause.RunsOn}); !known[d] {
			known[d] = true
			out = append(out, d)
		}
	}
	if len(nodes) < 2 && !some {
		return nil
	}
	return out
}

// harmless are what nodes say while all is well with them, grave what they say, or is said
// of them, when what runs on them suffers.
var (
	harmless = []string{"RegisteredNode", "NodeReady", "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeAllocatableEnforced", "NodeSchedulable", "Synced", "CgroupV1"}
	grave    = []string{notReady, "NodeHasInsufficientMemory", "NodeHasDiskPressure", "NodeHasInsufficientPID", "SystemOOM", "Rebooted", "Shutdown"}
)

// notReady is said by a kubelet of itself, at once, and by the node controller of a node
// of which nothing was heard for silent, if that is left as it is.
const (
	notReady = "NodeNotReady"
	silent   = 50 * time.Second
)

// ofNode tells whether an event is of a node. Those are in no namespace: what says that it
// is of one elsewhere was written by somebody with rights there alone, who knows nothing of nodes.
func ofNode(h Happening) bool {
	return h.Kind == "Node" && h.Name != "" && (h.Namespace == "" || h.Namespace == "default")
}

// struck are the nodes to which something grave happened.
func struck(all []Happening) map[string]bool {
	nodes := map[string]bool{}
	for _, h := range all {
		if ofNode(h) && slices.Contains(grave, h.Reason) {
			nodes[h.Name] = true
		}
	}
	return nodes
}

// happened makes changes of events: what was scaled, and what happened to nodes.
func happened(all []Happening) (out []cause.Change) {
	for _, h := range all {
		x := cause.Change{At: h.At, Text: cut(clean(h.Note), 100), Reference: h.Kind + "/" + identity.Clean(h.Name)}
		switch {
		case ofNode(h) && !slices.Contains(harmless, h.Reason):
			x.Kind, x.Of = cause.NodeChange, nodeOf(h.Name)
			x.Text = strings.TrimSuffix(cut(clean(h.Reason), 60)+": "+x.Text, ": ") // some say no more
			if h.Reason == notReady && h.By == "node-controller" {
				// What runs on it is in trouble since long before it is told.
				x.At, x.Text = h.At.Add(-silent), fmt.Sprintf("last heard of (%s is told %s later)", notReady, silent)
			}
		case h.Name != "" && scales(h):
			x.Kind, x.Of = cause.Scaling, workloadOf(identity.Key{Namespace: identity.Clean(h.Namespace), Service: identity.Clean(h.Name)})
		default:
			continue
		}
		out = append(out, x)
	}
	return out
}

// scales tells whether an event says that a workload has more or fewer pods on purpose. A
// StatefulSet says only which pods it made and deleted, and makes those that others deleted.
func scales(h Happening) bool {
	return h.Kind == "Deployment" && h.Reason == "ScalingReplicaSet" || h.Kind == "StatefulSet" && h.Reason == "SuccessfulDelete"
}

// edited makes changes of the workloads whose ConfigMaps or Secrets somebody changed;
// those of releases are told by them if they are read.
func edited(edits []Edit, placed []Placement, releases bool) (out []cause.Change) {
	by := configuring(placed)
	for _, e := range edits {
		if releases && e.By == v1alpha1.FieldManager {
			continue
		}
		for _, k := range by[configName{e.Kind, identity.Clean(e.Namespace), e.Name}] {
			out = append(out, cause.Change{At: e.At, Of: workloadOf(k), Kind: cause.Config, Text: e.Kind + " " + clean(e.Name) + " by " + cut(clean(e.By), 60), Reference: e.Kind + "/" + e.Name})
		}
	}
	return out
}

// configName names a ConfigMap or Secret.
type configName struct{ kind, namespace, name string }

// configuring tells which workloads each ConfigMap and Secret configures, each once.
func configuring(placed []Placement) map[configName][]identity.Key {
	type pair struct {
		configName
		of identity.Key
	}
	out, known := map[configName][]identity.Key{}, map[pair]bool{}
	for _, p := range placed {
		for kind, names := range map[string][]string{"ConfigMap": p.ConfigMaps, "Secret": p.Secrets} {
			for _, name := range names {
				if x := (pair{configName{kind, p.Of.Namespace, name}, p.Of}); !known[x] {
					known[x] = true
					out[x.configName] = append(out[x.configName], p.Of)
				}
			}
		}
	}
	return out
}

// configured makes changes of the workloads whose ConfigMaps or Secrets releases changed.
// Those that a release changed themselves are told as changed by it already.
func configured(releases []v1alpha1.Release, placed []Placement, since time.Time) (out []cause.Change) {
	by := configuring(placed)
	for i := range releases {
		r := &releases[i]
		at := r.Status.Timings.Started
		if at == nil || at.Time.Before(since) || r.Status.Phase == "Refused" {
			continue
		}
		told := changesOf(releases[i:i+1], since)
		for _, id := range r.Spec.Changed {
			_, k, err := deliver.ParseID(id)
			if err != nil || k.Kind != "ConfigMap" && k.Kind != "Secret" {
				continue
			}
			for _, of := range by[configName{k.Kind, identity.Clean(k.Namespace), k.Name}] {
				who := workloadOf(of)
				if !slices.ContainsFunc(told, func(x cause.Change) bool { return x.Of == who }) {
					out = append(out, cause.Change{At: at.Time, Of: who, Kind: cause.Config, Text: k.Kind + " " + k.Name + " by " + titleOf(r), Reference: r.Namespace + "/" + r.Name})
				}
			}
		}
	}
	return out
}
