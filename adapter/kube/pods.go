package kube

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Pod is a pod as far as its logs go.
type Pod struct {
	Namespace, Name string
	// Of names the workload: as its labels name the service, else its owner, else
	// the pod itself.
	Of         identity.Key
	Containers []Container
}

// Container is one of a pod.
type Container struct {
	Name string
	// Started is set if it has a log, Previous is when the one before it ended;
	// zero if there was none.
	Started  bool
	Previous time.Time
}

// podPage is a page of pods, as far as it is needed.
type podPage struct {
	Metadata struct{ Continue string }
	Items    []struct {
		Metadata struct {
			Namespace, Name string
			Labels          map[string]string
			OwnerReferences []struct {
				Kind, Name string
				Controller bool
			}
		}
		Status struct {
			InitContainerStatuses, ContainerStatuses []struct {
				Name  string
				State struct {
					Running, Terminated *struct{}
				}
				LastState struct {
					Terminated *struct{ FinishedAt time.Time }
				}
			}
		}
	}
}

// Pods lists those of a namespace.
func (c *Client) Pods(ctx context.Context, namespace string) ([]Pod, error) {
	if namespace == "" {
		return nil, fault.New(fault.Invalid, "list", "pods", "no namespace is named", "give one")
	}
	var out []Pod
	err := c.pages(ctx, "/api/v1/namespaces/"+url.PathEscape(namespace)+"/pods", "the pods of "+namespace, func(text []byte) (string, error) {
		var page podPage
		if err := json.Unmarshal(text, &page); err != nil {
			return "", err
		}
		for _, item := range page.Items {
			m := item.Metadata
			p := Pod{Namespace: m.Namespace, Name: m.Name}
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
			if p.Of = identity.FromMap(told).Key; !p.Of.Known() {
				p.Of = identity.Key{Namespace: identity.Clean(m.Namespace), Service: identity.Clean(name)}
			}
			for _, s := range append(item.Status.InitContainerStatuses, item.Status.ContainerStatuses...) {
				c := Container{Name: s.Name, Started: s.State.Running != nil || s.State.Terminated != nil}
				if t := s.LastState.Terminated; t != nil {
					c.Previous = t.FinishedAt
				}
				p.Containers = append(p.Containers, c)
			}
			out = append(out, p)
		}
		return page.Metadata.Continue, nil
	})
	return out, err
}
