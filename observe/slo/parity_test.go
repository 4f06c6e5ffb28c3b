package slo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/test/prometheustest"
)

// promStory is a story that Prometheus is told too.
type promStory struct {
	name     string
	o        Objective
	interval time.Duration
	text     string
}

// tellBoth plays a story and returns it as a test for promtool that expects of
// Prometheus what the Monitor did, at most one evaluation sooner or later.
func tellBoth(t *testing.T, p promStory) (test string, transitions int) {
	t.Helper()
	s := newStory(t, p.o, p.interval)
	values := map[string][]string{}
	var names []string
	n := 0
	s.onBatch = func(b Batch) {
		n++
		if b.Lost {
			return
		}
		for _, x := range b.Samples {
			if _, known := values[x.Series]; !known {
				names = append(names, x.Series)
			}
			for len(values[x.Series]) < n {
				values[x.Series] = append(values[x.Series], "_")
			}
			values[x.Series] = append(values[x.Series], strconv.FormatFloat(x.Value, 'f', -1, 64))
		}
	}
	s.tell(p.text)
	evaluation := p.interval
	if p.o.Budgeting == TimeSlices {
		evaluation = p.o.Slice.Width
	}
	var b strings.Builder
	fmt.Fprintf(&b, "- name: %q\n  interval: %s\n  input_series:\n", p.name, FormatDuration(p.interval))
	for _, name := range names {
		fmt.Fprintf(&b, "  - series: '%s'\n    values: '%s'\n", metricOf(name), strings.Join(values[name], " "))
	}
	b.WriteString("  promql_expr_test:\n")
	expect := func(i int, tier string, firing bool, what string) {
		if i < 1 || i > n {
			return
		}
		value := 0
		if firing {
			value = 1
		}
		fmt.Fprintf(&b, "  - expr: count(ALERTS{alertname=%q,tier=%q,alertstate=\"firing\"}) or vector(0) # %s\n    eval_time: %s\n    exp_samples: [{labels: '{}', value: %d}]\n",
			AlertBurn, tier, what, FormatDuration(time.Duration(i)*p.interval), value)
	}
	step := int(evaluation / p.interval)
	for k, tier := range p.o.Alerting.Tiers {
		was, since := false, 1
		for i := 1; i <= n; i++ {
			firing := s.statuses[i-1].Tiers[k].Phase == Firing
			if firing == was && i < n {
				continue
			}
			if i-2*step > since { // shorter stretches may be over before they begin
				expect(min(since+step, i-2*step), tier.Name, was, "after the change")
				expect((since+i)/2, tier.Name, was, "between two changes")
				expect(i-2*step, tier.Name, was, "before the change")
			}
			if firing != was {
				transitions++
			}
			was, since = firing, i
		}
	}
	return b.String(), transitions
}

// metricOf is the series of a story as the objective's selectors find it.
func metricOf(name string) string {
	switch {
	case name == "bad":
		return `errors_total{job="shop"}`
	case name == "good":
		return `good_total{job="shop"}`
	case name == "gauge":
		return `queue_length{job="shop"}`
	}
	return `requests_total{job="shop",pod="` + name + `"}`
}

// forPrometheus names the objective's series as metricOf does.
func forPrometheus(o Objective) Objective {
	i := &o.Indicator
	if !i.Total.Empty() {
		i.Total = Query{Selector: `requests_total{job="shop"}`}
	}
	if !i.Good.Empty() {
		i.Good = Query{Selector: `good_total{job="shop"}`}
	}
	if !i.Bad.Empty() {
		i.Bad = Query{Selector: `errors_total{job="shop"}`}
	}
	if !i.Gauge.Empty() {
		i.Gauge = Query{Selector: `queue_length{job="shop"}`}
	}
	return o
}

// runPromtool has promtool test the stories.
func runPromtool(t *testing.T, stories []promStory) {
	t.Helper()
	tool := prometheustest.Need(t).Promtool
	dir := t.TempDir()
	transitions := 0
	for i, p := range stories {
		p.o = forPrometheus(p.o)
		groups, _, err := Rules(p.o, RuleOptions{Interval: p.interval})
		if err != nil {
			t.Fatal(err)
		}
		var rules bytes.Buffer
		if err := WriteRules(&rules, groups[:1]); err != nil { // the budget is not needed for alerts
			t.Fatal(err)
		}
		test, n := tellBoth(t, p)
		transitions += n
		rulesFile, testFile := filepath.Join(dir, fmt.Sprint("rules", i, ".yaml")), filepath.Join(dir, fmt.Sprint("test", i, ".yaml"))
		text := fmt.Sprintf("rule_files: [%s]\nevaluation_interval: %s\ntests:\n%s", filepath.Base(rulesFile), FormatDuration(p.interval), test)
		if err := errors.Join(os.WriteFile(rulesFile, rules.Bytes(), 0o644), os.WriteFile(testFile, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), tool, "test", "rules", testFile).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out[:min(len(out), 3000)])
			}
		})
	}
	if transitions == 0 {
		t.Error("no alert ever changed: nothing was compared")
	}
	t.Logf("%d stories, %d changes of alerts compared with Prometheus", len(stories), transitions)
}

// TestAlertTimesEqualPrometheus has promtool run the generated rules over the
// stories of the truth table. Where the Monitor knows better on purpose (gaps,
// blindness, low traffic in an incident) there is nothing to compare.
func TestAlertTimesEqualPrometheus(t *testing.T) {
	var stories []promStory
	for _, r := range truthTable() {
		if r.prometheus {
			// A whole day of health before the story costs Prometheus much and tells
			// little. But where a long window creeps over its threshold it must be
			// full: at the beginning of a series Prometheus extrapolates by half an
			// interval, and the Monitor does not.
			base := "2h "
			if strings.HasPrefix(r.name, "one in a hundred") {
				base = "7h "
			}
			text := strings.Replace(strings.TrimSpace(r.story), "1d ", base, 1)
			stories = append(stories, promStory{r.name, r.o, time.Minute, text})
		}
	}
	if len(stories) < 20 {
		t.Fatalf("only %d stories are compared", len(stories))
	}
	if testing.Short() {
		stories = slices.DeleteFunc(stories, func(p promStory) bool { return !strings.HasPrefix(p.name, "three pods") })
	}
	runPromtool(t, stories)
}
