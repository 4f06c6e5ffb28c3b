package scrape

import (
	"slices"
	"strconv"
	"strings"
)

// Service is a Service of Kubernetes as far as the metrics of its pods go.
type Service struct {
	Namespace, Name string
	// Notes are those annotations that a pod may have.
	Notes map[string]string
	// Selector picks its pods by their labels; none if it is empty.
	Selector map[string]string
	Ports    []ServicePort
}

// ServicePort is a port of a Service.
type ServicePort struct {
	Name   string
	Number int
	// Target is the number or the name of the port of its pods, "" if it is the same.
	Target string
}

// ServiceChanged tells of a Service that is there.
func (p *Pods) ServiceChanged(s Service) {
	if s.Notes["scrape"] != "true" || len(s.Selector) == 0 {
		p.ServiceGone(s.Namespace, s.Name)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.services[[2]string{s.Namespace, s.Name}] = s
	p.wake()
}

// ServiceGone tells of a Service that is not there any more.
func (p *Pods) ServiceGone(namespace, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{namespace, name}
	if _, known := p.services[key]; known {
		delete(p.services, key)
		p.wake()
	}
}

// picks tells whether a Service is one of a pod.
func (s Service) picks(p Pod) bool {
	if s.Namespace != p.Namespace {
		return false
	}
	for k, v := range s.Selector {
		if got, has := p.Labels[k]; !has || got != v {
			return false
		}
	}
	return true
}

// portsOf are the ports of a pod that a Service leads to, under the Service's names of
// them if the pod's tell nothing of metrics.
func (s Service) portsOf(p Pod) (out []Port) {
	for _, port := range s.Ports {
		at := port.at(p)
		if at.Number == 0 {
			continue
		}
		if !ofMetrics(at.Name) {
			at.Name = port.Name
		}
		out = append(out, at)
	}
	return out
}

// at is the port of a pod that one of a Service leads to, 0 if it has none of that name.
func (port ServicePort) at(p Pod) Port {
	number, err := strconv.Atoi(port.Target)
	if port.Target == "" {
		number, err = port.Number, nil
	}
	for _, c := range p.Ports {
		if err == nil && c.Number == number || err != nil && c.Name == port.Target {
			return c
		}
	}
	return Port{Number: number} // a port need not be declared
}

// notesFor are the annotations of a Service in terms of a pod: who names the Service's port
// means the pod's that it leads to, unless the pod has one like that itself.
func (s Service) notesFor(p Pod) notes {
	n := notes(s.Notes)
	text := n["port"]
	if text == "" || slices.ContainsFunc(p.Ports, func(c Port) bool { return text == c.Name || text == strconv.Itoa(c.Number) }) {
		return n
	}
	for _, port := range s.Ports {
		if at := port.at(p); at.Number != 0 && (text == port.Name || text == strconv.Itoa(port.Number)) {
			return notes{"scrape": "true", "port": strconv.Itoa(at.Number), "path": n["path"], "scheme": n["scheme"]}
		}
	}
	return n
}

// ofMetrics tells whether a port's name says that metrics are there.
func ofMetrics(name string) bool { return name == "metrics" || strings.HasSuffix(name, "-metrics") }
