package main

import (
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/observe"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// chosenPlace stands in the catalogue's queries where Grafana puts the namespace, a regular
// expression. No query has it by itself.
const chosenPlace = "nschosen"

// everywhere is what the variables look back over: they know no $__rate_interval.
const everywhere = 5 * time.Minute

// measured are queries of every convention's signal of a kind, a series for each workload
// that is chosen. What there is of them in a source is what it shows.
func measured(is func(watch.Watch) bool) (all []query) {
	const window = 2 * time.Minute
	for _, w := range watch.All(watch.Options{Namespace: chosenPlace, Window: window}) {
		if !is(w) {
			continue
		}
		convention, short, _ := strings.Cut(w.Name, "/")
		if strings.HasSuffix(short, "-errors") { // by another label of the same counter
			convention += ", by " + strings.TrimSuffix(short, "-errors")
		}
		expr := strings.ReplaceAll(placed(w.Expr), "[120s]", "[$__rate_interval]")
		all = append(all, ask(onlyChosen(named(expr, "workload", observe.WorkloadLabels())), "{{workload}}, "+convention))
	}
	return all
}

// placed puts Grafana's variable where a namespace was. A name that tells the namespace in
// some form is chosen with all that are not named so, too, if all are chosen.
func placed(expr string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(expr, chosenPlace)
		if !found {
			return b.String() + expr
		}
		if equal, ok := strings.CutSuffix(before, `="`); ok {
			b.WriteString(equal + `=~"$namespace`)
			expr = rest
			continue
		}
		// It is within a regular expression, which may have it again.
		form, after, _ := strings.Cut(rest, `"`)
		b.WriteString(before + "$namespace" + strings.ReplaceAll(form, chosenPlace, "$namespace") + `|$namespace"`)
		expr = after
	}
}

// named sets a label to what the first of others says that a series has: the last that is
// set counts, and what a query never speaks of is not there. The job of OpenTelemetry is the namespace and the name.
func named(expr, label string, from []string) string {
	whole := expr
	forms := map[string]string{"workload": "(?:.*/)?([^/]+)", "namespace": "(.+)/[^/]+"}
	for _, other := range slices.Backward(from) {
		form := "(.+)"
		if other == "job" {
			form = forms[label]
		}
		if strings.Contains(whole, other) {
			expr = replaced(expr, "told", "$1", other, form)
		}
	}
	return replaced(expr, label, "$1", "told", "(.+)")
}

func replaced(expr, label, with, from, form string) string {
	return "label_replace(" + expr + `, "` + label + `", "` + with + `", "` + from + `", "` + form + `")`
}

// onlyChosen leaves the series of the chosen workload. Selectors cannot choose by a label
// that is only set by the query.
func onlyChosen(expr string) string {
	return replaced(expr, "chosen", "yes", "workload", "$workload") + " and on (chosen) " + replaced("vector(1)", "chosen", "yes", "", "")
}

// traced asks for the exemplars of the chosen workload. They are of all series that a query
// selects, whatever it makes of them: so it has selectors that choose, and no value ever.
func traced(is func(watch.Watch) bool) query {
	const chosenWorkload = "wlchosen"
	var all []string
	for _, w := range watch.All(watch.Options{}) {
		if !is(w) || !strings.Contains(w.Expr, "workload") {
			continue // a proxy's, which has none
		}
		ways := []map[string]string{
			{"namespace": chosenPlace, "workload": chosenWorkload}, {"k8s_namespace_name": chosenPlace, "k8s_deployment_name": chosenWorkload}, {"job": chosenPlace + "/" + chosenWorkload},
		}
		if strings.HasPrefix(w.Name, "istio/") {
			ways = []map[string]string{{"destination_workload_namespace": chosenPlace, "destination_workload": chosenWorkload}}
		}
		for _, labels := range ways {
			selectors := strings.ReplaceAll(placed(w.ExemplarsOf(labels)), `="`+chosenWorkload, `=~"$workload`)
			all = append(all, strings.ReplaceAll(selectors, chosenWorkload, "$workload"))
		}
	}
	return query{expr: "(" + strings.Join(all, " or ") + ") > Inf", legend: "exemplars", exemplars: true}
}

// everybody asks who there is, by a label.
func everybody(namespace, label string, from []string) string {
	var all []string
	for _, w := range watch.All(watch.Options{Namespace: namespace, Window: everywhere}) {
		if w.Golden == watch.Rate || w.Name == "cadvisor/memory" {
			all = append(all, named(placed(w.Expr), label, from))
		}
	}
	return "query_result(group by (" + label + ") (" + strings.Join(all, " or ") + "))"
}

// kindOf picks the signals of a kind, in a unit.
func kindOf(g watch.Golden, unit string) func(watch.Watch) bool {
	return func(w watch.Watch) bool { return w.Golden == g && w.Unit == unit }
}

func workloadDashboard() dashboard {
	slowest := func(w watch.Watch) bool { return w.Golden == watch.Duration && strings.HasSuffix(w.Name, "/p95") }
	container := func(short string) func(watch.Watch) bool {
		return func(w watch.Watch) bool { return w.Name == "cadvisor/"+short }
	}
	return dashboard{
		uid: "aeo-workload", title: "AutoEcoOps: a workload", about: "Requests, errors, durations, what its containers use, lines and traces of a workload on one time axis.",
		variables: []variable{
			{name: "namespace", label: "Namespace", query: everybody("", "namespace", append(observe.NamespaceLabels(), "job")), part: `/namespace="([^"]+)"/`, all: ".*"},
			{name: "workload", label: "Workload", query: everybody(chosenPlace, "workload", observe.WorkloadLabels()), part: `/workload="([^"]+)"/`},
		},
		rows: []row{
			{"Requests", []panel{
				{title: "Requests", kind: "timeseries", unit: "reqps", lines: true, queries: measured(kindOf(watch.Rate, "/s"))},
				{title: "Errors", about: "Share of the requests that the server failed.", kind: "timeseries", unit: "percentunit", lines: true, queries: measured(kindOf(watch.Errors, "share"))},
				{title: "Duration", about: "The 95th percentile. Each diamond is a request whose trace is kept: open it.", kind: "timeseries", unit: "s", lines: true, queries: append(measured(slowest), traced(slowest))},
			}},
			{"What its containers use", []panel{
				{title: "Processor time", kind: "timeseries", unit: "cores", lines: true, queries: measured(container("cpu"))},
				{title: "Memory", kind: "timeseries", unit: "bytes", lines: true, queries: measured(container("memory"))},
				{title: "Held back by the processor limit", about: "Share of the periods.", kind: "timeseries", unit: "percentunit", lines: true, queries: measured(container("throttled"))},
			}},
			{"What it says", []panel{
				{title: "Kinds of error lines that are new, or far more than usual", kind: "timeseries", stacked: true, lines: true, queries: []query{ask(`sum by (workload, kind) (aeo_observe_log_findings{`+workload+`})`, "{{workload}}: {{kind}}")}},
				{title: "Lines", kind: "logs", source: logsUID, height: 12, queries: []query{ask(pods, "")}},
				{title: "Errors in its lines", kind: "logs", source: logsUID, height: 12, queries: []query{ask(pods+` |~ "(?i)(error|fatal|panic|exception)"`, "")}},
			}},
			{"Its traces", []panel{{title: "Traces", about: "Choose one workload above.", kind: "table", source: tracesUID, height: 10, queries: []query{ask("$workload", "")}}}},
		},
	}
}
