package openslo_test

import (
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/openslo"
	"github.com/autoecoops/autoecoops/adapter/yamldoc"
)

func TestProblemsOfSloth(t *testing.T) {
	for name, text := range map[string]string{
		"no service": `version: prometheus/v1 # want service is missing
slos: [{name: a, objective: 99, sli: {events: {error_query: 'a', total_query: 'b'}}}]`,
		"no slos": `version: prometheus/v1 # want slos is missing
service: a`,
		"another version": `version: prometheus/v2 # want only those of version prometheus/v1
service: a
slos: []`,
		"a field of the other form": `version: prometheus/v1
service: a
slos:
- name: a
  objective: 99
  sli:
    events: # want error_query is missing
      errorQuery: a # want do you mean error_query
      total_query: b`,
		"a ratio": `version: prometheus/v1
service: a
slos:
- name: a
  objective: 99.9
  sli:
    raw: {error_ratio_query: 'x'} # want cannot be turned into counts`,
		"a plugin": `version: prometheus/v1
service: a
slos:
- name: a
  objective: 99.9
  sli:
    plugin: {id: x} # want plugins are programs`,
		"target out of range": `version: prometheus/v1
service: a
slos:
- name: a # want target: 1 is not between
  objective: 100
  sli: {events: {error_query: 'a', total_query: 'b'}}`,
		"target is a text": `version: prometheus/v1
service: a
slos:
- name: a
  objective: "99.9" # want slos[0].objective must be a number
  sli: {events: {error_query: 'a', total_query: 'b'}}`,
		"a name with capitals": `version: prometheus/v1
service: a
slos:
- name: Requests # want is no name
  objective: 99.9
  sli: {events: {error_query: 'a', total_query: 'b'}}`,
		"twice": `version: prometheus/v1
service: a
slos:
- {name: b, objective: 99.9, sli: {events: {error_query: '%', total_query: 'b'}}} # want cannot be counted
- {name: b, objective: 99.9, sli: {events: {error_query: 'a{', total_query: 'b'}}} # want cannot be counted
service: b # want for the second time`,
		"lists and texts mixed up": `version: prometheus/v1
service: [a] # want service must be a text
labels: x # want labels must be a map
slos: {a: b} # want slos must be a list`,
		"a slo that is a text": `version: prometheus/v1
service: a
slos: [b] # want slos[0] must be a map`,
		"a flag that is none": `version: prometheus/v1
service: a
slos:
- name: a
  objective: 99.9
  sli: {events: {error_query: 'a', total_query: 'b'}}
  alerting: {page_alert: {disable: maybe}} # want must be true or false`,
		"another resource": `apiVersion: sloth.slok.dev/v2
kind: PrometheusServiceLevel # want is read, not
spec: {}`,
		"no spec": `apiVersion: sloth.slok.dev/v1 # want spec is missing
kind: PrometheusServiceLevel`,
		"something else": `apiVersion: v1 # want neither an Objective
kind: ConfigMap`,
		"no map":        `- a # want must be a map`,
		"broken YAML":   "version: prometheus/v1\nservice: {a # want did not find expected",
		"unknown field": "version: prometheus/v1\nservices: a # want do you mean service?\nslos: [] # want x",
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(text, "want x") { // two problems of the whole file
				text = strings.Replace(text, " # want x", "", 1)
				text = strings.Replace(text, "prometheus/v1", "prometheus/v1 # want service is missing; slos is missing", 1)
			}
			problemsOf(t, text)
		})
	}
}

// sloWith is an SLO in OpenSLO with changed lines.
func sloWith(pairs ...string) string {
	text := `apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: s
  indicatorRef: i
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: i}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: a}}}
    total: {metricSource: {type: Prometheus, spec: {query: b}}}
`
	return strings.NewReplacer(pairs...).Replace(text)
}

