package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var networkPolicyCutsFlow = &check.Check{
	ID: "k8s-network-policy-cuts-flow", Name: "network-policy-cuts-flow", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K32"},
	Practices: []string{"network-default-deny", "wiring"},
	Facts:     []check.Fact{{Number: 10, Strength: check.Supporting}},
	Unit: func(p *check.Pass) {
		ps := wire.PoliciesOf(p.Graph)
		if len(ps.All) == 0 {
			return
		}
		c := &cutter{p: p, ps: ps, seen: map[cut]bool{}, edge: map[string]bool{}}
		for _, o := range p.Graph.Objects {
			if o.Pod != nil && !onHost(o.Pod) {
				declared(p.Graph, o.Pod, c.call)
			}
		}
		c.reportShut()
		for _, svc := range p.Graph.Kind("Service") {
			for e := range svc.In(graph.Routes) {
				c.route(e)
			}
		}
	},
}

// cutter finds declared flows that policies cut, each reported once.
type cutter struct {
	p    *check.Pass
	ps   *wire.Policies
	seen map[cut]bool
	// edge tells the namespaces that have ingress controllers or gateways.
	edge map[string]bool
	// shut are flows that the same general denial cuts at their common end.
	shut []shutFlow
}

// shutFlow is a flow to pods that only a general denial acts on. All flows to
// one port of them need one and the same policy, so they are one finding.
type shutFlow struct {
	key  cut
	at   tree.Node
	from *graph.Object
	msg  string
	by   *graph.Object
	// others are the further callers.
	others []string
}

// shutAt keeps a flow for reportShut.
func (c *cutter) shutAt(f shutFlow) {
	for i := range c.shut {
		if s := &c.shut[i]; s.key == f.key && s.by == f.by {
			s.others = append(s.others, f.from.Name)
			return
		}
	}
	c.shut = append(c.shut, f)
}

// reportShut reports each closed end at the first field that declares a flow
// to it.
func (c *cutter) reportShut() {
	for i := range c.shut {
		f := &c.shut[i]
		also := ""
		if n := len(f.others); n > 3 {
			also = fmt.Sprintf("; the same cuts off %s and %d others", strings.Join(f.others[:2], ", "), n-2)
		} else if n > 0 {
			also = "; the same cuts off " + strings.Join(f.others, ", ")
		}
		c.p.On(f.from).Fail(f.at, "", "%s (%s denies what nothing allows)%s", f.msg, f.by, also)
	}
}

type cut struct {
	from, to *graph.Object
	port     int64
}

