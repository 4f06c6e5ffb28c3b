package watch

import (
	"strings"

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
	// only is a matcher that all its series must have, "" for none.
	only    string
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
	// the braces is joined with them.
	expr      string
	direction anomaly.Direction
	effect    float64
	exemplars string
}

// usual are the labels that tell whose a series is, in the names that scrapers,
// OpenTelemetry and people give them. To group by a label that is not there
// changes nothing.
var usual = []string{
	"cluster", "environment", "deployment_environment_name", "deployment_environment", "env",
	"namespace", "k8s_namespace_name", "kubernetes_namespace", "exported_namespace", "service_namespace",
	"service", "service_name", "app", "app_kubernetes_io_name", "job", "workload",
}

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
		Expr: c.expand(s.expr, o), Direction: s.direction, MinEffect: s.effect, Exemplars: c.expand(s.exemplars, o),
	}
}

// expand fills a template in.
func (c *convention) expand(expr string, o Options) string {
	var matchers []string
	if c.only != "" {
		matchers = append(matchers, c.only)
	}
	if o.Namespace != "" {
		matchers = append(matchers, c.inNamespace(o.Namespace))
	}
	all := strings.Join(matchers, ",")
	var b strings.Builder
	for i := 0; i < len(expr); i++ {
		switch {
		case expr[i] == '"': // texts stay as they are; none has a quote inside
			end := i + 1 + strings.IndexByte(expr[i+1:], '"')
			b.WriteString(expr[i : end+1])
			i = end
		case strings.HasPrefix(expr[i:], "{}"):
			if all != "" {
				b.WriteString("{" + all + "}")
			}
			i++
		case expr[i] == '{':
			b.WriteByte('{')
			if all != "" {
				b.WriteString(all + ",")
			}
		case strings.HasPrefix(expr[i:], "[W]"):
			b.WriteString("[" + seconds(o.Window) + "]")
			i += 2
		case strings.HasPrefix(expr[i:], "by ()"):
			b.WriteString("by (" + strings.Join(append(append([]string(nil), c.by...), usual...), ", ") + ")")
			i += 4
		case strings.HasPrefix(expr[i:], "by (le)"):
			b.WriteString("by (le, " + strings.Join(append(append([]string(nil), c.by...), usual...), ", ") + ")")
			i += 6
		default:
			b.WriteByte(expr[i])
		}
	}
	return b.String()
}

// inNamespace is a matcher of a namespace. PromQL has no "or" between labels, so
// that it is the label that the convention uses.
func (c *convention) inNamespace(ns string) string {
	label := "namespace"
	for _, l := range c.by {
		if strings.Contains(l, "namespace") {
			label = l
		}
	}
	return label + "=" + quote(ns)
}