func TestProblemsOfOpenSLO(t *testing.T) {
	for name, text := range map[string]string{
		"another version":      "apiVersion: openslo/v2alpha # want only openslo/v1 is read\nkind: SLO",
		"another kind":         "apiVersion: openslo/v1\nkind: Objective # want there is no kind\nmetadata: {name: a}\nspec: {}",
		"no name":              sloWith("{name: a}", "{labels: {a: b}} # want metadata.name is missing"),
		"reference to nothing": sloWith("indicatorRef: i", "indicatorRef: j # want there is no SLI called \"j\"", "objectives: [{target: 0.99}]", "objectives: [{target: 0.99}] # want"),
		"no window":            sloWith("  timeWindow: [{duration: 30d, isRolling: true}]\n", "", "spec:\n  service: s", "spec: # want exactly one entry\n  service: s"),
		"two windows":          sloWith("timeWindow: [{duration: 30d, isRolling: true}]", "timeWindow: [{duration: 30d, isRolling: true}, {duration: 7d, isRolling: true}] # want exactly one"),
		"no duration":          sloWith("30d", "30x # want is no duration\n     "),
		"no time at all":       sloWith("30d", "0d # want \"0d\" is no time: write 1m or more\n     "),
		"no unit":              sloWith("30d", "1s # want \"1s\" is no duration of OpenSLO\n     "),
		"too long":             sloWith("30d", "100000d # want \"100000d\" is too long: write 400d or less\n     "),
		"far too long":         sloWith("30d", "99999999999999999999Y # want is too long: write 400d or less\n     "),
		"longer than a number": sloWith("30d", "26000Y # want is too long: write 400d or less\n     "),
		"calendar of 2 weeks":  sloWith("[{duration: 30d, isRolling: true}]", "[{duration: 2w, isRolling: false}] # want must be 1d, 1w"),
		"calendar of nowhere":  sloWith("[{duration: 30d, isRolling: true}]", "[{duration: 1M, isRolling: false, calendar: {timeZone: Mars/Base}}] # want there is no time zone"),
		"calendar from within": sloWith("[{duration: 30d, isRolling: true}]", "[{duration: 1M, calendar: {startTime: \"2026-01-03 00:00:00\", timeZone: UTC}}] # want must begin when"),
		"calendar from never":  sloWith("[{duration: 30d, isRolling: true}]", "[{duration: 1M, calendar: {startTime: soon}}] # want is no time"),
		"rolling calendar":     sloWith("isRolling: true", "isRolling: true, calendar: {timeZone: UTC}"+"}] # want has no calendar\n#"),
		"ratio of slices":      sloWith("Occurrences", "RatioTimeslices # want averages ratios"),
		"no such method":       sloWith("Occurrences", "Sometimes # want is no method"),
		"no method":            sloWith("  budgetingMethod: Occurrences\n", "", "spec:\n  service: s", "spec: # want budgetingMethod is missing\n  service: s"),
		"no objectives":        sloWith("[{target: 0.99}]", "[]", "spec:\n  service: s", "spec: # want spec.objectives is missing\n  service: s"),
		"no target":            sloWith("{target: 0.99}", "{displayName: x}] # want target is missing\n#"),
		"two targets":          sloWith("{target: 0.99}", "{target: 0.99, targetPercent: 99}] # want says it too\n#"),
		"a slice too many":     sloWith("{target: 0.99}", "{target: 0.99, timeSliceTarget: 0.9}] # want budgetingMethod is Occurrences\n#"),
		"a slice too few":      sloWith("Occurrences", "Timeslices", "{target: 0.99}", "{target: 0.99}] # want timeSliceWindow is missing; timeSliceTarget is missing\n#"),
		"composite":            sloWith("{target: 0.99}", "{target: 0.99, compositeWeight: 2}] # want not supported\n#"),
		"no indicator":         sloWith("  indicatorRef: i\n", "", "[{target: 0.99}]", "[{target: 0.99}] # want there is no indicator"),
		"unknown field":        sloWith("  service: s", "  service: s\n  sevrice: t # want do you mean service"),
		"unknown label value":  sloWith("{name: a}", "{name: a, labels: {x: {y: z}}} # want must be a text"),
		"not a counter":        sloWith("    counter: true\n", "", "query: a}}}", "query: a}}} # want set counter: true", "query: b}}}", "query: b}}} # want set counter: true"),
		"good and bad":         sloWith("  ratioMetric:", "  ratioMetric: # want exactly one of good and bad\n    bad: {metricSource: {type: Prometheus, spec: {query: a}}}"),
		"no total":             sloWith("    total: {metricSource: {type: Prometheus, spec: {query: b}}}\n", "", "  ratioMetric:", "  ratioMetric: # want needs total"),
		"raw":                  sloWith("    counter: true", "    counter: true\n    raw: {} # want cannot be turned into counts"),
		"another source":       sloWith("type: Prometheus, spec: {query: b}", "type: Datadog, spec: {query: b}}} # want of type \"Datadog\"\n#"),
		"no source":            sloWith("type: Prometheus, spec: {query: b}", "metricSourceRef: x, spec: {query: b}}} # want there is no DataSource; of type \"\"\n#"),
		"another language":     sloWith("{query: b}", "{query: b, queryType: sql}}} # want must be promql\n#"),
		"a query that is none": sloWith("{query: b}", "{query: [b]}}} # want must be a text\n#"),
	} {
		t.Run(name, func(t *testing.T) { problemsOf(t, text) })
	}
}

