package openslo

import (
	"fmt"
	"maps"
	"math"

	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/observe/slo"
)

const (
	slothVersion = "prometheus/v1"
	slothAPI     = "sloth.slok.dev/v1"
	slothKind    = "PrometheusServiceLevel"
)

// spelling is how a form of Sloth writes its fields.
type spelling struct{ events, total, ratio, page, ticket string }

var (
	inFile     = spelling{"error_query", "total_query", "error_ratio_query", "page_alert", "ticket_alert"}
	inResource = spelling{"errorQuery", "totalQuery", "errorRatioQuery", "pageAlert", "ticketAlert"}
)

// slothFile reads a spec file.
func (r *reader) slothFile(root tree.Node) {
	f := r.open(root, "")
	f.skip("version")
	r.slothService(f, inFile)
	f.done()
}

// slothResource reads a PrometheusServiceLevel.
func (r *reader) slothResource(root tree.Node) {
	f := r.open(root, "")
	f.skip("apiVersion", "kind", "metadata", "status")
	spec := f.sub("spec", true)
	r.slothService(spec, inResource)
	spec.done()
	f.done()
}

func (r *reader) slothService(f *fields, s spelling) {
	since := len(r.problems)
	service, labels := f.needText("service"), f.texts("labels")
	f.refuse("plugins are programs of Sloth", "slo_plugins", "sloPlugins")
	all := f.list("slos")
	if len(all) == 0 && f.n.Get("slos").Len() == 0 && f.n.Exists() {
		r.fail(f.n, "%s is missing or empty", f.name("slos"))
	}
	broken := len(r.problems) > since
	for i, n := range all {
		since := len(r.problems)
		o, notes := r.slothSLO(n, fmt.Sprintf("%s[%d]", f.name("slos"), i), service, labels, s)
		if !broken {
			r.add(n, o, notes, since)
		}
	}
}

func (r *reader) slothSLO(n tree.Node, path, service string, labels map[string]string, s spelling) (o slo.Objective, notes []string) {
	f := r.open(n, path)
	o = slo.Objective{
		Service: service, Name: f.needText("name"), Description: f.text("description"),
		Period: slo.Period{Rolling: r.options.Period}, Labels: merged(labels, f.texts("labels")),
	}
	f.need("objective")
	if v, ok := f.number("objective"); ok {
		o.Target = share(v)
	}
	f.refuse("plugins are programs of Sloth", "plugins")
	o.Indicator = r.slothIndicator(f.sub("sli", true), s)
	o.Alerting = slo.DefaultAlerting(o.Period)
	o.Alerting.Tiers = slo.Sloth(r.options.Period)
	notes = r.slothAlerting(f.sub("alerting", false), &o, s)
	f.done()
	return o, notes
}

func (r *reader) slothIndicator(f *fields, s spelling) slo.Indicator {
	var i slo.Indicator
	f.refuse("an error ratio cannot be turned into counts, which budgets are made of; give "+s.events+" and "+s.total, "raw")
	f.refuse("plugins are programs of Sloth; give the queries that it makes", "plugin")
	if f.n.Exists() && !f.n.Has("raw") && !f.n.Has("plugin") || f.n.Has("events") {
		e := f.sub("events", true)
		i.Bad, i.Total = r.counted(e.need(s.events), true, slo.WindowMark), r.counted(e.need(s.total), true, slo.WindowMark)
		e.done()
	}
	f.done()
	return i
}

// slothAlerting applies what is said of alerts to the tiers.
func (r *reader) slothAlerting(f *fields, o *slo.Objective, s spelling) (notes []string) {
	if name := f.text("name"); name != "" {
		notes = append(notes, fmt.Sprintf("alerts are called %s here, not %s", slo.AlertBurn, name))
	}
	labels := f.texts("labels")
	o.Annotations = f.texts("annotations")
	kinds := map[slo.Severity]*fields{slo.Page: f.sub(s.page, false), slo.Ticket: f.sub(s.ticket, false)}
	var tiers []slo.Tier
	for _, severity := range []slo.Severity{slo.Page, slo.Ticket} {
		k := kinds[severity]
		off, own, annotations := k.flag("disable"), k.texts("labels"), k.texts("annotations")
		k.done()
		for _, t := range o.Alerting.Tiers {
			if t.Severity == severity && !off {
				t.Labels, t.Annotations = merged(labels, own), annotations
				tiers = append(tiers, t)
			}
		}
	}
	if o.Alerting.Tiers = tiers; len(tiers) == 0 {
		o.Alerting.Off = true
	}
	f.done()
	return notes
}

// share makes a share of a percentage, without the noise of the division.
func share(percent float64) float64 { return math.Round(percent*1e10) / 1e12 }

func merged(a, b map[string]string) map[string]string {
	if len(a)+len(b) == 0 {
		return nil
	}
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}
