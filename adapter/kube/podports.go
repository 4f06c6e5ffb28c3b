package kube

import (
	"encoding/json"
	"strings"
)

// Scrape is what a pod says of its metrics.
type Scrape struct {
	// Address is the pod's, "" while it has none, NodeAddress that of its node.
	Address, NodeAddress string
	// Notes are the annotations prometheus.io/scrape, path, port and scheme, by the
	// part after the slash.
	Notes map[string]string
	// Labels are the pod's: Services pick it by them.
	Labels map[string]string
	// Ports are those of TCP that its containers name.
	Ports []Port
}

// Port is a port of a container.
type Port struct {
	Container, Name string
	Number          int
}

// scrapeNotes keeps of all annotations those of Prometheus; the others may be large.
type scrapeNotes map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (n *scrapeNotes) UnmarshalJSON(text []byte) error {
	var all map[string]string
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for k, v := range all {
		if k, ok := strings.CutPrefix(k, "prometheus.io/"); ok && len(v) <= 1024 {
			if *n == nil {
				*n = scrapeNotes{}
			}
			(*n)[k] = v
		}
	}
	return nil
}

// portItem are the ports of a container, as far as they are needed.
type portItem struct {
	Name  string
	Ports []struct {
		Name, Protocol string
		ContainerPort  int
	}
}

func portsOf(containers []portItem) (out []Port) {
	for _, c := range containers {
		for _, p := range c.Ports {
			if p.Protocol == "" || p.Protocol == "TCP" {
				out = append(out, Port{Container: c.Name, Name: p.Name, Number: p.ContainerPort})
			}
		}
	}
	return out
}
