package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/bubble"
)

var sloNow = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// sloCluster is a cluster that has Objectives only. What it has may change from one
// look to the next.
type sloCluster struct {
	Cluster
	looks []func() ([]v1alpha1.Objective, error)
	asked string
}

func (c *sloCluster) Namespace() string { return "shop" }

func (c *sloCluster) SLOs(_ context.Context, namespace string) ([]v1alpha1.Objective, error) {
	c.asked = namespace
	look := c.looks[0]
	if len(c.looks) > 1 {
		c.looks = c.looks[1:]
	}
	return look()
}

type sloBackend struct {
	Backend
	cluster Cluster
}

func (b sloBackend) Cluster(ClusterOptions) (Cluster, error) { return b.cluster, nil }

func sloFlags(output string, looks ...func() ([]v1alpha1.Objective, error)) (*clusterFlags, *sloCluster, *bytes.Buffer, *bytes.Buffer) {
	var out, complaints bytes.Buffer
	c := &sloCluster{looks: looks}
	return &clusterFlags{backend: sloBackend{cluster: c}, streams: &Streams{Out: &out, Err: &complaints}, output: output, now: func() time.Time { return sloNow }}, c, &out, &complaints
}

func has(all ...v1alpha1.Objective) func() ([]v1alpha1.Objective, error) {
	return func() ([]v1alpha1.Objective, error) { return all, nil }
}

// sloOf is an objective that was evaluated a while ago.
func sloOf(name, state string, ago time.Duration, change func(o *v1alpha1.Objective)) v1alpha1.Objective {
	at := metav1.NewTime(sloNow.Add(-ago))
	o := v1alpha1.Objective{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Generation: 1},
		Spec:       v1alpha1.ObjectiveSpec{Service: "shop", Target: "99.9%", Period: v1alpha1.ObjectivePeriod{Rolling: "30d"}},
		Status: v1alpha1.ObjectiveStatus{
			ObservedGeneration: 1, State: state, Evaluated: &at,
			Budget: &v1alpha1.ObjectiveBudget{From: at, Remaining: "42%", Coverage: "99%", Bad: 58, Total: 100_000},
			Burns:  []v1alpha1.ObjectiveBurn{{Window: "5m"}, {Window: "1h", Rate: "0.50", Bad: 1, Total: 2000}},
		},
	}
	if change != nil {
		change(&o)
	}
	return o
}

func burns(severity string) func(o *v1alpha1.Objective) {
	return func(o *v1alpha1.Objective) {
		o.Status.Incident = &v1alpha1.ObjectiveIncident{Opened: metav1.NewTime(sloNow.Add(-time.Hour)), Tier: "page-fast", Peak: "page-fast", Severity: severity}
	}
}

func TestSLOState(t *testing.T) {
	left := func(text string) func(o *v1alpha1.Objective) {
		return func(o *v1alpha1.Objective) { o.Status.Budget.Remaining = text }
	}
	for want, o := range map[string]v1alpha1.Objective{
		"Healthy":              sloOf("a", "measured", time.Minute, nil),
		"Burning (page)":       sloOf("a", "measured", time.Minute, burns("page")),
		"Burning (tick?et)":    sloOf("a", "measured", time.Minute, burns("tick\x1bet")),
		"Blind":                sloOf("a", "blind", time.Minute, burns("page")),
		"Invalid":              sloOf("a", "invalid", time.Minute, nil),
		"Exhausted":            sloOf("a", "measured", time.Minute, left("-3%")),
		"Maintenance":          sloOf("a", "maintenance", time.Minute, nil),
		"NoData (absent)":      sloOf("a", "absent", time.Minute, nil),
		"NoData (unmeasured)":  sloOf("a", "unmeasured", time.Minute, nil),
		"NoData (low-traffic)": sloOf("a", "low-traffic", time.Minute, nil),
		"NoData (new?)":        sloOf("a", "new\x07", time.Minute, nil),
		"Changing":             sloOf("a", "measured", time.Minute, func(o *v1alpha1.Objective) { o.Generation = 2 }),
		"Stale (25m01s)":       sloOf("a", "measured", 25*time.Minute+time.Second, nil),
		"NotFollowed":          sloOf("a", "measured", time.Minute, func(o *v1alpha1.Objective) { o.Status = v1alpha1.ObjectiveStatus{} }),
		"Refused": sloOf("a", "measured", time.Hour, func(o *v1alpha1.Objective) {
			o.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ObjectiveReady, Status: "False"}}
		}),
	} {
		if got := sloState(&o, sloNow); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for left, want := range map[string]string{"": "unknown", "100%": "[##########] 100%", "42%": "[#####.....] 42%", "0.01%": "[#.........] 0.01%", "0%": "[..........] 0%", "-900%": "[..........] -900%", "NaN%": "NaN%", "much\x1b": "much?"} {
		if got := budgetBar(&v1alpha1.ObjectiveBudget{Remaining: left}); got != want {
			t.Errorf("%q: %q, want %q", left, got, want)
		}
	}
	for rate, want := range map[string]string{"": "unknown", "0.00": "not at all (5m)", "0.50": "slower than it may (5m)", "1.00": "as fast as it may (5m)", "14.40": "14.40 times as fast as it may (5m)", "NaN": "unknown", "x": "unknown"} {
		if got := burnWords([]v1alpha1.ObjectiveBurn{{Window: "5m", Rate: rate}}); got != want {
			t.Errorf("%q: %q, want %q", rate, got, want)
		}
	}
}

