package privilege

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/rbac"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Model is what the search knows of one deployable unit. It is immutable and
// safe for concurrent use.
type Model struct {
	elsewhere func(kind, namespace, name string) *graph.Object
	// grants are the rules that each identity holds by its own name.
	grants map[State][]*Grant
	// accounts are the known ServiceAccounts by namespace; runs are those that
	// workloads run as.
	accounts, runs map[string][]State
	// known keeps both free of repetitions.
	known map[State]bool
	// privileged are the workloads by namespace that can already do as they
	// like on their node.
	privileged map[string]*graph.Object
	// tokens are the Secrets with lasting tokens.
	tokens []token
	// standard is the enforced pod standard of the declared namespaces.
	standard map[string]string
	starts   []State
	// explored are the states that the starts lead to, certain and possible
	// the ways on from there.
	explored          map[State]bool
	certain, possible routes
	// holders is how many identities lose something by a cut.
	holders map[Cut]int
	// getEnters is set if "get" on pods/exec is enough to run commands, as it
	// was before 1.35.
	getEnters bool
}

type token struct {
	namespace, secret string
	account           State
}

// New builds the model of a linked graph for a cluster of the minor version
// kubeMinor. elsewhere, which may be nil, looks up a role that the graph does
// not have.
func New(g *graph.Graph, kubeMinor int, elsewhere func(kind, namespace, name string) *graph.Object) *Model {
	m := &Model{
		elsewhere: elsewhere, getEnters: kubeMinor < 35, grants: map[State][]*Grant{}, accounts: map[string][]State{}, runs: map[string][]State{},
		privileged: map[string]*graph.Object{}, standard: map[string]string{}, known: map[State]bool{},
	}
	for _, ns := range g.Kind("Namespace") {
		level := ns.Labels().Get("pod-security.kubernetes.io/enforce")
		if level == "" {
			level = "privileged"
		}
		m.standard[ns.Name] = level
	}
	for _, sa := range g.Kind("ServiceAccount") {
		m.account(State{Account, sa.Namespace, sa.Name})
	}
	for _, kind := range [...]string{"ClusterRoleBinding", "RoleBinding"} {
		for _, b := range g.Kind(kind) {
			if rbac.IsBinding(b) && !rbac.Bootstrap(b) {
				m.bind(g, b)
			}
		}
	}
	for _, o := range g.Objects {
		switch {
		case o.Pod != nil:
			m.workload(g, o)
		case o.Kind == "Secret" && o.Body.Get("type").Text() == "kubernetes.io/service-account-token":
			name := o.Annotation("kubernetes.io/service-account.name")
			m.tokens = append(m.tokens, token{o.Namespace, o.Name, canonical(g, o.Namespace, name)})
		}
	}
	m.countHolders()
	m.leaveOutIdle()
	m.explore()
	return m
}

// leaveOutIdle forgets accounts without any right: to become one of them leads
// nowhere.
func (m *Model) leaveOutIdle() {
	for s := range m.grants {
		if s.Kind == Group && (s.Name == "system:authenticated" || strings.HasPrefix(s.Name, "system:serviceaccounts")) {
			return // every account has rights
		}
	}
	idle := func(s State) bool { return len(m.grants[s]) == 0 }
	for _, byNamespace := range [...]map[string][]State{m.accounts, m.runs} {
		for ns, list := range byNamespace {
			byNamespace[ns] = slices.DeleteFunc(list, idle)
		}
	}
}

// canonical returns the account as the graph has it: an account whose
// namespace is not written down is the one that is meant.
func canonical(g *graph.Graph, namespace, name string) State {
	if sa := g.Find("ServiceAccount", namespace, name); sa != nil {
		namespace = sa.Namespace
	}
	return State{Account, namespace, name}
}

func (m *Model) account(s State) {
	if !m.known[s] {
		m.known[s] = true
		m.accounts[s.Namespace] = append(m.accounts[s.Namespace], s)
	}
}

func (m *Model) bind(g *graph.Graph, b *graph.Object) {
	grants := m.grantsOf(b)
	for sub := range rbac.Subjects(b) {
		var s State
		switch sub.Kind {
		case "ServiceAccount":
			s = canonical(g, sub.Namespace, sub.Name)
			m.account(s)
		case "User":
			s = State{User, "", sub.Name}
		case "Group":
			s = State{Group, "", sub.Name}
		default:
			continue
		}
		if _, known := m.grants[s]; !known && !internal(s) {
			m.starts = append(m.starts, s)
		}
		m.grants[s] = append(m.grants[s], grants...)
	}
}

