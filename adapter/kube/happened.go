package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Happening is what the cluster tells of an object in an event.
type Happening struct {
	// At is when it was last told.
	At time.Time
	// Kind, Namespace and Name are those of the object.
	Kind, Namespace, Name string
	// Reason is a word, Note a sentence.
	Reason, Note string
	// By names who tells it, as in kubelet or node-controller, On the node on which that
	// one is; "" if that is not said.
	By, On string
}

// MaxHappenings is how many events of one kind of object are given.
const MaxHappenings = 20_000

// Happenings lists the events that were told since a moment of objects of some kinds in a
// namespace, or in all if it is ""; those of nodes, which are in none, wherever it looks.
// What was read before one of the lists failed is given, too.
func (d Desk) Happenings(ctx context.Context, namespace string, since time.Time, kinds ...string) (out []Happening, err error) {
	var failed []error
	for _, kind := range kinds {
		path := eventsPath(namespace)
		if kind == "Node" {
			path = eventsPath(nodeEvents)
		}
		some, err := d.Client.happenings(ctx, path, kind, since)
		out, failed = append(out, some...), append(failed, forPeople(err))
	}
	return out, errors.Join(failed...)
}

// eventsPath is where the events of a namespace are, or of all if it is "".
func eventsPath(namespace string) string {
	if namespace == "" {
		return "/api/v1/events"
	}
	return "/api/v1/namespaces/" + url.PathEscape(namespace) + "/events"
}

// nodeEvents is the namespace in which nodes, that are in none, have their events.
const nodeEvents = "default"

func (c *Client) happenings(ctx context.Context, path, kind string, since time.Time) (out []Happening, err error) {
	// Most events are of pods: they are not even sent.
	query := url.Values{"fieldSelector": {"involvedObject.kind=" + kind}}
	return c.events(ctx, path, query, since, func(h Happening) bool { return h.Kind == kind }, "of a "+kind)
}

// events lists the events that a query selects, of those the ones that are wanted, whether
// the server knows the query or not.
func (c *Client) events(ctx context.Context, path string, query url.Values, since time.Time, wanted func(Happening) bool, which string) (out []Happening, err error) {
	err = c.pages(ctx, path, query, "events", func(text []byte) (string, error) {
		some, next, err := readEvents(text, since)
		for _, h := range some {
			if wanted(h) && len(out) <= MaxHappenings {
				out = append(out, h)
			}
		}
		if len(out) > MaxHappenings {
			next = ""
		}
		return next, err
	})
	if err == nil && len(out) > MaxHappenings {
		out = out[:MaxHappenings]
		err = fault.New(fault.Partial, "list", "events", fmt.Sprintf("there are more than %d %s", MaxHappenings, which), "look back less far")
	}
	return out, err
}

// readEvents reads a page of events, of which it leaves out what was told before a moment.
func readEvents(text []byte, since time.Time) (out []Happening, next string, err error) {
	var page struct {
		Metadata struct{ Continue string }
		Items    []struct {
			Metadata                                 struct{ CreationTimestamp time.Time }
			InvolvedObject                           struct{ Kind, Namespace, Name string }
			Reason, Message, ReportingComponent      string
			Source                                   struct{ Component, Host string }
			FirstTimestamp, LastTimestamp, EventTime *time.Time
			Series                                   *struct{ LastObservedTime *time.Time }
		}
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return nil, "", err
	}
	for _, e := range page.Items {
		at := e.Metadata.CreationTimestamp
		for _, later := range []*time.Time{e.FirstTimestamp, e.EventTime, e.LastTimestamp} {
			if later != nil && later.After(at) {
				at = *later
			}
		}
		if e.Series != nil && e.Series.LastObservedTime != nil && e.Series.LastObservedTime.After(at) {
			at = *e.Series.LastObservedTime
		}
		if !at.Before(since) {
			o := e.InvolvedObject
			out = append(out, Happening{at, o.Kind, o.Namespace, o.Name, e.Reason, short(e.Message), cmp.Or(e.ReportingComponent, e.Source.Component), e.Source.Host})
		}
	}
	return out, page.Metadata.Continue, nil
}

// maxNote is how many bytes of an event's sentence are kept, which may have a megabyte.
const maxNote = 1 << 10

func short(note string) string {
	if len(note) <= maxNote {
		return note
	}
	return strings.Clone(strings.ToValidUTF8(note[:maxNote], "")) // not a part of the whole
}

// Placed is a pod's part of its workload: where it runs, and what configures it.
type Placed struct {
	Of   identity.Key
	Node string // "" while it has none
	// Owner is the name of the object whose pod it is, in the namespace Namespace.
	Namespace, Owner string
	// ConfigMaps and Secrets are the names of those that it mounts or has in its
	// environment, sorted.
	ConfigMaps, Secrets []string
}

// Placements lists the pods of a namespace, or of all if it is "", that run or are to.
func (d Desk) Placements(ctx context.Context, namespace string) (out []Placed, err error) {
	err = d.Client.pages(ctx, podsPath(namespace), nil, "pods", func(text []byte) (string, error) {
		var page podPage
		var configured struct{ Items []configuredPod }
		if err := json.Unmarshal(text, &page); err != nil {
			return "", err
		}
		if err := json.Unmarshal(text, &configured); err != nil {
			return "", err
		}
		for i := range page.Items {
			p := page.Items[i].pod()
			if p.Ended {
				continue
			}
			x := Placed{Of: p.Of, Node: p.Node, Namespace: p.Namespace, Owner: p.Owner}
			x.ConfigMaps, x.Secrets = configured.Items[i].configs()
			out = append(out, x)
		}
		return page.Metadata.Continue, nil
	})
	return out, forPeople(err)
}

// configuredPod is a pod as far as it says what configures it.
type configuredPod struct {
	Spec struct {
		Volumes []struct {
			ConfigMap *struct{ Name string }
			Secret    *struct{ SecretName string }
			Projected *struct {
				Sources []struct{ ConfigMap, Secret *struct{ Name string } }
			}
		}
		InitContainers, Containers []struct {
			EnvFrom []struct{ ConfigMapRef, SecretRef *struct{ Name string } }
			Env     []struct {
				ValueFrom struct{ ConfigMapKeyRef, SecretKeyRef *struct{ Name string } }
			}
		}
	}
}

func (p *configuredPod) configs() (configMaps, secrets []string) {
	add := func(to *[]string, from *struct{ Name string }) {
		if from != nil && from.Name != "" {
			*to = append(*to, from.Name)
		}
	}
	for _, v := range p.Spec.Volumes {
		add(&configMaps, v.ConfigMap)
		if v.Secret != nil && v.Secret.SecretName != "" {
			secrets = append(secrets, v.Secret.SecretName)
		}
		if v.Projected != nil {
			for _, s := range v.Projected.Sources {
				add(&configMaps, s.ConfigMap)
				add(&secrets, s.Secret)
			}
		}
	}
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, e := range c.EnvFrom {
			add(&configMaps, e.ConfigMapRef)
			add(&secrets, e.SecretRef)
		}
		for _, e := range c.Env {
			add(&configMaps, e.ValueFrom.ConfigMapKeyRef)
			add(&secrets, e.ValueFrom.SecretKeyRef)
		}
	}
	slices.Sort(configMaps)
	slices.Sort(secrets)
	return slices.Compact(configMaps), slices.Compact(secrets)
}