// TestSLOList prints them in all forms.
func TestSLOList(t *testing.T) {
	all := has(sloOf("availability", "measured", time.Minute, nil), sloOf("latency", "blind", 2*time.Minute, func(o *v1alpha1.Objective) { o.Status.Reason = "the source does not answer\x1b[31m" }))
	for output, want := range map[string][]string{
		"table": {"NAME          SERVICE  TARGET  STATE    BUDGET LEFT       BURN\n", "availability  shop     99.9%   Healthy  [#####.....] 42%  slower than it may (1h)\n", "latency       shop     99.9%   Blind "},
		"wide":  {"COVERED  EVALUATED  REASON\n", "99%      1m00s ago  -\n", "2m00s ago  the source does not answer?[31m\n"},
		"name":  {"objective.autoecoops.io/availability\nobjective.autoecoops.io/latency\n"},
		"yaml":  {"kind: ObjectiveList", "name: latency"},
	} {
		f, c, out, _ := sloFlags(output, all)
		if err := f.slos(t.Context(), false); err != nil || c.asked != "shop" {
			t.Errorf("%s: %v in %q", output, err, c.asked)
		}
		for _, text := range want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s: %q is not in\n%s", output, text, out)
			}
		}
	}
	f, c, out, _ := sloFlags("json", has())
	f.all = true
	var list v1alpha1.ObjectiveList
	if err := f.slos(t.Context(), false); err != nil || c.asked != "" || json.Unmarshal(out.Bytes(), &list) != nil || list.Items == nil || list.Kind != "ObjectiveList" {
		t.Errorf("%v %q %s", err, c.asked, out)
	}
	f, _, out, complaints := sloFlags("table", has())
	if err := f.slos(t.Context(), false); err != nil || out.Len() > 0 || complaints.String() != "no objectives in shop\n" {
		t.Errorf("%v %q %q", err, out, complaints)
	}
	f, _, out, _ = sloFlags("table", all)
	f.all = true
	if err := f.slos(t.Context(), false); err != nil || !strings.HasPrefix(out.String(), "NAMESPACE  NAME") {
		t.Errorf("%v %s", err, out)
	}
	denied := fault.New(fault.Denied, "list", "objectives", "no", "")
	f, _, out, _ = sloFlags("json", func() ([]v1alpha1.Objective, error) { return nil, denied })
	if err := f.slos(t.Context(), false); fault.KindOf(err) != fault.Denied || out.Len() > 0 {
		t.Errorf("a failure is an empty list: %v %q", err, out)
	}
	if err := f.slo(t.Context(), "x", false); fault.KindOf(err) != fault.Denied {
		t.Error(err)
	}
}