// internal reports whether an identity is one of the control plane's own.
func internal(s State) bool {
	if s.Kind == Account || !strings.HasPrefix(s.Name, "system:") {
		return false
	}
	switch s.Name {
	case "system:anonymous", "system:unauthenticated", "system:authenticated":
		return false
	}
	return !strings.HasPrefix(s.Name, "system:serviceaccounts")
}

func (m *Model) workload(g *graph.Graph, o *graph.Object) {
	name, _ := o.Pod.ServiceAccount()
	s := canonical(g, o.Namespace, name)
	m.account(s)
	if in := (State{Pods, o.Namespace, s.String()}); !m.known[in] {
		m.known[in] = true
		m.runs[o.Namespace] = append(m.runs[o.Namespace], s)
	}
	if m.privileged[o.Namespace] == nil && ownsNode(o.Pod) {
		m.privileged[o.Namespace] = o
	}
}

// ownsNode reports whether a container of the pod can do as it likes on its
// node.
func ownsNode(p *graph.Pod) bool {
	for c := range p.Each() {
		if c.Security().Get("privileged").True() {
			return true
		}
	}
	for _, v := range p.Spec.Get("volumes").Items() {
		if v.At("hostPath", "path").Text() == "/" && !readOnly(p, v.Get("name").Text()) {
			return true
		}
	}
	return false
}

func readOnly(p *graph.Pod, volume string) bool {
	for c := range p.Each() {
		for _, m := range c.Node.Get("volumeMounts").Items() {
			if m.Get("name").Text() == volume && !m.Get("readOnly").True() {
				return false
			}
		}
	}
	return true
}

// Starts are the identities that hold rights, in the order of the bindings.
func (m *Model) Starts() []State { return m.starts }

// holds returns the rules that an identity has by its name and by the groups
// that it is in without anybody's doing.
func (m *Model) holds(s State, c Cut) []*Grant {
	out := c.filter(m.grants[s])
	groups := []string{"system:authenticated"}
	switch {
	case s.Kind == Account:
		groups = []string{"system:serviceaccounts", "system:authenticated"}
		if s.Namespace != "" {
			groups = append(groups, "system:serviceaccounts:"+s.Namespace)
		}
	case s.Name == "system:anonymous":
		groups = []string{"system:unauthenticated"}
	case s.Name == "system:authenticated" || s.Name == "system:unauthenticated":
		return out
	}
	for _, name := range groups {
		for _, g := range c.filter(m.grants[State{Group, "", name}]) {
			via := *g
			via.Via = name
			out = append(out, &via)
		}
	}
	return out
}

// Admin reports whether an identity has all rights without any detour.
func (m *Model) Admin(s State) bool {
	for _, g := range m.holds(s, Cut{}) {
		if g.everything() {
			return true
		}
	}
	return false
}

// Holders returns how many identities hold a rule, or are subjects of a
// binding.
func (m *Model) Holders(c Cut) int { return m.holders[c] }

// countHolders fills in what Holders returns.
func (m *Model) countHolders() {
	m.holders = map[Cut]int{}
	for _, grants := range m.grants {
		for i, g := range grants {
			rule, binding := Cut{Rule: g.Rule}, Cut{Binding: g.Binding}
			if !slices.ContainsFunc(grants[:i], rule.hits) {
				m.holders[rule]++
			}
			if !slices.ContainsFunc(grants[:i], binding.hits) {
				m.holders[binding]++
			}
		}
	}
}

// Cut is a rule or a binding to do without.
type Cut struct {
	Rule    tree.Node
	Binding *graph.Object
}

func (c Cut) hits(g *Grant) bool {
	return c.Binding != nil && g.Binding == c.Binding || c.Rule.Exists() && g.Rule == c.Rule
}

func (c Cut) filter(grants []*Grant) []*Grant {
	if c.Binding == nil && !c.Rule.Exists() {
		return slices.Clip(grants)
	}
	var out []*Grant
	for _, g := range grants {
		if !c.hits(g) {
			out = append(out, g)
		}
	}
	return out
}