func TestProblemsOfAlerts(t *testing.T) {
	const policy = `apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: p}
spec:
  conditions:
  - kind: AlertCondition
    metadata: {name: c}
    spec:
      severity: page
      condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}
`
	for name, pairs := range map[string][]string{
		"another kind":   {"kind: burnrate", "kind: budget", "alertAfter: 5m}", "alertAfter: 5m} # want of kind burnrate"},
		"the wrong way":  {"op: gte", "op: lte", "alertAfter: 5m}", "alertAfter: 5m} # want burns slowly"},
		"no threshold":   {"threshold: 2, ", "", "alertAfter: 5m}", "alertAfter: 5m} # want threshold is missing"},
		"no window":      {"lookbackWindow: 1h, ", "", "alertAfter: 5m}", "alertAfter: 5m} # want lookbackWindow is missing"},
		"no time":        {"alertAfter: 5m}", "alertAfter: soon} # want is no duration"},
		"no severity":    {"      severity: page\n", "", "      condition", "      condition", "    spec:", "    spec: # want", "metadata: {name: c}", "metadata: {name: c}"},
		"no conditions":  {"conditions:", "condition: # want there is no field spec.condition", "  - kind: AlertCondition\n    metadata: {name: c}\n    spec:\n", "  - \n", "spec:\n", "spec:\n"},
		"no such policy": {"  - kind: AlertCondition\n    metadata: {name: c}\n    spec:\n      severity: page\n", "  - conditionRef: d # want there is no AlertCondition\n#", "      condition", "#     condition"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer(pairs...).Replace(policy)
			_, problems := openslo.Read([]openslo.File{{Name: "x.yaml", Docs: yamldoc.Parse([]byte(text))}}, openslo.Options{})
			if len(problems) == 0 {
				t.Fatal("nothing is wrong with it")
			}
			if _, want, ok := strings.Cut(text, "# want "); ok {
				want, _, _ = strings.Cut(want, "\n")
				if !strings.Contains(problems[0].Message, want) && !strings.Contains(problems[len(problems)-1].Message, want) {
					t.Errorf("%v lacks %q", problems, want)
				}
			}
		})
	}
}

func TestAnEmptyFileIsAProblem(t *testing.T) {
	if _, problems := openslo.Read([]openslo.File{{Name: "x.yaml"}}, openslo.Options{}); len(problems) != 1 || problems[0].Position.File != "x.yaml" {
		t.Error(problems)
	}
	if found, problems := openslo.Read(nil, openslo.Options{}); len(found)+len(problems) > 0 {
		t.Error(found, problems)
	}
}