// TestSLOGet shows one, and says what it is that is old, or not followed.
func TestSLOGet(t *testing.T) {
	conditions := func(o *v1alpha1.Objective) {
		burns("page")(o)
		o.Status.Conditions = []metav1.Condition{{Type: "Burning", Status: "True", Reason: "Incident", Message: "page-fast fires", LastTransitionTime: metav1.NewTime(sloNow.Add(-time.Hour))}}
	}
	for name, c := range map[string]struct {
		o    v1alpha1.Objective
		want []string
	}{
		"burning":      {sloOf("a", "measured", time.Minute, conditions), []string{"shop/a", "99.9% over 30d", "Burning (page)", "1m00s ago\n", "58 bad of 100000 since 2026-05-04 11:59 UTC; 99% of the time are covered", "page-fast (page) fires, opened 1h00m ago", "no events; 0 bad of 0", "0.50; 1 bad of 2000", "True for 1h00m, Incident: page-fast fires"}},
		"stale":        {sloOf("a", "measured", time.Hour, nil), []string{"Stale (1h00m)", "is aeod running? What follows is what it said then"}},
		"not followed": {sloOf("a", "", 0, func(o *v1alpha1.Objective) { o.Status = v1alpha1.ObjectiveStatus{} }), []string{"NotFollowed", "never: is aeod running, with --prometheus", "unknown"}},
		"a month": {sloOf("a", "blind", 0, func(o *v1alpha1.Objective) {
			o.Spec.Period, o.Status.Reason = v1alpha1.ObjectivePeriod{Calendar: "Month"}, "no answer"
		}), []string{"over a calendar month", "no answer"}},
	} {
		f, _, out, _ := sloFlags("table", has(sloOf("b", "measured", 0, nil), c.o))
		if err := f.slo(t.Context(), "a", false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, text := range c.want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s: %q is not in\n%s", name, text, out)
			}
		}
	}
	for output, want := range map[string]string{"json": `"name": "a"`, "yaml": "name: a", "name": "objective.autoecoops.io/a\n"} {
		f, _, out, _ := sloFlags(output, has(sloOf("a", "measured", 0, nil)))
		if err := f.slo(t.Context(), "a", false); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v %s", output, err, out)
		}
	}
	f, _, _, _ := sloFlags("table", has(sloOf("availability", "measured", 0, nil)))
	err := f.slo(t.Context(), "availabilty", false)
	if fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), "shop/availabilty") {
		t.Error(err)
	}
	if f, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(f.Hint, "did you mean availability?") || !strings.Contains(f.Hint, "aeo slo list -A") {
		t.Errorf("%+v", f)
	}
}

// TestSLOWatch writes a line for each change of what is watched, and bears a
// cluster that does not answer for a while.
func TestSLOWatch(t *testing.T) {
	failed := func() ([]v1alpha1.Objective, error) {
		return nil, fault.New(fault.Unavailable, "list", "objectives", "down", "")
	}
	a, b := sloOf("a", "measured", 0, nil), sloOf("b", "measured", 0, nil)
	worse := sloOf("a", "measured", 0, burns("page"))
	looks := []func() ([]v1alpha1.Objective, error){has(a, b), has(a, b), failed, has(worse, b), has(worse), failed, has(), failed}
	for name, want := range map[string][]string{
		"":  {"shop/a  Burning (page)", "shop/b  deleted", "shop/a  deleted"},
		"a": {"shop/a  Burning (page)", "shop/a  deleted"},
		"b": {"shop/b  deleted"},
	} {
		bubble.Test(t, func(t *testing.T) {
			f, _, out, _ := sloFlags("table", looks...)
			var err error
			if name == "" {
				err = f.slos(t.Context(), true)
			} else {
				err = f.slo(t.Context(), name, true)
			}
			if fault.KindOf(err) != fault.Unavailable {
				t.Errorf("it never gave up: %v", err)
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				if rest, ok := strings.CutPrefix(line, "12:00:00  "); ok {
					got = append(got, strings.TrimSpace(rest))
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%s: %q", name, got)
			}
			for i := range want {
				if !strings.HasPrefix(got[i], want[i]) {
					t.Errorf("%s: %q, want %q", name, got[i], want[i])
				}
			}
		})
	}
	f, _, _, _ := sloFlags("json", has(a))
	if err := f.slos(t.Context(), true); fault.KindOf(err) != fault.Invalid {
		t.Errorf("--watch is dropped: %v", err)
	}
	if err := f.slo(t.Context(), "a", true); fault.KindOf(err) != fault.Invalid {
		t.Errorf("--watch is dropped: %v", err)
	}
}