// backends returns the pods of a Service that policies govern.
func backends(svc *graph.Object) (pods []*graph.Pod) {
	for e := range svc.Out(graph.Selects) {
		if pod := e.To.Pod; !pod.Finite() && !onHost(pod) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// call judges a connection from one workload to the pods of a Service. It is
// cut only if it certainly is for every one of them.
func (c *cutter) call(f flow) {
	var by *wire.Policy
	var to *graph.Pod
	var port target
	side := ""
	for _, pod := range backends(f.svc) {
		if pod == f.from {
			return
		}
		ts := targets(f.svc, pod, f.port)
		if len(ts) == 0 {
			return
		}
		for _, t := range ts {
			out, in, policy := c.ps.Allowed(f.from, pod, t.protocol, t.port)
			if out != wire.No && in != wire.No {
				return
			}
			to, port, by = pod, t, policy
			if side = "lets it in"; out == wire.No {
				side = "lets it out"
			}
		}
	}
	if to == nil || by == nil || c.elsewhere(f.from, to, side) || c.repeat(cut{f.from.Object, f.svc, f.port}) {
		return
	}
	msg := fmt.Sprintf("%s of %s calls Service %q, that is %s port %d of %s, but no policy %s", f.what, f.from.Object, f.svc.Name, port.protocol, port.port, to.Object, side)
	d := by.Egress
	if side == "lets it in" {
		d = by.Ingress
		if !extendable(by, d) {
			c.shutAt(shutFlow{key: cut{nil, to.Object, port.port}, at: f.at, from: f.from.Object, msg: msg, by: by.Object})
			return
		}
	}
	c.report(by, d, f.from.Object, f.at, msg)
}

// elsewhere reports whether a policy of another unit may let the flow pass.
func (c *cutter) elsewhere(from, to *graph.Pod, side string) bool {
	pod, w := from, way(egress)
	if side == "lets it in" {
		pod, w = to, ingress
	}
	return elsewhere(c.p, pod, func(p *wire.Policy) bool { d := w(p); return d != nil && len(d.Rules) > 0 })
}

func (c *cutter) repeat(k cut) bool {
	again := c.seen[k]
	c.seen[k] = true
	return again
}

// extendable reports whether a policy is about certain pods and allows them
// something, so that it is the place for one rule more.
func extendable(by *wire.Policy, d *wire.Direction) bool { return len(d.Rules) > 0 && !by.Everything }

// report shows the finding at the policy to extend or, if there is only a
// general denial, at the field that declares the flow.
func (c *cutter) report(by *wire.Policy, d *wire.Direction, o *graph.Object, at tree.Node, msg string) {
	if extendable(by, d) {
		c.p.On(by.Object).Fail(d.At, "", "%s", msg)
		return
	}
	c.p.On(o).Fail(at, "", "%s (%s denies what nothing allows)", msg, by.Object)
}

// route judges the way from an ingress controller or gateway, whose pods are
// not known, to the pods of a Service. It is cut if the policies admit nobody
// but known workloads of the pods' own namespace on that port.
func (c *cutter) route(e *graph.Edge) {
	if e.From.Kind == "VirtualService" {
		return // inside a mesh the callers are ordinary workloads
	}
	svc := e.To
	b := backendAt(e)
	port := b.Port.IntOr(0)
	if port == 0 {
		for _, sp := range svc.Spec().Get("ports").Items() {
			if sp.Get("name").Text() == b.Port.Text() {
				port = sp.Get("port").IntOr(0)
			}
		}
	}
	var by *wire.Policy
	var to *graph.Pod
	var served target
	for _, pod := range backends(svc) {
		ts := targets(svc, pod, port)
		if port == 0 || len(ts) == 0 {
			return
		}
		for _, t := range ts {
			policy, cuts := c.shuts(pod, t)
			if !cuts {
				return
			}
			by, to, served = policy, pod, t
		}
	}
	if to == nil || by == nil || c.elsewhere(nil, to, "lets it in") || c.repeat(cut{nil, svc, port}) {
		return
	}
	msg := fmt.Sprintf("%s sends requests to %s port %d of %s, but the policies let in nobody from outside its namespace on that port", e.From, served.protocol, served.port, to.Object)
	c.report(by, by.Ingress, e.From, e.At, msg)
}

func backendAt(e *graph.Edge) wire.Backend {
	for b := range wire.Backends(e.From) {
		if b.At == e.At {
			return b
		}
	}
	return wire.Backend{}
}

// shuts reports whether the policies of a pod keep a controller out.
func (c *cutter) shuts(pod *graph.Pod, t target) (by *wire.Policy, cuts bool) {
	for _, policy := range c.ps.Of(pod) {
		d := policy.Ingress
		if d == nil {
			continue
		}
		if d.Partial || policy.Engine == wire.Calico || policy.Engine == wire.Admin || policy.Selects(c.p.Graph, pod) != wire.Yes {
			return nil, false
		}
		if !d.Closed {
			continue
		}
		if by == nil || len(by.Ingress.Rules) == 0 || by.Everything {
			by = policy
		}
		for i := range d.Rules {
			if r := &d.Rules[i]; r.OnPort(pod, t.protocol, t.port) != wire.No && c.outsiders(policy, r) {
				return nil, false
			}
		}
	}
	return by, by != nil
}

// outsiders reports whether a rule may admit others than known workloads of
// the policy's namespace.
func (c *cutter) outsiders(policy *wire.Policy, r *wire.Rule) bool {
	if r.AnyPeer {
		return true
	}
	for i := range r.Peers {
		peer := &r.Peers[i]
		if !peer.OwnNamespace || peer.Empty {
			return true
		}
		if peer.Broad() || !peer.Meets(c.p.Graph, policy.Object.Namespace) || c.proxies(policy, peer) {
			return true
		}
	}
	return false
}

// proxies reports whether the peer is an ingress controller or gateway of the
// policy's namespace.
func (c *cutter) proxies(policy *wire.Policy, peer *wire.Peer) bool {
	ns := policy.Object.Namespace
	has, known := c.edge[ns]
	if !known {
		has = slices.ContainsFunc(c.p.Graph.Pods(ns), edgeProxy) || slices.ContainsFunc(c.p.Graph.Pods(""), edgeProxy)
		c.edge[ns] = has
	}
	return has && slices.ContainsFunc(policy.PeerPods(c.p.Graph, peer), edgeProxy)
}
