package kube

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Pod is a pod as far as its logs and metrics go.
type Pod struct {
	Namespace, Name string
	// Of names the workload: as its labels name the service, else its owner, else
	// the pod itself.
	Of identity.Key
	// Owner is the name of the object whose pod it is, as a Deployment, else its own.
	Owner string
	// Node is where it runs, "" while it has none.
	Node string
	// Ended tells that it runs no more, and will not again.
	Ended      bool
	Containers []Container
	// Scrape is where its metrics are, as it says.
	Scrape Scrape
}

// Container is one of a pod.
type Container struct {
	Name string
	// Started is set if it has a log, Previous is when the one before it ended;
	// zero if there was none.
	Started  bool
	Previous time.Time
	// Init tells that it runs before the others.
	Init bool
	// Ready tells that it answers, Restarts how often it was started again, Waiting why
	// it does not run, and Ended why the one before it ended; "" if it does, or did not.
	Ready          bool
	Restarts       int
	Waiting, Ended string
}

// podPage is a page of pods, as far as it is needed.
type podPage struct {
	Metadata struct{ Continue, ResourceVersion string }
	Items    []podItem
}

// podItem is a pod, as far as it is needed.
type podItem struct {
	Metadata struct {
		Namespace, Name, ResourceVersion string
		Labels                           map[string]string
		Annotations                      scrapeNotes
		OwnerReferences                  []struct {
			Kind, Name string
			Controller bool
		}
	}
	Spec struct {
		NodeName   string
		Containers []portItem
	}
	Status struct {
		Phase, PodIP, HostIP                     string
		InitContainerStatuses, ContainerStatuses []containerStatus
	}
}

// containerStatus is a container's, as far as it is needed.
type containerStatus struct {
	Name         string
	Ready        bool
	RestartCount int
	State        struct {
		Running, Terminated *struct{}
		Waiting             *struct{ Reason string }
	}
	LastState struct {
		Terminated *struct {
			FinishedAt time.Time
			Reason     string
		}
	}
}

// pod tells what of it matters for its logs.
func (item *podItem) pod() Pod {
	m := item.Metadata
	p := Pod{Namespace: m.Namespace, Name: m.Name, Node: item.Spec.NodeName, Ended: item.Status.Phase == "Succeeded" || item.Status.Phase == "Failed"}
	p.Scrape = Scrape{Address: item.Status.PodIP, NodeAddress: item.Status.HostIP, Notes: m.Annotations, Labels: m.Labels, Ports: portsOf(item.Spec.Containers)}
	told := map[string]string{"k8s.namespace.name": m.Namespace}
	for k, v := range m.Labels {
		told[k] = v
	}
	name := m.Name
	for _, o := range m.OwnerReferences {
		if o.Controller {
			name = o.Name
			if hash := m.Labels["pod-template-hash"]; o.Kind == "ReplicaSet" && hash != "" {
				name = strings.TrimSuffix(name, "-"+hash)
			}
		}
	}
	p.Owner = name
	if p.Of = identity.FromMap(told).Key; !p.Of.Known() {
		p.Of = identity.Key{Namespace: identity.Clean(m.Namespace), Service: identity.Clean(name)}
	}
	for i, s := range append(slices.Clone(item.Status.InitContainerStatuses), item.Status.ContainerStatuses...) {
		c := Container{Name: s.Name, Started: s.State.Running != nil || s.State.Terminated != nil, Init: i < len(item.Status.InitContainerStatuses), Ready: s.Ready, Restarts: s.RestartCount}
		if w := s.State.Waiting; w != nil {
			c.Waiting = w.Reason
		}
		if t := s.LastState.Terminated; t != nil {
			c.Previous, c.Ended = t.FinishedAt, t.Reason
		}
		p.Containers = append(p.Containers, c)
	}
	return p
}

// Pods lists those of a namespace.
func (c *Client) Pods(ctx context.Context, namespace string) ([]Pod, error) {
	if namespace == "" {
		return nil, fault.New(fault.Invalid, "list", "pods", "no namespace is named", "give one")
	}
	items, _, err := c.podItems(ctx, namespace)
	if err != nil {
		return nil, err
	}
	out := make([]Pod, len(items))
	for i := range items {
		out[i] = items[i].pod()
	}
	return out, nil
}

// podsPath is where the pods of a namespace are, or of all if it is "".
func podsPath(namespace string) string {
	if namespace == "" {
		return "/api/v1/pods"
	}
	return "/api/v1/namespaces/" + url.PathEscape(namespace) + "/pods"
}

// podItems lists pods, and returns the version to watch from.
func (c *Client) podItems(ctx context.Context, namespace string) (out []podItem, version string, err error) {
	err = c.pages(ctx, podsPath(namespace), nil, strings.TrimSpace("the pods of "+namespace), func(text []byte) (string, error) {
		var page podPage
		if err := json.Unmarshal(text, &page); err != nil {
			return "", err
		}
		out, version = append(out, page.Items...), page.Metadata.ResourceVersion
		return page.Metadata.Continue, nil
	})
	return out, version, err
}
