package kube

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// Service is a Service as far as the metrics of its pods go.
type Service struct {
	Namespace, Name string
	// Notes are the annotations prometheus.io/scrape, path, port and scheme, by the
	// part after the slash.
	Notes map[string]string
	// Selector picks its pods by their labels; nil if it picks none.
	Selector map[string]string
	// Ports are those of TCP.
	Ports []ServicePort
}

// ServicePort is a port of a Service.
type ServicePort struct {
	Name   string
	Number int
	// Target is the number or the name of the port of its pods, "" if it is the same.
	Target string
}

// ServiceWatch follows the Services of a namespace.
type ServiceWatch struct {
	Client *Client
	// Namespace is "" for all.
	Namespace string
	// Changed is told of each Service that is there, Gone of each that is not any more, by
	// its namespace and name; one call at a time.
	Changed func(Service)
	Gone    func(namespace, name string)
	// Trouble is told of what is tried again.
	Trouble func(error)
}

// Run follows until ctx ends.
func (w *ServiceWatch) Run(ctx context.Context) {
	path := "/api/v1/services"
	if w.Namespace != "" {
		path = "/api/v1/namespaces/" + url.PathEscape(w.Namespace) + "/services"
	}
	(&objectWatch[serviceItem]{
		client: w.Client, path: path, plural: "services", trouble: w.Trouble,
		list: func(ctx context.Context) (all []serviceItem, version string, err error) {
			err = w.Client.pages(ctx, path, nil, strings.TrimSpace("the services of "+w.Namespace), func(text []byte) (string, error) {
				var page struct {
					Metadata struct{ Continue, ResourceVersion string }
					Items    []serviceItem
				}
				if err := json.Unmarshal(text, &page); err != nil {
					return "", err
				}
				all, version = append(all, page.Items...), page.Metadata.ResourceVersion
				return page.Metadata.Continue, nil
			})
			return all, version, err
		},
		changed: func(item serviceItem) { w.Changed(item.service()) },
		gone:    func(k objectKey) { w.Gone(k[0], k[1]) },
	}).run(ctx)
}

// serviceItem is a Service, as far as it is needed.
type serviceItem struct {
	Metadata struct {
		Namespace, Name, ResourceVersion string
		Annotations                      scrapeNotes
	}
	Spec struct {
		Selector map[string]string
		Ports    []struct {
			Name, Protocol string
			Port           int
			TargetPort     intstr.IntOrString
		}
	}
}

func (item serviceItem) key() objectKey {
	return objectKey{item.Metadata.Namespace, item.Metadata.Name}
}
func (item serviceItem) version() string { return item.Metadata.ResourceVersion }

func (item serviceItem) service() Service {
	m := item.Metadata
	s := Service{Namespace: m.Namespace, Name: m.Name, Notes: m.Annotations, Selector: item.Spec.Selector}
	for _, p := range item.Spec.Ports {
		if p.Protocol != "" && p.Protocol != "TCP" {
			continue
		}
		target := p.TargetPort.String()
		if target == "0" {
			target = ""
		}
		s.Ports = append(s.Ports, ServicePort{Name: p.Name, Number: p.Port, Target: target})
	}
	return s
}
