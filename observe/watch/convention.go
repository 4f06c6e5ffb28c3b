package watch

import (
	"slices"

	"github.com/autoecoops/autoecoops/observe/anomaly"
)

// convention is how some kind of program names what it measures.
type convention struct {
	name string
	// family joins conventions that tell the same: of each signal the first
	// convention's is taken.
	family string
	// by are the labels that say whose a series is, besides the usual ones.
	by []string
	// others says that its series are of others than who is scraped: the usual labels,
	// which a scraper sets, do not say whose they are.
	others bool
	// own are labels to set, in this order, by what the metric itself says.
	own []rename
	// once are the labels of one thing: it counts once, however many tell of it.
	once []string
	// names are labels to set after that.
	names []rename
	// places tell the namespace, the most trustworthy first; nil are the usual ones.
	places []place
	// only are matchers of which its series must have one, nil for none. No series has
	// several.
	only    []string
	signals []signal
}

// signal is one expression of a convention.
type signal struct {
	// short is its name within the convention.
	short  string
	golden Golden
	what   string
	unit   string
	// needs are the metrics that must be there.
	needs []string
	// expr is PromQL in which {} stands for the matchers of the convention, ()
	// after by for its labels, and [W] for the window. A matcher written inside
	// the braces is joined with them. The parentheses after those of by hold what is
	// told by the metrics themselves.
	expr      string
	direction anomaly.Direction
	effect    float64
	exemplars string
}

// environments are the labels that tell installations of the same apart.
var environments = []string{"cluster", "environment", "deployment_environment_name", "deployment_environment", "env"}

// usual are the labels that tell whose a series is, in the names that scrapers,
// OpenTelemetry and people give them. To group by a label that is not there
// changes nothing.
var usual = append(slices.Clone(environments),
	"namespace", "k8s_namespace_name", "kubernetes_namespace", "exported_namespace", "service_namespace",
	"service", "service_name", "app", "app_kubernetes_io_name", "job", "workload",
)

// choose makes the watches of a convention, and tells what is missing if only
// some of it is there.
func (c *convention) choose(there map[string]bool, o Options) (watches []Watch, missing []string) {
	some := false
	for _, s := range c.signals {
		whole := true
		for _, n := range s.needs {
			if there[n] {
				some = true
			} else {
				whole = false
				missing = append(missing, n)
			}
		}
		if whole {
			watches = append(watches, c.watch(s, o))
		}
	}
	// A convention may have its errors or its histogram in one of two forms.
	if !some || len(watches) == len(c.signals) || c.complete(watches) {
		missing = nil
	}
	return watches, missing
}

// complete reports whether each kind of signal that a convention tells is there
// in one of its forms.
func (c *convention) complete(watches []Watch) bool {
	have := map[Golden]bool{}
	for _, w := range watches {
		have[w.Golden] = true
	}
	for _, s := range c.signals {
		if !have[s.golden] {
			return false
		}
	}
	return true
}

func (c *convention) watch(s signal, o Options) Watch {
	return Watch{
		Name: c.name + "/" + s.short, Golden: s.golden, What: s.what, Unit: s.unit,
		Expr: c.expand(s.expr, o), Direction: s.direction, MinEffect: s.effect, Exemplars: c.expand(s.exemplars, Options{Window: o.Window}), // the labels of a signal tell its namespace
	}
}
