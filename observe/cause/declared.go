package cause

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// Declared tells who waits for whom by what is declared, of the components of a case: a
// workload that has the address of a Service in its environment, its arguments or a ConfigMap
// waits for the workloads behind it; and who was seen to call the host of a Service waits for
// those that it selects, whatever they are called. What was seen goes before what is declared:
// of two that are seen to call one way only, the other way is an address and no call.
func Declared(graphs []*graph.Graph, c *Case) []Dependency {
	d := declaring{graphs: graphs, known: map[string][]Component{}, calls: map[[2]Component]bool{}, told: map[Dependency]bool{}}
	d.know(c)
	for _, g := range graphs {
		for _, o := range g.Objects {
			if o.Pod == nil {
				continue
			}
			for _, text := range addresses(o) {
				for _, host := range hostsIn(text.name, text.value) {
					d.needs(d.of(g, o), g, o.Namespace, host)
				}
			}
		}
	}
	for i := range c.Edges {
		if e := &c.Edges[i].Edge; !e.Async && e.Callee.Kind != trace.Service && e.Caller.Kind == trace.Service {
			d.called(e.Caller, e.Callee)
		}
	}
	slices.SortFunc(d.out, func(a, b Dependency) int {
		return cmp.Or(compareComponents(a.Who, b.Who), compareComponents(a.On, b.On))
	})
	return d.out
}

// declaring is the state of Declared.
type declaring struct {
	graphs []*graph.Graph
	known  map[string][]Component // the services of the case, by their names
	calls  map[[2]Component]bool  // that were seen
	told   map[Dependency]bool
	out    []Dependency
}

func (d *declaring) know(c *Case) {
	add := func(p Component) {
		if p.Kind == trace.Service && p.Key.Known() && !slices.Contains(d.known[p.Key.Service], p) {
			d.known[p.Key.Service] = append(d.known[p.Key.Service], p)
		}
	}
	for i := range c.Series {
		add(c.Series[i].Of)
	}
	for i := range c.Edges {
		e := &c.Edges[i].Edge
		add(e.Caller)
		add(e.Callee)
		if !e.Async {
			d.calls[[2]Component{e.Caller, e.Callee}] = true
		}
	}
}

// of are the components of the case that a workload may be: as its telemetry is named, or
// as it is itself.
func (d *declaring) of(g *graph.Graph, o *graph.Object) (out []Component) {
	as := identity.Declared(o.Pod, identity.Surroundings(g, o.Pod))
	names := []string{as.Service, identity.Clean(o.Name)}
	for _, name := range slices.Compact(names) {
		for _, p := range d.known[name] {
			if alike(p.Key.Environment, as.Environment) && (alike(p.Key.Namespace, identity.Clean(o.Namespace)) || p.Key.Namespace == as.Namespace) {
				out = append(out, p)
			}
		}
	}
	return out
}

// alike reports whether two names may be of the same: one that is not known may be any.
func alike(a, b string) bool { return a == b || a == "" || b == "" }

// needs notes that components wait for the workloads behind a host, as a namespace knows it.
func (d *declaring) needs(who []Component, g *graph.Graph, namespace string, host []string) {
	if len(who) == 0 {
		return
	}
	if len(host) > 1 {
		namespace = host[1]
	}
	for _, where := range append([]*graph.Graph{g}, d.graphs...) {
		service := where.Find("Service", namespace, host[0])
		if service == nil {
			continue
		}
		for e := range service.Out(graph.Selects) {
			if e.To.Pod == nil {
				continue
			}
			for _, on := range d.of(where, e.To) {
				for _, w := range who {
					d.tell(w, on, len(host) > 1)
				}
			}
		}
		return
	}
}

// called notes that a caller of a host waits for the workloads behind it.
func (d *declaring) called(caller, host Component) {
	if host.Key.Namespace == "" {
		host.Key.Namespace = caller.Key.Namespace
	}
	as, ok := host.Hosted()
	if !ok {
		return
	}
	for _, g := range d.graphs {
		d.needs([]Component{caller}, g, as.Key.Namespace, []string{as.Key.Service})
	}
}

// tell notes a dependency. Two are of one installation; and of one namespace, unless across
// says that another is named.
func (d *declaring) tell(who, on Component, across bool) {
	x := Dependency{who, on, Calls}
	apart := who.Key.Namespace != on.Key.Namespace && !across
	if who == on || apart || !alike(who.Key.Environment, on.Key.Environment) || d.told[x] {
		return
	}
	if d.calls[[2]Component{on, who}] && !d.calls[[2]Component{who, on}] {
		return
	}
	d.told[x] = true
	d.out = append(d.out, x)
}

// setting is a text that a workload is given, with its name; "" if it has none.
type setting struct{ name, value string }

// addresses are the texts in which a workload may be given an address.
func addresses(o *graph.Object) (all []setting) {
	for c := range o.Pod.Each() {
		for _, e := range c.Node.Get("env").Items() {
			all = append(all, setting{e.Get("name").Text(), e.Get("value").Text()})
		}
		for _, list := range [...]string{"command", "args"} {
			for _, text := range c.Node.Get(list).Strings() {
				all = append(all, setting{"", text})
			}
		}
	}
	for e := range o.Out(graph.Uses) {
		if e.To.Kind != "ConfigMap" {
			continue
		}
		for k, v := range e.To.Body.Get("data").Fields() {
			all = append(all, setting{k.Text(), v.Text()})
		}
	}
	return all
}

// maxSetting is how much of a text is looked through.
const maxSetting = 64 << 10

var (
	hostForm = regexp.MustCompile(`[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?`)
	portForm = regexp.MustCompile(`^:[0-9]{1,5}\b`)
	hostName = regexp.MustCompile(`(?i)(host|addr|server|service|endpoint|url)`)
)

// hostsIn are the names of Services that a text has as hosts, each with the namespace if that
// is named: in an address, before a port, as in DNS, or alone under a name that says so.
func hostsIn(name, text string) (out [][]string) {
	text = text[:min(len(text), maxSetting)]
	for _, at := range hostForm.FindAllStringIndex(text, -1) {
		host, before, after := text[at[0]:at[1]], text[:at[0]], text[at[1]:]
		parts := strings.Split(host, ".")
		inCluster := len(parts) > 2 && parts[2] == "svc"
		authority := strings.HasSuffix(before, "//") && !userAhead(after) || strings.HasSuffix(before, "@")
		alone := before == "" && after == "" && hostName.MatchString(name)
		switch {
		case len(parts) > 2 && !inCluster, parts[0] == "":
		case authority, inCluster, alone, portForm.MatchString(after) && !strings.HasSuffix(before, ":"):
			out = append(out, parts[:min(len(parts), 2)])
		}
	}
	return out
}

// userAhead reports whether what was read is the user of an address, and its host follows.
func userAhead(after string) bool {
	end := strings.IndexAny(after, "/?# \t\n\"'")
	if end < 0 {
		end = len(after)
	}
	return strings.Contains(after[:end], "@")
}
