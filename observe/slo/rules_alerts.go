package slo

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// alerts are the rules that tell people.
func (r *ruler) alerts() []Rule {
	if r.o.Alerting.Off {
		return nil
	}
	var rules []Rule
	for _, t := range r.o.Alerting.Tiers {
		rules = append(rules, r.burn(t))
	}
	if q := r.present(); q != "" {
		rules = append(rules, r.told(Rule{
			Alert: AlertAbsent, For: roundUp(AbsentAfter(&r.o)),
			Expr: fmt.Sprintf("absent_over_time(%s[%s])", q, FormatDuration(2*r.opts.Scrape)),
		}, "ticket", "Nothing is known of {{ $labels.service }}/{{ $labels.slo }}",
			"There are no series that count all events. Is the selector right, and is the service running? Until then its other alerts mean nothing."))
	}
	if q := r.o.Indicator.Good; !q.Empty() && r.o.Budgeting == Occurrences {
		w := r.shortest()
		rules = append(rules, r.told(Rule{
			Alert: AlertInvalid,
			Expr:  fmt.Sprintf("%s\n>\n1 + 1.02 * sum(%s)", increase(q, w), r.series(recorded("total", w))),
		}, "ticket", "More events of {{ $labels.service }}/{{ $labels.slo }} are good than there are",
			"The queries do not count the same events. Until that is mended its other alerts mean nothing."))
	}
	return rules
}

// present is the selector whose absence means that nothing is known.
func (r *ruler) present() string {
	if s := r.o.Indicator.Gauge.Selector; s != "" {
		return s
	}
	return r.o.Indicator.Total.Selector
}

// told adds what all alerts carry.
func (r *ruler) told(rule Rule, severity, summary, description string) Rule {
	rule.Labels = r.labels()
	rule.Labels["severity"] = severity
	rule.Annotations = maps.Clone(r.o.Annotations)
	if rule.Annotations == nil {
		rule.Annotations = map[string]string{}
	}
	for k, v := range map[string]string{"summary": summary, "description": description} {
		if rule.Annotations[k] == "" {
			rule.Annotations[k] = v
		}
	}
	return rule
}

// burn is the alert of a tier.
func (r *ruler) burn(t Tier) Rule {
	threshold := number(roundShare(t.Factor * r.o.Allowed()))
	long, short := FormatDuration(t.Long), FormatDuration(t.Short)
	conditions := []string{
		r.series("slo:error:ratio"+long) + " > " + threshold,
		r.series("slo:error:ratio"+short) + " > " + threshold,
	}
	if r.o.Budgeting == Occurrences {
		conditions = append(conditions, r.evidence(t.Long, threshold)...)
	}
	rule := r.told(Rule{Alert: AlertBurn, For: t.For, Expr: strings.Join(conditions, "\nand\n")}, t.Severity.String(),
		"The error budget of {{ $labels.service }}/{{ $labels.slo }} burns at more than "+number(t.Factor)+" times the rate that it allows",
		fmt.Sprintf("{{ $value | humanizePercentage }} of the events of %s were bad, and %s are allowed; the last %s are no better. At this rate the budget of %s lasts %s at most.",
			long, percent(r.o.Allowed()), short, r.o.Period, FormatDuration(time.Duration(float64(r.o.Period.Length())/t.Factor).Truncate(time.Minute))))
	maps.Copy(rule.Labels, t.Labels)
	maps.Copy(rule.Annotations, t.Annotations)
	maps.Copy(rule.Labels, map[string]string{"tier": t.Name, "service": r.o.Service, "slo": r.o.Name})
	return rule
}

// evidence are the conditions that keep a handful of events from alerting.
func (r *ruler) evidence(w time.Duration, threshold string) []string {
	e := r.o.Alerting.Evidence
	n, k, p := r.series(recorded("total", w)), r.series(recorded("bad", w)), r.series("slo:error:ratio"+FormatDuration(w))
	var out []string
	if e.MinTotal > 0 {
		out = append(out, n+" >= "+number(e.MinTotal))
	}
	if e.MinBad > 0 {
		out = append(out, k+" >= "+number(e.MinBad))
	}
	if z := Quantile(e.Confidence); z > 0 {
		zz := number(z * z)
		out = append(out, fmt.Sprintf("(\n  2 * %s + %s - 1\n  - %s * sqrt(clamp_min(%s - 2 - 1 / (%s > 0) + 4 * %s * (1 - %s) + 4 * %s, 0))\n) / (2 * (%s + %s)) > %s",
			k, zz, number(z), zz, n, k, p, p, n, zz, threshold))
	}
	return out
}

// roundShare drops the last bits of a product, which people would wonder about.
func roundShare(v float64) float64 { return math.Round(v*1e12) / 1e12 }

func percent(share float64) string { return number(math.Round(share*1e8)/1e6) + " %" }

// roundUp makes whole seconds.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

func sortedUnique(all []time.Duration) []time.Duration {
	slices.Sort(all)
	return slices.Compact(all)
}
