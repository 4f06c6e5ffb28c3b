package scrape

import (
	"context"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

// Pod is a pod as far as its metrics go.
type Pod struct {
	Namespace, Name, Node, Workload string
	// Address is the pod's, "" while it has none, NodeAddress that of its node.
	Address, NodeAddress string
	// Notes are the annotations prometheus.io/scrape, path, port and scheme, by the part
	// after the slash.
	Notes map[string]string
	// Labels are what Services pick it by.
	Labels map[string]string
	Ports  []Port
}

// Port is a port of a container.
type Port struct {
	Container, Name string
	Number          int
}

// Pods collects the pods that there are, and the Services that say of theirs that they
// have metrics, and hands the targets over.
type Pods struct {
	to *Scraper

	mu       sync.Mutex
	there    map[[2]string]Pod
	services map[[2]string]Service
	changed  chan struct{}
}

// Pods returns where to tell of pods.
func (s *Scraper) Pods() *Pods {
	return &Pods{to: s, there: map[[2]string]Pod{}, services: map[[2]string]Service{}, changed: make(chan struct{}, 1)}
}

// Changed tells of a pod that is there.
func (p *Pods) Changed(pod Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{pod.Namespace, pod.Name}
	old, known := p.there[key]
	switch {
	case pod.Address != "":
		p.there[key] = pod
	case known:
		delete(p.there, key)
	}
	if known != (pod.Address != "") || known && !reflect.DeepEqual(old, pod) { // most changes are others
		p.wake()
	}
}

// Gone tells of a pod that is not there any more.
func (p *Pods) Gone(namespace, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.there, [2]string{namespace, name})
	p.wake()
}

func (p *Pods) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// settle is how long changes are gathered.
const settle = 500 * time.Millisecond

// Run hands the targets over whenever they change, until ctx ends.
func (p *Pods) Run(ctx context.Context) {
	for {
		select {
		case <-p.changed:
		case <-ctx.Done():
			return
		}
		t := time.NewTimer(settle)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		p.to.set(poolPods, p.groups())
		if p.to.options.Kubelet != nil {
			p.to.set(poolKubelet, p.kubelets())
		}
	}
}

// groups are the targets, one group for each namespace, in an order that stays.
func (p *Pods) groups() []*targetgroup.Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	by := map[string]*targetgroup.Group{}
	services := make([]Service, 0, len(p.services))
	for _, key := range slices.SortedFunc(maps.Keys(p.services), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		services = append(services, p.services[key])
	}
	for _, key := range slices.SortedFunc(maps.Keys(p.there), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		targets := targetsOf(p.there[key], services)
		if len(targets) == 0 {
			continue
		}
		g := by[key[0]]
		if g == nil {
			g = &targetgroup.Group{Source: "pods/" + key[0], Labels: model.LabelSet{"namespace": model.LabelValue(key[0])}}
			by[key[0]] = g
		}
		g.Targets = append(g.Targets, targets...)
	}
	var out []*targetgroup.Group
	for _, namespace := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[namespace])
	}
	return out
}

// kubelets are those of the nodes that pods run at: what containers use, and pods.
func (p *Pods) kubelets() []*targetgroup.Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	nodes := map[string]string{}
	for _, pod := range p.there {
		if pod.Node != "" && pod.NodeAddress != "" {
			nodes[pod.Node] = pod.NodeAddress
		}
	}
	g := &targetgroup.Group{Source: "nodes", Labels: model.LabelSet{}}
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		for _, path := range []string{"/metrics/cadvisor", "/metrics/resource"} {
			g.Targets = append(g.Targets, model.LabelSet{
				model.AddressLabel: model.LabelValue(net.JoinHostPort(nodes[node], "10250")), model.MetricsPathLabel: model.LabelValue(path),
				"node": model.LabelValue(node), "metrics_path": model.LabelValue(path),
			})
		}
	}
	return []*targetgroup.Group{g}
}

// notes are annotations that say where metrics are.
type notes map[string]string

// targetsOf are where a pod's metrics are: as its annotations say, else those of its
// Services, else at the ports that are named metrics, or end in -metrics.
// prometheus.io/scrape: "false" of the pod means nowhere. No place is scraped twice.
func targetsOf(p Pod, services []Service) (out []model.LabelSet) {
	own := notes(p.Notes)
	if p.Address == "" || own["scrape"] == "false" {
		return nil
	}
	if own["scrape"] == "true" {
		return own.targets(p, p.Ports)
	}
	there := map[string]bool{}
	for _, s := range services {
		if !s.picks(p) {
			continue
		}
		for _, t := range s.notesFor(p).targets(p, s.portsOf(p)) {
			if place := string(t[model.AddressLabel] + t[model.MetricsPathLabel]); !there[place] {
				there[place] = true
				out = append(out, t)
			}
		}
	}
	if len(out) == 0 {
		out = own.targets(p, p.Ports)
	}
	return out
}

// targets are where the metrics of a pod are, at some of its ports.
func (n notes) targets(p Pod, ports []Port) (out []model.LabelSet) {
	wanted, text := n["scrape"] == "true", n["port"]
	if wanted && text != "" {
		number, err := strconv.Atoi(text)
		for _, port := range append(slices.Clone(ports), p.Ports...) {
			if port.Number == number || port.Name == text {
				return []model.LabelSet{n.target(p, port)}
			}
		}
		if err == nil && number > 0 && number < 1<<16 { // a port need not be declared
			return []model.LabelSet{n.target(p, Port{Number: number})}
		}
		return nil
	}
	for _, port := range ports {
		if ofMetrics(port.Name) {
			out = append(out, n.target(p, port))
		}
	}
	if len(out) == 0 && wanted && len(ports) > 0 {
		out = append(out, n.target(p, ports[0]))
	}
	return out
}

// target is one port of a pod.
func (n notes) target(p Pod, port Port) model.LabelSet {
	path, scheme := n["path"], n["scheme"]
	if path == "" || !strings.HasPrefix(path, "/") {
		path = "/metrics"
	}
	if scheme != "https" {
		scheme = "http"
	}
	l := model.LabelSet{
		model.AddressLabel: model.LabelValue(net.JoinHostPort(p.Address, strconv.Itoa(port.Number))), model.MetricsPathLabel: model.LabelValue(path), model.SchemeLabel: model.LabelValue(scheme),
		"pod": model.LabelValue(p.Name), "node": model.LabelValue(p.Node), "workload": model.LabelValue(p.Workload), "container": model.LabelValue(port.Container),
		model.JobLabel: model.LabelValue(p.Namespace + "/" + p.Workload),
	}
	for name, v := range l {
		if v == "" {
			delete(l, name)
		}
	}
	return l
}
