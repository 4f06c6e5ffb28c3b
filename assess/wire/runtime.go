package wire

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Power is something that a running workload may do in a namespace, so that
// what Git shows of that namespace may not be all there is.
type Power uint8

// The powers.
const (
	MakeSecrets    Power = 1 << iota // create Secrets
	MakeConfigMaps                   // create ConfigMaps
	LabelPods                        // change the labels of pods
)

var powers = []struct {
	power    Power
	resource string
	verbs    []string
}{
	{MakeSecrets, "secrets", []string{"create"}},
	{MakeConfigMaps, "configmaps", []string{"create"}},
	{LabelPods, "pods", []string{"patch", "update"}},
}

type powersKey struct{}

// Maker returns a workload of the namespace whose account has the power there,
// nil if g shows none.
func Maker(g *graph.Graph, namespace string, p Power) *graph.Object {
	index := g.Derive(powersKey{}, func(g *graph.Graph) any { return makers(g) }).(map[makerKey]*graph.Object)
	return index[makerKey{namespace, p}]
}

type makerKey struct {
	namespace string
	power     Power
}

func makers(g *graph.Graph) map[makerKey]*graph.Object {
	index := map[makerKey]*graph.Object{}
	granted := map[*graph.Object]Power{}
	for _, o := range g.Objects {
		if o.Pod == nil {
			continue
		}
		account, _ := o.Pod.ServiceAccount()
		for r := range g.Subjects("ServiceAccount", o.Namespace, account) {
			b := r.From
			if b.Kind == "RoleBinding" && b.Namespace != o.Namespace && b.Namespace != "" && o.Namespace != "" {
				continue
			}
			p, ok := granted[b]
			if !ok {
				p = bindingPowers(b)
				granted[b] = p
			}
			for _, w := range powers {
				if k := (makerKey{o.Namespace, w.power}); p&w.power != 0 && index[k] == nil {
					index[k] = o
				}
			}
		}
	}
	return index
}

func bindingPowers(b *graph.Object) (p Power) {
	if kind, name := rbac.RoleRef(b); kind == "ClusterRole" {
		switch name {
		case "cluster-admin", "admin", "edit":
			return MakeSecrets | MakeConfigMaps | LabelPods
		}
	}
	for e := range b.Out(graph.Grants) {
		p |= rolePowers(e.To)
		for part := range e.To.Out(graph.Aggregates) {
			p |= rolePowers(part.To)
		}
	}
	return p
}

func rolePowers(role *graph.Object) (p Power) {
	for _, rule := range rbac.Rules(role) {
		for _, w := range powers {
			for _, v := range w.verbs {
				if rule.Allows(v, "", w.resource) {
					p |= w.power
				}
			}
		}
	}
	return p
}

type mentionsKey struct{}

// mentions are the words and names of the custom resources of one namespace.
type mentions struct {
	words, names map[string]*graph.Object
}

// Mentioned returns a custom resource in the namespace, of a kind whose
// operator may make objects, that names name in one of its fields or whose own
// name name begins with (as pg-app does with pg); nil if there is none.
func Mentioned(g *graph.Graph, namespace, name string) *graph.Object {
	index := g.Derive(mentionsKey{}, func(g *graph.Graph) any { return newMentions(g) }).(map[string]*mentions)
	for _, ns := range [...]string{namespace, ""} {
		m := index[ns]
		if m == nil {
			continue
		}
		if o := m.words[name]; o != nil {
			return o
		}
		for i := len(name); i > 0; i-- {
			if i < len(name) && name[i] != '-' && name[i] != '.' {
				continue
			}
			if o := m.names[name[:i]]; o != nil {
				return o
			}
		}
	}
	return nil
}

func newMentions(g *graph.Graph) map[string]*mentions {
	index := map[string]*mentions{}
	for _, o := range g.Objects {
		if !operated(o) {
			continue
		}
		m := index[o.Namespace]
		if m == nil {
			m = &mentions{words: map[string]*graph.Object{}, names: map[string]*graph.Object{}}
			index[o.Namespace] = m
		}
		if m.names[o.Name] == nil {
			m.names[o.Name] = o
		}
		m.add(o, o.Spec())
		// Operators commonly name the kind in a label of the pods they make.
		if kind := strings.ToLower(o.Kind); m.words[kind] == nil {
			m.words[kind] = o
		}
	}
	return index
}

func (m *mentions) add(o *graph.Object, n tree.Node) {
	switch n.Kind() {
	case tree.Map:
		for _, v := range n.Fields() {
			m.add(o, v)
		}
	case tree.List:
		for _, v := range n.Items() {
			m.add(o, v)
		}
	case tree.String:
		if t := n.Text(); len(t) <= 253 && m.words[t] == nil {
			m.words[t] = o
		}
	}
}

// inert are the API groups of custom resources whose operators make no
// Secrets, ConfigMaps or Services that others would refer to, or whose
// products are known by ClaimsOf.
var inert = []string{
	"argoproj.io", "autoscaling.k8s.io", "bitnami.com", "cert-manager.io", "cilium.io", "crd.projectcalico.org",
	"external-secrets.io", "gateway.envoyproxy.io", "keda.sh", "kyverno.io",
	"networking.istio.io", "projectcalico.org", "secrets-store.csi.x-k8s.io", "security.istio.io",
	"traefik.containo.us", "traefik.io", "trust.cert-manager.io", "autoecoops.io",
}

// operated reports whether o is a custom resource from which an operator may
// make other objects.
func operated(o *graph.Object) bool {
	group := o.Group()
	if !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") {
		return false
	}
	switch o.Kind {
	case "ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe", "ScrapeConfig", "AlertmanagerConfig":
		return false // unlike the Prometheus and Alertmanager of the same group
	}
	return !slices.Contains(inert, group) && !strings.HasSuffix(group, ".gatekeeper.sh")
}
